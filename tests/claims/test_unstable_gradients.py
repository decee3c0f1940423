"""The claims of the chapter `unstable_gradients`, on what was measured."""

import numpy as np

from tests.drawings import shows, smoothed

HIDDEN = slice(0, 30)


def fall(norms):
    """How much of the norm is left from the top to the bottom layer."""
    return norms[:, 0] / norms[:, 29]


# What the figures show


DASH = {"ReLU": "solid", "tanh": "dashed"}


def test_the_figure_of_two_gradients_fans_out_in_one_panel_only(
    drawn, measured
):
    norms = measured("unstable_gradients", "norms")
    panels = drawn("unstable_gradients", "two_gradients")
    assert len(panels) == 2
    activation, kernel = panels
    assert activation.title == "norm of the activation gradients"
    assert kernel.title == "norm of the kernel gradients"
    assert activation.x.label == "layer, from the output back"
    left = {}
    for panel, which in ((activation, "by output"), (kernel, "by kernel")):
        assert panel.x.limits == (30, 1)
        assert panel.y.scale == "log"
        assert panel.labels == [*norms]
        for name in norms:
            runs = norms[name][which][:, HIDDEN]
            assert runs.shape == (10, 30)  # seeds, layers
            line = shows(panel, name, np.arange(1, 31), runs)
            assert line.dash == DASH[name.split(",")[0]]
            left[which, name] = line.y[0] / line.y[-1]
            if which == "by kernel":
                assert line.y.max() < 5 * line.y.min()  # level
    assert left["by output", "ReLU, N(0, 0.2²)"] > 1e3
    assert 0.2 < left["by output", "ReLU, He"] < 5
    assert 0.2 < left["by output", "tanh, Glorot"] < 5
    powers = -np.log10(left["by output", "ReLU, Glorot"])
    assert 4 < powers < 5  # of ten, five when rounded up


def test_the_figure_of_the_losses_shows_who_is_alive(drawn, measured):
    losses = measured("unstable_gradients", "losses")
    (panel,) = drawn("unstable_gradients", "losses")
    assert (panel.title, panel.x.label) == ("loss", "update")
    assert panel.y.scale == "linear"
    finite = [name for name in losses if np.isfinite(losses[name]).all()]
    assert panel.labels == finite == ["ReLU, He", "tanh, Glorot",
                                      "ReLU, Glorot"]  # fmt: skip
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
    assert abs(lines["tanh, Glorot"].y[-1] - 0.3) < 0.05
    he = panel.bands[0]
    assert he.color == "he"
    assert he.high[-1] - he.low[-1] > 0.3  # a wide band
    assert 1 < lines["ReLU, He"].y[-1] < 2  # slowly
    # ReLU with N(0, 0.2²): not a number after one update, so no line.
    assert not np.isfinite(losses["ReLU, N(0, 0.2²)"][:, 1:]).any()


# What the page claims


def test_relu_with_glorot_loses_the_gradient_by_the_factor_of_theory(measured):
    norms = measured("unstable_gradients", "norms")
    left = fall(norms["ReLU, Glorot"]["by output"])
    factor = np.exp(np.log(left).mean() / 29)
    assert abs(factor - 0.71) < 0.02  # √½
    grown = fall(norms["ReLU, N(0, 0.2²)"]["by output"])
    factor = np.exp(np.log(grown).mean() / 29)
    assert abs(factor - np.sqrt(2)) < 0.05


def test_kernel_gradients_hide_what_activation_gradients_show(measured):
    dead = measured("unstable_gradients", "norms")["ReLU, Glorot"]
    assert np.all(fall(dead["by output"]) < 1e-3)
    kernel = dead["by kernel"][:, HIDDEN]
    assert np.all(kernel.max(1) / kernel.min(1) < 20)


def test_the_inner_product_is_the_same_in_every_layer(measured):
    norms = measured("unstable_gradients", "norms")
    for name in ("ReLU, Glorot", "ReLU, He", "ReLU, N(0, 0.2²)"):
        inner = norms[name]["inner"]
        spread = np.ptp(inner, axis=1) / np.abs(inner).mean(1)
        assert np.all(spread < 1e-4), name
    tanh = norms["tanh, Glorot"]["inner"]  # and only there
    assert np.all(np.ptp(tanh, axis=1) / np.abs(tanh).mean(1) > 0.1)


def test_a_dead_signal_keeps_the_loss_at_ln_10(measured):
    losses = measured("unstable_gradients", "losses")["ReLU, Glorot"]
    assert round(np.log(10), 2) == 2.30
    assert np.all(np.abs(losses - np.log(10)) < 0.02)


def test_an_exploding_network_is_not_a_number_after_one_update(measured):
    losses = measured("unstable_gradients", "losses")["ReLU, N(0, 0.2²)"]
    assert np.all(losses[:, 0] > 1000)
    assert not np.isfinite(losses[:, 1:]).any()


def test_tanh_with_glorot_trains_at_thirty_layers(measured):
    losses = measured("unstable_gradients", "losses")["tanh, Glorot"]
    assert np.all(losses[:, -20:].mean(1) < 0.5)


def test_relu_with_he_is_slow_and_not_broken(measured):
    losses = measured("unstable_gradients", "losses")
    he = losses["ReLU, He"][:, -20:].mean(1)
    tanh = losses["tanh, Glorot"][:, -20:].mean(1)
    assert he.max() < 2
    assert he.min() > 1.3 * tanh.max()


def test_unit_weights_overflow_near_layer_46(measured):
    places = measured("unstable_gradients", "first_infinity")
    layers = [int(p.split(",")[0].removeprefix("layer ")) for p in places]
    assert min(layers) >= 45
    assert max(layers) <= 47
