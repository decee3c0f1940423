"""The claims of the chapter `evaluation`, on what was measured."""

import importlib
import json
import random

import keras
import numpy as np
import pytest
from keras import layers

from snippets.evaluation.figures import TABLE
from snippets.evaluation.why_apart import modes, moved, unseen, why_apart
from studies.cases.models import MODELS
from studies.causes.__main__ import CODE
from studies.causes.evaluation import BATCH, FAULTS, SEEDS, digits, outcome
from studies.unchanged import WEEKLY, chosen, code_hash
from tests.drawings import is_within
from tests.turn import in_turn

# All networks: see `studies/causes/evaluation.py`; digits, one or two hidden
# layers of 64 units, Adam at 0.01, batches of 50, seeds 0 to 4.
HEALTHY = "not here: same weights, same rows, same number"
WHY = {
    "batch norm, 60 updates": "batch norm's averages",
    "dropout": "dropout or noise",
    "the first epoch": "fit says the mean of an epoch",
    "rows sorted, then split": "labels that fit has not met",
    "scaled in another way": "the other rows are scaled",
    "answers in another order": HEALTHY,
    "dropout never off": "a layer draws at random",
    "a layer in a Lambda": "the model does not have the weights of",
    "weights not loaded": "these are not the weights",
    "by heart": "it knows its own rows by heart",
}


@pytest.fixture(scope="module")
def trained(measured):
    return measured("evaluation", "trained")


def test_each_cause_is_named_by_numbers_alone(trained, measured):
    """Ten faults, five seeds each, after training; and their mends.

    The verdict is made of losses, labels and inputs: it knows neither the
    name of the case nor how it was made. The order of the answers is not
    the network's fault: there the probe says so.
    """
    assert WHY.keys() == FAULTS.keys() == trained.keys()
    for name, of in trained.items():
        assert len(of["broken"]["why"]) == len(of["mended"]["why"]) == SEEDS
        assert all(why.startswith(WHY[name]) for why in of["broken"]["why"])
        quiet = HEALTHY if name != "dropout never off" else WHY["dropout"]
        assert all(why.startswith(quiet) for why in of["mended"]["why"]), name
    for told in trained["weights not loaded"]["mended"]["modes"]:
        assert told["nothing"] == pytest.approx(2.3, abs=0.05)
    rows = measured("evaluation", "said")["rows"]
    assert [row[0] for row in rows] == [*FAULTS]


@in_turn
@pytest.mark.parametrize("name", FAULTS if WEEKLY else [chosen([*FAULTS])])
def test_a_fault_comes_out_as_the_table_says(name, trained):
    """One of them at one commit in three, weekly all of them; five seeds."""
    again = outcome(name)
    for kind in ("broken", "mended"):
        for now, then in zip(
            again[kind]["why"], trained[name][kind]["why"], strict=True
        ):  # a layer's name counts the layers of a session
            assert now.rstrip("_0123456789") == then.rstrip("_0123456789")
        for way in ("fit", "evaluate"):
            assert again[kind][way] == pytest.approx(
                trained[name][kind][way], abs=0.15
            )


def test_the_table_was_made_by_this_code():
    table = json.loads(TABLE.read_text("utf-8"))
    said = "run python -m studies.causes evaluation"
    assert table["code"] == code_hash(CODE["evaluation"]), said
    assert set(table["outcomes"]) == {*FAULTS}


def test_averages_arrive_late(trained):
    """Five seeds, 60 updates: the same weights in both modes, two momenta."""
    of = trained["batch norm, 60 updates"]
    assert of["broken"]["fit"].min() > 9 / 10
    assert of["broken"]["evaluate"].max() < 4 / 5
    for told in of["broken"]["modes"]:  # only the averages were changed
        assert told["refreshed"] == pytest.approx(told["fit"], abs=0.01)
        assert told["refreshed"] < 0.3 < 0.5 < told["evaluate"]
    assert of["mended"]["evaluate"].min() > 0.95
    momentum = layers.BatchNormalization().momentum
    assert momentum == 0.99
    assert momentum**60 == pytest.approx(0.55, abs=0.005)
    assert momentum**458 > 0.01 > momentum**459


def test_the_row_of_the_landing_page_stays_above_one(measured, trained):
    """Two layers of 64 with batch norm, Adam .003, 60 updates, 5 seeds.

    The loss that `evaluate` says after each update; `fit`, of the same
    network, has most of the rows right by then.
    """
    losses = measured("evaluation", "losses")["batch norm, 60 updates"]
    assert losses.shape == (5, 60)
    assert losses.min() > 0.9
    said = trained["batch norm, 60 updates"]["broken"]
    assert min(said["fit"]) > 0.9


def test_fit_says_a_mean(trained):
    """Five seeds: accuracy that fit says, and of the weights that it left.

    Dropout at one half, eight epochs; and a first epoch without it. Mended:
    no dropout; twelve epochs.
    """
    of = trained["dropout"]["broken"]
    assert of["fit"].max() < 0.88 < 0.95 < of["evaluate"].min()
    of = trained["the first epoch"]["broken"]
    assert of["fit"].max() < 0.7 < 0.85 < of["evaluate"].min()
    for name in ("dropout", "the first epoch"):
        of = trained[name]["mended"]
        assert np.all(abs(of["evaluate"] - of["fit"]) < 0.04), name


def test_the_split_takes_the_last_rows(trained):
    """Five seeds by hand; and `fit`, with rows that are their own labels."""
    of = trained["rows sorted, then split"]
    assert of["broken"]["fit"].min() > 0.95
    assert of["broken"]["evaluate"].max() < 1 / 20
    assert of["mended"]["evaluate"].min() > 9 / 10
    seen = []

    class Seen(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)

        def call(self, x, training=None):
            seen.append((training, np.sort(np.ravel(x))))
            return self.dense(x)

    model = Seen()
    model.compile("sgd", "mse", run_eagerly=True)
    x = np.arange(10, dtype="float32")[:, None]
    model.fit(x / 10, x, batch_size=8, validation_split=0.2, verbose=0)
    rows = {training: list(10 * rows) for training, rows in seen[-2:]}
    assert rows[True] == pytest.approx(list(range(8)), abs=1e-5)
    assert rows[False] == pytest.approx([8, 9], abs=1e-5)


def test_the_mends_train(trained):
    """Five seeds: accuracy on the rows that are asked about."""
    at_most = {
        "scaled in another way": 0.9, "answers in another order": 0.15,
        "dropout never off": 0.95, "a layer in a Lambda": 1 / 4,
        "weights not loaded": 1 / 5, "by heart": 0.85,
    }  # fmt: skip
    for name, most in at_most.items():
        of = trained[name]
        broken, mended = of["broken"]["evaluate"], of["mended"]["evaluate"]
        assert len(broken) == len(mended) == SEEDS
        assert broken.max() < most, name
        assert mended.min() > 0.95, name
        assert of["broken"]["fit"].min() > 0.8, name
    assert trained["by heart"]["broken"]["evaluate"] == pytest.approx(
        4 / 5, abs=0.03
    )
    for told in trained["dropout never off"]["broken"]["modes"]:
        assert told["again"] != told["evaluate"]


def test_fit_overrides_the_training_of_a_layer():
    """Functional models, untrained: what fit and predict do to two layers."""
    x, y = np.ones((8, 4), "float32"), np.zeros((8, 4), "float32")
    inputs = keras.Input((4,))
    for way in (None, True, False):
        norm, drop = layers.BatchNormalization(), layers.Dropout(0.5)
        h = drop(norm(inputs, training=way), training=way)
        model = keras.Model(inputs, h)
        model.compile("sgd", "mse")
        model.fit(x, y, verbose=0)
        assert norm.moving_mean.numpy() == pytest.approx(0.01)
        said = model.predict(x, verbose=0)
        assert np.array_equal(said, model.predict(x, verbose=0))
        assert not np.any(said == 0)  # nothing was dropped
        assert np.any(np.array(model(x, training=True)) == 0)
    norm = layers.BatchNormalization()
    inner = keras.Model(inputs, norm(inputs))
    outer = keras.Model(inputs, inner(inputs, training=False))
    for frozen in (False, True):  # as the guide does, and with the mend
        norm.trainable = not frozen
        before = norm.moving_mean.numpy()
        outer.compile("sgd", "mse")
        outer.fit(x, y, verbose=0)
        assert np.array_equal(before, norm.moving_mean.numpy()) == frozen


def moves(model, layer):
    """Say whether an epoch moves the weights of a layer."""
    x, y = (of[:100] for of in digits())
    before = layer.get_weights()
    model.fit(x, y, verbose=0)
    pairs = zip(before, layer.get_weights(), strict=True)
    return {bool(np.any(a != b)) for a, b in pairs}


def test_when_freezing_counts():
    """A hidden layer with batch norm: frozen before, and after, a fit."""

    def network():
        hidden = keras.Sequential(
            [layers.Dense(8), layers.BatchNormalization()]
        )
        last = layers.Dense(10, "softmax")
        model = keras.Sequential([keras.Input((64,)), hidden, last])
        model.compile("sgd", loss="sparse_categorical_crossentropy")
        return model, hidden

    model, hidden = network()
    hidden.trainable = False
    assert moves(model, hidden) == {False}
    hidden.trainable = True  # too late
    assert moves(model, hidden) == {False}
    model, hidden = network()
    assert moves(model, hidden) == {True}
    hidden.trainable = False  # too late
    assert moves(model, hidden) == {True}
    model.compile("sgd", loss="sparse_categorical_crossentropy")
    assert moves(model, hidden) == {False}
    x = digits()[0][:100]
    said = [np.array(model(x, training=way)) for way in (True, False)]
    assert np.array_equal(*said)


class Holds(layers.Layer):
    """A layer that holds another one in some way."""

    def __init__(self, held, get):
        super().__init__()
        self.held, self.get = held, get

    def call(self, x):  # noqa: D102
        return self.get(self.held)(x)


def test_who_holds_a_layer(trained):
    """What a model counts among its weights, and what an eager fit does."""
    dense = layers.Dense(8)
    for held, get in (
        (dense, lambda h: h), ([dense], lambda h: h[0]),
        ({"a": dense}, lambda h: h["a"]), ((dense,), lambda h: h[0]),
    ):  # fmt: skip
        model = keras.Sequential([keras.Input((4,)), Holds(held, get)])
        assert len(model.weights) == 2
    for hidden in (
        Holds(None, lambda _: dense),
        layers.Lambda(lambda h: dense(h)),
    ):
        model = keras.Sequential([keras.Input((4,)), hidden])
        assert len(model.weights) == 0
    anew = Holds(None, lambda _: layers.Dense(8))
    model = keras.Sequential([keras.Input((4,)), layers.Dense(4), anew])
    x, y = np.ones((8, 4), "float32"), np.ones((8, 8), "float32")
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="only supports singleton"):
        model.fit(x, y, verbose=0)
    of = trained["a layer in a Lambda"]["broken"]
    assert of["fit"].min() > 0.8  # what follows it learns
    assert of["evaluate"].max() < 0.4  # loaded beside another draw


def test_early_stopping_keeps_the_last():
    """An epoch that makes it worse: which weights are left."""
    x, y = np.ones((4, 1), "float32"), np.ones((4, 1), "float32")
    left = {}
    for best in (False, True):
        last = layers.Dense(1, use_bias=False, kernel_initializer="zeros")
        model = keras.Sequential([keras.Input((1,)), last])
        model.compile(keras.optimizers.SGD(1.2), "mse")  # it overshoots
        stop = keras.callbacks.EarlyStopping(
            patience=2, restore_best_weights=best
        )
        seen = []
        note = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda *_, m=last, s=seen: s.append(
                float(m.kernel.numpy()[0, 0])
            )
        )
        said = model.fit(
            x, y, epochs=9, validation_data=(x, y), callbacks=[note, stop],
            verbose=0,
        )  # fmt: skip
        losses = said.history["val_loss"]
        assert len(losses) == 3
        assert np.argmin(losses) == 0
        left[best] = float(last.kernel.numpy()[0, 0])
        assert left[best] == pytest.approx(seen[0 if best else -1])
    assert left[False] != left[True]


def test_the_model_is_put_back():
    """Weights, averages, seeds, momentum, random state; after five calls."""
    keras.utils.set_random_seed(1)
    norm = layers.BatchNormalization()
    stack = [layers.Dense(8), norm, layers.Dropout(0.5), layers.Dense(10)]
    model = keras.Sequential([keras.Input((64,)), *stack])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(True))
    x, y = (of[:100] for of in digits())
    model.fit(x, y, verbose=0)
    everything = [*model.variables, *model.optimizer.variables]
    before = [np.array(v) for v in everything]
    draws = random.getstate(), np.random.get_state()[1].copy()
    call = keras.Layer.__call__
    why_apart(model, x, y, 1.0, (x, y))
    with pytest.raises(ValueError, match="shape"):
        modes(model, x, y[:50])
    for was, variable in zip(before, everything, strict=True):
        assert np.array_equal(was, variable)
    assert norm.momentum == 0.99
    assert draws[0] == random.getstate()
    assert np.array_equal(draws[1], np.random.get_state()[1])
    assert keras.Layer.__call__ is call
    with pytest.raises(ValueError, match="compile the model first"):
        why_apart(keras.Sequential(stack), x, y)


def test_the_figure_shows_two_numbers_apart(drawn, measured):
    trained = measured("evaluation", "trained")
    (panel,) = drawn("evaluation", "apart")
    assert BATCH == 50
    assert panel.x.scale == "linear"
    names = [name.partition(",")[0] for name in trained]
    assert [text for _, text in panel.y.ticks] == names
    lines = iter(panel.series)
    for at, of in enumerate(trained.values()):
        for kind, way, marker, color in (
            ("mended", "evaluate", "s", "he"),
            ("broken", "fit", "^", "other"),
            ("broken", "evaluate", "o", "wide"),
        ):
            line = next(lines)
            assert (line.marker, line.color, line.dash) == (
                marker, color, "none",
            )  # fmt: skip
            assert len(line.x) == 5
            assert np.array_equal(line.x, of[kind][way])
            assert np.all(line.y == at)
            assert is_within(panel.x, line.x)
    assert not [*lines]
    worse = {
        name
        for name, of in trained.items()
        if np.median(of["broken"]["evaluate"]) < np.median(of["broken"]["fit"])
    }
    assert {*trained} - worse == {
        "dropout", "the first epoch", "dropout never off",
    }  # fmt: skip
    order = trained["answers in another order"]["broken"]["evaluate"]
    assert order == pytest.approx(1 / 10, abs=0.02)
    assert all(
        of["mended"]["evaluate"].min() > 9 / 10 for of in trained.values()
    )
    made = [fault.make(False) for fault in FAULTS.values()]
    assert {len(rows.x) for _, rows in made} == {1000, 800, 40}
    units = {
        layer.units for model, _ in made for layer in model.layers
        if isinstance(layer, layers.Dense)
    }  # fmt: skip
    assert units == {64, 10}
    depths = {
        sum(isinstance(layer, layers.Dense) for layer in model.layers) - 1
        for model, _ in made
    }
    assert depths <= {0, 1, 2}  # 0: it is in a Lambda


CASES = {
    "moving_averages": "batch norm's averages",
    "sorted_rows": "labels that fit has not met",
    "made_in_call": "the model does not have the weights of",
}


def ask(name, make):
    """Train a case as it was asked, seed 0; return score and verdict."""
    case = importlib.import_module(f"studies.cases.{name}").CASE
    network = case.build(getattr(case, make))
    score = case.train(network)
    model, x, y = network
    if "validation_split" not in case.fit:
        return case, score, why_apart(model, x, y)
    n = len(y) * 4 // 5
    other = x[n:], y[n:]
    return case, score, why_apart(model, x[:n], y[:n], other=other)


@in_turn
@pytest.mark.parametrize("name", CASES if WEEKLY else [chosen([*CASES])])
def test_a_case_of_the_public_is_named_and_mended(name):
    """Seed 0: broken below its goal and named, mended above it, no alarm."""
    case, score, why = ask(name, "broken")
    assert not score >= case.goal
    assert why.startswith(CASES[name])
    case, score, why = ask(name, "mended")
    assert score >= case.goal
    assert why == HEALTHY


# Untrained: dropout alone may speak; a variational autoencoder draws.
QUIET = {HEALTHY, "it has learned in neither",
         "dropout or noise makes the number of fit worse"}  # fmt: skip
DRAWS = {"vae": {"a layer draws at random in evaluate too"}}
REFUSED = {"gan": "No loss to compute"}  # its parts can be asked


@pytest.mark.parametrize("name", MODELS if WEEKLY else [*MODELS][::4])
def test_the_probe_takes_what_others_build(name):
    """Networks as people compile them, healthy, untrained: no alarm."""
    given = MODELS[name]()
    if name in REFUSED:
        with pytest.raises(ValueError, match=REFUSED[name]):
            why_apart(given.model, given.x, given.y)
        return
    said = why_apart(given.model, given.x, given.y)
    assert said in DRAWS.get(name, QUIET)


def test_the_rows_are_compared():
    y = np.repeat(np.arange(4), 10)
    assert unseen(y[:30], y[30:]) == 1
    assert unseen(np.eye(4)[y[:30]], np.eye(4)[y]) == 0.25
    assert unseen(y * 0.5 + 0.1, y[30:]) == 0  # numbers, not classes
    x = np.random.default_rng(0).random((40, 3))
    assert not moved(x[:20], x[20:])
    assert moved(x, 255 * x)
    assert moved(x, 2 * x - 1)
