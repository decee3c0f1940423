"""The claims of the chapter `unstable_gradients`, on what was measured.

Unless a test says otherwise: `deep_classifier`, width 100, biases zero, the
first layer LeCun, the head Glorot; scikit-learn's digits divided by 16.
"""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from snippets.unstable_gradients.figures import digits, network
from tests.dense import drawn_at_random
from tests.drawings import shows, smoothed

LN10 = np.log(10)
DEPTH = {"sigmoid, Glorot": 8, "ReLU, Glorot": 30, "tanh, N(0, 1)": 30}


def fall(norms, depth=30):
    """How much of the norm is left from the top hidden layer to the first."""
    return norms[:, 0] / norms[:, depth - 1]


def rise(sizes, depth=30):
    """How much is left from the first layer's outputs to the last hidden's."""
    return sizes[:, depth - 1] / sizes[:, 0]


def end(losses):
    """Return the mean loss of the last 20 updates, a number for each seed."""
    return losses[:, -20:].mean(1)


# What the figures show


DASH = {"ReLU": "solid", "tanh": "dashed", "sigmoid": "dotted"}


def test_the_figure_of_the_patients_shows_signal_and_gradients(drawn, measured):
    norms = measured("unstable_gradients", "norms")
    panels = drawn("unstable_gradients", "patients")
    assert [panel.place for panel in panels] == [
        (row, column) for row in range(2) for column in range(3)
    ]
    rows = (
        ("up", {"whole": "size", "differs": "spread"}),
        ("down", {"activation": "by output",
                               "kernel": "by kernel"}),
    )  # fmt: skip
    ends = {}
    for panel in panels:
        row, column = panel.place
        title, lines = rows[row]
        name = [*DEPTH][column]
        depth = DEPTH[name]
        assert panel.title == f"{title}: {name}"
        assert panel.x.limits == (1, depth)
        assert panel.y.scale == "log"
        assert panel.labels == [*lines]
        for (label, which), dash in zip(
            lines.items(), ("solid", "dashed"), strict=True
        ):
            runs = norms[name][which][:, :depth]
            assert len(runs) == 10  # seeds
            line = shows(panel, label, np.arange(1, depth + 1), runs)
            assert line.dash == dash
            ends[name, label] = (line.y[0], line.y[-1])
    assert panels[3].x.label == "layer, the first is next to the input"
    sigmoid, relu, tanh = DEPTH
    # What the text for those who do not see it says, in powers of ten.
    powers = {
        key: np.log10(last / first) for key, (first, last) in ends.items()
    }
    assert ends[sigmoid, "whole"] == pytest.approx((0.5, 0.5), abs=0.05)
    assert ends[sigmoid, "differs"][0] == pytest.approx(0.06, abs=0.006)
    assert ends[sigmoid, "differs"][1] == pytest.approx(3e-6, abs=1e-6)
    for label in ("activation", "kernel"):
        assert powers[sigmoid, label] == pytest.approx(4, abs=0.7)
        assert powers[tanh, label] == pytest.approx(-10.5, abs=0.7)
    for label in ("whole", "differs"):
        assert powers[relu, label] == pytest.approx(-4.6, abs=0.4)
        assert abs(powers[tanh, label]) < 1
    assert powers[relu, "activation"] == pytest.approx(4.4, abs=0.4)
    assert abs(powers[relu, "kernel"]) < 0.7


def test_the_figure_of_the_losses_shows_who_is_alive(drawn, measured):
    losses = measured("unstable_gradients", "losses")
    (panel,) = drawn("unstable_gradients", "losses")
    assert (panel.title, panel.x.label) == ("loss", "update")
    assert panel.y.scale == "linear"
    finite = [name for name in losses if np.isfinite(losses[name]).all()]
    assert panel.labels == finite == [*DEPTH, "ReLU, He", "tanh, Glorot"]
    lines = {}
    for name in finite:
        assert losses[name].shape == (5, 300)  # seeds, updates
        at, means = smoothed(losses[name], 20)
        lines[name] = shows(panel, name, at[::5], means[:, ::5])
        assert lines[name].dash == DASH[name.split(",")[0]]
        assert at[::5][-1] == 300
    (line,) = panel.rules
    assert line.low == line.high == np.log(10)
    assert round(line.low, 2) == 2.30
    assert np.all(np.abs(lines["ReLU, Glorot"].y - line.low) < 0.01)
    sigmoid = lines["sigmoid, Glorot"].y
    assert sigmoid[0] > line.low + 0.03  # begins above, comes down
    assert abs(sigmoid[-1] - line.low) < 0.02
    tanh = lines["tanh, N(0, 1)"].y
    assert tanh[0] > 2.7  # near 3
    assert 2.0 < tanh[-1] < 2.6
    assert abs(lines["tanh, Glorot"].y[-1] - 0.3) < 0.05
    he = panel.bands[panel.labels.index("ReLU, He")]
    assert he.color == "he"
    assert he.high[-1] - he.low[-1] > 0.3  # a wide band
    assert 0.8 < lines["ReLU, He"].y[-1] < 2.2  # slowly
    # ReLU with N(0, 0.2²): not a number after one update, so no line.
    assert not np.isfinite(losses["ReLU, N(0, 0.2²)"][:, 1:]).any()


# What the page claims


def test_relu_with_glorot_loses_the_gradient_by_the_factor_of_theory(measured):
    """At initialization, 256 digits, 30 square layers, 10 seeds.

    ReLU with Glorot and, the other way, with N(0, 0.2²).
    """
    norms = measured("unstable_gradients", "norms")
    left = fall(norms["ReLU, Glorot"]["by output"])
    factor = np.exp(np.log(left).mean() / 29)
    assert abs(factor - 0.71) < 0.02  # √½
    grown = fall(norms["ReLU, N(0, 0.2²)"]["by output"])
    factor = np.exp(np.log(grown).mean() / 29)
    assert abs(factor - np.sqrt(2)) < 0.05


def test_the_table_of_the_three_patients(measured):
    """Medians of 10 seeds at initialization, 256 digits; of 5 in training.

    Plain SGD, rate 0.02, batch 50, 300 updates. What the losses keep within:
    tanh, N(0, 1) multiplies each rounding ten billion times, so that another
    processor makes another run. Of 60, 20 seeds times three ways to round,
    the first loss was 2.56 to 3.34, the last 20 together 1.97 to 2.54.
    """
    said = {  # gradient, size, what differs, losses: first, after; moved
        "sigmoid, Glorot": (4e-5, 1, 4e-5, (2.3, 2.7), (2.3, 2.3), 3e-6, 1e-2),
        "ReLU, Glorot": (5e-5, 4e-5, 2e-5, (2.3, 2.3), (2.3, 2.3), 3e-6, 3e-5),
        "tanh, N(0, 1)": (7e10, 2, 4, (2.5, 3.5), (1.9, 2.7), 1e7, 2e-3),
    }
    norms = measured("unstable_gradients", "norms")
    losses = measured("unstable_gradients", "losses")
    moved = measured("unstable_gradients", "moved")
    for name, (gradient, size, differs, first, after, low, top) in said.items():
        depth, at = DEPTH[name], norms[name]
        seen = (
            np.median(fall(at["by output"], depth)),
            np.median(rise(at["size"], depth)),
            np.median(rise(at["spread"], depth)),
        )
        ratio = np.divide(seen, (gradient, size, differs))
        assert np.abs(np.log(ratio)).max() < np.log(2), (name, seen)
        start, stop = losses[name][:, 0], end(losses[name])
        near = 0 if name.startswith("tanh") else 0.1
        assert first[0] - near < start.min() <= start.max() < first[1] + near
        assert after[0] - near < stop.min() <= stop.max() < after[1] + near
        kernels = np.median(moved[name]["kernels"], 0)
        if name.startswith("tanh"):
            assert kernels[0] > low
        else:
            assert 0.5 < kernels[0] / low < 2
        assert 0.5 < kernels[depth - 1] / top < 2, kernels[depth - 1]


def test_eight_sigmoids_lose_the_gradient_and_keep_only_a_mean(measured):
    """Sigmoid, Glorot, 8 layers, at initialization, 256 digits, 10 seeds."""
    norms = measured("unstable_gradients", "norms")["sigmoid, Glorot"]
    size, spread = norms["size"], norms["spread"]
    assert np.all((size[:, :8] > 0.45) & (size[:, :8] < 0.6))
    assert np.all(spread[:, 7] < 1e-5)
    assert np.all(fall(norms["by output"], 8) < 1e-4)
    # Less than a quarter per layer is left of either.
    for lost in (fall(norms["by output"], 8), rise(spread, 8)):
        assert np.all(lost ** (1 / 7) < 0.25)
        assert np.all(lost ** (1 / 7) > 0.2)
    # The logits: of a common size, and the same for each example.
    assert np.all(size[:, 8] > 1e4 * spread[:, 8])
    assert np.all(size[:, 8] > 0.1)


def test_the_loss_of_sigmoids_comes_down_to_ln_10_and_stays(measured):
    """Sigmoid, Glorot, 8 layers; plain SGD 0.02, batch 50, 300, 5 seeds."""
    losses = measured("unstable_gradients", "losses")["sigmoid, Glorot"]
    first = losses[:, 0]
    assert first.min() == pytest.approx(2.3, abs=0.05)
    assert first.max() == pytest.approx(2.7, abs=0.1)
    assert round(LN10, 2) == 2.30
    assert np.median(losses[:, 0]) > LN10 + 0.05
    assert np.all(np.abs(losses[:, 50:70].mean(1) - LN10) < 0.05)
    assert np.all(np.abs(end(losses) - LN10) < 0.02)
    moved = measured("unstable_gradients", "moved")["sigmoid, Glorot"]
    assert np.all(moved["kernels"][:, :2] < 1e-5)
    assert np.all(moved["kernels"][:, 7] > 1000 * moved["kernels"][:, 0])


def test_thirty_relus_with_glorot_lose_both_and_no_kernel_moves(measured):
    """ReLU, Glorot, 30 layers: 10 seeds at initialization, 256 digits.

    Then plain SGD, rate 0.02, batch 50, 300 updates, 5 seeds.
    """
    norms = measured("unstable_gradients", "norms")["ReLU, Glorot"]
    assert np.all(fall(norms["by output"]) < 1e-4)
    assert np.all(rise(norms["size"]) < 1e-4)
    assert np.all(rise(norms["spread"]) < 1e-4)
    moved = measured("unstable_gradients", "moved")["ReLU, Glorot"]
    assert np.all(moved["kernels"][:, :30] < 2e-4)
    biases = moved["biases"]
    assert np.all(biases[:, 28:] > 1e-3)
    assert np.all(biases[:, 28:] > 20 * biases[:, :1])


@pytest.mark.parametrize("seed", range(2))
def test_a_high_rate_moves_kernels_of_thirty_relus_and_not_the_loss(seed):
    """ReLU, Glorot, 30 layers; plain SGD, rate 3, batch 50, 300 updates."""
    x, y = load_digits(return_X_y=True)
    network = drawn_at_random(
        "relu", 30, lambda ins, outs: 2 / (ins + outs), seed
    )
    before = [kernel.copy() for kernel in network.kernels]
    network.fit(x / 16, y, 3.0, 300, seed=seed)
    pairs = zip(before, network.kernels, strict=True)
    size = np.linalg.norm
    moved = [size(now - was) / size(was) for was, now in pairs][:30]
    assert max(moved) > 1e-2
    assert network.loss(x / 16, y) == pytest.approx(LN10, abs=0.03)


def test_tanh_with_unit_variance_explodes_behind_a_normal_loss(measured):
    """Tanh, N(0, 1), 30 layers: 10 seeds at initialization, 256 digits.

    Then plain SGD, rate 0.02, batch 50, 300 updates, 5 seeds.
    """
    norms = measured("unstable_gradients", "norms")["tanh, N(0, 1)"]
    grown = fall(norms["by output"])
    assert np.all(grown > 1e9)
    assert 1e10 < np.median(grown) < 1e11  # ten powers of ten
    assert np.median(grown) ** (1 / 29) == pytest.approx(2.3, abs=0.1)
    size = norms["size"][:, 1:30]
    assert np.all((size > 0.85) & (size <= 1))
    losses = measured("unstable_gradients", "losses")["tanh, N(0, 1)"]
    assert losses.shape == (5, 300)
    assert np.isfinite(losses).all()
    assert 2.5 < losses[:, 0].min() < losses[:, 0].max() < 3.5
    assert np.all(end(losses) > 1.5)
    moved = measured("unstable_gradients", "moved")["tanh, N(0, 1)"]["kernels"]
    assert np.all(moved[:, :2] > 1e5)
    assert np.all(moved[:, 25:] < 1)


@pytest.mark.parametrize("seed", range(5))
def test_a_rounding_becomes_another_network(seed):
    """Tanh, N(0, 1), 30 layers, at initialization: 256 digits.

    The inputs times 1 ± 1e-6. With Glorot init it changes next to nothing.
    """
    x = digits()[0][:256]
    signs = np.random.default_rng(seed).choice([-1, 1], x.shape)
    shifted = (x * (1 + 1e-6 * signs)).astype("float32")
    changed = {}
    for name in ("tanh, N(0, 1)", "tanh, Glorot"):
        was, now = (np.array(network(name, seed)(h)) for h in (x, shifted))
        changed[name] = np.linalg.norm(now - was) / np.linalg.norm(was)
    assert changed["tanh, N(0, 1)"] > 0.5
    assert changed["tanh, Glorot"] < 1e-5


def test_the_activation_gradient_shows_all_three_and_the_kernel_gradient_two(
    measured,
):
    """The three networks at initialization, 256 digits, 10 seeds."""
    norms = measured("unstable_gradients", "norms")
    for name, depth in DEPTH.items():
        off = np.abs(np.log10(fall(norms[name]["by output"], depth)))
        assert np.all(off > 4), name
        # The first kernel has other inputs: begin with the second.
        kernel = norms[name]["by kernel"][:, 1:depth]
        seen = np.abs(np.log10(kernel[:, 0] / kernel[:, -1]))
        if name == "ReLU, Glorot":
            assert np.all(kernel.max(1) / kernel.min(1) < 7)
        else:
            assert np.all(seen > 3), name
            assert np.all(np.abs(seen / off - 1) < 0.2), name


def test_the_inner_product_is_the_same_in_every_layer(measured):
    """ReLU, 30 layers, biases zero; three variances, 10 seeds, 256 digits."""
    norms = measured("unstable_gradients", "norms")
    for name in ("ReLU, Glorot", "ReLU, He", "ReLU, N(0, 0.2²)"):
        inner = norms[name]["inner"]
        spread = np.ptp(inner, axis=1) / np.abs(inner).mean(1)
        assert np.all(spread < 1e-4), name
    tanh = norms["tanh, Glorot"]["inner"]
    assert np.all(np.ptp(tanh, axis=1) / np.abs(tanh).mean(1) > 0.1)


def test_the_inner_product_needs_zero_biases_and_a_homogeneous_activation(
    measured,
):
    """Ten layers with He init, one seed, 256 digits, at initialization.

    A head's bias changes the sum, and leaves the layers alike.
    """
    laws = measured("unstable_gradients", "laws")
    for name, law in laws.items():
        inner = law["inner"]
        off = np.ptp(inner) / np.abs(inner).mean()
        if name in ("ELU", "tanh", "ReLU, a bias in layer 1"):
            assert off > 0.1, name
        else:
            assert off < 1e-4, name
            assert inner == pytest.approx(law["without bias"], rel=1e-4)
    assert {"ReLU", "leaky ReLU", "linear", "|z|"} < laws.keys()
    head = laws["ReLU, biases in the head"]
    assert abs(head["logits"] / head["without bias"] - 1) > 0.1


def test_a_dead_signal_keeps_the_loss_at_ln_10(measured):
    """ReLU, Glorot, 30 layers; plain SGD 0.02, batch 50, 300, 5 seeds."""
    losses = measured("unstable_gradients", "losses")["ReLU, Glorot"]
    assert round(LN10, 2) == 2.30
    assert losses.shape == (5, 300)
    assert np.all(np.abs(losses - LN10) < 0.02)


def test_selu_explodes_behind_a_normal_loss():
    """300 layers of SELU, LeCun, width 100, 64 normal inputs; five seeds."""
    alpha, scale = 1.6732632, 1.0507010
    for seed in range(5):
        rng = np.random.default_rng(seed)
        h, layers = rng.standard_normal((64, 100)), []
        for _ in range(300):
            kernel = rng.normal(0, 0.1, (100, 100))
            z = h @ kernel
            below = alpha * np.exp(np.minimum(z, 0))
            h = scale * np.where(z > 0, z, below - alpha)
            layers.append((kernel, scale * np.where(z > 0, 1, below)))
        assert 0.7 < np.sqrt(np.mean(h**2)) < 1.4
        head = rng.normal(0, (2 / 110) ** 0.5, (100, 10))
        says = np.exp(h @ head)
        says /= says.sum(1, keepdims=True)
        labels = rng.integers(0, 10, 64)
        assert -np.log(says[range(64), labels]).mean() < 4
        gradient = top = (says - np.eye(10)[labels]) @ head.T
        for kernel, slope in reversed(layers):
            gradient = (gradient * slope) @ kernel.T
        assert np.linalg.norm(gradient) > 1e4 * np.linalg.norm(top)


def test_an_exploding_network_is_not_a_number_after_one_update(measured):
    """ReLU, N(0, 0.2²), 30 layers; plain SGD 0.02, batch 50, 5 seeds."""
    losses = measured("unstable_gradients", "losses")["ReLU, N(0, 0.2²)"]
    assert np.all(losses[:, 0] > 1000)
    assert not np.isfinite(losses[:, 1:]).any()


def test_tanh_with_glorot_trains_at_thirty_layers(measured):
    """Tanh, Glorot, 30 layers; plain SGD 0.02, batch 50, 300, 5 seeds."""
    losses = measured("unstable_gradients", "losses")["tanh, Glorot"]
    assert np.all(end(losses) < 0.5)


def test_relu_with_he_is_slow_and_not_broken(measured):
    """ReLU, He init, 30 layers, against tanh, Glorot.

    Plain SGD, rate 0.02, batch 50, 300 updates, 5 seeds.
    """
    losses = measured("unstable_gradients", "losses")
    he, tanh = end(losses["ReLU, He"]), end(losses["tanh, Glorot"])
    assert he.max() < 2.2
    assert he.min() > 1.3 * tanh.max()


def test_unit_weights_overflow_near_layer_46(measured):
    """ReLU, N(0, 1), 60 layers, 256 digits, forward pass only, 10 seeds."""
    places = measured("unstable_gradients", "first_infinity")
    layers = [int(p.split(",")[0].removeprefix("layer ")) for p in places]
    assert min(layers) >= 45
    assert max(layers) <= 47
