"""The claims of the page `errata`, on what the chapters measured."""

from pathlib import Path

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.preprocessing import StandardScaler

from snippets.atlas.figures import TABLE
from snippets.atlas.verdicts import by_kind, read_runs, verdict
from tests.dense import drawn_at_random
from tests.pages import numbers, test_pages

PAGE = Path(__file__).parents[2] / "docs/errata.md"


def median_size(moments, layer):
    """Return the median network's root mean square in one layer."""
    return np.sqrt(np.median(moments[:, layer]))


def test_he_fits_relu_and_leaky_relu_and_not_their_successors(measured):
    """He init, 50 layers of width 100, zero biases, medians of 20 networks."""
    networks = measured("activations", "moments")
    names = ("relu", "leaky_relu", "elu", "gelu", "silu", "mish")
    he = {name: networks[name]["He"] for name in names}
    for name in ("relu", "leaky_relu"):
        assert 0.2 < median_size(he[name]["forward"], -1) < 2
        assert 0.4 < median_size(he[name]["backward"], 1) < 4
    for name in ("gelu", "silu"):
        assert median_size(he[name]["forward"], -1) < 1e-6
    assert 3e-4 < median_size(he["mish"]["forward"], -1) < 3e-3
    assert median_size(he["elu"]["backward"], 1) > 10


def test_sigmoids_spread_once(measured):
    """Sigmoid, N(0, 1), 300 units, ten layers, 500 standard normal inputs."""
    network = measured("saturation", "layers")["N(0, 1), 300 units"]
    variance = network["std"] ** 2
    assert np.all(variance[:, 0] > 270)  # of z, that of the inputs is 1
    assert np.all(variance[:, 1:] < variance[:, :1])


def test_the_gradient_of_selu_grows_as_theory_says(measured):
    """SELU, LeCun, 50 layers of width 100, 20 draws, no training."""
    selu = measured("activations", "moments")["selu"]["own"]
    layers = selu["backward"].shape[1] - 1
    grown = np.log(selu["backward"][:, 1] / selu["backward"][:, -1]) / 2
    per_layer = grown / (layers - 1)
    error = per_layer.std() / np.sqrt(len(per_layer))
    assert error < 0.002
    assert abs(per_layer.mean() - np.log(1.035)) < 3 * error + 0.002
    assert np.all(grown > 0)


def test_a_thousand_layers_of_selu_explode_at_width_100():
    """SELU, LeCun, width 100, 8 examples, five draws, no training."""
    alpha, scale = 1.6732632, 1.0507010
    powers = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        h, layers = rng.standard_normal((8, 100)), []
        for _ in range(1000):
            kernel = rng.normal(0, 0.1, (100, 100))
            z = h @ kernel
            below = np.exp(np.minimum(z, 0))
            layers.append((kernel, scale * np.where(z > 0, 1, alpha * below)))
            h = scale * np.where(z > 0, z, alpha * (below - 1))
        gradient = rng.standard_normal((8, 100))
        first = np.linalg.norm(gradient)
        for kernel, slope in reversed(layers):
            gradient = (gradient * slope) @ kernel.T
        powers.append(np.log10(np.linalg.norm(gradient) / first))
    assert 11.5 < min(powers) < max(powers) < 16.5


def test_alike_kernel_gradients_are_no_proof_of_health(measured):
    """ReLU, Glorot, 30 layers of width 100; digits; plain SGD 0.02, 5 seeds."""
    norms = measured("unstable_gradients", "norms")["ReLU, Glorot"]
    top, bottom = 29, 0  # of the hidden layers, without the head
    by_output, by_kernel = norms["by output"], norms["by kernel"]
    assert np.all(by_output[:, top] > 1e4 * by_output[:, bottom])
    hidden = by_kernel[:, 1:30]  # the first has other inputs
    assert np.all(hidden.max(1) < 10 * hidden.min(1))
    losses = measured("unstable_gradients", "losses")["ReLU, Glorot"]
    assert np.all(np.abs(losses - np.log(10)) < 0.02)


def test_unsaturated_sigmoids_lose_three_quarters_of_the_gradient_a_layer(
    measured,
):
    """Sigmoid, Glorot: 50 layers of width 100; ten of 300 for saturation."""
    sigmoid = measured("initialization", "moments")["sigmoid, Glorot"]
    gradient = np.sqrt(sigmoid["backward"])
    factor = (gradient[:, 1] / gradient[:, -1]) ** (1 / 49)
    assert np.all((factor > 0.22) & (factor < 0.25))
    rng = np.random.default_rng(0)
    h = rng.standard_normal((500, 300))
    for _ in range(10):
        h = 1 / (1 + np.exp(-h @ rng.normal(0, 300**-0.5, (300, 300))))
        assert np.mean((h < 0.01) | (h > 0.99)) < 0.001


def test_xavier_with_relu_stands_still_at_thirty_layers(measured):
    """Digits, width 100, plain SGD 0.02, batch 50, 300 updates, 5 seeds."""
    losses = measured("unstable_gradients", "losses")["ReLU, Glorot"]
    assert len(losses) == 5
    assert np.all(np.abs(losses - np.log(10)) < 0.02)
    moments = measured("initialization", "moments")["ReLU, Glorot"]["forward"]
    assert np.sqrt(moments[:, 8].mean()) == pytest.approx(1 / 16, rel=0.15)


def test_tanh_beats_relu_at_thirty_layers(measured):
    """Digits, width 100, plain SGD 0.02, batch 50, 300 updates, 5 seeds."""
    losses = measured("unstable_gradients", "losses")
    he = losses["ReLU, He"][:, -20:].mean(1)
    tanh = losses["tanh, Glorot"][:, -20:].mean(1)
    assert len(he) == len(tanh) == 5
    assert he.min() > 1.3 * tanh.max()


def test_relu_is_a_better_choice_than_the_sigmoid_and_not_than_tanh():
    """The atlas: digits, width 100, plain SGD, best rates, five seeds."""
    kinds = by_kind(read_runs(TABLE))

    def trained(depth, activation):
        found = set()
        for initializer in ("glorot", "he", "lecun", "orthogonal"):
            kind = ("digits", "sgd", 100, depth, activation, initializer)
            if verdict(kinds[kind]).trained == 5:
                found.add(initializer)
        return found

    everything = {"glorot", "he", "lecun", "orthogonal"}
    assert trained(10, "relu") == everything
    assert trained(10, "sigmoid") == set()
    assert trained(30, "tanh") == everything
    assert trained(30, "relu") == {"he", "orthogonal"}


def test_adam_with_he_moves_ten_sigmoid_layers():
    """Width 100, digits, He init; Adam 0.001, batch 50, 500 updates."""
    x, y = load_digits(return_X_y=True)
    for seed in range(2):
        network = drawn_at_random("sigmoid", 10, lambda ins, _: 2 / ins, seed)
        network.fit(x / 16, y, 0.001, 500, adam=True, seed=seed)
        assert network.loss(x / 16, y) < 2.1


def test_a_black_pixel_is_nan_by_hand_and_0_from_scikit_learn():
    """The 1,797 digits, pixel by pixel; three pixels are always black."""
    x = load_digits().data
    with np.errstate(invalid="ignore"):
        by_hand = (x - x.mean(0)) / x.std(0)
    assert np.isnan(by_hand).all(0).sum() == 3
    scaled = StandardScaler().fit_transform(x)
    assert np.all(scaled[:, x.std(0) == 0] == 0)


def test_fifty_layers_of_a_cut_and_uncorrected_he_vanish():
    """What TensorFlow.js draws, made with Keras: tails cut, not corrected."""
    rng = np.random.default_rng(0)
    sizes = []
    for draw in range(10):
        h = rng.standard_normal((8, 200)).astype("float32")
        for layer in range(50):
            kernel = keras.initializers.TruncatedNormal(
                stddev=np.sqrt(2 / 200), seed=100 * draw + layer
            )((200, 200))
            h = np.maximum(h @ keras.ops.convert_to_numpy(kernel), 0)
        sizes.append(np.sqrt(np.mean(h**2)))
    # E ln of the squared norm is −2.53/width a layer for ReLU, besides.
    theory = 0.880**50 * np.exp(-2.53 / 200 * 50 / 2)
    assert np.median(sizes) == pytest.approx(theory, rel=0.5)
    assert max(sizes) < 0.01


def test_a_truncated_normal_has_less_than_its_stddev():
    """Keras 3.15; a kernel of 999 × 999."""
    # As of Keras 3.15; when the docstrings are mended, so must be the page.
    said = " ".join(keras.initializers.TruncatedNormal.__doc__.split())
    assert "Standard deviation of the random values to generate" in said
    assert "slope of positive section" in keras.activations.elu.__doc__
    draw = keras.initializers.TruncatedNormal(stddev=0.05, seed=0)((999, 999))
    assert np.std(draw) == pytest.approx(0.044, abs=0.0005)


def test_the_rules_for_chapters_hold_here_too():
    test_pages.test_each_claim_is_asserted(PAGE)
    test_pages.test_a_chapter_has_at_most_1800_words(PAGE)
    unshown = {it.text for it in numbers.in_prose(PAGE) if not it.is_shown}
    assert unshown == {"0.25"}  # it is quoted, and wrong
