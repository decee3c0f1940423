"""The claims of the chapter `saturation`, on what was measured."""

from statistics import NormalDist

import numpy as np
import pytest

WIDTHS = (64, 100, 300)


def test_weights_of_unit_variance_saturate_most_sigmoids(measured):
    layers = measured("saturation", "layers")
    share = layers["N(0, 1), 300 units"]["share"]
    assert np.all((share[:, 0] > 0.78) & (share[:, 0] < 0.80))
    assert np.all((share[:, 1:] > 0.65) & (share[:, 1:] < 0.75))
    assert np.all(np.abs(share[:, 1:].mean(1) - 0.70) < 0.02)
    assert np.all(layers["Glorot, 300 units"]["share"] < 1e-4)


def test_only_a_fixed_variance_sees_the_width(measured):
    layers = measured("saturation", "layers")
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
        assert narrow["off ½"] < 0.1  # from layer 2 on


def test_the_spread_does_not_grow_from_layer_to_layer(measured):
    layers = measured("saturation", "layers")
    for width in WIDTHS:
        network = layers[f"N(0, 1), {width} units"]
        std = network["std"].mean(0)
        assert std[0] == pytest.approx(np.sqrt(width), rel=0.02)
        assert np.all(std[1:] < 0.75 * std[0])
        assert np.ptp(std[1:]) < 0.15 * std[1]
        assert network["variance"] < 0.25


def test_saturated_is_not_vanished(measured):
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


def test_tanh_saturates_too_and_has_mean_zero(measured):
    layers = measured("saturation", "layers")
    assert np.all(layers["tanh, N(0, 1)"]["share"] > 0.85)
    assert np.all(np.abs(layers["tanh, N(0, 1)"]["mean"]) < 0.05)
    assert np.all(np.abs(layers["tanh, Glorot"]["mean"]) < 0.05)
    sigmoid = layers["N(0, 1), 300 units"]["mean"]
    assert np.all(np.abs(sigmoid - 0.5) < 0.1)


def test_one_unit_in_a_hundred_saturates_at_a_variance_of_0_0106():
    beyond = NormalDist().inv_cdf(1 - 0.01 / 2)
    assert round(beyond, 2) == 2.58
    assert round((4.6 / beyond) ** 2 / 300, 4) == 0.0106
