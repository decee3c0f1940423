"""The claims of the chapter `initialization`, on what was measured."""

import warnings
from statistics import NormalDist

import keras
import numpy as np

from snippets.initialization.deep_network import deep_network


def test_fifty_relu_layers_live_with_he_and_die_with_glorot(measured):
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
    for name, network in measured("initialization", "moments").items():
        measured_log = np.log(network["backward"]).mean(0)
        theory_log = np.log(network["backward theory"])
        # The logarithm's mean lies below the mean's logarithm, by 2.5/width
        # a layer for ReLU: the difference of a whole net is at most 2.
        assert np.abs(measured_log - theory_log).max() < 2, name


def test_the_median_network_lies_below_the_mean(measured):
    he = measured("initialization", "moments")["ReLU, He"]["forward"][:, -1]
    assert np.median(he) < 0.6 * he.mean()
    assert he.max() > 100 * he.min()
    # The same, as theory has it for width 100: E ln = −2.53 · 50 / 100.
    error = np.log(he).std() / np.sqrt(len(he))
    assert abs(np.log(he).mean() + 2.53 * 50 / 100) < 3 * error


def test_a_sigmoid_keeps_the_signal_and_loses_the_gradient(measured):
    sigmoid = measured("initialization", "moments")["sigmoid, Glorot"]
    assert np.all(sigmoid["forward"][:, -1] > 0.2)
    gradient = np.sqrt(sigmoid["backward"])
    factor = (gradient[:, 1] / gradient[:, -1]) ** (1 / 49)
    assert np.abs(factor - 0.236).max() < 0.01


def test_tanh_with_glorot_decays_like_one_over_twice_the_layer(measured):
    tanh = measured("initialization", "moments")["tanh, Glorot"]
    layers = np.array([10, 20, 30, 40, 50])
    assert np.allclose(
        np.median(tanh["forward"], 0)[layers] * 2 * layers, 1, atol=0.2
    )


def test_normal_or_uniform_makes_no_difference_to_the_factor(measured):
    factors = measured("initialization", "distributions")
    normal, uniform = factors["he_normal"], factors["he_uniform"]
    error = np.hypot(normal.std(1), uniform.std(1)) / np.sqrt(len(normal[0]))
    assert np.all(np.abs(normal.mean(1) - uniform.mean(1)) < 4 * error)
    assert np.all(error < 0.01)


def test_dense_draws_glorot_uniform_unless_told_otherwise():
    layer = keras.layers.Dense(200)
    layer.build((None, 100))
    limit = np.sqrt(6 / (100 + 200))
    weights = np.abs(layer.kernel.numpy())
    assert 0.99 * limit < weights.max() <= limit
    assert abs(weights.mean() - limit / 2) < 0.01 * limit
    assert not layer.bias.numpy().any()


def test_both_conditions_hold_only_in_square_layers(measured):
    for factors in measured("initialization", "rectangles").values():
        miss = np.abs(np.log(factors.mean(2))).max(1)  # the worse of the two
        quarter, half, square, double, fourfold = miss
        assert square < 0.05
        assert min(half, double) > 0.25
        assert min(quarter, fourfold) > 0.4


def test_a_shared_instance_keeps_two_branches_identical(measured):
    difference = measured("initialization", "branches")
    assert np.all(difference["one instance"] == 0)
    assert np.all(difference["two"] > 0.1)


def test_keras_3_does_not_warn_of_a_shared_instance():
    shared = keras.initializers.HeNormal()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first, second = shared((20, 16)), shared((20, 16))
    assert np.array_equal(first, second)


def test_deep_network_gives_each_activation_the_variance_that_fits():
    for activation, gain in [("relu", 2), ("tanh", 1), ("selu", 1)]:
        *hidden, head = deep_network(100, 10, activation).layers
        variances = np.array([layer.kernel.numpy().var() for layer in hidden])
        # The first layer sees raw inputs, not activations.
        expected = np.array([1, *[gain] * 29]) / 100
        assert np.allclose(variances, expected, rtol=0.1), activation
        assert np.isclose(head.kernel.numpy().var(), 2 / 110, rtol=0.2)


def test_normal_and_uniform_kernels_have_the_standard_deviation_asked_for(
    measured,
):
    kernels = measured("initialization", "kernels")
    for name, std in {"LeCun": 0.1, "Glorot": 0.0817, "He": 0.1415}.items():
        for shape in ("normal", "uniform"):
            assert abs(kernels[f"{name}, {shape}"]["std"] - std) < 1.5e-4


def test_cutting_a_normal_distribution_at_two_leaves_0_880_of_its_spread():
    normal = NormalDist()
    inside = 2 * normal.cdf(2) - 1
    assert round(np.sqrt(1 - 4 * normal.pdf(2) / inside), 3) == 0.880


def test_leaky_relu_with_slope_0_2_asks_for_a_scale_of_1_92():
    z = np.random.default_rng(0).standard_normal(1_000_000)
    second_moment = np.square(np.where(z > 0, z, 0.2 * z)).mean()
    assert round(1 / second_moment, 2) == 1.92
