"""The claims of the chapter `unstable_gradients`, on what was measured."""

import numpy as np

HIDDEN = slice(0, 30)


def fall(norms):
    """How much of the norm is left from the top to the bottom layer."""
    return norms[:, 0] / norms[:, 29]


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
