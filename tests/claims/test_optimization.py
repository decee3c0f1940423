"""The claims of the chapter `optimization`, on what was measured.

The atlas: digits, layers of 100 units, batches of 50, seeds 0 to 4, at most
1,200 updates; see the page of the atlas. So are those of `studies/cures`, with
the number of updates that is named; 90 % of the training digits are asked for.
"""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from snippets.atlas import figures as atlas
from snippets.optimization.figures import FOLDER, PAIRS, STALLS, rates_tried
from snippets.optimization.first_aid import first_aid
from snippets.optimization.lost_gradients import lost_gradients
from snippets.optimization.range_test import range_test, smoothed
from snippets.unstable_gradients.deep_classifier import deep_classifier
from snippets.unstable_gradients.figures import digits
from studies.cures.__main__ import CODE
from studies.cures.optimization import CELLS
from studies.unchanged import WEEKLY, chosen, code_hash
from tests.drawings import shows
from tests.turn import in_turn


@pytest.fixture(scope="module")
def kinds(measured):
    return measured("atlas", "kinds")


@pytest.fixture(scope="module")
def trained(measured):
    return measured("optimization", "trained")


def all_five(of):
    """Return the rates at which all five seeds got there."""
    reached = of["reached"] > 0
    assert reached.shape == (len(of["rates"]), 5)
    return of["rates"][reached.all(1)]


def of(kinds, optimizer, name):
    activation, kernel, depth = STALLS[name]
    return kinds["digits", optimizer, 100, depth, activation, kernel]


def test_the_figure_of_the_rates_shows_them_fall(drawn, measured):
    (panel,) = drawn("optimization", "rates")
    for name, best in measured("optimization", "rates").items():
        line = panel.line(name)
        assert np.array_equal(line.x, (4, 10, 20, 30, 50))
        assert np.allclose(line.y, best)
    assert panel.x.scale == panel.y.scale == "log"
    assert panel.line("tanh, Glorot").y[[0, -1]].tolist() == [1.0, 0.03]
    assert panel.line("ReLU, He").y[[0, -1]].tolist() == [0.3, 0.003]
    assert panel.line("SELU, LeCun").y[[0, -1]].tolist() == [0.1, 0.003]


def test_the_figure_of_the_range_test_shows_its_minima(drawn, measured):
    (panel,) = drawn("optimization", "finder")
    losses = measured("optimization", "finder")
    low = {}
    for name, runs in losses.items():
        line = shows(panel, name, rates_tried(), runs, whole=False)
        assert line.dash == "solid"  # ReLU
        low[name] = line.y.min()
    assert low["10 layers"] == pytest.approx(2.1, abs=0.05)
    assert low["30 layers"] == pytest.approx(2.3, abs=0.05)


def test_the_best_rate_falls_with_depth(measured):
    """The atlas, plain SGD, 4 to 50 layers: the best of its rates."""
    for name, best in measured("optimization", "rates").items():
        assert np.all(np.diff(best) <= 0), name
        assert best[0] / best[-1] > 30, name  # 0.1 against 0.003
    assert len(PAIRS) == 3


def test_four_times_the_width_hardly_moves_the_best_rate(kinds):
    """The atlas, 30 layers, plain SGD: the best of at least 5 rates.

    Width 100 and 400; tanh with Glorot, SELU with LeCun, ReLU with He.
    """
    for pair, rates in (
        (("tanh", "glorot"), (0.03, 0.03)),
        (("selu", "lecun"), (0.01, 0.01)),
        (("relu", "he"), (0.01, 0.003)),
    ):
        for width, rate in zip((100, 400), rates, strict=True):
            it = kinds["digits", "sgd", width, 30, *pair]
            assert it["rate"] == rate, pair
            assert it["trained"] == 5
            assert len(it["tried"]) >= 5


def test_adam_rescues_glorots_relus_and_not_sigmoids(kinds):
    """The atlas at 5 rates of Adam or more, 7 of SGD, 5 of momentum.

    The rates at both ends were no better. Adam's epsilon is Keras's.
    """
    stalled = "30 of ReLU, Glorot"
    assert of(kinds, "adam", stalled)["trained"] == 5
    for optimizer in ("sgd", "momentum"):
        it = of(kinds, optimizer, stalled)
        assert it["trained"] == 0
        assert len(it["tried"]) >= 5
    for optimizer in atlas.OPTIMIZERS:
        for name in ("10 of sigmoid, Glorot", "50 of ReLU, Glorot"):
            it = of(kinds, optimizer, name)
            assert it["trained"] == 0
            assert len(it["tried"]) >= 5


def test_adam_where_momentum_fails(kinds):
    """The atlas: GELU and SiLU with He init, 30 layers; best rates."""
    for name in ("30 of GELU, He", "30 of SiLU, He"):
        assert of(kinds, "adam", name)["trained"] == 5
        assert of(kinds, "momentum", name)["trained"] == 0
        assert of(kinds, "sgd", name)["trained"] == 0


def test_the_right_start_beats_the_right_optimizer(kinds):
    """The atlas, 30 layers: tanh with Glorot and SGD; Adam on the stalls."""
    start = kinds["digits", "sgd", 100, 30, "tanh", "glorot"]
    assert start["slowest"] <= 120
    for name in STALLS:
        if name.startswith("30"):
            assert of(kinds, "adam", name)["fastest"] > start["slowest"]


def clipped(first, **how):
    """Return the steps of two variables; one holds the gradient `first`."""
    sgd = keras.optimizers.SGD(1.0, **how)
    variables = [keras.Variable([0.0, 0.0]), keras.Variable([0.0, 0.0])]
    sgd.build(variables)
    sgd.apply([tf.constant([first, 1.0]), tf.constant([3.0, 4.0])], variables)
    return [-variable.numpy() for variable in variables]


def test_clipvalue_hides_an_infinity_and_the_norms_spread_it():
    """Keras 3.15: gradients (inf, 1) and (3, 4), each limit 1."""
    for sign in (-1, 1):
        one, other = clipped(sign * np.inf, clipvalue=1.0)
        assert one.tolist() == [sign, 1]
        assert other.tolist() == [1, 1]
        one, other = clipped(sign * np.inf, clipnorm=1.0)
        assert np.isnan(one[0])
        assert one[1] == 0
        assert np.allclose(other, (0.6, 0.8))
    for step in clipped(np.inf, global_clipnorm=1.0):
        assert np.isnan(step).all()
    for how in ("clipvalue", "clipnorm", "global_clipnorm"):
        assert np.isnan(clipped(np.nan, **{how: 1.0})[0][0])  # none mends it


def test_a_finite_gradient_can_overflow_the_norm():
    """A gradient of 1e20 has a square beyond float32."""
    assert clipped(1e20, clipnorm=1.0)[0].tolist() == [0, 0]
    for step in clipped(1e20, global_clipnorm=1.0):
        assert np.isnan(step).all()
    assert clipped(1e20, clipvalue=1.0)[0].tolist() == [1, 1]


def test_two_limits_are_an_error():
    """Keras 3.15; one alone is none."""
    assert keras.optimizers.SGD(clipnorm=1.0).clipnorm == 1
    with pytest.raises(ValueError, match="Only one of"):
        keras.optimizers.SGD(clipnorm=1.0, clipvalue=1.0)


def test_too_large_kernels_want_another_start_not_clipping(trained, kinds):
    """20 layers of ReLU, twice He's variance, 900 updates; limits of 1.

    Rates around each best one, which is at none of their ends.
    """
    he = kinds["digits", "sgd", 100, 20, "relu", "he"]
    assert he["trained"] == 5
    for way, rate in {
        "unclipped": 0.0001, "clipvalue": 0.03, "clipnorm": 0.1,
        "global_clipnorm": 0.3, "Adam": 0.003,
    }.items():  # fmt: skip
        of = trained[f"too large, {way}"]
        assert rate in all_five(of), way
        assert of["reached"][of["reached"] > 0].min() > he["slowest"], way
    of = trained["too large, unclipped"]
    assert of["nan"][of["rates"] >= 0.001].all()
    assert of["nan"].sum() == 10  # at 0.001 and 0.01


def test_loss_scaling_leaves_clipping_to_the_inner_optimizer():
    """Keras 3.15: refuses the argument; clips what is scaled back.

    At infinity it skips the step and halves its scale.
    """
    wrap = keras.optimizers.LossScaleOptimizer
    with pytest.raises(ValueError, match="inner_optimizer"):
        wrap(keras.optimizers.SGD(), clipnorm=1.0)
    scaled = wrap(keras.optimizers.SGD(1.0, clipnorm=1.0))
    weight = keras.Variable([0.0, 0.0])
    scaled.build([weight])
    scaled.apply([tf.constant([3.0, 4.0]) * 2**15], [weight])
    assert np.allclose(weight, (-0.6, -0.8))
    scaled.apply([tf.constant([np.inf, 4.0])], [weight])
    assert np.allclose(weight, (-0.6, -0.8))
    assert float(scaled.dynamic_scale) == 2**14


def test_a_smaller_epsilon_does_not_train_ten_sigmoids(trained):
    """Glorot, Adam at 0.0003, 0.001 and 0.003, 900 updates."""
    for epsilon in ("1e-07", "1e-10"):
        of = trained[f"sigmoids, epsilon {epsilon}"]
        assert of["rates"].tolist() == [0.0003, 0.001, 0.003]
        assert of["right"].shape == (3, 5)
        assert of["right"].max() < 0.25


def test_float16_loses_gradients_and_a_scale_keeps_them():
    """30 layers of ReLU, Keras's defaults, second kernel, seeds 0 to 4.

    Zeros in float16 beyond those of float32; with a scale of 2¹⁵ fewer than
    1 % more.
    """
    for seed in range(5):
        exact = lost_gradients("float32", seed=seed)
        half = lost_gradients("mixed_float16", seed=seed)
        scaled = lost_gradients("mixed_float16", 2.0**15, seed=seed)
        assert half > exact + 0.1, seed
        assert scaled < exact + 0.01, seed


def test_the_minimum_of_a_range_test_is_no_noise(measured):
    """ReLU, He, plain SGD; 100 rates from 1e-4 to 3, seeds 0 to 19.

    Smoothed over 10 updates. The steepest descent of ten layers lies
    somewhere within a factor of 100 or more. The minimum of 30 layers is
    above the atlas's best rate, 0.01, by a factor of 3 or more in at least
    12 of 20.
    """
    losses, rates = measured("optimization", "finder"), rates_tried()
    low = rates[losses["10 layers"].argmin(1)]
    assert low.shape == (20,)
    assert low.min() > 0.03
    assert low.max() < 0.25
    steep = rates[np.gradient(losses["10 layers"], axis=1).argmin(1)]
    assert steep.max() / steep.min() > 100
    deep = rates[losses["30 layers"].argmin(1)]
    assert np.sum(deep > 3 * 0.01) >= 12
    assert deep.min() > 0.005
    assert deep.max() < 0.5
    best = measured("optimization", "rates")["ReLU, He"]
    assert best.tolist() == [0.3, 0.1, 0.03, 0.01, 0.003]


def test_the_listing_finds_the_minimum():
    """`range_test` on the ten layers of seed 0, as measured side by side."""
    x, y = digits()
    model = deep_classifier("relu", keras.initializers.HeNormal, 10, seed=0)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, metrics=["accuracy"])
    rates, losses = range_test(model, x, y)
    assert 0.03 < rates[losses.argmin()] < 0.25


def test_what_diverged_is_not_the_minimum():
    """One loss of 1e28 is forgotten ten updates later, and leaves no zero."""
    means = smoothed(np.array([2.0] * 20 + [1e28, np.nan] + [3.0] * 20))
    assert means[:20].tolist() == [2.0] * 20
    assert means[20:31].min() > 1e7
    assert means[31:].tolist() == [3.0] * 11


def test_a_warm_up_hardly_changes_which_rates_train(trained):
    """ReLU, He, 10 and 20 layers, 300 updates, 60 of them to warm up.

    Seven rates each: SGD 0.01, 0.02, … 0.64, Adam 0.0005, 0.001, … 0.032. Of
    their 35 runs those that get there differ in number by 3 at most, the
    rates at which all five seeds do by 1.
    """
    for optimizer, ends in (("SGD", (0.01, 0.64)), ("Adam", (0.0005, 0.032))):
        for depth in (10, 20):
            plain, warm = (
                trained[f"{optimizer}, {depth} layers, warm-up {updates}"]
                for updates in (0, 60)
            )
            assert plain["rates"][[0, -1]].tolist() == pytest.approx(ends)
            assert warm["rates"].tolist() == plain["rates"].tolist()
            runs = [(of["reached"] > 0).sum() for of in (plain, warm)]
            assert abs(runs[0] - runs[1]) <= 3, (optimizer, depth)
            rates = [len(all_five(of)) for of in (plain, warm)]
            assert abs(rates[0] - rates[1]) <= 1, (optimizer, depth)
            for of in (plain, warm):
                assert 2 <= len(all_five(of)) <= 6  # both ends are seen


def test_the_table_was_made_by_this_code():
    table = json.loads((FOLDER / "trained.json").read_text("utf-8"))
    said = "run python -m studies.cures optimization"
    assert table["code"] == code_hash(CODE["optimization"]), said
    assert {*table["outcomes"]} == {*CELLS}


@in_turn
@pytest.mark.parametrize("name", CELLS if WEEKLY else [chosen([*CELLS])])
def test_a_network_comes_out_as_the_table_says(name, trained):
    again = CELLS[name]()
    for what in ("reached", "nan"):
        assert (np.array(again[what]) > 0).sum(1) == pytest.approx(
            (trained[name][what] > 0).sum(1), abs=2
        ), what


def test_first_aid_warms_up_and_ends_at_zero():
    """1,500 examples, batches of 50, ten epochs: 300 updates."""
    adam = first_aid(0.001, 1500, 50, 10)
    rates = [float(adam._learning_rate(update)) for update in range(301)]
    assert np.argmax(rates) == 15
    assert max(rates) == pytest.approx(0.001, rel=0.01)
    assert rates[0] == 0
    assert rates[300] < 1e-7
    bias, kernel = keras.Variable([0.1], name="bias"), keras.Variable([0.1])
    adam.build([bias, kernel])
    for _ in range(20):
        adam.apply([tf.zeros(1), tf.zeros(1)], [bias, kernel])
    assert float(bias[0]) == pytest.approx(0.1, rel=1e-6)
    assert float(kernel[0]) < 0.1 - 1e-6
