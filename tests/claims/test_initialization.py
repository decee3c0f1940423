"""The claims of the chapter `initialization`, on what was measured.

Unless a test says otherwise: no training, no biases, square layers of width
100, 128 standard normal inputs, fifty layers, 100 networks.
"""

import warnings
from statistics import NormalDist

import keras
import numpy as np
import pytest

from snippets.atlas import figures as atlas
from snippets.atlas.verdicts import by_kind, read_runs, verdict
from snippets.initialization.deep_network import deep_network
from tests.drawings import is_within, near, shows

# What the figures show


ENDS = {  # of fifty layers, as the figures show them
    "ReLU, N(0, 0.2²)": 1e7,  # ten million
    "ReLU, He": 1,
    "tanh, Glorot": 0.1,
    "ReLU, Glorot": 1e-8,  # a hundred-millionth
}


def through_the_layers(panel, networks, way, last):
    """Check what both figures share; the lines' last points are at `last`."""
    assert (panel.y.scale, panel.x.scale) == ("log", "linear")
    assert panel.labels == [*networks]
    assert len(networks) == 5
    for name, network in networks.items():
        assert len(network[way]) == 100  # networks
        line = shows(
            panel,
            name,
            np.arange(51),
            np.sqrt(network[way]),
            whole="sigmoid" not in name,
        )
        assert line.dash == DASH[name.split(",")[0]]
        if name in ENDS:
            assert near(line.y[last], ENDS[name], factor=2.6), name
    theory = [line for line in panel.series if not line.label]
    assert {line.color for line in theory} == {"axis"}  # grey
    for line, network in zip(theory, networks.values(), strict=True):
        assert np.array_equal(line.y, np.sqrt(network[f"{way} theory"]))
        assert np.array_equal(line.x, np.arange(51))
    assert len(panel.bands) == 5


DASH = {"ReLU": "solid", "tanh": "dashed", "sigmoid": "dotted"}


def test_the_figure_of_fifty_layers_shows_five_ends(drawn, measured):
    networks = measured("initialization", "moments")
    (panel,) = drawn("initialization", "fifty_layers")
    assert panel.title == "size of the signal (root mean square)"
    assert panel.x.label == "layer"
    assert panel.x.limits == (0, 50)
    through_the_layers(panel, networks, "forward", -1)
    sigmoid = panel.line("sigmoid, Glorot")
    assert sigmoid.y[1:] == pytest.approx(np.full(50, 0.5), abs=0.06)


def test_the_figure_of_the_gradients_shows_five_ends(drawn, measured):
    networks = measured("initialization", "moments")
    (panel,) = drawn("initialization", "gradients")
    assert panel.title == "size of the gradient (root mean square)"
    assert panel.x.label == "layer, from the output back"
    assert panel.x.limits == (50, 0)  # from the output back
    through_the_layers(panel, networks, "backward", 0)
    for line in panel.series:
        assert line.y[-1] == pytest.approx(1, abs=0.3)  # starts with size 1
    sigmoid = panel.line("sigmoid, Glorot")
    gone = sigmoid.y < min(panel.y.limits)  # leaves after fourteen layers
    assert 50 - sigmoid.x[gone].max() in (14, 15)


def test_the_figure_of_the_kernels_shows_two_shapes_of_one_variance(
    drawn, measured
):
    kernels = measured("initialization", "kernels")
    panels = drawn("initialization", "kernels")
    names = [
        f"{name}, {shape}"
        for shape in ("normal", "uniform")
        for name in ("LeCun", "Glorot", "He")
    ]
    assert [panel.title for panel in panels] == names
    assert len(names) == 6
    assert panels[3].x.label == "weight"
    said = {"LeCun": 0.10, "Glorot": 0.08, "He": 0.14}
    for panel in panels:
        filled, outline = panel.steps
        kernel = kernels[panel.title]
        for steps in (filled, outline):
            assert np.array_equal(steps.edges, kernels["bins"])
            assert np.array_equal(steps.values, kernel["density"])
            assert steps.baseline == 0
        assert (filled.filled, outline.filled) == (True, False)
        assert is_within(panel.x, filled.edges)
        assert is_within(panel.y, filled.values)
        (text,) = panel.texts
        assert text.text == f"std {kernel['std']:.4f}"
        name, shape = panel.title.split(", ")
        assert kernel["std"] == pytest.approx(said[name], abs=0.002)
        # The text stands above the histogram, whatever the panel's height.
        assert text.at == (0.99, 1)
        assert filled.values.max() < 0.75 * panel.y.limits[1]
        inside = filled.values[filled.values > 0.5 * filled.values.max()]
        is_flat = inside.min() > 0.85 * inside.max()
        assert is_flat == (shape == "uniform")
        limit = 2 * kernel["std"] / 0.88 if shape == "normal" else np.inf
        beyond = np.abs(filled.edges[:-1]) > limit + 0.01
        assert not np.any(filled.values[beyond])  # cut off at the sides


def test_the_figure_of_the_rectangles_shows_four_factors(drawn, measured):
    rectangles = measured("initialization", "rectangles")
    (panel,) = drawn("initialization", "rectangles")
    assert panel.x.label == "fan_out / fan_in"
    assert panel.title == "factor of one layer"
    assert (panel.x.scale, panel.y.scale) == ("log", "log")
    ratio = np.array([0.25, 0.5, 1, 2, 4])
    assert [place for place, _ in panel.x.ticks] == [*ratio]
    assert [place for place, _ in panel.y.ticks] == [*ratio]
    layers = [
        ("He, ReLU", "He", np.ones(5), ratio),
        ("Glorot, linear", "Glorot", 2 / (1 + ratio), 2 / (1 + 1 / ratio)),
    ]
    drawn_lines = []
    for label, name, *theory in layers:
        for at, way in enumerate(("forwards", "backwards")):
            factors = rectangles[name][:, at]
            assert factors.shape == (5, 50)  # shapes, layers
            line = shows(panel, f"{label}: {way}", ratio, factors.T)
            assert np.allclose(line.y, theory[at], rtol=0.15)
            assert line.y[2] == pytest.approx(1, abs=0.1)  # all four cross
            assert (line.dash, line.marker) == ("solid", "os"[at])
            drawn_lines.append(line.label)
    assert panel.labels == drawn_lines
    assert len(drawn_lines) == 4


# What the page claims


def test_fifty_relu_layers_live_with_he_and_die_with_glorot(measured):
    """ReLU: He init, Glorot and N(0, 0.2²); medians of 100 networks."""
    networks = measured("initialization", "moments")
    size = {
        name: np.sqrt(np.median(network["forward"][:, -1]))
        for name, network in networks.items()
    }
    assert 0.3 < size["ReLU, He"] < 1.5
    assert 5e-9 < size["ReLU, Glorot"] < 5e-8  # about 10⁻⁸
    assert size["ReLU, N(0, 0.2²)"] > 1e6
    # layer by layer: 0.71 = √½, and theory is the mean over the draws
    moments = networks["ReLU, Glorot"]["forward"].mean(0)
    assert np.allclose(np.sqrt(moments[1:11] / moments[:10]), 0.71, atol=0.03)


def test_the_gradient_meets_the_same_factors_on_its_way_back(measured):
    """Five pairs, against the theory of infinite width."""
    for name, network in measured("initialization", "moments").items():
        measured_log = np.log(network["backward"]).mean(0)
        theory_log = np.log(network["backward theory"])
        # The logarithm's mean lies below the mean's logarithm, by 2.5/width
        # a layer for ReLU: the difference of a whole net is at most 2.
        assert np.abs(measured_log - theory_log).max() < 2, name


def test_the_median_network_lies_below_the_mean(measured):
    """ReLU, He init."""
    he = measured("initialization", "moments")["ReLU, He"]["forward"][:, -1]
    assert np.median(he) < 0.6 * he.mean()
    assert he.max() > 100 * he.min()
    # The same, as theory has it for width 100: E ln = −2.53 · 50 / 100.
    error = np.log(he).std() / np.sqrt(len(he))
    assert abs(np.log(he).mean() + 2.53 * 50 / 100) < 3 * error


def test_a_sigmoid_keeps_the_size_and_loses_the_gradient(measured):
    """Sigmoid, Glorot; what differs between examples: `unstable_gradients`."""
    sigmoid = measured("initialization", "moments")["sigmoid, Glorot"]
    assert np.all(sigmoid["forward"][:, -1] > 0.2)
    gradient = np.sqrt(sigmoid["backward"])
    factor = (gradient[:, 1] / gradient[:, -1]) ** (1 / 49)
    assert np.abs(factor - 0.236).max() < 0.01


def test_tanh_with_glorot_decays_like_one_over_twice_the_layer(measured):
    """tanh, Glorot; medians of 100 networks."""
    tanh = measured("initialization", "moments")["tanh, Glorot"]
    layers = np.array([10, 20, 30, 40, 50])
    assert np.allclose(
        np.median(tanh["forward"], 0)[layers] * 2 * layers, 1, atol=0.2
    )


def test_normal_or_uniform_makes_no_difference_to_the_factor(measured):
    """One ReLU layer, 100 × 100, He init in two shapes, 400 draws each."""
    factors = measured("initialization", "distributions")
    normal, uniform = factors["he_normal"], factors["he_uniform"]
    error = np.hypot(normal.std(1), uniform.std(1)) / np.sqrt(len(normal[0]))
    assert np.all(np.abs(normal.mean(1) - uniform.mean(1)) < 4 * error)
    assert np.all(error < 0.01)


def test_dense_draws_glorot_uniform_unless_told_otherwise():
    """One `Dense` layer, 100 inputs, 200 units."""
    layer = keras.layers.Dense(200)
    layer.build((None, 100))
    limit = np.sqrt(6 / (100 + 200))
    weights = np.abs(layer.kernel.numpy())
    assert 0.99 * limit < weights.max() <= limit
    assert abs(weights.mean() - limit / 2) < 0.01 * limit
    assert not layer.bias.numpy().any()


def test_both_conditions_hold_only_in_square_layers(measured):
    """One layer, 50 draws: ReLU with He init, linear with Glorot.

    Shapes from 400 × 100 to 100 × 400.
    """
    for factors in measured("initialization", "rectangles").values():
        miss = np.abs(np.log(factors.mean(2))).max(1)  # the worse of the two
        quarter, half, square, double, fourfold = miss
        assert square < 0.05
        assert min(half, double) > 0.25
        assert min(quarter, fourfold) > 0.4


def test_the_misses_of_glorot_compound_in_bottlenecks(measured):
    """Thirty layers of 100 and 400 units in turn, 64 inputs, 20 draws.

    Medians of the root mean square; without training.
    """
    assert np.prod((0.4, 1.6)) == pytest.approx(0.64)
    assert np.sqrt(0.64) ** 15 == pytest.approx(0.035, abs=0.001)
    said = {
        "linear, Glorot": (0.04, 0.04),
        "linear, LeCun": (1.0, 1.0),
        "tanh, Glorot": (0.014, 0.016),
        "tanh, LeCun": (0.13, 0.16),
        "ReLU, Glorot": (8e-7, 9e-7),
        "ReLU, He": (0.8, 0.9),
    }
    seen = measured("initialization", "bottlenecks")
    assert seen.keys() == said.keys()
    for name, both in said.items():
        ratio = np.median(seen[name], axis=1) / both
        assert np.abs(np.log(ratio)).max() < 0.2, (name, ratio)


def test_a_shared_instance_keeps_two_branches_identical(measured):
    """Two ReLU branches of 16 units, summed; 100 updates of SGD, 5 seeds."""
    difference = measured("initialization", "branches")
    assert all(len(values) == 5 for values in difference.values())
    assert np.all(difference["one instance"] == 0)
    assert np.all(difference["one without a seed"] == 0)
    assert np.all(difference["one with a generator"] > 0.1)
    assert np.all(difference["two"] > 0.1)


@pytest.mark.parametrize("seed", [None, 1])
def test_keras_3_does_not_warn_of_a_shared_instance(seed):
    """Two `Dense` layers built by one instance, with and without a seed."""
    shared = keras.initializers.HeNormal(seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layers = [
            keras.layers.Dense(16, "relu", kernel_initializer=shared)
            for _ in range(2)
        ]
        for layer in layers:
            layer.build((None, 20))
    first, second = (layer.kernel.numpy() for layer in layers)
    assert np.array_equal(first, second)


def test_one_kernel_for_all_layers_multiplies_its_luck(measured):
    """ReLU, He init, 50 layers; 20 draws of one kernel, 100 of fifty."""
    one = measured("initialization", "shared_stack")
    assert one.min() < 1e-3
    assert one.max() == pytest.approx(100, rel=0.2)
    own = measured("initialization", "moments")["ReLU, He"]["forward"]
    own = np.sqrt(own[:, -1])
    assert 0.04 < own.min() < own.max() < 6
    assert np.log(one).std() > 3 * np.log(own).std()


def test_the_mean_of_the_inputs_counts_in_the_first_layer():
    """LeCun's variance, 400 inputs of variance 1, mean 0 or 1; no training."""
    rng = np.random.default_rng(0)
    kernel = rng.normal(0, 400**-0.5, (400, 2000))
    for mean, moment in ((0, 1), (1, 2)):
        z = rng.normal(mean, 1, (200, 400)) @ kernel
        assert np.mean(z**2) == pytest.approx(moment, rel=0.1)


def test_constant_kernels_keep_all_units_alike(measured):
    """Two tanh layers of 16 units and a head; digits, SGD, rate 0.1, batch 50.

    100 updates, five orders of the batches; the first layer is compared.
    """
    symmetry = measured("initialization", "symmetry")
    first, second, moved = symmetry["all zero"]
    assert np.all(first == 0)
    assert np.all(second == 0)
    assert np.all(moved == 0)
    first, second, moved = symmetry["all 0.1"]
    assert np.all(first < 1e-5)  # what sums in another order leave
    assert np.all(second < 1e-5)
    assert np.all(moved > 1e-4)
    # A random layer parts the units of its neighbours only.
    first, second, moved = symmetry["the head drawn"]
    assert np.all(first < 1e-5)
    assert np.all(second > 1e-3)
    first, second, _ = symmetry["layer 2 drawn"]
    assert np.all(first > 1e-4)


def test_which_pair_needs_fewer_updates_depends_on_the_optimizer():
    """The atlas: digits, width 100, 30 layers, five seeds, best rates."""
    kinds = by_kind(read_runs(atlas.TABLE))
    pairs = [("tanh", "glorot"), ("selu", "lecun"), ("relu", "he")]
    sgd, adam = (
        [verdict(kinds["digits", name, 100, 30, *pair]) for pair in pairs]
        for name in ("sgd", "adam")
    )
    assert [len(it.working) for it in sgd] == [4, 3, 2]
    assert all(it.trained == it.seeds == 5 for it in (*sgd, *adam))
    assert sgd[0].slowest < sgd[2].fastest == 360
    assert max(it.slowest for it in adam) <= 210


def test_deep_network_gives_each_activation_the_variance_that_fits():
    """Thirty layers of width 100; three activations, two seeds."""
    for activation, gain in [("relu", 2), ("tanh", 1), ("selu", 1)]:
        *hidden, head = deep_network(100, 10, activation).layers
        variances = np.array([layer.kernel.numpy().var() for layer in hidden])
        # The first layer sees raw inputs, not activations.
        expected = np.array([1, *[gain] * 29]) / 100
        assert np.allclose(variances, expected, rtol=0.1), activation
        assert np.isclose(head.kernel.numpy().var(), 2 / 110, rtol=0.2)
    seeds = [
        layer.kernel_initializer.seed
        for seed in (0, 1)
        for layer in deep_network(100, 10, depth=30, seed=seed).layers
    ]
    assert len(set(seeds)) == 2 * 31  # no kernel is drawn twice


def test_normal_and_uniform_kernels_have_the_standard_deviation_asked_for(
    measured,
):
    """Kernels of 100 inputs and 200 units, 100 draws each."""
    kernels = measured("initialization", "kernels")
    for name, std in {"LeCun": 0.1, "Glorot": 0.0817, "He": 0.1415}.items():
        for shape in ("normal", "uniform"):
            assert abs(kernels[f"{name}, {shape}"]["std"] - std) < 1.5e-4


def test_cutting_a_normal_distribution_at_two_leaves_0_880_of_its_spread():
    """Arithmetic."""
    normal = NormalDist()
    inside = 2 * normal.cdf(2) - 1
    left = np.sqrt(1 - 4 * normal.pdf(2) / inside)
    assert round(left, 3) == 0.880
    assert round(left, 4) == 0.8796
    assert round(2 / left, 3) == 2.274


def test_leaky_relu_with_slope_0_2_asks_for_a_scale_of_1_92():
    """A million standard normal numbers."""
    z = np.random.default_rng(0).standard_normal(1_000_000)
    second_moment = np.square(np.where(z > 0, z, 0.2 * z)).mean()
    assert round(1 / second_moment, 2) == 1.92
