"""The claims of the chapter `losses`, on what was measured."""

import json
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from snippets.losses.figures import NO_LABELS, PANELS, TABLE
from snippets.losses.three_answers import three_answers
from studies.losses.__main__ import CODE, PAIRS, outcome
from studies.losses.pairs import (
    BATCH,
    EPOCHS,
    EXAMPLES,
    FAULTS,
    FITS,
    RATE,
    XS,
    YS,
    OwnSquares,
    network,
)
from studies.unchanged import WEEKLY, chosen, code_hash
from tests.drawings import shows, unlabelled
from tests.turn import in_turn

# All networks: two hidden layers of 64 ReLU units (for maps one convolution),
# 1,000 examples, Adam at 0.003, batches of 50, 30 epochs, seeds 0 to 4.


@pytest.fixture(scope="module")
def trained(measured):
    return measured("losses", "trained")


@pytest.fixture(scope="module")
def answers(measured):
    return measured("losses", "answers")


# What costs least among answers that are all alike is not the mean there, or
# a network that sees nothing needs more updates to say it.
OWN_LEAST = (*NO_LABELS, "values from 0 to 1", "a place on a map", "directions")


@in_turn
@pytest.mark.parametrize(
    "name", PAIRS if WEEKLY else [chosen([n for n in PAIRS if "map" not in n])]
)
def test_a_pair_trains_again_as_the_table_says(name, trained):
    """One of them at one commit in three, weekly all; five seeds."""
    again = outcome(PAIRS[name])
    scores = np.array(again["scores"], float)
    if name != "linear counts":  # it runs away, to another number each time
        assert scores == pytest.approx(trained[name]["scores"], abs=0.15)


def test_the_table_was_made_by_this_code():
    table = json.loads(TABLE.read_text("utf-8"))
    assert table["code"] == code_hash(CODE), "run python -m studies.losses"
    assert set(table["pairs"]) == {*FITS, *FAULTS}


def test_every_pair_of_the_table_fits(trained, answers, measured):
    """Trained from five seeds, Adam 0.003, 600 updates, 1,000 examples.

    Scores are 0 for an answer that knows nothing and 1 for the labels, on
    the examples that were trained on.
    """
    assert len(FITS) == 15
    least = {
        "counts": 0.5,
        "a variational autoencoder": 0.35,
        "a place on a map": 0.7,
    }
    for task in FITS:
        scores = trained[task]["scores"]
        assert scores.shape == (5,)
        assert scores.min() > least.get(task, 0.85), task
        if task not in NO_LABELS:
            costs = answers[task]
            assert costs["right"] < costs["nothing"] < costs["wrong"], task
            assert costs["unsayable"] == 0
            assert math.isfinite(costs["now"])
    rows = measured("losses", "fits")["rows"]
    assert [row[0] for row in rows] == [*FITS]


def test_three_answers_name_each_fault(answers):
    """Before training: seed 0, the examples that the pairs are trained on."""
    wrong_order = {
        name
        for name in FAULTS
        if not answers[name]["right"]
        < answers[name]["nothing"]
        < answers[name]["wrong"]
    }
    assert wrong_order == {
        "one unit, categorical",
        "one unit, softmax",
        "(n,) against (n, 1)",
        "cosine without minus",
    }
    unsayable = {n for n in FAULTS if answers[n]["unsayable"] > 0.1}
    assert unsayable == {
        "one unit, softmax",
        "standardized targets",
        "softmax over tags",
        "ReLU for negatives",
        "tanh for large numbers",
    }
    assert answers["standardized targets"]["right"] < -1
    not_finite = {n for n in FAULTS if not math.isfinite(answers[n]["now"])}
    assert not_finite == {"linear counts"}
    sparse, weighted = (
        answers["map, plain squares"],
        answers["a place on a map"],
    )
    assert sparse["nothing"] < 0.01 < 0.1 < weighted["nothing"]


def test_knowing_nothing_is_what_a_blind_network_learns(trained, answers):
    """A network whose inputs are zeros, one seed, 600 updates."""
    for task in FITS:
        blind = float(trained[task]["blind"][0])
        if task == "embeddings from triplets":
            assert blind == pytest.approx(1, abs=1e-3)  # the margin
        elif task not in OWN_LEAST:
            nothing = answers[task]["nothing"]
            assert blind == pytest.approx(nothing, abs=0.02 * abs(nothing)), (
                task
            )
    share = YS["yes"].mean()
    entropy = -share * np.log(share) - (1 - share) * np.log(1 - share)
    assert answers["two classes"]["nothing"] == pytest.approx(entropy, rel=1e-3)
    assert answers["numbers"]["nothing"] == pytest.approx(
        YS["value"].var(), 1e-3
    )


def test_keras_squeezes_what_an_own_loss_broadcasts(trained, answers):
    """Five seeds, 600 updates; and the shapes by themselves."""
    y, said = np.arange(4.0), np.arange(4.0)[:, None]
    assert float(OwnSquares()(y, said)) == pytest.approx(2 * y.var())
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.layers[0].set_weights([np.ones((1, 1)), np.zeros(1)])
    assert model.evaluate(said, y, verbose=0) == 0
    broadcast = "(n,) against (n, 1)"
    costs = answers[broadcast]
    assert costs["right"] == pytest.approx(2 * costs["nothing"], rel=1e-3)
    assert trained[broadcast]["losses"][:, -1].min() > 0.97
    assert np.abs(trained[broadcast]["scores"]).max() < 0.1
    assert trained["numbers"]["scores"].min() > 0.95


def test_one_unit_under_categorical_costs_nothing(trained):
    """Five seeds, 600 updates."""
    assert np.all(trained["one unit, categorical"]["losses"] == 0)
    assert trained["two classes"]["scores"].min() > 0.85


def test_a_softmax_of_one_unit_hides_behind_a_falling_loss(trained):
    """Five seeds, 600 updates, TensorFlow; what Keras reads is named here."""
    losses = trained["one unit, softmax"]["losses"]
    assert losses[:, 0].min() > 0.3
    assert losses[:, -1].max() < 0.1
    assert trained["one unit, softmax"]["scores"].max() < 0
    pair = FAULTS["one unit, softmax"]
    model = network(pair, 0)
    said = model.predict(XS[pair.x], verbose=0)
    assert said == pytest.approx(1, abs=1e-6)
    assert hasattr(model(XS[pair.x][:2]), "_keras_logits")


def test_standardized_targets_fall_for_ever(trained):
    """Five seeds, 600 updates, digits of 64 pixels."""
    losses = trained["standardized targets"]["losses"]
    assert np.all(np.diff(losses, axis=1) < 0)
    assert losses[:, -1].max() < -600_000
    assert trained["standardized targets"]["scores"].max() < 0
    assert trained["values from 0 to 1"]["scores"].min() > 0.85


def test_a_sigmoid_that_comes_last_has_no_bound_and_others_have():
    """One output for a target of -1; Keras on TensorFlow."""
    target = np.float32([[-1]])
    last = keras.layers.Activation("sigmoid")
    for z in (-50.0, -500.0):
        said = last(np.float32([[z]]))
        costs = [
            keras.losses.binary_crossentropy(target, it)[0]
            for it in (said, 1 * said)
        ]
        assert float(costs[0]) == pytest.approx(z)
        assert float(costs[1]) == pytest.approx(-16, abs=0.2)
        assert float(costs[1]) == pytest.approx(np.log(1e-7), abs=0.01)


def test_a_softmax_over_tags_rises(trained):
    """Five seeds, 600 updates; six labels, about 64 % of them set."""
    losses = trained["softmax over tags"]["losses"]
    assert losses[:, 0].max() < 8
    assert losses[:, -1].min() > 70
    assert trained["softmax over tags"]["scores"].max() < 0
    assert trained["several at once"]["scores"].min() > 0.97
    labels = tf.constant([[1.0, 1, 1, 0]])
    logits = tf.Variable([[0.3, -1, 2, 0]])
    with tf.GradientTape() as tape:
        loss = tf.nn.softmax_cross_entropy_with_logits(labels, logits)
    found = tape.gradient(loss, logits)
    short = tf.nn.softmax(logits) - labels  # right where labels sum to 1
    assert np.allclose(found, short, atol=1e-6)
    assert not np.allclose(found, 3 * tf.nn.softmax(logits) - labels, atol=0.1)


def test_an_error_cut_off_has_no_slope(trained):
    """Five seeds, 600 updates; targets with a standard deviation of 10."""
    assert trained["error cut off"]["scores"].max() < 0.2
    assert trained["numbers with outliers"]["scores"].min() > 0.95


def test_the_floor_is_what_the_last_layer_cannot_say(trained, answers):
    """Five seeds, 600 updates."""
    floor = answers["ReLU for negatives"]["right"]
    assert floor == pytest.approx(0.51, abs=0.01)
    last = np.sort(trained["ReLU for negatives"]["losses"][:, -1])
    assert np.all((last[:4] > floor) & (last[:4] < floor + 0.03))
    assert last[4] == pytest.approx(np.mean(YS["value"] ** 2), rel=0.01)
    tall = answers["tanh for large numbers"]["right"]
    ends = trained["tanh for large numbers"]["losses"][:, -1]
    assert np.all((ends > tall) & (ends < 1.02 * tall))


def test_a_similarity_without_its_minus_trains_backwards(trained):
    """Five seeds, 600 updates."""
    assert trained["cosine without minus"]["losses"][:, -1].max() < -0.9
    assert trained["cosine without minus"]["scores"].max() < -0.9
    assert trained["directions"]["scores"].min() > 0.9


def test_a_sparse_map_hides_in_its_mean(trained, answers):
    """Five seeds, 600 updates, maps of 16 × 16, two convolutions."""
    nothing = answers["map, plain squares"]["nothing"]
    assert nothing == pytest.approx(0.006, abs=0.0005)
    losses = trained["map, plain squares"]["losses"][:, -1]
    assert losses == pytest.approx(nothing, rel=0.1)
    assert trained["map, plain squares"]["scores"].max() < 0.05
    assert trained["a place on a map"]["scores"].min() > 0.7


def test_a_mean_against_a_sum_loses_the_code(trained):
    """Five seeds, 600 updates, digits, eight latent numbers."""
    assert np.abs(trained["a mean against a sum"]["scores"]).max() < 0.05
    assert trained["a variational autoencoder"]["scores"].min() > 0.35


def test_linear_counts_are_nan(trained, answers):
    """Five seeds: in epochs 1 and 30, and in between but in the first seed."""
    finite = np.isfinite(trained["linear counts"]["losses"])
    assert finite.shape == (5, 30)
    assert [*zip(*np.nonzero(finite), strict=True)] == [
        (0, epoch - 1) for epoch in range(2, 9)
    ]
    scores = np.sort(trained["linear counts"]["scores"])
    assert np.isfinite(scores).all()
    assert scores[3] < -100_000
    assert scores[4] > 0
    truth, said = tf.constant([[2.0]]), tf.Variable([[-1.0]])
    with tf.GradientTape() as tape:
        loss = keras.losses.poisson(truth, said)
    assert np.isnan(loss.numpy()).all()
    assert tape.gradient(loss, said).numpy() == pytest.approx(1 + 2, rel=1e-3)
    assert trained["counts"]["scores"].min() > 0.5


def test_a_class_number_too_large_raises():
    """Keras on TensorFlow, on the processor; five classes, one example."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    said = np.zeros((1, 5), "float32")
    assert float(loss(np.array([4]), said)) == pytest.approx(np.log(5))
    with pytest.raises(tf.errors.InvalidArgumentError, match="label value"):
        loss(np.array([5]), said)


def test_the_probe_takes_what_others_build():
    """Shapes and layers that the chapter's own networks do not have."""
    x = np.random.default_rng(0).random((40, 6, 4)).astype("float32")
    steps = np.random.default_rng(1).integers(0, 3, (40, 6))
    model = keras.Sequential(
        [keras.Input((6, 4)), keras.layers.LSTM(8, return_sequences=True),
         keras.layers.Dense(3, "softmax")]
    )  # fmt: skip
    whole = keras.Sequential(
        [keras.Input((6, 4)), keras.layers.Flatten(),
         keras.layers.Dense(3), keras.layers.Activation("softmax")]
    )  # fmt: skip
    for network_, labels in ((model, steps), (whole, steps[:, :1])):
        network_.compile(
            "adam", "sparse_categorical_crossentropy", metrics=["accuracy"]
        )
        costs = three_answers(network_, x, labels)
        assert costs["right"] < 1e-4 < costs["nothing"] < costs["wrong"]
        assert costs["nothing"] == pytest.approx(np.log(3), abs=0.05)
        assert costs["unsayable"] == 0


def test_the_figure_of_the_faults_shows_each_as_it_is(drawn, measured):
    trained = measured("losses", "trained")
    panels = drawn("losses", "faults")
    assert [panel.title for panel in panels] == [*PANELS.values()]
    assert len(panels) == 6
    assert (EXAMPLES, BATCH, EPOCHS, RATE) == (1000, 50, 30, 0.003)
    hidden = network(FAULTS["ReLU for negatives"], 0).layers[:-1]
    assert [layer.units for layer in hidden] == [64, 64]
    epochs = np.arange(1, 31)
    for panel, name in zip(panels, PANELS, strict=True):
        runs = trained[name]["losses"]
        assert unlabelled(panel).dash == "solid"
        if name == "one unit, categorical":  # a range without width
            assert not panel.bands
            assert np.array_equal(unlabelled(panel).y, np.zeros(30))
            continue
        unit = 1e6 if name == "standardized targets" else 1
        assert ("in millions" in panel.title) == (unit > 1)
        shows(panel, "", epochs, runs / unit)
    ends = [panel.series[0].y[-1] for panel in panels]
    assert ends[0] == 0
    assert ends[1] < -0.6
    assert panels[2].series[0].y[0] == pytest.approx(7, abs=0.5)
    assert ends[2] > 70
    assert ends[3] == pytest.approx(1, abs=0.03)
    assert ends[4] == pytest.approx(0.5, abs=0.03)
    assert ends[5] == pytest.approx(-1, abs=0.05)


def test_a_relu_in_front_of_a_softmax_can_lose_a_class():
    """One layer, three classes, all inputs positive; no training."""
    kernel = tf.constant([[1.0, -1.0, 0.5]] * 4)
    x = tf.random.stateless_uniform((50, 4), (0, 1))
    y = tf.one_hot([1] * 50, 3)
    for activation, moves in ((tf.nn.relu, False), (tf.identity, True)):
        with tf.GradientTape() as tape:
            tape.watch(kernel)
            logits = activation(x @ kernel)
            loss = tf.nn.softmax_cross_entropy_with_logits(y, logits)
        slope = tape.gradient(loss, kernel)[:, 1]
        assert bool(tf.reduce_any(slope != 0)) == moves
        assert bool(tf.reduce_all(logits[:, 1] == 0)) != moves


def test_a_loss_without_labels_is_refused():
    """Triplets: outputs (n, 3, 4), and zeros where labels would stand."""
    pair = FITS["embeddings from triplets"]
    with pytest.raises(ValueError, match="cannot reshape") as error:
        three_answers(network(pair, 0), XS[pair.x], pair.y)
    assert error.value
