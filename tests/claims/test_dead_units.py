"""The claims of the chapter `dead_units`, on what was measured.

`deep_classifier` with ReLU and He init, width 100, biases zero, on the 1,797
digits divided by 16, unless a test says otherwise.
"""

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits

from snippets.dead_units.dead_units import dead_units
from snippets.dead_units.revive import revive
from tests.drawings import is_within, shows

LAYERS = np.array([2, 10, 30, 50]) - 1


# What the figures show


def test_the_figure_of_birth_rises_with_depth_and_falls_with_examples(
    drawn, measured
):
    birth = measured("dead_units", "birth")
    (panel,) = drawn("dead_units", "birth")
    assert panel.title == "dead share of the layer"
    assert panel.x.label == "layer"
    assert panel.x.scale == panel.y.scale == "linear"
    assert [text for _, text in panel.y.ticks] == ["0 %", "25 %", "50 %"]
    layers = np.arange(1, 51)
    counts = {"10": "10 digits", "100": "100 digits", "1797": "1,797 digits"}
    assert panel.labels == [*counts.values()]
    theory = [line for line in panel.series if not line.label]
    for count, grey in zip(counts, theory, strict=True):
        line = panel.line(counts[count])
        share = birth[count]["share"]
        assert share.shape == (10, 50)  # networks, layers
        assert np.array_equal(line.x, layers)
        assert np.allclose(line.y, share.mean(0))
        assert is_within(panel.y, line.y)
        assert (line.color, line.dash) == ("he", "solid")  # blue
        assert grey.color == "axis"
        assert np.array_equal(grey.y, birth[count]["theory"])
        assert np.mean(line.y - grey.y) > 0  # it runs a little below
    (band,) = panel.bands
    assert np.array_equal(band.low, birth["1797"]["share"].min(0))
    assert np.array_equal(band.high, birth["1797"]["share"].max(0))
    all_digits = panel.line("1,797 digits").y
    for layer, percent in {1: 3, 10: 18, 30: 35, 50: 41}.items():
        assert all_digits[layer - 1] == pytest.approx(percent / 100, abs=0.011)
    ten_digits = panel.line("10 digits").y
    assert ten_digits[0] == pytest.approx(0.17, abs=0.011)  # 17 %
    assert ten_digits[-1] == pytest.approx(0.46, abs=0.011)  # 46 %
    (half,) = panel.rules
    assert (half.axis, half.low) == ("y", 0.5)


def test_the_figure_of_the_rates_shows_what_each_rate_kills(drawn, measured):
    by_rate = measured("dead_units", "damage")["by rate"]
    dead, right = drawn("dead_units", "rates")
    assert dead.title == "dead share of all units"
    assert right.title == "training accuracy"
    assert dead.x.label == "learning rate of Adam"
    rates = (0.001, 0.01, 0.03, 0.1)
    said = [(11, 21, 56, 96), (96, 97, 89)]  # %
    for panel, runs, percent in zip((dead, right), by_rate, said, strict=True):
        assert runs.shape == (4, 5)  # rates, seeds
        assert panel.x.scale == "log"
        assert [place for place, _ in panel.x.ticks] == [*rates]
        texts = [text for _, text in panel.y.ticks if text]
        assert texts in ([], ["0 %", "50 %", "100 %"])
        line = shows(panel, "", rates, runs.T)
        assert (line.color, line.dash, line.marker) == ("he", "solid", "o")
        drawn_at = line.y[: len(percent)]
        assert drawn_at == pytest.approx(np.divide(percent, 100), abs=0.1)
    assert line.y[-1] < 0.50  # 50 %
    assert dead.y.ticks[-1] == (1, "100 %")


def test_the_figure_of_the_actions_shows_six_actions(drawn, measured):
    actions = measured("dead_units", "damage")["actions"]
    dead, right = drawn("dead_units", "actions")
    assert dead.title == "dead share of all units"
    assert right.title == "training accuracy"
    assert dead.x.label == "share"
    assert len(actions) == 6
    assert dead.y.ticks == tuple(enumerate(actions))
    for panel, at in ((dead, 0), (right, 1)):
        assert panel.y.limits[0] > panel.y.limits[1]  # the first on top
        assert panel.x.ticks == ((0, "0 %"), (0.5, "50 %"), (1, "100 %"))
        for row, (dots, action) in enumerate(
            zip(panel.series, actions.values(), strict=True)
        ):
            assert len(dots.x) == 5  # one dot a seed
            assert np.array_equal(dots.x, action[at])
            assert np.all(dots.y == row)
            assert (dots.marker, dots.dash) == ("o", "none")
            assert dots.color == "he"
            assert is_within(panel.x, dots.x)
    shares, accuracies = (
        dict(zip(actions, [dots.x for dots in panel.series], strict=True))
        for panel in (dead, right)
    )
    assert np.all(shares["lower rate only"] > 0.80)  # 80 %
    assert np.all(accuracies["lower rate only"] < 0.60)  # 60 %
    assert np.all(accuracies["leaky ReLU instead"] < 0.60)
    assert np.all(shares["biases moved"] < 0.27)
    assert np.all(accuracies["biases moved"] < 0.60)
    assert np.all(shares["batch norm added"] < 0.20)  # 20 %
    between = accuracies["batch norm added"]
    assert between.min() > accuracies["lower rate only"].max()
    renewed = accuracies["dead units renewed"]
    assert between.max() < np.sort(renewed)[1] > 0.80  # but for one at most
    assert np.all(accuracies["all started again"] > 0.90)  # 90 %


# What the page claims


def test_healthy_networks_are_born_with_dead_units(measured):
    """Fifty layers, ten seeds, no training; 10, 100 and 1,797 digits."""
    birth = measured("dead_units", "birth")
    said = {
        "10": (0.21, 0.35, 0.44, 0.46),
        "100": (0.10, 0.26, 0.38, 0.42),
        "1797": (0.04, 0.18, 0.35, 0.41),
    }
    for examples, shares in said.items():
        mean = birth[examples]["share"].mean(0)
        assert mean[LAYERS] == pytest.approx(shares, abs=0.011)
        assert mean[39:].mean() > mean[19:29].mean() > mean[4:9].mean()
        assert np.all(mean < 0.5)


def test_width_matters_little_for_the_mean(measured):
    """Ten layers of 50 and of 300 units, five seeds, no training."""
    shares = measured("dead_units", "variations")
    narrow, wide = (shares[f"width {w}"][:, 9].mean() for w in (50, 300))
    assert narrow == pytest.approx(0.18, abs=0.02)
    assert wide == pytest.approx(0.15, abs=0.02)


def test_theory_is_close_and_runs_low(measured):
    """Fifty layers, ten seeds, no training, against infinite width."""
    birth = measured("dead_units", "birth")
    assert birth["cosine"] == pytest.approx(0.69, abs=0.005)
    for examples in ("10", "100", "1797"):
        network = birth[examples]
        above = network["share"].mean(0) - network["theory"]
        assert above.max() < 0.09
        assert above.mean() > 0
        assert above.min() > -0.03


def test_an_alarm_at_40_percent_is_a_lottery_at_layer_50(measured):
    """Fifty layers, ten seeds, no training."""
    share = measured("dead_units", "birth")["1797"]["share"][:, 49]
    assert len(share) == 10
    assert np.sum(share > 0.405) == 3


def test_half_of_the_units_may_be_dead_in_a_network_that_trains(measured):
    """Five layers, Adam 0.03, 100 updates, batch 50, five seeds."""
    share, accuracy = measured("dead_units", "damage")["by rate"][:, 2]
    assert np.all((share > 0.5) & (share < 0.75))
    assert np.all(accuracy > 0.8)


def test_mirrored_kernels_keep_examples_apart():
    """30 ReLU layers of 100 units, 300 digits; five seeds.

    He init, and 50 normal kernels of variance 1/50 with their negatives.
    """
    digits = load_digits().data[:300] / 16
    for seed in range(5):
        cosines = []
        for mirrored in (False, True):
            rng, h = np.random.default_rng(seed), digits
            for layer in range(30):
                n = 50 if layer and mirrored else h.shape[1]
                if mirrored:
                    half = rng.normal(0, n**-0.5, (n, 50))
                    kernel = np.hstack([half, -half])
                    kernel = np.vstack([kernel, -kernel]) if layer else kernel
                else:
                    kernel = rng.normal(0, (2 / n) ** 0.5, (n, 100))
                h = np.maximum(h @ kernel, 0)
            unit = h / np.linalg.norm(h, axis=1, keepdims=True)
            cosines.append((unit @ unit.T)[np.triu_indices(300, 1)].mean())
        independent, paired = cosines
        assert independent > 0.92
        assert paired < independent - 0.05


def test_a_first_layer_tells_who_is_dead_for_all_pixels():
    """One layer of 100 units, biases of -0.5; pixels from 0 to 1."""
    rng = np.random.default_rng(0)
    kernel = rng.normal(0, 0.125, (64, 100)) - 0.14
    highest = np.maximum(kernel, 0).sum(0) - 0.5
    assert 10 < (highest <= 0).sum() < 90
    brightest = (kernel > 0).astype(float)  # a picture for each unit
    own = np.einsum("pu,pu->u", brightest, kernel) - 0.5
    assert np.allclose(own, highest)
    pictures = rng.uniform(0, 1, (5000, 64)).round()
    assert np.all((pictures @ kernel - 0.5)[:, highest <= 0] <= 0)


def test_the_scale_of_the_weights_does_not_matter_and_a_positive_bias_harms(
    measured,
):
    """Ten layers, five seeds, no training; kernels halved, biases raised."""
    shares = measured("dead_units", "variations")
    assert np.array_equal(shares["He"], shares["He / 2"])
    high = slice(4, 10)  # layers 5 to 10, in each of five networks
    zero, tenth, one = (
        shares[name][:, high].mean(1) for name in ("He", "bias 0.1", "bias 1")
    )
    assert np.all(tenth > zero)
    assert np.all(one > 1.5 * zero)
    at_ten = [shares[n][:, 9].mean() for n in ("He", "bias 0.1", "bias 1")]
    assert at_ten == pytest.approx((0.22, 0.29, 0.41), abs=0.015)
    assert np.all(shares["bias 0.1"][:, :2] <= shares["He"][:, :2])
    assert shares["bias 0.1"][:, 1].mean() < shares["He"][:, 1].mean()
    assert np.all(shares["bias 1"][:, 0] == 0)
    assert np.all(shares["bias 1"][:, 1] > shares["He"][:, 1])
    for name in ("bias 0.1", "bias 1"):  # from layer 4 on they harm
        assert np.all((shares[name] - shares["He"])[:, 3:].mean(0) > 0)


def test_those_born_dead_come_back_except_in_the_first_layer(measured):
    """Ten layers, plain SGD 0.05, batch 50, 200 updates, five seeds."""
    runs = measured("dead_units", "return")
    (first, above), (first_back, back) = runs["born dead"].T, runs["back"].T
    assert first.sum() >= 10
    assert first_back.sum() == 0
    assert np.all((back > 0.4 * above) & (back < 0.9 * above))
    assert back.sum() / above.sum() == pytest.approx(2 / 3, abs=0.12)


def test_a_rate_too_large_kills_nearly_all(measured):
    """Five layers, Adam, batch 50, 100 updates, five seeds."""
    share, accuracy = measured("dead_units", "damage")["by rate"]
    assert np.all(share[:2] < 0.3)  # rates 0.001 and 0.01
    assert np.all(accuracy[:2] > 0.9)
    assert np.all(share[3] > 0.8)  # rate 0.1
    drawn = np.median(share, 1)
    assert drawn == pytest.approx((0.11, 0.21, 0.56, 0.96), abs=0.06)
    assert np.all(accuracy[3] < 0.5)


def test_the_first_layer_tells_the_rate(measured):
    """Five layers, Adam, batch 50, 100 updates, five seeds."""
    damage = measured("dead_units", "damage")
    gentle, brisk, harsh, deadly = damage["first layer"]
    assert np.all(damage["first layer at birth"] < 0.1)
    assert np.all(gentle < 0.15)
    assert np.all((brisk > 0.15) & (brisk < 0.4))
    assert np.all(harsh > 0.6)
    assert np.all(deadly > 0.6)


def test_only_renewing_the_dead_or_starting_again_repairs(measured):
    """Five layers after Adam 0.1; then Adam 0.003, 100 updates, five seeds.

    Batch norm with the statistics of all digits.
    """
    actions = measured("dead_units", "damage")["actions"]
    dead = {name: share for name, (share, _) in actions.items()}
    right = {name: accuracy for name, (_, accuracy) in actions.items()}
    assert np.all(dead["lower rate only"] > 0.8)
    assert np.all(right["lower rate only"] < 0.6)
    assert np.all(right["leaky ReLU instead"] < 0.6)
    assert np.all(dead["biases moved"] < 0.27)
    assert np.all(right["biases moved"] < 0.6)
    assert np.all(dead["batch norm added"] < 0.2)
    assert np.all(right["batch norm added"] > right["lower rate only"] + 0.1)
    assert np.sum(right["dead units renewed"] > 0.8) >= 4
    assert np.all(right["all started again"] > 0.9)
    assert (
        np.median(right["all started again"])
        > np.median(right["dead units renewed"])
        > np.median(right["batch norm added"])
    )


def test_batch_norm_repairs_in_training_mode_only(measured):
    """As above; the same five networks, evaluated in two modes."""
    damage = measured("dead_units", "damage")
    training = damage["actions"]["batch norm added"][1]
    inference = damage["batch norm, inference"]
    assert len(inference) == 5
    assert np.all(inference < 0.3)
    assert np.all(training > inference + 0.1)
    assert round(0.99**100, 2) == 0.37
    assert keras.layers.BatchNormalization().momentum == 0.99


def test_a_renewed_unit_changes_what_other_examples_get():
    """Two units that are dead on half of the examples, one layer."""
    x = np.array([[1.0], [-1.0]], "float32")
    model = keras.Sequential(
        [
            keras.Input((1,)),
            keras.layers.Dense(2, "relu"),
            keras.layers.Dense(1),
        ]
    )
    model.layers[0].kernel.assign([[1.0, -1.0]])
    model.layers[1].kernel.assign([[1.0], [1.0]])
    before = model(x).numpy()
    assert revive(model, x[:1]) == 1
    after = model(x).numpy()
    assert after[0] == before[0]
    assert after[1] != before[1]


@pytest.mark.parametrize(
    "layer", [keras.layers.Dense(3, "tanh"), keras.layers.ReLU()]
)
def test_revive_refuses_what_it_cannot_renew(layer):
    """A tanh layer, and a layer without weights."""
    model = keras.Sequential([keras.Input((2,)), layer, keras.layers.Dense(1)])
    kernels = model.get_weights()
    with pytest.raises(ValueError, match=f"{layer.name} is no Dense layer"):
        revive(model, np.zeros((4, 2), "float32"))
    for before, after in zip(kernels, model.get_weights(), strict=True):
        assert np.array_equal(before, after)


@pytest.mark.parametrize(
    ("optimizer", "moves"),
    [
        (keras.optimizers.SGD(0.1), False),
        (keras.optimizers.SGD(0.1, momentum=0.9), True),
        (keras.optimizers.Adam(0.1), True),
    ],
)
def test_an_optimizer_with_a_memory_moves_a_dead_unit(optimizer, moves):
    """One unit, killed by its bias between two updates on 8 examples."""
    x, y = np.ones((8, 2), "float32"), np.ones((8, 1), "float32")
    unit = keras.layers.Dense(1, "relu", kernel_initializer="ones")
    head = keras.layers.Dense(1, kernel_initializer="ones")
    model = keras.Sequential([keras.Input((2,)), unit, head])
    model.compile(optimizer, "mse")
    model.train_on_batch(x, y)
    unit.bias.assign([-100.0])
    before = unit.kernel.numpy()
    model.train_on_batch(x, y)
    assert (np.abs(unit.kernel.numpy() - before).max() > 0.01) == moves
    if not moves:
        assert np.array_equal(unit.kernel.numpy(), before)


def test_dead_units_are_found_in_any_sequential_model():
    """A convolution, a batch norm, a nested model; in two batches."""
    inner = keras.Sequential([keras.layers.Dense(5, "relu", name="nested")])
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(4, 3),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(name="channels"),
            keras.layers.Dropout(0.9),
            keras.layers.Flatten(),
            inner,
            keras.layers.Dense(3),
        ]
    )
    norm = model.layers[1]
    norm.beta.assign([0.0, -1e6, 0.0, 0.0])
    inner.layers[0].bias.assign([0.0, 0.0, 0.0, 0.0, -1e6])
    x = np.random.default_rng(0).standard_normal((600, 8, 8, 1))
    x[100:] = 0  # what fires in the first batch only is not dead
    found = dead_units(model, x.astype("float32"), batch=100)
    assert list(found) == ["channels", "nested"]
    assert found["channels"].tolist() == [False, True, False, False]
    assert found["nested"].tolist()[-1]
