"""The claims of the chapter `normalization`, on what was measured.

"Theory" is an integral over standard normal pre-activations: wide layers,
large batches. Unless a test says otherwise networks are square layers of
width 100 with He init, no biases and no ε, 5 draws, on 128 standard normal
inputs, at initialization. What is trained is in `studies/cures`: digits
within 0 and 1, 1,500 of them, width 100, batch 50, 300 updates of plain SGD,
seeds 0 to 4; accuracies are those of training.
"""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from snippets.normalization.figures import FOLDER, NAME, NORMS
from snippets.normalization.in_front import in_front
from snippets.normalization.normalized_stack import (
    layer_norm,
    normalized_stack,
)
from studies.cures.__main__ import CODE
from studies.cures.normalization import CELLS, stack
from studies.cures.training import start
from studies.cures.traps import on
from studies.unchanged import WEEKLY, chosen, code_hash
from studies.versions import BACKENDS, KERAS, folder
from tests.drawings import is_within, shows
from tests.turn import in_turn


@pytest.fixture(scope="module")
def trained(measured):
    return measured("normalization", "trained")


# What the figures show


def test_the_figure_of_the_factors_shows_theory_and_measurement(
    drawn, measured
):
    theory = measured("normalization", "theory")
    factors = measured("normalization", "factors")
    panels = drawn("normalization", "factors")
    names = [text for _, text in panels[0].y.ticks]
    assert names == [*NAME.values()]
    assert len(names) == 10
    for panel, norm in zip(panels, NORMS, strict=True):
        assert panel.title == norm
        (one,) = panel.rules
        assert (one.axis, one.low) == ("x", 1)
        bars, points = panel.series
        assert (bars.marker, points.marker) == ("|", "o")
        assert np.array_equal(bars.x, [theory[n][norm] for n in NAME])
        medians = [np.median(factors[n][norm]) for n in NAME]
        assert np.array_equal(points.x, medians)
        for line in (bars, points):
            assert np.array_equal(line.y, range(10))
            assert is_within(panel.x, line.x)
        assert np.abs(points.x / bars.x - 1).max() < 0.04
    layer = dict(zip(NAME, panels[0].series[0].x, strict=True))
    assert [layer[n] for n in ("relu", "leaky_relu", "linear")] == (
        pytest.approx([1, 1, 1], abs=1e-3)
    )
    between = ("elu", "selu", "gelu", "silu", "mish")
    assert all(1.015 < layer[n] < 1.045 for n in between)
    assert layer["tanh"] == pytest.approx(1.09, abs=0.006)
    assert layer["sigmoid"] == pytest.approx(0.39, abs=0.006)
    batch = dict(zip(NAME, panels[1].series[1].x, strict=True))
    for name, said in (("relu", 1.21), ("gelu", 1.15), ("leaky_relu", 1.12)):
        assert batch[name] == pytest.approx(said, abs=0.02)
    assert min(batch.values()) > 1
    assert min(panels[1].series[0].x) > 1 - 1e-6


def test_the_figure_of_the_cosines_shows_who_is_kept_apart(drawn, measured):
    stacks = measured("normalization", "stacks")
    (panel,) = drawn("normalization", "apart")
    assert panel.x.label == "layer"
    assert panel.y.scale == "linear"
    ends = {}
    for name in ("no norm", "layer norm", "batch norm"):
        cosine = stacks[name]["cosine"]
        assert cosine.shape == (5, 51)
        line = shows(panel, name, np.arange(51), cosine)
        assert line.y[0] == pytest.approx(0, abs=0.02)
        ends[name] = line.y[-1]
    assert {*panel.labels} == {*ends}
    said = {"no norm": 0.99, "layer norm": 1.00, "batch norm": 0.32}
    assert ends == pytest.approx(said, abs=0.02)


# What the page claims


def test_one_formula_gives_both_norms(measured):
    """Ten activations, 30 layers: medians of 5 networks against theory."""
    theory = measured("normalization", "theory")
    factors = measured("normalization", "factors")
    assert len(theory) == 10
    for name, of in theory.items():
        for norm, factor in of.items():
            seen = np.median(factors[name][norm])
            apart = 0.04 if (name, norm) == ("silu", "batch norm") else 0.02
            assert seen == pytest.approx(factor, rel=apart), (name, norm)


def test_batch_norm_does_not_shrink_the_gradient(measured):
    """Theory: ten activations. Measured: 30 layers, each of 5 networks.

    Of ReLU in 50 layers, 5 networks: the gradient grows 1.2-fold per layer.
    """
    theory = measured("normalization", "theory")
    factors = measured("normalization", "factors")
    for name, of in theory.items():
        if name == "linear":
            assert of["batch norm"] == pytest.approx(1, abs=1e-6)
        else:
            assert of["batch norm"] > 1.01
        assert factors[name]["batch norm"].shape == (5,)
        assert factors[name]["batch norm"].min() > 1
    grows = measured("normalization", "stacks")["batch norm"]["factor"]
    assert grows == pytest.approx(np.full(5, 1.2), abs=0.03)
    assert 7e3 < np.median(grows) ** 50 < 2e4  # ten thousand


def test_the_place_decides_which_formula(measured):
    """ReLU, 50 layers: RMS norm in front, layer norm behind."""
    theory = measured("normalization", "theory")["relu"]
    stacks = measured("normalization", "stacks")
    for name, norm in (
        ("RMS norm", "layer norm"),
        ("layer norm behind", "batch norm"),
        ("batch norm behind", "batch norm"),
    ):
        seen = np.median(stacks[name]["factor"])
        assert seen == pytest.approx(theory[norm], rel=0.03), name


def test_small_batches_grow_faster(measured):
    """ReLU, batch norm, 50 layers; 8, 32 and 128 examples."""
    stacks = measured("normalization", "stacks")
    names = ("batch of 8", "batch of 32", "batch norm")
    eight, some, many = (np.median(stacks[n]["factor"]) for n in names)
    assert eight == pytest.approx(1.3, abs=0.04)
    assert eight > some > many


def test_silu_leaves_the_theory_at_depth(measured):
    """SiLU, batch norm, 5 and 50 layers; kurtosis of layers 1 and 50."""
    stacks = measured("normalization", "stacks")
    theory = measured("normalization", "theory")["silu"]["batch norm"]
    assert theory == pytest.approx(1.10, abs=0.005)
    assert np.median(stacks["SiLU, 5 layers"]["factor"]) == pytest.approx(
        1.11, abs=0.01
    )
    assert np.median(stacks["SiLU, 50 layers"]["factor"]) == pytest.approx(
        1.15, abs=0.01
    )
    tails = measured("normalization", "tails")
    assert tails.shape == (5, 50)
    assert tails[:, 0] == pytest.approx(np.full(5, 3), abs=0.2)
    assert tails[:, -1].min() > 10


def test_batch_norm_keeps_examples_apart(measured):
    """ReLU, 50 layers: mean cosine of all pairs, from layer 5 on."""
    stacks = measured("normalization", "stacks")
    kept = stacks["batch norm"]["cosine"][:, 5:]
    assert np.all(np.abs(kept - 1 / np.pi) < 0.1)
    assert 1 / np.pi == pytest.approx(0.32, abs=0.005)
    for name in ("no norm", "RMS norm", "layer norm"):
        assert stacks[name]["cosine"][:, -1].min() > 0.94
    assert np.allclose(
        stacks["no norm"]["cosine"], stacks["RMS norm"]["cosine"], atol=1e-3
    )


def test_tanh_and_selu_keep_examples_apart_behind_layer_norm():
    """Layer norm in front, 50 layers, 5 networks."""
    for name in ("tanh", "selu"):
        _, cosine = normalized_stack(name, layer_norm, draws=5)
        assert np.abs(cosine[:, -1]).max() < 0.15, name


def test_an_explosion_under_batch_norm_freezes(trained):
    """ReLU, batch norm, 50 layers, rate 0.01: 20 steps of the lowest kernel.

    Each as a share of the kernel's norm before it, seeds 0 to 4.
    """
    (steps,) = trained["first steps"]["step"]
    assert steps.shape == (5, 20)
    assert trained["first steps"]["finite"]
    assert trained["first steps"]["rates"] == [0.01]
    first, later = steps[:, 0], steps[:, 1:]
    assert (round(first.min()), round(first.max())) == (18, 39)
    assert later.max() < 0.02
    assert 0.0005 < np.median(later) < 0.0015  # 0.1 %


def test_small_batches_lose_what_they_are_told(trained):
    """ReLU, 3 layers, 1,500 updates, rates 0.01 and 0.1: the last 1,500."""
    said = {
        (2, "batch"): (38, 40), (2, "layer"): (95, 96),
        (4, "batch"): (78, 80), (4, "layer"): (98, 98),
        (16, "batch"): (99, 99), (16, "layer"): (100, 100),
    }  # fmt: skip
    for (batch, norm), (low, high) in said.items():
        right = 100 * trained[f"batch of {batch}, {norm}"]["right"]
        assert right.shape == (2, 5)
        it = right[right.min(1).argmax()]
        assert it.min() == pytest.approx(low, abs=1), (batch, norm)
        assert it.max() == pytest.approx(high, abs=1), (batch, norm)


@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_the_networks_of_the_study_are_those_of_keras(norm):
    """Three layers of ReLU and norm, seeds 0 to 4: the logits of 50 digits."""
    network = stack("relu", norm, 3)
    weights = start(network, 1)
    x = np.random.default_rng(0).random((5, 50, 64), dtype="float32")
    logits = network.logits(weights, tf.constant(x)).numpy()
    for seed in range(5):
        h = x[seed]
        for at in range(3):
            dense = keras.layers.Dense(100, use_bias=False)
            dense.build(h.shape)
            dense.kernel.assign(weights[f"kernel {at}"][seed])
            layer = {
                "batch": keras.layers.BatchNormalization,
                "layer": keras.layers.LayerNormalization,
            }[norm]()
            h = tf.nn.relu(layer(dense(h), training=True))
        head = h @ weights["head"][seed]
        assert np.allclose(head, logits[seed], atol=1e-4)


CHEAP = [n for n in CELLS if n.startswith(("batch of", "sigmoid, 10"))]


@in_turn
@pytest.mark.parametrize("name", CELLS if WEEKLY else [chosen(CHEAP)])
def test_a_network_comes_out_as_the_table_says(name, trained):
    """One of the small ones at one commit in three, all of them weekly."""
    again = CELLS[name]()
    if name == "first steps":
        assert again["finite"]
        return
    right = np.array(again["right"])
    assert right == pytest.approx(trained[name]["right"], abs=0.15)


def test_the_table_was_made_by_this_code():
    table = json.loads((FOLDER / "trained.json").read_text("utf-8"))
    said = "run python -m studies.cures normalization"
    assert table["code"] == code_hash(CODE["normalization"]), said
    assert {*table["outcomes"]} == {*CELLS}


def test_batch_norm_allows_larger_rates(trained):
    """ReLU, 30 layers: percent right of the last 1,500, each seed."""
    said = {
        "none": ((46, 68), (11, 28), (8, 18)),
        "layer": ((68, 83), (9, 36), (9, 12)),
        "batch": ((35, 67), (63, 76), (63, 77)),
    }
    for norm, ranges in said.items():
        of = trained[f"ReLU, 30 layers, {norm}"]
        assert of["rates"].tolist() == [0.01, 0.03, 0.1]
        assert not of["reached"].any()  # 90 %
        for (low, high), right in zip(ranges, 100 * of["right"], strict=True):
            assert len(right) == 5
            assert right.min() == pytest.approx(low, abs=1), norm
            assert right.max() == pytest.approx(high, abs=1), norm


def test_the_norm_belongs_in_front(trained):
    """ReLU, 30 layers, rates 0.01 and 0.1, five seeds."""
    front = trained["ReLU, 30 layers, batch"]["right"]
    behind = trained["ReLU, 30 layers, batch behind"]["right"]
    assert behind.shape == (2, 5)
    assert front[[0, 2]].min(1).max() > behind[behind.mean(1).argmax()].max()
    layer = trained["ReLU, 30 layers, layer behind"]
    assert layer["rates"].tolist() == [0.01, 0.1]
    assert layer["right"].max() < 0.15


def test_batch_norm_rescues_sigmoids_and_layer_norm_does_not(trained, measured):
    """Sigmoids, 10 and 20 layers, rates 0.1 and 1, looked at every 30."""
    for depth in (10, 20):
        for norm in ("none", "layer"):
            of = trained[f"sigmoid, {depth} layers, {norm}"]
            assert of["rates"].tolist() == [0.1, 1]
            assert of["right"].shape == (2, 5)
            assert of["right"].max() < 0.15, (depth, norm)
        of = trained[f"sigmoid, {depth} layers, batch"]
        assert np.all((of["reached"][0] > 0) & (of["reached"][0] <= 120))
        assert of["right"][0].min() > 0.93
    table = measured("normalization", "sigmoids")
    assert table["head"][1:] == ["rate 0.1", "rate 1"]
    for name, *cells in table["rows"]:
        if "batch" not in name:
            assert cells == ["none", "none"], name
    keeps = measured("normalization", "theory")["sigmoid"]["layer norm"]
    assert keeps == pytest.approx(0.39, abs=0.005)


def test_adam_moves_sigmoids_behind_layer_norm(trained):
    """Sigmoids, layer norm, 10 layers, Adam at 0.001 and 0.01."""
    of = trained["sigmoid, 10 layers, layer, Adam"]
    assert of["rates"].tolist() == [0.001, 0.01]
    slow, fast = 100 * of["right"]
    assert slow.min() == pytest.approx(75, abs=1)
    assert slow.max() == pytest.approx(94, abs=1)
    assert fast.max() < 15


def test_four_times_the_kernel_is_a_sixteenth_of_the_rate():
    """One layer of 16 ReLUs behind batch norm, ε 1e-12, 30 updates of SGD.

    Two inputs of eight, 256 examples; the head stands still.
    """
    rng = np.random.default_rng(0)
    x = rng.standard_normal((256, 8)).astype("float32")
    y = x[:, :1] * x[:, 1:2]

    def losses(scale, rate):
        head = keras.layers.Dense(
            1, kernel_initializer=keras.initializers.HeNormal(seed=1)
        )
        head.trainable = False
        kernel = keras.initializers.HeNormal(seed=0)
        model = keras.Sequential(
            [
                keras.Input((8,)),
                keras.layers.Dense(
                    16, use_bias=False, kernel_initializer=kernel
                ),
                keras.layers.BatchNormalization(
                    epsilon=1e-12, center=False, scale=False
                ),
                keras.layers.ReLU(),
                head,
            ]
        )
        model.layers[0].kernel.assign(scale * model.layers[0].kernel)
        model.compile(keras.optimizers.SGD(rate), "mse")
        seen = []
        for _ in range(30):
            model.reset_metrics()
            seen.append(model.train_on_batch(x, y))
        return np.array(seen, "float64")

    plain, both, alone = losses(1, 0.3), losses(4, 4.8), losses(4, 0.3)
    assert plain[-1] < 0.8 * plain[0]
    assert both == pytest.approx(plain, rel=1e-3)
    assert alone[-1] > 1.1 * plain[-1]


def test_batch_norm_hides_the_scale_and_the_bias():
    """One layer of 16 ReLUs behind batch norm, 256 examples, ε 1e-12."""
    by_kernel, by_bias = in_front(1.0)
    assert by_bias < 1e-5 * by_kernel
    assert in_front(10.0)[0] == pytest.approx(by_kernel / 10, rel=1e-3)


def test_a_step_makes_the_kernel_longer():
    """The same with 4 outputs: ⟨W, ∂L/∂W⟩ = 0, so |W − ηg|² = |W|² + η²|g|²."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((256, 8)).astype("float32")
    dense = keras.layers.Dense(16)
    norm = keras.layers.BatchNormalization(epsilon=1e-12)
    dense.build((None, 8))
    with tf.GradientTape() as tape:
        h = tf.nn.relu(norm(dense(x), training=True))
        loss = tf.reduce_mean((h[:, :8] - x) ** 2)
    gradient = tape.gradient(loss, dense.kernel.value).numpy()
    kernel = dense.kernel.numpy()
    both = np.linalg.norm(kernel) * np.linalg.norm(gradient)
    assert both > 0
    assert abs(np.sum(kernel * gradient)) < 1e-4 * both
    assert np.linalg.norm(kernel - gradient) > np.linalg.norm(kernel)


def test_one_example_gives_no_gradient():
    """One dense layer of 16, batch norm, ReLU: all kernel gradients are 0."""
    dense, norm = keras.layers.Dense(16), keras.layers.BatchNormalization()
    x = np.random.default_rng(0).standard_normal((4, 8)).astype("float32")
    sizes = []
    dense.build((None, 8))
    for examples in (1, 4):
        with tf.GradientTape() as tape:
            h = tf.nn.relu(norm(dense(x[:examples]), training=True))
            loss = tf.reduce_sum((h - 1) ** 2)
        gradient = tape.gradient(loss, dense.kernel.value)
        sizes.append(float(tf.norm(gradient)))
    assert sizes[0] == 0
    assert sizes[1] > 0.1


def test_epsilon_of_keras():
    """Keras 3.15: defaults; and a default `Embedding` of 64 numbers."""
    layers = keras.layers
    for norm in (
        layers.BatchNormalization(),
        layers.LayerNormalization(),
        layers.GroupNormalization(1),
    ):
        assert norm.epsilon == 0.001
    assert layers.RMSNormalization().epsilon == pytest.approx(1e-6)
    embedding = layers.Embedding(
        1000,
        64,
        embeddings_initializer=keras.initializers.RandomUniform(seed=0),
    )
    words = embedding(np.arange(1000))
    assert np.std(words) == pytest.approx(0.03, abs=0.002)
    normal = np.std(layers.LayerNormalization()(words))
    assert normal == pytest.approx(0.67, abs=0.01)
    assert type(layers.Embedding(2, 2).embeddings_initializer) is type(
        embedding.embeddings_initializer
    )


def test_trainable_waits_for_compile():
    """One dense layer; `trainable` is changed after a first `fit`."""
    x = np.random.default_rng(0).standard_normal((64, 4)).astype("float32")
    dense = keras.layers.Dense(1)
    model = keras.Sequential([keras.Input((4,)), dense])
    model.compile("sgd", "mse")
    model.fit(x, x[:, :1], verbose=0)
    dense.trainable = False

    def moves():
        before = dense.kernel.numpy()
        model.fit(x, x[:, :1], verbose=0)
        return not np.array_equal(before, dense.kernel.numpy())

    assert moves()
    model.compile("sgd", "mse")
    with pytest.warns(UserWarning, match="trainable"):
        assert not moves()


AT_HAND = [name for name in (*BACKENDS, *KERAS) if folder(name).is_dir()]


def test_the_traps_on_all_versions(measured):
    """One model each, as `studies/cures/traps.py` has it.

    On this Keras again; where others were fetched, on one of them too.
    """
    table = json.loads((FOLDER / "traps.json").read_text("utf-8"))
    assert {*table} == {"tensorflow", *BACKENDS, *KERAS}
    for name, of in table.items():
        assert of["training=False"], name
        assert not of["trainable=False"], name
        assert not of["own call"], name
        assert of["True"] == (name in BACKENDS), name
        assert of["False, True"], name
    again = ["tensorflow"]
    if AT_HAND:
        again += AT_HAND if WEEKLY else [chosen(AT_HAND)]
    for name in again:
        assert on(name) == table[name]
    rows = measured("normalization", "traps")["rows"]
    assert len(rows) == len(table)
