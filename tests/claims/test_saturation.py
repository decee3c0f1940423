"""The claims of the chapter `saturation`, on what was measured.

Unless a test says otherwise: ten sigmoid layers without biases, 500 standard
normal inputs, at initialization, five seeds, each seed by itself.
"""

from statistics import NormalDist

import numpy as np
import pytest
from sklearn.datasets import load_digits

from snippets.atlas import figures as atlas
from snippets.atlas.verdicts import by_kind, read_runs, verdict
from tests.drawings import is_within, near, shows, unlabelled

LN10 = np.log(10)
WIDTHS = (64, 100, 300)


# What the figures show


def test_the_figure_of_the_ends_shows_where_the_slope_is_gone(drawn, measured):
    ends = measured("saturation", "ends")
    panels = drawn("saturation", "ends")
    assert len(panels) == 2
    output, slope = panels
    assert output.title == "sigmoid(z)"
    assert slope.title == "slope of the sigmoid"
    assert output.x.label == "pre-activation z"
    for panel, what, bottom, top in [
        (output, "h", 0, 1),
        (slope, "slope", 0, 0.25),  # ¼
    ]:
        curve = unlabelled(panel)
        assert np.array_equal(curve.x, ends["z"])
        assert np.array_equal(curve.y, ends[what])
        assert is_within(panel.x, curve.x)
        assert is_within(panel.y, curve.y)
        assert curve.y.max() == pytest.approx(top, abs=0.002)
        assert curve.y.min() == pytest.approx(bottom, abs=0.002)
        assert (curve.dash, panel.y.scale) == ("solid", "linear")
        left, right = sorted(panel.rules, key=lambda rule: rule.low)
        assert -left.high == right.low == pytest.approx(4.6, abs=0.005)
        assert left.color == right.color == "wide"
        assert (left.low, right.high) == panel.x.limits
        shaded = np.abs(curve.x) > right.low
        if what == "h":  # within 1 % of an end
            assert np.array_equal(
                shaded, np.minimum(curve.y, 1 - curve.y) < 0.01
            )
        else:
            assert np.all(curve.y[shaded] < 0.011)
    (word,) = output.texts
    assert word.text == "saturated"
    assert word.at[0] > 4.6


def test_the_histograms_show_what_each_initializer_does_at_each_width(
    drawn, measured
):
    layers = measured("saturation", "layers")
    panels = drawn("saturation", "histograms")
    names = ["N(0, 1)", "He", "LeCun", "Glorot", "N(0, 0.01²)"]
    assert len(names) == 5
    assert len(WIDTHS) == 3
    assert panels[-5].x.label == "output"
    at = [(row, column) for row in range(3) for column in range(5)]
    assert [panel.place for panel in panels] == at
    saturated = {}
    for panel in panels:
        name, width = names[panel.place[1]], WIDTHS[panel.place[0]]
        assert panel.title == f"{name}, {width}"
        network = layers[f"{name}, {width} units"]
        assert len(network["share"]) == 5  # seeds
        shown = [steps for steps in panel.steps if steps.filled]
        assert len(panel.steps) == 2 * len(shown) == 8
        for row, layer in enumerate((1, 2, 5, 10)):
            for steps in panel.steps[2 * row : 2 * row + 2]:
                heights = steps.values - steps.baseline
                assert steps.baseline == -row
                assert np.array_equal(steps.edges, layers["bins"])
                share = network["histogram"][row]
                assert heights / heights.max() == pytest.approx(
                    share / share.max()
                )
                assert is_within(panel.x, steps.edges)
                assert is_within(panel.y, steps.values)
            share = network["share"][:, layer - 1].mean()
            text = panel.texts[row]
            assert text.text == f"{share:.0%}"
            assert text.at[1] == -row
            assert text.at[0] > 1  # beside the histogram
            saturated[name, width, layer] = round(100 * share)
            centres = (steps.edges[1:] + steps.edges[:-1]) / 2
            ends = heights[np.abs(centres - 0.5) > 0.45].sum() / heights.sum()
            middle = heights[np.abs(centres - 0.5) < 0.1].sum() / heights.sum()
            if name == "N(0, 1)":
                assert ends > 0.4  # spikes at 0 and 1
            elif name == "N(0, 0.01²)":
                assert middle > 0.95
            else:
                mean = (centres * heights).sum() / heights.sum()
                assert mean == pytest.approx(0.5, abs=0.06)  # one half
                assert ends < 0.05  # a hump
    said = {64: (56, 40), 100: (64, 50), 300: (79, 70)}
    for width, shares in said.items():
        for layer, share in zip((1, 10), shares, strict=True):
            assert abs(saturated["N(0, 1)", width, layer] - share) <= 2
    others = [v for (name, *_), v in saturated.items() if name != "N(0, 1)"]
    assert set(others) == {0}


def test_the_figure_of_the_spread_falls_once_and_stays(drawn, measured):
    layers = measured("saturation", "layers")
    (panel,) = drawn("saturation", "spread")
    assert panel.title == "standard deviation of the pre-activations"
    assert (panel.x.label, panel.y.scale) == ("layer", "linear")
    said = {
        "N(0, 1), 64 units": (8, 5),
        "N(0, 1), 100 units": (10, 7),
        "N(0, 1), 300 units": (17, 12),
        "Glorot, 300 units": (1, 0.5),
    }
    assert panel.labels == [*said]
    for name, (first, rest) in said.items():
        std = layers[name]["std"]
        assert std.shape == (5, 10)  # seeds, layers
        line = shows(panel, name, np.arange(1, 11), std)
        assert line.dash == "dotted"
        assert line.y[0] == pytest.approx(first, rel=0.05)
        assert line.y[1:] == pytest.approx(np.full(9, rest), rel=0.15)


def test_the_figure_of_growth_shows_which_sigmoids_vanish(drawn, measured):
    growth = measured("saturation", "growth")
    (panel,) = drawn("saturation", "growth")
    assert panel.title == "size of the gradient (root mean square)"
    assert panel.x.label == "layer, from the output back"
    assert panel.x.limits == (20, 0)
    assert panel.y.scale == "log"
    said = {
        "N(0, 1), 64 units": 0.1,  # a tenth
        "N(0, 1), 100 units": 1,
        "N(0, 1), 300 units": 100,  # a hundredfold
    }
    assert panel.labels == [*said, "Glorot, 300 units"]
    for name, end in said.items():
        assert len(growth[name]) == 20  # networks
        line = shows(panel, name, np.arange(21), growth[name])
        assert line.dash == "dotted"
        assert near(line.y[0], end, factor=2)
    line = shows(
        panel,
        "Glorot, 300 units",
        np.arange(21),
        growth["Glorot, 300 units"],
        whole=False,
    )
    # It leaves the plot after thirteen layers, 20 to 7.
    assert 20 - line.end[0] in (12, 13)
    assert line.y[line.x < 20 - 13].max() < min(panel.y.limits)


# What the page claims


def test_weights_of_unit_variance_saturate_most_sigmoids(measured):
    """N(0, 1), and Glorot beside it, 300 units."""
    layers = measured("saturation", "layers")
    share = layers["N(0, 1), 300 units"]["share"]
    assert np.all((share[:, 0] > 0.78) & (share[:, 0] < 0.80))
    assert np.all((share[:, 1:] > 0.65) & (share[:, 1:] < 0.75))
    assert np.all(np.abs(share[:, 1:].mean(1) - 0.70) < 0.02)
    assert np.all(layers["Glorot, 300 units"]["share"] < 1e-4)


def test_the_share_stays_and_the_stuck_units_gather(measured):
    """N(0, 1), 300 units; stuck: saturated for over 95 % of the examples."""
    network = measured("saturation", "layers")["N(0, 1), 300 units"]
    share, stuck = network["share"], network["stuck"]
    assert np.all(share[:, 1:] < share[:, :1])
    assert np.all(np.ptp(share[:, 1:], axis=1) < 0.08)
    assert np.all(stuck[:, 0] == 0)
    assert stuck[:, 4].mean() == pytest.approx(0.25, abs=0.04)
    assert stuck[:, 9].mean() == pytest.approx(0.33, abs=0.05)
    assert np.all(stuck[:, 9] > stuck[:, 4])


def test_large_inputs_saturate_a_first_layer_of_glorot(measured):
    """One Glorot layer of 100 sigmoids, the 1,797 digits of 64 pixels."""
    share = measured("saturation", "inputs")
    assert np.all(share["1"] == 0)
    assert share["16"].mean() == pytest.approx(0.5, abs=0.05)
    assert np.all((share["16"] > 0.4) & (share["16"] < 0.6))
    assert np.all(np.abs(share["255"] - 0.97) < 0.015)


def test_only_a_fixed_variance_sees_the_width(measured):
    """Five initializers; 64, 100 and 300 units."""
    layers = measured("saturation", "layers")
    std = layers["N(0, 1), 300 units"]["std"]
    assert np.all(std[:, 0] > 3 * 4.6)  # far out on both sides
    first, tenth = (
        [layers[f"N(0, 1), {w} units"]["share"][:, at].mean() for w in WIDTHS]
        for at in (0, 9)
    )
    assert first == pytest.approx((0.56, 0.64, 0.79), abs=0.01)
    assert tenth == pytest.approx((0.40, 0.50, 0.70), abs=0.02)
    for scaled in ("He", "LeCun", "Glorot"):
        networks = [layers[f"{scaled}, {w} units"] for w in WIDTHS]
        std = np.array([network["std"].mean(0) for network in networks])
        assert np.all(std.max(0) < 1.2 * std.min(0))
        shapes = np.array([network["histogram"] for network in networks])
        apart = np.abs(shapes - shapes[-1]).sum(-1) / 2  # total variation
        assert np.all(apart < 0.15)
        for network in networks:
            assert len(network["share"]) == 5
            assert np.all(network["share"] < 0.003)
    for width in WIDTHS:
        narrow = layers[f"N(0, 0.01²), {width} units"]
        assert np.all(narrow["share"] == 0)
        assert narrow["off ½"].shape == (5, 10)
        assert np.all(narrow["off ½"][:, 1:] < 0.1)  # from layer 2 on


def test_the_spread_does_not_grow_from_layer_to_layer(measured):
    """N(0, 1), 64, 100 and 300 units."""
    layers = measured("saturation", "layers")
    for width in WIDTHS:
        network = layers[f"N(0, 1), {width} units"]
        std = network["std"]
        assert std[:, 0] == pytest.approx(np.sqrt(width), rel=0.03)
        assert np.all(std[:, 1:] < 0.8 * std[:, :1])
        assert np.all(np.ptp(std.mean(0)[1:]) < 0.15 * std.mean(0)[1])
        # At most ¼, as any number between 0 and 1, and near it if saturated.
        nearly = {64: 0.14, 100: 0.16, 300: 0.2}[width]
        assert np.all(network["variance"] > nearly)


def sigmoids(h, layers=5, units=300, std=1.0, seed=0):
    """Return z (layers, examples, units) of a net with N(0, std²)."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(layers):
        found.append(h @ rng.normal(0, std, (h.shape[1], units)))
        h = 1 / (1 + np.exp(-found[-1]))
    return np.array(found)


def ends(z):
    """Return which outputs of sigmoids lie within 1 % of an end."""
    return np.abs(z) > np.log(99)


@pytest.mark.parametrize("seed", range(5))
def test_small_inputs_let_the_spread_rise_once(seed):
    """N(0, 1), 300 units, 500 normal inputs of std 0.1, no training."""
    inputs = np.random.default_rng(seed).normal(0, 0.1, (500, 300))
    z = sigmoids(inputs, seed=seed + 5)
    spread, share = z.std((1, 2)), ends(z).mean((1, 2))
    assert spread[0] < 2.1
    assert spread[1] > 8
    assert np.all(spread[2:] < 14)
    assert np.ptp(spread[2:]) < 1.5  # it stays
    assert share[0] < 0.05
    assert np.all(share[1:] > 0.55)


def test_narrow_weights_are_not_narrow_in_a_wide_layer():
    """N(0, 0.01²) and 3,000 units: beyond 0.1 of ½, as the page's are not."""
    inputs = np.random.default_rng(0).standard_normal((50, 3000))
    z = sigmoids(inputs, layers=2, units=3000, std=0.01)[1]
    assert np.abs(1 / (1 + np.exp(-z)) - 0.5).max() > 0.2


def test_pixels_bring_a_constant_of_their_own():
    """tanh, Glorot, ten layers of 100; digits from 0 to 1, five seeds."""
    digits = load_digits().data[:300] / 16
    for seed in range(5):
        rng = np.random.default_rng(seed)
        for inputs, least in ((digits, 0.4), (rng.normal(size=(300, 64)), -1)):
            h = inputs
            for _ in range(10):
                std = (2 / (h.shape[1] + 100)) ** 0.5
                h = np.tanh(h @ rng.normal(0, std, (h.shape[1], 100)))
            unit = h / np.linalg.norm(h, axis=1, keepdims=True)
            cosine = np.median((unit @ unit.T)[np.triu_indices(300, 1)])
            assert cosine > least
            assert (cosine < 0.05) == (least < 0)


def test_the_mean_of_a_unit_is_near_one_half_in_the_first_layer_alone():
    """N(0, 1), 300 units, 500 normal inputs, five seeds; then the digits."""
    digits = load_digits().data / 16
    for seed in range(5):
        inputs = np.random.default_rng(seed).standard_normal((500, 300))
        means = (1 / (1 + np.exp(-sigmoids(inputs, seed=seed + 5)))).mean(1)
        assert np.all(np.abs(means[0] - 0.5) < 0.12)
        assert np.all(means[1:].min(1) < 0.05)
        assert np.all(means[1:].max(1) > 0.95)
        z = sigmoids(digits, layers=1, seed=seed)[0]
        assert np.ptp((1 / (1 + np.exp(-z))).mean(0)) > 0.6


def test_digits_leave_some_units_stuck_in_the_first_layer():
    """N(0, 1), 300 units, 1,797 digits from 0 to 1; five seeds."""
    digits = load_digits().data / 16
    stuck = [
        (ends(sigmoids(digits, layers=1, seed=seed)[0]).mean(0) > 0.95).mean()
        for seed in range(5)
    ]
    assert 0 < np.mean(stuck) < 0.05


def test_what_stays_of_glorots_sigmoids_is_the_same_for_all(measured):
    """Glorot, 300 units; cosine: median over all pairs of examples."""
    cosine = measured("saturation", "alike")["Glorot"]
    assert np.all(np.abs(cosine[:, 0] - 0.85) < 0.01)
    assert np.all(cosine[:, 9] > 0.99995)
    size = measured("saturation", "layers")["Glorot, 300 units"]
    moment = size["variance"] + size["mean"] ** 2
    assert np.all(np.abs(np.sqrt(moment) - 0.5) < 0.06)


def test_saturated_is_not_vanished(measured):
    """N(0, 1) and Glorot, 20 layers, 20 networks each, standard normal data."""
    growth = measured("saturation", "growth")
    factor = {
        name: np.median((size[:, 1] / size[:, 19]) ** (1 / 18))
        for name, size in growth.items()
    }
    assert factor["N(0, 1), 300 units"] == pytest.approx(1.3, abs=0.04)
    assert factor["N(0, 1), 100 units"] == pytest.approx(1.0, abs=0.04)
    assert factor["N(0, 1), 64 units"] == pytest.approx(0.9, abs=0.05)
    assert factor["Glorot, 300 units"] == pytest.approx(0.24, abs=0.01)
    layers = measured("saturation", "layers")
    for width, share in zip(WIDTHS, (0.40, 0.50, 0.70), strict=True):
        network = layers[f"N(0, 1), {width} units"]["share"][:, 1:]
        assert network.mean() == pytest.approx(share, abs=0.02)


def test_a_hundred_times_the_variance_keeps_the_gradient(measured):
    """Theory: infinite width, zero biases, the variance at its fixed point."""
    scales = measured("saturation", "scales")
    said = {"1": (0.24, 0), "4": (0.41, 0), "16": (0.63, 0.06)}
    said |= {"100": (0.99, 0.49), "300": (1.30, 0.70)}
    assert scales.keys() == said.keys()
    for scale, (factor, saturated) in said.items():
        assert scales[scale][0] == pytest.approx(factor, abs=0.006)
        assert scales[scale][1] == pytest.approx(saturated, abs=0.006)


def test_ten_sigmoid_layers_train_with_unit_variance():
    """The atlas: digits, width 100, plain SGD at the best of its rates."""
    kinds = by_kind(read_runs(atlas.TABLE))
    for initializer in atlas.INITIALIZERS:
        it = verdict(kinds["digits", "sgd", 100, 10, "sigmoid", initializer])
        assert (it.trained == 5) == (initializer == "n1"), initializer
        assert it.trained in (0, 5)


def test_a_sigmoid_net_can_be_a_tanh_net(measured):
    """Ten layers of 100 units, digits; SGD 0.3, batch 50, 300, 5 seeds."""
    twins = measured("saturation", "twins")
    assert np.all(twins["apart"] < 1e-3)  # of logits near 1
    assert np.all(twins["left"] > 1 / 3)
    assert twins["losses"].shape == (5, 300)
    assert np.all(twins["losses"][:, -20:].mean(1) < 1)


def test_the_last_hidden_layer_sinks_to_zero_in_training(measured):
    """Four layers of 100 sigmoids, hidden kernels uniform in ±1/√fan_in.

    Digits / 16, plain SGD, rate 1, batch 50, 300 updates, five seeds.
    """
    training = measured("saturation", "training")
    start, sixty, *_, last = training["mean"].transpose(1, 0, 2)
    assert np.all(np.abs(start - 0.5) < 0.1)
    assert np.all(sixty[:, 3] < 0.15)
    assert np.all(last[:, 3] < 0.06)
    assert np.all(np.abs(last[:, :2] - 0.5) < 0.1)
    losses = training["losses"]
    assert losses.shape == (5, 300)
    assert np.all(np.abs(losses[:, -20:].mean(1) - LN10) < 0.05)


def test_tanh_saturates_too_and_has_mean_zero(measured):
    """tanh, N(0, 1) and Glorot; the sigmoid, N(0, 1); 300 units."""
    layers = measured("saturation", "layers")
    assert np.all(layers["tanh, N(0, 1)"]["share"] > 0.85)
    assert np.all(np.abs(layers["tanh, N(0, 1)"]["mean"]) < 0.05)
    assert np.all(np.abs(layers["tanh, Glorot"]["mean"]) < 0.05)
    sigmoid = layers["N(0, 1), 300 units"]["mean"]
    assert np.all(np.abs(sigmoid - 0.5) < 0.1)


def test_one_unit_in_a_hundred_saturates_at_a_variance_of_0_0106():
    """Arithmetic: a Gaussian pre-activation, 300 standard normal inputs."""
    beyond = NormalDist().inv_cdf(1 - 0.01 / 2)
    assert round(beyond, 2) == 2.58
    assert round((4.6 / beyond) ** 2 / 300, 4) == 0.0106
