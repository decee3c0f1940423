"""The engine of the explorer, in a real browser: it equals Keras."""

import base64
import itertools
import math
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from playwright.sync_api import Error
from scipy.stats import ks_2samp, kstest, truncnorm

from tests.browser.browser import PATIENCE, serve

ENGINE = Path(__file__).parents[2] / "docs/explorer/engine.js"
STATE = {
    "initializer": "he_normal", "stddev": 0.05, "scale": 1, "mode": "fan_in",
    "distribution": "uniform", "gain": 1, "activation": "relu", "depth": 6,
    "width": 24, "batch": 8, "seeds": 2, "seed": 0,
}  # fmt: skip
ACTIVATIONS = [
    "linear", "sigmoid", "tanh", "relu", "leaky_relu", "prelu", "elu", "selu",
    "gelu", "silu", "mish",
]  # fmt: skip
STDDEVS = {  # times the root of the width
    "glorot_uniform": 1, "glorot_normal": 1, "he_uniform": math.sqrt(2),
    "he_normal": math.sqrt(2), "lecun_uniform": 1, "lecun_normal": 1,
    "orthogonal": 1,
}  # fmt: skip
API = "const api = explorerEngine({});"
NETWORK = """
  const plain = (result) => {
    const layers = {};
    for (const [name, values] of Object.entries(result.layers)) {
      layers[name] = [...values];
    }
    return { ...result, layers };
  };
  const floats = (text) => new Float32Array(
    Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  const text = (array) => btoa(Array.from(
    new Uint8Array(array.buffer, array.byteOffset, array.byteLength),
    (byte) => String.fromCharCode(byte)).join(""));
"""
# Posts the first state, and the next at the first answer to the one before;
# resolves with all messages after the end of the last.
# The worker's clock counts its looks at it: the machine's speed is not in it.
WORKER = """
([states, patience]) => new Promise((resolve, reject) => {
  const source = "let looks = 0; performance.now = () => looks++;"
    + "(" + explorerEngine + ")(self)";
  const worker = new Worker(URL.createObjectURL(new Blob([source])));
  const messages = [];
  let id = 0;
  setTimeout(() => reject(new Error("no answer")), patience);
  const post = () => worker.postMessage(
    { type: "run", id: ++id, state: states[id - 1] });
  worker.onerror = (event) => reject(new Error(event.message));
  worker.onmessage = ({ data }) => {
    const layers = data.layers && Object.fromEntries(
      Object.entries(data.layers).map(([k, v]) => [k, [...v]]));
    const isTyped = !data.layers || Object.values(data.layers).every(
      (values) => values instanceof Float64Array);
    const shown = ["secondMoment", "activationGradient"];
    const curves = data.type === "theory" &&
      Object.fromEntries(shown.map((name) => [name, [...data[name]]]));
    messages.push({ ...data, ...curves, layers, isTyped });
    if (data.id === id && id < states.length) post();
    if (data.type === "done" && data.id === states.length) {
      worker.terminate();
      resolve(messages);
    }
  };
  post();
})
"""


@pytest.fixture(scope="module")
def page(browser):
    page = browser.new_page()
    page.add_script_tag(path=ENGINE)
    return page


@pytest.fixture(scope="module")
def engine(page):
    """Return a function that evaluates JavaScript, with `api` and `x`."""
    return lambda code, x=None: page.evaluate(
        "(x) => {" + API + NETWORK + code + "}", x
    )


def encode(array):
    return base64.b64encode(np.float32(array).tobytes()).decode()


def decode(text, dtype=np.float32):
    return np.frombuffer(base64.b64decode(text), dtype)


def propagate(engine, state, kernels, inputs, gradient):
    """Return what the engine makes of kernels and inputs from outside."""
    given = [[encode(k) for k in kernels], encode(inputs), encode(gradient)]
    return engine(
        """
        const [state, [kernels, inputs, gradient]] = x;
        return plain(api.network(state, 0, false, {
          kernels: kernels.map(floats), inputs: floats(inputs),
          gradient: floats(gradient),
        }));
        """,
        [state, given],
    )


def dense_layers(activation, kernels):
    """Return for each kernel the Keras layers that make h of h before."""
    layers = []
    for kernel in kernels:
        name = None if activation == "prelu" else activation
        dense = keras.layers.Dense(
            len(kernel), activation=name, dtype=kernel.dtype.name
        )
        dense.build((None, len(kernel)))
        dense.kernel.assign(kernel)
        layers.append([dense])
        if activation == "prelu":
            layers[-1].append(keras.layers.PReLU(dtype=kernel.dtype.name))
    return layers


def keras_layers(activation, kernels, inputs, gradient):
    """Return the engine's numbers, from Keras's outputs and gradients."""
    layers = dense_layers(activation, kernels)
    outputs = [tf.constant(inputs)]
    with tf.GradientTape() as tape:
        tape.watch(outputs[0])
        for parts in layers:
            h = outputs[-1]
            for part in parts:
                h = part(h)
            outputs.append(h)
    variables = [parts[0].kernel.value for parts in layers]
    gradients = tape.gradient(
        outputs[-1], outputs + variables, output_gradients=gradient
    )
    # Of infinities nothing but NaN is left, in silence.
    with np.errstate(invalid="ignore"):
        return measures(outputs, gradients)


def measures(outputs, gradients):
    norms = [np.linalg.norm(np.float64(g)) for g in gradients]
    return {
        "secondMoment": [np.square(np.float64(h)).mean() for h in outputs],
        "variance": [np.float64(h).var() for h in outputs],
        "cosine": [mean_cosine(np.float64(h)) for h in outputs],
        "activationGradient": norms[: len(outputs)],
        "kernelGradient": [np.nan, *norms[len(outputs) :]],
    }


def mean_cosine(h):
    unit = [row / np.linalg.norm(row) for row in h[:16] if row.any()]
    return np.mean(
        [a @ b for a, b in itertools.combinations(unit, 2)] or [np.nan]
    )


def sample(width, depth, batch, stddev, seed=0):
    """Return kernels, inputs and the output's gradient, all drawn by Keras."""
    draw = keras.initializers.RandomNormal(
        stddev=1, seed=keras.random.SeedGenerator(seed)
    )
    kernels = [
        np.array(draw((width, width))) * np.float32(stddev)
        for _ in range(depth)
    ]
    gradient = np.array(draw((batch, width))) / np.float32(
        math.sqrt(batch * width)
    )
    return kernels, np.array(draw((batch, width))), gradient


def worst(layers, expected):
    """Return the largest relative error of any number of any layer."""
    errors = {}
    for name, numbers in expected.items():
        numbers = np.array(numbers)
        seen = np.array(layers[name], dtype=float)
        assert np.array_equal(np.isnan(seen), np.isnan(numbers)), name
        with np.errstate(invalid="ignore", divide="ignore"):
            relative = np.abs(seen / numbers - 1)
        if name == "cosine":  # its mean may cancel to 0: relative to 1
            relative = np.abs(seen - numbers)
        relative[(seen == numbers) | np.isnan(numbers)] = 0
        errors[name] = relative.max()
    return errors


NETWORKS = {  # width, depth, batch, standard deviation of the kernels
    "small": (24, 6, 8, math.sqrt(1.5 / 24)),
    "odd": (10, 4, 7, 0.4),
    "saturated": (32, 5, 18, 1),
    "deep": (64, 30, 16, math.sqrt(1 / 64)),
}


def state_of(activation, width, depth, batch, **more):
    return {
        **STATE, "activation": activation, "width": width, "depth": depth,
        "batch": batch, **more,
    }  # fmt: skip


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_moments_and_gradients_equal_those_of_keras(
    engine, activation, record_property
):
    for name, (width, depth, batch, stddev) in NETWORKS.items():
        given = sample(width, depth, batch, stddev)
        state = state_of(activation, width, depth, batch)
        result = propagate(engine, state, *given)
        errors = worst(result["layers"], keras_layers(activation, *given))
        print(f"{activation} {name}: {max(errors.values()):.1e} {errors}")
        record_property(name, float(max(errors.values())))
        assert max(errors.values()) < 1e-5, (name, errors)
        assert result["notFinite"] == -1


def test_rounding_in_a_chaotic_network_is_not_worse_than_that_of_keras(engine):
    activation = "selu"
    # Here float32 itself is off by more than 1e-5: measure by float64.
    given = sample(64, 50, 16, math.sqrt(3 / 64))
    exact = keras_layers(activation, *map(np.float64, given))
    ours = worst(
        propagate(engine, state_of(activation, 64, 50, 16), *given)["layers"],
        exact,
    )
    theirs = worst(keras_layers(activation, *given), exact)
    print("from float64: the engine", ours, "Keras", theirs)
    for name in exact:
        assert ours[name] < max(theirs[name], 1e-6), name
    assert max(theirs.values()) > 1e-5


@pytest.mark.parametrize("activation", ["relu", "prelu", "gelu", "linear"])
def test_overflow_is_infinity_and_then_nan_as_in_keras(engine, activation):
    given = sample(24, 12, 8, 3e4)
    expected = keras_layers(activation, *given)
    state = state_of(activation, 24, 12, 8)
    result = propagate(engine, state, *given)
    moments = np.array(result["layers"]["secondMoment"], dtype=float)
    finite = np.isfinite(expected["secondMoment"])
    assert np.array_equal(np.isfinite(moments), finite)
    first = result["notFinite"]
    assert first == np.argmin(finite) > 1
    # Infinity or NaN, for a sum of infinities of both signs, depends on its
    # order, which is another one on another processor. Not so with PReLU: it
    # multiplies minus infinity by 0.
    if activation == "prelu":
        assert np.isnan(moments[first])
        assert np.isnan(expected["secondMoment"][first])
    for name in ("activationGradient", "kernelGradient"):
        gradient = np.array(result["layers"][name], dtype=float)
        assert np.array_equal(
            np.isfinite(gradient), np.isfinite(expected[name])
        )


def test_gradients_vanish_to_zero_where_they_do_in_keras(engine):
    given = sample(16, 80, 8, 0.25)
    expected = keras_layers("sigmoid", *given)
    result = propagate(engine, state_of("sigmoid", 16, 80, 8), *given)
    for name in ("activationGradient", "kernelGradient"):
        seen = np.array(result["layers"][name], dtype=float)[1:]
        wanted = np.array(expected[name])[1:]
        normal = wanted > 1e-34
        # 80 layers in float32, each sum in the order of the processor's kernel
        assert np.allclose(seen[normal], wanted[normal], rtol=1e-4, atol=0)
        assert np.all(seen[~normal] < 1e-34)
        assert wanted[0] == seen[0] == 0
        assert 40 < normal.sum() < 78


# What is drawn


def kernels(engine, layers=4, **state):
    """Return the first kernels of a seed, as float32: (layers, n, n)."""
    state = {**STATE, "width": 128, **state}
    code = """
    return Array.from({ length: x[1] },
      (_, i) => text(api.kernel(x[0], x[0].seed, i + 1)));
    """
    drawn = [decode(text) for text in engine(code, [state, layers])]
    return np.reshape(drawn, (layers, state["width"], state["width"]))


def of_keras(name, layers=4, width=128, **options):
    """Return kernels drawn by an initializer of Keras: (layers, n, n)."""
    initializer = keras.initializers.get(
        {"class_name": name, "config": options}
    )
    initializer.seed = keras.random.SeedGenerator(1)
    return np.stack([initializer((width, width)) for _ in range(layers)])


SCALINGS = [
    ("variance_scaling", {"scale": s, "mode": m, "distribution": d})
    for s, m, d in zip(
        [0.5, 1.3, 2],
        ["fan_in", "fan_out", "fan_avg"],
        ["uniform", "truncated_normal", "untruncated_normal"],
        strict=True,
    )
]


@pytest.mark.parametrize(
    ("initializer", "options"),
    [(name, {}) for name in STDDEVS if name != "orthogonal"]
    + [("random_normal", {"stddev": 0.3}), *SCALINGS],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_an_initializer_draws_what_that_of_keras_draws(
    engine, initializer, options
):
    ours = kernels(engine, initializer=initializer, **options).ravel()
    theirs = of_keras(initializer, **options).ravel()
    assert len(ours) == len(theirs) == 2**16
    config = keras.initializers.get(initializer).get_config() | options
    shape = config.get("distribution") or initializer.split("_")[1]
    stddev = options.get("stddev")
    if stddev is None:
        scale = options.get("scale", STDDEVS.get(initializer, 0) ** 2)
        stddev = math.sqrt(scale / 128)
    # The relative error of a standard deviation of N numbers is at most
    # √(1/2N) = 0.28 %, and of the mean σ/√N: four of them.
    assert abs(ours.std() / stddev - 1) < 4 * math.sqrt(1 / 2 / len(ours))
    assert abs(theirs.std() / stddev - 1) < 4 * math.sqrt(1 / 2 / len(ours))
    assert abs(ours.mean()) < 4 * stddev / math.sqrt(len(ours))
    assert ks_2samp(ours, theirs).pvalue > 0.01
    if shape == "uniform":
        limit = math.sqrt(3) * stddev
        reach, law = limit, ("uniform", (-limit, 2 * limit))
    elif shape.startswith("untruncated") or initializer == "random_normal":
        reach, law = None, ("norm", (0, stddev))
        # Of 65,536 normal numbers the largest lies between these.
        for drawn in (ours, theirs):
            assert 4 < np.abs(drawn).max() / stddev < 6
    else:
        before = stddev / 0.87962566103423978
        reach, law = 2 * before, (truncnorm(-2, 2, 0, before).cdf, ())
    if reach is not None:
        for drawn in (ours, theirs):
            assert 0.999 * reach < np.abs(drawn).max() <= reach * (1 + 1e-6)
    assert kstest(ours, *law).pvalue > 0.01


@pytest.mark.parametrize("width", [5, 30, 128])
def test_an_orthogonal_kernel_is_orthogonal(engine, width):
    for drawn in (
        kernels(engine, 2, initializer="orthogonal", width=width),
        of_keras("orthogonal", 2, width),
    ):
        for q in np.float64(drawn):
            assert np.abs(q @ q.T - np.eye(width)).max() < 1e-5
    q = kernels(engine, 1, initializer="orthogonal", width=width, gain=1.5)[0]
    assert np.allclose(q @ q.T, 2.25 * np.eye(width), atol=1e-5)


def test_an_orthogonal_kernel_of_512_units_is_orthogonal_too(engine):
    worst_entry = engine(
        """
        const q = api.kernel(x, 0, 1), n = x.width;
        let worst = 0;
        for (let a = 0; a < n; a += 7) for (let b = 0; b < n; b++) {
          let sum = a === b ? -1 : 0;
          for (let i = 0; i < n; i++) sum += q[a * n + i] * q[b * n + i];
          worst = Math.max(worst, Math.abs(sum));
        }
        return worst;
        """,
        {**STATE, "initializer": "orthogonal", "width": 512},
    )
    assert 0 < worst_entry < 1e-5


def test_orthogonal_kernels_are_drawn_without_preference(engine):
    # Without the signs of R's diagonal, Q's would lean to one side.
    ours = kernels(engine, 600, initializer="orthogonal", width=6)
    theirs = of_keras("orthogonal", 600, 6)
    for drawn in (ours, theirs):
        # An entry has the variance 1/6.
        assert np.abs(drawn.mean(0)).max() < 4 / math.sqrt(6 * 600)
        assert np.abs((drawn**2).mean(0) - 1 / 6).max() < 0.04
        turns = np.linalg.det(np.float64(drawn)) > 0
        assert abs(turns.mean() - 0.5) < 4 * 0.5 / math.sqrt(600)
    for i, j in itertools.product(range(6), repeat=2):
        pvalue = ks_2samp(ours[:, i, j], theirs[:, i, j]).pvalue
        assert pvalue > 0.01 / 36, (i, j)


INITIALIZERS = [*STDDEVS, "random_normal", "variance_scaling"]


@pytest.mark.parametrize("initializer", INITIALIZERS)
def test_a_network_has_these_kernels_and_keras_gets_the_same_of_them(
    engine, initializer
):
    state = state_of(
        "elu", 22, 5, 6, initializer=initializer, gain=1.25, stddev=0.2, seed=3
    )
    inputs, gradient = (
        decode(
            engine(
                "return text(api.fillNormal(new Float32Array(x[1]), x[3],"
                "api.randomIntegers(x[0], x[2])))",
                [3, 6 * 22, stream, stddev],
            )
        ).reshape(6, 22)
        for stream, stddev in [(0, 1), (1, 1 / math.sqrt(6 * 22))]
    )
    given = kernels(engine, 5, **state), inputs, gradient
    result = engine("return plain(api.network(x, 3, true))", state)
    errors = worst(result["layers"], keras_layers("elu", *given))
    assert max(errors.values()) < 1e-5


def test_the_gain_multiplies_every_kernel(engine):
    for initializer in INITIALIZERS:
        once = kernels(engine, 1, initializer=initializer, width=20)
        twice = kernels(engine, 1, initializer=initializer, width=20, gain=2)
        assert np.allclose(twice, 2 * once, rtol=1e-6), initializer


def test_the_lists_of_names_are_those_of_keras(engine):
    names = engine("return [api.ACTIVATIONS, api.INITIALIZERS]")
    assert sorted(names[0]) == sorted(ACTIVATIONS)
    assert sorted(names[1]) == sorted(INITIALIZERS)
    for name in names[1]:
        assert keras.initializers.get(name)
    for name in set(names[0]) - {"prelu"}:
        assert keras.activations.get(name)


# The random numbers


def logarithm(x):
    halvings = 0
    while x < math.sqrt(0.5):
        x, halvings = 2 * x, halvings + 1
    t, total = (x - 1) / (x + 1), 0.0
    for n in range(15, 0, -2):
        total = total * t * t + 1 / n
    return 2 * t * total - halvings * math.log(2)


def integers(seed, stream):
    """Yield what sfc32 yields after its first 32 numbers, with a sign."""
    mask = 2**32 - 1
    a, b, c, count = seed & mask, seed >> 32, stream, 1
    for i in itertools.count():
        total = (a + b + count) & mask
        count += 1
        a = b ^ b >> 9
        b = c + (c << 3) & mask
        c = ((c << 21 | c >> 11) + total) & mask
        if i >= 32:
            yield total - 2**32 if total >> 31 else total


def normals(seed, stream):
    source = integers(seed, stream)
    while True:
        x, y = next(source) / 2**31, next(source) / 2**31
        s = x * x + y * y
        if 0 < s < 1:
            length = math.sqrt(-2 * logarithm(s) / s)
            yield x * length
            yield y * length


@pytest.mark.parametrize("seed", [0, 7, 2**40 + 5])
def test_the_numbers_of_a_seed_are_the_same_bits_everywhere(engine, seed):
    # Python computes the same by its own arithmetic: no browser's own
    # logarithm or cosine is in it.
    code = "return [...api.fillNormal(new Float64Array(3000), 1, %s)]"
    drawn = engine(code % "api.randomIntegers(x, 5)", seed)
    assert drawn == list(itertools.islice(normals(seed, 5), 3000))


def test_the_streams_of_a_seed_and_the_seeds_are_independent(engine):
    code = """
    const rows = [];
    for (const [seed, stream] of x) {
      const next = api.randomIntegers(seed, stream);
      rows.push(text(api.fillNormal(new Float32Array(10000), 1, next)));
    }
    return rows;
    """
    streams = [*itertools.product(range(4), range(6)), (2**32, 0), (2**33, 0)]
    drawn = np.array([decode(text) for text in engine(code, streams)])
    correlation = np.corrcoef(drawn) - np.eye(len(drawn))
    assert np.abs(correlation).max() < 4.5 / math.sqrt(10000)
    for row in drawn:
        assert kstest(row, "norm").pvalue > 0.001


def test_a_state_gives_the_same_numbers_twice_and_a_seed_its_own(engine):
    once, twice = (
        engine("return plain(api.network(x, x.seed, true))", STATE)
        for _ in range(2)
    )
    other = engine(
        "return plain(api.network(x, x.seed, true))", {**STATE, "seed": 1}
    )
    assert str(once) == str(twice)
    for name in ("secondMoment", "cosine", "kernelGradient"):
        assert once["layers"][name][1:] != other["layers"][name][1:]


def test_a_deeper_network_keeps_its_first_layers(engine):
    shallow, deep = (
        engine("return plain(api.network(x, 0))", {**STATE, "depth": depth})
        for depth in (3, 9)
    )
    first = deep["layers"]["secondMoment"][:4]
    assert shallow["layers"]["secondMoment"] == first


# What is shown of a layer


def test_saturated_and_dead_shares_are_counted(engine):
    for activation, stddev in [("sigmoid", 1), ("tanh", 1), ("relu", 0.2)]:
        given = sample(40, 12, 6, stddev)
        state = state_of(activation, 40, 12, 6)
        layers = propagate(engine, state, *given)["layers"]
        h = given[1]
        for layer, parts in enumerate(dense_layers(activation, given[0]), 1):
            h = np.array(parts[0](h))
            dead, saturated = np.nan, np.nan
            if activation == "relu":
                dead = (h == 0).all(0).mean()
            elif activation == "sigmoid":
                saturated = ((h < 0.01) | (h > 0.99)).mean()
            else:
                saturated = (np.abs(h) > 0.99).mean()
            seen = [layers["dead"][layer], layers["saturated"][layer]]
            assert np.array_equal(seen, [dead, saturated], equal_nan=True)
        assert np.isnan([layers["dead"][0], layers["saturated"][0]]).all()
        assert not np.isnan([dead, saturated]).all()
        assert np.nansum([dead, saturated]) > 0.1


def test_histograms_count_every_number(engine):
    code = "return plain(api.network(x, 0, true)).histograms"
    for activation in ACTIVATIONS:
        state = state_of(activation, 50, 12, 20)
        histograms = engine(code, state)
        assert [one["layer"] for one in histograms] == [1, 3, 6, 9, 12]
        for one in histograms:
            assert len(one["counts"]) == 40
            outside = (one["bottom"] + one["top"]) * 1000
            assert sum(one["counts"]) + outside == pytest.approx(1000)
            assert outside < 20
            assert one["low"] < one["high"]
    shares = engine(code, state_of("sigmoid", 50, 1, 20))
    assert [one["layer"] for one in shares] == [1]
    assert (shares[0]["low"], shares[0]["high"]) == (0, 1)


def test_histograms_follow_the_outputs(engine):
    state = state_of("tanh", 30, 1, 9)
    given = sample(30, 1, 9, 0.2)
    code = """
    const [kernels, inputs] = x[1].map(floats);
    const given = { kernels: [kernels], inputs, gradient: inputs };
    return api.network(x[0], 0, true, given).histograms[0].counts;
    """
    counts = engine(code, [state, [encode(given[0][0]), encode(given[1])]])
    h = np.array(dense_layers("tanh", given[0])[0][0](given[1]))
    assert counts == list(np.histogram(h, 40, (-1, 1))[0])


def test_dead_and_overflown_layers_have_histograms_and_numbers(engine):
    code = "return plain(api.network(x, 0, true))"
    flat = engine(code, {**STATE, "gain": 0})
    assert flat["histograms"][0]["low"] < 0 < flat["histograms"][0]["high"]
    assert sum(flat["histograms"][0]["counts"]) == 8 * 24
    assert flat["layers"]["dead"][1] == 1
    assert np.isnan(flat["layers"]["cosine"][1])
    state = {**STATE, "initializer": "random_normal", "stddev": 1e10}
    over = engine(code, state)
    assert over["notFinite"] == 4
    assert over["histograms"][-1]["counts"] == [0] * 40


@pytest.mark.parametrize(
    "nonsense",
    [
        {"depth": math.nan}, {"width": 2}, {"batch": 1}, {"seed": -1.5},
        {"seed": math.nan}, {"gain": math.nan}, {"scale": -1}, {"depth": -3},
        {"stddev": math.nan}, {"initializer": "step"}, {"activation": 7},
    ],
)  # fmt: skip
def test_nonsense_does_not_hang(page, nonsense):
    code = f"(x) => ({WORKER})(x).then(() => 'done', (e) => e.message)"
    for initializer in ("random_normal", "orthogonal", "variance_scaling"):
        state = {**STATE, "initializer": initializer, **nonsense}
        assert page.evaluate(code, [[state], PATIENCE]) != "no answer"


# The worker


@pytest.fixture(scope="module", params=["http", "file"])
def tab(browser, request, tmp_path_factory):
    """Return a page with the engine, from a server or from the disk."""
    folder = tmp_path_factory.mktemp("explorer")
    (folder / "engine.js").write_bytes(ENGINE.read_bytes())
    page = folder / "index.html"
    page.write_text("<!doctype html><script src=engine.js></script>")
    with serve(folder) as server:
        tab = browser.new_page()
        tab.goto(server.url if request.param == "http" else page.as_uri())
        yield tab


def test_the_worker_answers_step_by_step(tab):
    state = {**STATE, "seeds": 3, "seed": 11}
    messages = tab.evaluate(WORKER, [[state], PATIENCE])
    order = [(one["type"], one.get("index"), one["id"]) for one in messages]
    assert order == [
        ("theory", None, 1), ("seed", 0, 1), ("seed", 1, 1), ("seed", 2, 1),
        ("done", None, 1),
    ]  # fmt: skip
    theory, *seeds, done = messages
    assert done["milliseconds"] > 0
    assert len(theory["secondMoment"]) == len(theory["activationGradient"]) == 7
    for index, one in enumerate(seeds):
        assert one["seed"] == 11 + index
        assert one["isTyped"]
        assert one["notFinite"] == -1
        assert {len(values) for values in one["layers"].values()} == {7}
        assert bool(one["histograms"]) == (index == 0)
        assert np.isnan(one["layers"]["kernelGradient"][0])
    code = "(x) => {" + API + NETWORK + "return plain(api.network(x, 12))}"
    direct = tab.evaluate(code, state)
    assert str(direct["layers"]) == str(seeds[1]["layers"])


def test_a_new_run_drops_the_old_one(tab):
    slow = {**STATE, "depth": 100, "width": 512, "batch": 128, "seeds": 10}
    for initializer in ("he_normal", "orthogonal"):
        state = {**slow, "initializer": initializer}
        messages = tab.evaluate(WORKER, [[state, state, STATE], PATIENCE])
        order = [(one["id"], one["type"]) for one in messages]
        # Their networks take seconds each, and not one of them is finished.
        assert order[:2] == [(1, "theory"), (2, "theory")]
        assert {id for id, _ in order[2:]} == {3}


def test_an_error_reaches_the_page(tab):
    broken = {**STATE, "activation": "step"}
    with pytest.raises(Error, match="undefined"):
        tab.evaluate(WORKER, [[broken], PATIENCE])


# The theory


def theory(engine, **state):
    state = {**STATE, **state}
    code = """
    const { secondMoment, activationGradient } = api.theory(x);
    return [[...secondMoment], [...activationGradient]];
    """
    return np.array(engine(code, state))


def keras_function(activation):
    name = "relu" if activation == "prelu" else activation
    return keras.activations.get(name)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_theory_integrates_what_keras_computes(engine, activation):
    # Against a sum over 400,000 points, in float64, of Keras's function and
    # of the slope that TensorFlow finds.
    for gain in (0.01, 0.5, 1, 6, 60):
        options = {"initializer": "lecun_normal", "depth": 1, "gain": gain}
        moments, gradient = theory(engine, activation=activation, **options)
        z = np.linspace(-9, 9, 400_000)  # none at 0
        weight = np.exp(-z * z / 2) / np.exp(-z * z / 2).sum()
        x = tf.constant(z * gain)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = keras_function(activation)(x)
        slope = np.array(tape.gradient(y, x))
        assert moments[0] == gradient[1] == 1
        expected = (np.square(y) * weight).sum()
        assert moments[1] == pytest.approx(expected, rel=1e-5)
        expected = gain * math.sqrt((slope**2 * weight).sum())
        assert gradient[0] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("activation", "initializer", "factor", "digits"),
    [
        ("sigmoid", "glorot_uniform", 0.236, 3),
        ("relu", "glorot_normal", 0.7071, 4),
        ("relu", "he_normal", 1, 6),
        ("prelu", "he_uniform", 1, 6),
        ("linear", "orthogonal", 1, 6),
        ("leaky_relu", "variance_scaling", 1, 6),
    ],
)
def test_the_theory_has_the_known_factors(
    engine, activation, initializer, factor, digits
):
    scale = 2 / (1 + 0.2**2)
    _, gradient = theory(
        engine, activation=activation, initializer=initializer, depth=50,
        width=300, scale=scale,
    )  # fmt: skip
    assert round((gradient[5] / gradient[15]) ** (1 / 10), digits) == factor


def test_selu_with_lecun_has_the_fixed_point_1(engine):
    moments, _ = theory(
        engine, activation="selu", initializer="lecun_normal", depth=100
    )
    assert np.allclose(moments, 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("activation", "initializer"),
    [
        ("relu", "he_normal"), ("relu", "glorot_uniform"),
        ("sigmoid", "glorot_uniform"), ("sigmoid", "random_normal"),
        ("tanh", "orthogonal"), ("tanh", "glorot_normal"),
        ("selu", "lecun_normal"), ("elu", "lecun_uniform"),
        ("gelu", "he_normal"), ("silu", "he_uniform"),
        ("mish", "variance_scaling"), ("leaky_relu", "he_normal"),
        ("linear", "glorot_normal"),
    ],
)  # fmt: skip
def test_wide_networks_follow_the_theory(engine, activation, initializer):
    depth, seeds = 8, 4
    state = {
        **STATE, "activation": activation, "initializer": initializer,
        "depth": depth, "width": 512, "batch": 8, "stddev": 1, "scale": 1.3,
        "distribution": "truncated_normal",
    }  # fmt: skip
    code = "return x[1].map((seed) => plain(api.network(x[0], seed)).layers)"
    layers = engine(code, [state, [*range(seeds)]])
    for name, expected in zip(
        ("secondMoment", "activationGradient"), theory(engine, **state),
        strict=True,
    ):  # fmt: skip
        seen = np.array([one[name] for one in layers])
        # The factor of each layer: its spread is the measure.
        error = np.diff(np.log(seen), axis=1) - np.diff(np.log(expected))
        standard = error.std() / math.sqrt(error.size)
        assert abs(error.mean()) < 4 * standard + 1e-3, name
        assert standard < 0.03
        assert np.abs(error.mean(0)).max() < 0.15
