"""The claims of the chapter `activations`, on what was measured.

"Theory" is an integral over standard normal pre-activations, so infinite
width. Unless a test says otherwise networks are 50 square layers of width
100 without biases, 20 draws, at initialization, on standard normal inputs.
"""

import math
import warnings

import keras
import numpy as np
import pytest

from snippets.activations.deep_moments import deep_moments
from tests.drawings import is_within, near, shows, smoothed

UNSTABLE = ("gelu", "silu", "mish")


def median_size(moments, at):
    """Return the median network's root mean square in one layer."""
    return np.sqrt(np.median(moments[:, at]))


# What the figures show


NAMES = {
    "relu": "ReLU",
    "leaky_relu": "leaky ReLU",
    "elu": "ELU",
    "selu": "SELU",
    "gelu": "GELU",
    "silu": "SiLU",
    "mish": "Mish",
    "tanh": "tanh",
    "sigmoid": "sigmoid",
}


def test_the_figure_of_fifty_layers_shows_whom_he_fits(drawn, measured):
    moments = measured("activations", "moments")
    panels = drawn("activations", "fifty_layers")
    assert len(panels) == 8
    assert panels[4].x.label == "layer"
    layers = np.arange(0, 51, 5)
    ends = {}
    for panel, name in zip(panels, moments, strict=True):
        above = "size of the signal: " * (name == "relu")
        assert panel.title == above + NAMES[name]
        assert panel.y.scale == "log"
        assert panel.x.limits == (0, 50)
        for which, passes in moments[name].items():
            label = "LeCun" if (name, which) == ("selu", "own") else which
            size = np.sqrt(passes["forward"])
            assert size.shape == (20, 51)  # networks, layers
            line = shows(panel, label, layers, size[:, layers])
            ends[name, label] = line.y[-1]
        assert len(panel.labels) == len(moments[name])
    assert near(ends["relu", "He"], 1, factor=2.5)
    assert near(ends["leaky_relu", "He"], 1, factor=2.5)
    assert near(ends["elu", "He"], 3)
    assert near(ends["selu", "He"], 30)
    assert max(ends["gelu", "He"], ends["silu", "He"]) < 1e-6  # a millionth
    assert near(ends["mish", "He"], 1e-3)  # a thousandth
    assert near(ends["silu", "own"], 400)
    for name in UNSTABLE:
        assert ends[name, "own"] > 2
    for level in (("selu", "LeCun"), ("elu", "own"), ("tanh", "own")):
        assert near(ends[level], 1, factor=2)


def test_the_figure_of_the_functions_shows_nine_and_their_slopes(
    drawn, measured
):
    shapes = measured("activations", "shapes")
    panels = drawn("activations", "functions")
    assert len(panels) == len(NAMES) == 9
    assert panels[6].x.label == "z"
    for panel, (name, title) in zip(panels, NAMES.items(), strict=True):
        assert panel.title == "f(z): " * (name == "relu") + title
        assert panel.y.scale == "linear"
        f, slope = panel.line("f"), panel.line("f′")
        assert panel.labels == ["f", "f′"]
        for line, what in ((f, "f"), (slope, "slope")):
            assert np.array_equal(line.x, shapes["z"])
            assert len(line.x) == 161  # points
            assert np.array_equal(line.y, shapes[name][what])
        assert panel.x.limits == (f.x[0], f.x[-1]) == (-4, 4)
        assert is_within(panel.y, slope.y)
        assert f.y.min() > panel.y.limits[0]
        assert (f.dash, slope.dash) == ("solid", "dashed")
        below = f.y[f.x < 0]
        if name in UNSTABLE:
            assert below.min() < -0.1  # they dip below zero
            assert 0.5 <= slope.y[80] < 0.601  # and pass through zero
            assert f.y[80] == 0
        if name in ("tanh", "sigmoid"):
            low = {"tanh": -1, "sigmoid": 0}[name]
            assert f.y[0] == pytest.approx(low, abs=0.02)
            assert f.y[-1] == pytest.approx(1, abs=0.02)
        else:
            assert f.y[-1] > 3.9  # they rise without end
    assert slope.y.max() == pytest.approx(0.25)


def test_the_figure_of_the_factors_shows_what_comes_back(drawn, measured):
    theory = measured("activations", "theory")
    samples = measured("activations", "samples")
    back, off = drawn("activations", "factors")
    assert back.title == "factor of one layer: size comes back"
    assert off.title == "factor of one layer: size runs off"
    assert back.x.label == "size of the pre-activations"
    sizes = 10 ** np.linspace(-1, 1, 21)
    for panel, names in (
        (back, ("relu", "elu", "selu", "tanh")),
        (off, ("relu", *UNSTABLE)),
    ):
        assert (panel.x.scale, panel.y.scale) == ("log", "log")
        assert panel.x.limits == (0.1, 10)
        (one,) = panel.rules
        assert (one.axis, one.low) == ("x", 1)
        assert panel.labels == [NAMES[name] for name in names]
        points = [line for line in panel.series if line.dash == "none"]
        for name, dots in zip(names, points, strict=True):
            line = panel.line(NAMES[name])
            assert np.array_equal(line.x, sizes)
            assert np.array_equal(line.y, theory[name]["factors"])
            assert len(samples[name]["factors"]) == 5  # layers
            assert np.array_equal(dots.x, samples["sizes"])
            assert np.array_equal(
                dots.y, np.median(samples[name]["factors"], 0)
            )
            assert (dots.color, dots.marker) == (line.color, "o")
            assert is_within(panel.y, line.y) == (name != "tanh")
            small, large = line.y[sizes < 0.9], line.y[sizes > 1.1]
            if name == "relu":
                assert line.y == pytest.approx(np.ones(21))
            elif panel is back:
                assert small.min() > 1 > large.max()
            else:
                assert small.max() < 1 < large.min()
    gelu = off.line("GELU")
    assert gelu.y[0] == pytest.approx(0.77, abs=0.006)
    assert gelu.y[-1] == pytest.approx(1.08, abs=0.006)


def test_the_figure_of_the_losses_shows_who_is_alive(drawn, measured):
    losses = dict(measured("activations", "losses"))
    (panel,) = drawn("activations", "losses")
    assert (panel.title, panel.x.label) == ("loss", "update")
    assert panel.y.scale == "linear"
    ends = {}
    del losses["GELU, random biases"]  # a claim's, which is not drawn
    for name, runs in losses.items():
        assert runs.shape == (5, 100)  # seeds, updates
        at, means = smoothed(runs, 20)
        ends[name] = shows(panel, name, at, means).y[-1]
    assert {*panel.labels} == {*losses}
    (line,) = panel.rules
    assert line.low == np.log(10)  # 2.30
    assert ends["GELU, He"] == pytest.approx(2.30, abs=0.01)
    assert ends["GELU, normalized"] < 1.8
    assert ends["ELU, own scale"] < 0.8


# What the page claims


def test_each_activation_asks_for_a_scale_of_its_own(measured):
    """Theory, nine activations."""
    theory = measured("activations", "theory")
    scales = {name: theory[name]["scale"] for name in theory}
    assert scales["relu"] == pytest.approx(2.00, abs=0.005)
    assert scales["selu"] == pytest.approx(1.00, abs=0.005)
    assert scales["gelu"] == pytest.approx(2.35, abs=0.005)
    # within 15 % of 2, as He has it, is only the family of ReLU and Mish
    near = {name for name, scale in scales.items() if 1.7 < scale < 2.3}
    assert near == {"relu", "leaky_relu", "mish"}


def test_he_fits_relu_and_leaky_relu_only(measured):
    """Six activations with He init, medians of 20 networks."""
    moments = measured("activations", "moments")
    for name in ("relu", "leaky_relu"):
        assert 0.2 < median_size(moments[name]["He"]["forward"], -1) < 2
        assert 0.4 < median_size(moments[name]["He"]["backward"], 1) < 4
    for name in ("gelu", "silu"):
        assert median_size(moments[name]["He"]["forward"], -1) < 1e-6
    for name in ("elu", "selu"):
        assert median_size(moments[name]["He"]["backward"], 1) > 10


def test_gelu_silu_and_mish_run_off_from_their_fixed_point(measured):
    """Own scales; first pre-activations of size 1 and of size ½."""
    moments = measured("activations", "moments")
    starts = measured("activations", "starts")
    for name in UNSTABLE:
        # The same scale: from size 1 it grows, from size ½ it dies.
        from_one = moments[name]["own"]["forward"]
        from_half = starts[name]["small"]["forward"]
        assert median_size(from_one, -1) > 1.5 * median_size(from_one, 1)
        assert median_size(from_half, -1) < 0.02 * median_size(from_half, 1)
    assert median_size(moments["silu"]["own"]["forward"], -1) > 100


def test_large_signals_pass_gelu_as_they_pass_relu():
    """GELU, scale 2 (He init), 50 layers of width 100, 10 draws.

    First pre-activations of size 10, and of size 1; medians.
    """
    left = {}
    for size in (1.0, 10.0):
        signal, gradient = deep_moments("gelu", 2.0, first=size**2, draws=10)
        kept = np.sqrt(signal[:, -1] / signal[:, 1])
        left[size] = np.median(kept), median_size(gradient, 1)
    assert min(left[10.0]) > 0.5
    assert max(left[1.0]) < 1e-5


def test_tanh_elu_and_selu_come_back(measured):
    """Own scales: theory from size 0.1 to 10, and 20 networks."""
    theory = measured("activations", "theory")
    moments = measured("activations", "moments")
    for name in ("tanh", "elu", "selu"):
        factors = theory[name]["factors"]  # of sizes from 0.1 to 10
        middle = len(factors) // 2
        assert np.all(factors[:middle] > 1.01)
        assert np.all(factors[middle + 1 :] < 0.99)
        forward = moments[name]["own"]["forward"]
        assert np.all(np.sqrt(forward[:, -1]) > 0.5)
        assert np.all(np.sqrt(forward[:, -1]) < 1.5)


def test_the_two_leaky_relus_of_keras_differ():
    """Keras 3.15, defaults."""
    below = np.array([-1.0])
    function, layer = keras.activations.leaky_relu, keras.layers.LeakyReLU()
    assert keras.layers.Dense(1, "leaky_relu").activation is function
    for f, slope, scale in [(function, 0.2, 1.92), (layer, 0.3, 1.83)]:
        below_zero = -float(f(below)[0])
        assert below_zero == pytest.approx(slope)
        computed = 2 / (1 + below_zero**2)
        assert computed == pytest.approx(scale, abs=0.006)


def test_elu_and_selu_remove_most_of_the_mean(measured):
    """Theory: E[f(z)]² as a share of E[f(z)²]."""
    share = {
        name: value["mean"] ** 2 * value["scale"]
        for name, value in measured("activations", "theory").items()
    }
    assert share["relu"] == pytest.approx(0.32, abs=0.005)
    assert share["elu"] == pytest.approx(0.04, abs=0.005)
    assert share["selu"] == pytest.approx(0, abs=0.001)


def test_the_mean_of_relu_knows_the_size_of_an_input_alone(measured):
    """Theory: 32 % of the moment; He init, 100 to 20,000 units, ten inputs."""
    theory = measured("activations", "theory")["relu"]
    share = theory["mean"] ** 2 * theory["scale"]
    assert share == pytest.approx(0.32, abs=0.005)
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((10, 100))
    inputs /= np.linalg.norm(inputs, axis=1, keepdims=True)
    kernel = rng.normal(0, 0.02**0.5, (100, 20_000))
    means = [np.maximum(s * inputs @ kernel, 0).mean(1) for s in (1, 2)]
    assert np.ptp(means[0]) < 0.05 * means[0].mean()  # one size: one mean
    assert means[1] == pytest.approx(2 * means[0])


def test_the_formulas_are_those_of_keras(measured):
    """161 points from −4 to 4."""
    shapes = measured("activations", "shapes")
    z = shapes["z"]
    above, exp = z > 0, np.exp(z)
    sigma, normal = 1 / (1 + 1 / exp), np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    erf = np.array([math.erf(at / math.sqrt(2)) for at in z])
    gelu, mish = (1 + erf) / 2, np.tanh(np.log(1 + exp))
    formulas = {
        "relu": (z * above, 1.0 * above),
        "leaky_relu": (np.where(above, z, 0.2 * z), np.where(above, 1, 0.2)),
        "elu": (np.where(above, z, exp - 1), np.where(above, 1, exp)),
        "selu": (
            np.where(above, 1.05 * z, 1.76 * (exp - 1)),
            np.where(above, 1.05, 1.76 * exp),
        ),
        "gelu": (z * gelu, gelu + z * normal),
        "silu": (z * sigma, sigma + z * sigma * (1 - sigma)),
        "mish": (z * mish, mish + z * sigma * (1 - mish**2)),
        "tanh": (np.tanh(z), 1 - np.tanh(z) ** 2),
        "sigmoid": (sigma, sigma * (1 - sigma)),
    }
    assert set(formulas) == set(shapes) - {"z"}
    off = z != 0  # where a kink has no slope
    for name, (f, slope) in formulas.items():
        close = 4e-3 if name == "selu" else 1e-6  # 1.05 and 1.76 are rounded
        assert np.allclose(shapes[name]["f"], f, atol=close), name
        assert np.allclose(shapes[name]["slope"][off], slope[off], atol=close)


def test_sampling_gives_the_same_scales(measured):
    """A million samples; and 5 random layers of width 200."""
    samples = measured("activations", "samples")
    for name, theory in measured("activations", "theory").items():
        sampled = samples[name]
        difference = sampled["moment"] - 1 / theory["scale"]
        assert abs(difference) < 4 * sampled["error"], name
        assert sampled["error"] < 0.01
        if name != "sigmoid":  # the points of the figure lie on its lines
            every = slice(0, 21, 5)  # sizes that both have
            ratio = np.median(sampled["factors"], 0)[::2]
            assert np.allclose(ratio, theory["factors"][every], rtol=0.06)


def test_the_own_scale_of_the_sigmoid_loses_the_gradient(measured):
    """Theory: at scale 3.41. Larger ones: `saturation`."""
    sigmoid = measured("activations", "theory")["sigmoid"]
    assert sigmoid["mean"] ** 2 * sigmoid["scale"] == pytest.approx(
        0.85, abs=0.005
    )
    assert 1 - sigmoid["backward"] == pytest.approx(0.61, abs=0.005)


def test_tanh_grows_with_its_own_scale_and_shrinks_with_glorot(measured):
    """Medians of 20 networks."""
    tanh = measured("activations", "moments")["tanh"]
    assert 45 < median_size(tanh["own"]["backward"], 1) < 75
    glorot = tanh["Glorot"]
    assert median_size(glorot["forward"], -1) == pytest.approx(0.09, abs=0.01)
    assert median_size(glorot["backward"], 1) == pytest.approx(0.17, abs=0.04)


def test_what_he_does_to_the_successors(measured):
    """He init, 10 and 50 layers, medians of 20 networks."""
    table = {
        "leaky_relu": (0.8, 1.2, 2),
        "elu": (1.6, 3, 18),
        "selu": (4, 30, 240),
        "mish": (0.3, 0.001, 0.005),
        "gelu": (0.16, 3e-7, 1e-6),
        "silu": (0.05, 4e-8, 9e-8),
    }
    shallow = measured("activations", "shallow")
    deep = measured("activations", "moments")
    for name, said in table.items():
        sizes = (
            median_size(shallow[name]["He"]["forward"], -1),
            median_size(deep[name]["He"]["forward"], -1),
            median_size(deep[name]["He"]["backward"], 1),
        )
        assert np.abs(np.log(np.divide(sizes, said))).max() < 0.3, name


def test_small_signals_shrink_and_large_ones_grow(measured):
    """Theory, sizes from 0.1 to 10, own scales."""
    theory = measured("activations", "theory")
    assert theory["gelu"]["scale"] == pytest.approx(2.35, abs=0.005)
    gelu = theory["gelu"]["factors"]  # of sizes from 0.1 to 10
    assert gelu[0] == pytest.approx(0.77, abs=0.006)
    assert gelu[-1] == pytest.approx(1.08, abs=0.006)
    for name in UNSTABLE:
        assert np.all(np.diff(theory[name]["factors"]) > 0)


def test_the_slopes_at_the_fixed_points(measured):
    """Theory, own scales, at size 1."""
    said = {"gelu": 1.14, "silu": 1.17, "mish": 1.08}
    said |= {"elu": 0.89, "selu": 0.78, "tanh": 0.46, "relu": 1}
    theory = measured("activations", "theory")
    for name, slope in said.items():
        assert theory[name]["slope"] == pytest.approx(slope, abs=0.006)


def test_normalization_holds_what_no_scale_holds(measured):
    """Layer normalization in front of each activation, scale 2."""
    starts = measured("activations", "starts")
    for name in UNSTABLE:
        normalized = starts[name]["normalized"]
        assert 0.57 < median_size(normalized["forward"], -1) < 0.71
        assert np.all(np.sqrt(normalized["forward"][:, -1]) > 0.4)
        assert 4 < median_size(normalized["backward"], 1) < 9


def test_normalized_gelu_trains_where_he_does_not(measured):
    """Digits, 30 layers, plain SGD 0.02, batch 50, 100 updates, 5 seeds."""
    losses = measured("activations", "losses")
    assert np.all(np.abs(losses["GELU, He"] - np.log(10)) < 0.02)
    assert np.all(losses["GELU, normalized"][:, -20:].mean(1) < 1.8)


def test_elu_with_its_own_scale_trains(measured):
    """Digits, 30 layers, plain SGD 0.02, batch 50, 100 updates, 5 seeds."""
    losses = measured("activations", "losses")["ELU, own scale"]
    assert np.all(losses[:, -20:].mean(1) < 0.8)


def test_the_default_suits_selu_and_neither_relu_nor_gelu(measured):
    """Theory at size 0.1, and the kernel of one `Dense` layer."""
    layer = keras.layers.Dense(100, "selu")
    layer.build((None, 100))
    assert 100 * layer.kernel.numpy().var() == pytest.approx(1, abs=0.03)
    factor = {  # of a small signal, size 0.1, if the scale is 1
        name: theory["factors"][0] / np.sqrt(theory["scale"])
        for name, theory in measured("activations", "theory").items()
    }
    assert factor["selu"] > 1
    assert min(factor["tanh"], factor["elu"]) > 0.95
    assert max(factor["tanh"], factor["elu"]) < 1
    for name in ("relu", "leaky_relu", "gelu", "silu", "mish"):
        assert factor[name] < 0.73


def test_leaky_relu_warns_of_alpha():
    """Keras 3.15."""
    with pytest.warns(UserWarning, match="alpha"):
        assert keras.layers.LeakyReLU(alpha=0.1).negative_slope == 0.1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        keras.layers.LeakyReLU(negative_slope=0.1)


def test_the_documentation_of_elu_lacks_brackets():
    """Keras 3.15; when it mends this, the page is to be mended too."""
    said = keras.activations.elu.__doc__.replace("`", "")
    assert "alpha * exp(x) - 1 if x < 0" in said
    below = float(keras.activations.elu(np.array([-1.0]), alpha=2.0)[0])
    assert below == pytest.approx(2 * (np.exp(-1) - 1))


def test_random_biases_make_a_stable_fixed_point(measured):
    """Theory: scales and variances of the biases as in the page's table."""
    said = {
        "gelu": (3.1, 0.984, 1.00),
        "silu": (5.6, 0.984, 1.00),
        "mish": (3.3, 0.982, 1.01),
    }
    biased = measured("activations", "biased")
    assert biased.keys() == said.keys()
    for name, (size, slope, gradient) in said.items():
        seen = biased[name]
        assert seen["size"] == pytest.approx(size, abs=0.06), name
        assert seen["slope"] == pytest.approx(slope, abs=0.0015), name
        assert seen["gradient"] == pytest.approx(gradient, abs=0.006), name


def test_gelu_with_random_biases_learns(measured):
    """Digits, 30 layers of width 100, VarianceScaling(1.96), biases N(0, .3).

    Plain SGD 0.01, batch 50, 300 updates, five seeds; no normalization.
    """
    losses = measured("activations", "losses")["GELU, random biases"]
    assert losses.shape == (5, 300)
    assert np.all(losses[:, -20:].mean(1) < 2)
