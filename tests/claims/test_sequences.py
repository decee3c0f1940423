"""The claims of the chapter `sequences`, on what was measured."""

import importlib
import json
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from snippets.sequences.figures import ASKED, LINES, PADDED, TABLE
from snippets.sequences.places import Places
from snippets.sequences.remembering import forget_bias
from snippets.sequences.sequence_checks import real_steps, sequence_checks
from studies.cases.models import MODELS
from studies.causes.__main__ import CODE
from studies.causes.sequences import (
    BATCH,
    EXAMPLES,
    FAULTS,
    SEEDS,
    chrono,
    outcome,
)
from studies.unchanged import WEEKLY, chosen, code_hash
from tests.drawings import is_within, near, shows
from tests.turn import in_turn

# All networks: see `studies/causes/sequences.py`; 1,000 examples, batches of
# 50, seeds 0 to 4. Scores are on new examples: 0 for guessing, 1 for right.


@pytest.fixture(scope="module")
def trained(measured):
    return measured("sequences", "trained")


@pytest.fixture(scope="module")
def gradients(measured):
    return measured("sequences", "gradients")


@in_turn
@pytest.mark.parametrize("name", FAULTS if WEEKLY else [chosen([*FAULTS])])
def test_a_network_trains_again_as_the_table_says(name, trained):
    """One of them at one commit in three, all of them weekly; five seeds."""
    again = np.array(outcome(name), float)
    assert np.array_equal(np.isnan(again), np.isnan(trained[name]))
    middle = np.median(again) - np.median(trained[name])
    assert not abs(middle) > 0.35


def test_the_table_was_made_by_this_code():
    table = json.loads(TABLE.read_text("utf-8"))
    said = "run python -m studies.causes sequences"
    assert table["code"] == code_hash(CODE["sequences"]), said
    assert set(table["outcomes"]) == {*FAULTS}
    assert all(len(of) == SEEDS == 5 for of in table["outcomes"].values())


def test_padding_behind_hides_the_words_from_gates(trained):
    """16 units, Adam 0.01, 200 updates, five seeds, texts padded to 60."""
    assert (EXAMPLES, BATCH) == (1000, 50)
    for kind in ("LSTM", "GRU", "SimpleRNN"):
        assert np.abs(trained[f"{kind}, padded behind"]).max() < 0.1
        assert trained[f"{kind}, padded in front"].min() > 0.9
        assert trained[f"{kind}, masked"].min() > 0.9
    for kind in ("mean", "attention"):
        for how in ("padded", "masked"):
            assert trained[f"{kind}, {how}"].min() > 0.9


def test_the_table_of_masks(measured):
    """Keras 3.15, an `Embedding(…, mask_zero=True)` before each layer."""
    rows = dict(measured("sequences", "masks")["rows"])
    warned, silent = (
        rows[f"drops it, {how}"] for how in ("with a warning", "without a word")
    )
    for name in ("Conv1D", "Flatten", "Lambda", "a Layer of your own"):
        assert name in warned
    for name in ("2 * h", "h + positions", "keras.ops", "has none"):
        assert name in silent
    for name in ("Dense", "MultiHeadAttention", "Bidirectional of it"):
        assert name in rows["passes it on"]
    assert rows["uses it, and ends it"] == "LSTM, GRU, GlobalAveragePooling1D"
    embed = layers.Embedding(10, 4, mask_zero=True)
    for layer in (Places(), layers.Rescaling(2.0)):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            h = layer(embed(np.array([[1, 2, 0, 0]])))
        assert h._keras_mask.numpy().tolist() == [[True, True, False, False]]


def test_what_is_left_of_the_gradient(gradients, measured):
    """32 units, one-hot symbols of 8, at initialization, five seeds."""
    left = {name: runs[:, -60] for name, runs in gradients.items()}
    assert near(np.median(left["LSTM, forget bias 1"]), 2e-5)
    assert left["LSTM, forget bias 1"].max() < 2e-4
    assert near(np.median(left["GRU"]), 1e-12, 3)
    assert left["GRU"].max() < 1e-11
    assert left["LSTM, forget bias 0"].max() < 1e-11
    assert left["LSTM, forget bias 3"].min() > 0.5
    assert left["SimpleRNN, ReLU, identity"].min() > 0.5
    kept = np.median(left["SimpleRNN, ReLU, identity"])
    assert kept == pytest.approx(0.87, abs=0.05)
    assert near(np.median(left["LSTM, chrono"]), 0.02)
    rows = measured("sequences", "memory")["rows"]
    assert [row[0] for row in rows] == [*LINES]


def test_orthogonal_and_glorot_forget_alike(gradients, trained):
    """SimpleRNN, tanh, 32 units, five seeds; Adam 0.003, 240 updates."""
    learned = [np.sum(trained[f"SimpleRNN, {kind}"] > 0.9)
               for kind in ("Glorot", "orthogonal")]  # fmt: skip
    assert learned == [3, 0]
    kinds = ("SimpleRNN, orthogonal", "SimpleRNN, Glorot")
    usual = [np.median(gradients[kind][:, -60]) for kind in kinds]
    assert near(usual[0], usual[1], 3)
    assert max(usual) < 1e-3
    for kind in kinds:
        assert gradients[f"{kind}, inputs a tenth"][:, -60].min() > 1 / 3


def test_the_biases_stand_where_the_forget_gate_is():
    """LSTM in Keras 3.15: input, forget, cell, output; a layer of 4 units."""
    for make, forget in (
        (forget_bias(3), [3] * 4),
        (chrono(60), np.log(np.random.default_rng(0).uniform(1, 59, 4))),
    ):
        layer = layers.LSTM(4, unit_forget_bias=False, bias_initializer=make)
        layer.build((None, 5, 2))
        bias = layer.get_weights()[2]
        assert bias[4:8] == pytest.approx(forget)
    opened = [1 / (1 + np.exp(-bias)) for bias in (1, 3)]
    assert opened == pytest.approx([0.73, 0.95], abs=0.005)
    usual = layers.LSTM(4)
    usual.build((None, 5, 2))
    assert usual.get_weights()[2][4:8] == pytest.approx(1)
    assert usual.get_weights()[2].sum() == 4


def test_without_positions_the_order_is_invisible(trained, measured):
    """Two pre-norm blocks, Adam 0.002, 400 updates, five seeds; ten words."""
    assert np.abs(trained["no positions"]).max() < 0.2
    assert trained["positions"].min() > 0.7
    said = measured("sequences", "checks")
    assert said["no positions"]["order"] < 1e-5
    assert said["positions"]["order"] > 0.1
    x = tf.constant(
        np.random.default_rng(0).standard_normal((1, 6, 4)), "float32"
    )
    attend = layers.MultiHeadAttention(2, 4)
    turned = tf.reverse(attend(x, x), [1])
    assert np.allclose(attend(*[tf.reverse(x, [1])] * 2), turned, atol=1e-6)
    causal = attend(x, x, use_causal_mask=True)
    again = attend(*[tf.reverse(x, [1])] * 2, use_causal_mask=True)
    assert not np.allclose(again, tf.reverse(causal, [1]), atol=1e-3)


def test_empty_rows():
    """Keras 3.15, a row of which each step is masked."""
    embed = layers.Embedding(10, 4, mask_zero=True)
    zeros = np.zeros((1, 6), int)
    assert np.isnan(layers.GlobalAveragePooling1D()(embed(zeros))).all()
    for kind in (layers.LSTM, layers.GRU, layers.SimpleRNN):
        assert np.all(kind(3)(embed(zeros)).numpy() == 0)
    x = tf.constant(
        np.random.default_rng(0).standard_normal((1, 6, 4)), "float32"
    )
    nothing = np.zeros((1, 6, 6), bool)
    for dropout in (0.0, 0.1):
        attend = layers.MultiHeadAttention(2, 4, dropout=dropout)
        said = attend(x, x, attention_mask=nothing).numpy()
        mean = tf.reduce_mean(attend._value_dense(x), 1, keepdims=True)
        wanted = 0 if dropout else attend._output_dense(mean).numpy()
        assert np.allclose(said, wanted, atol=1e-6)
        told = attend(
            x, x, attention_mask=nothing, return_attention_scores=True
        )
        assert all(np.all(part.numpy() == 0) for part in told)
    mask = np.zeros((1, 6), bool)
    said = layers.Attention()([x, x], mask=[None, mask]).numpy()
    assert np.allclose(said, x.numpy().mean(1, keepdims=True), atol=1e-6)


def test_a_mean_over_nothing(trained):
    """Text 17 of 1,000 is empty, or has one word; five seeds, 200 updates."""
    assert np.isnan(trained["a mean over nothing"]).all()
    assert trained["a mean over something"].min() > 0.9


def test_a_state_needs_its_order(trained):
    """LSTM of 16, Adam 0.01, 400 updates, five seeds; the last three pieces."""
    assert trained["stateful, in order"].min() > 0.9
    assert trained["stateful, shuffled"].max() < 0.6
    assert np.sum(trained["stateful, never emptied"] > 0.9) == 1


def test_who_remembers(trained):
    """32 units, Adam 0.003, 240 updates, five seeds; 60 symbols of eight."""
    learned = {name: int(np.sum(trained[name] > 0.9)) for name in LINES}
    assert learned["LSTM, forget bias 1"] == 1
    assert learned["LSTM, forget bias 3"] == 4
    assert learned["SimpleRNN, ReLU, identity"] == 0


def stateful():
    """Return a stateful layer, and eight rows in batches of four."""
    keras.utils.set_random_seed(0)
    layer = layers.LSTM(2, stateful=True)
    model = keras.Sequential(
        [keras.Input(batch_shape=(4, 3, 1)), layer, layers.Dense(1)]
    )
    model.compile("sgd", "mse")
    return model, layer, np.ones((8, 3, 1), "float32")


def test_nobody_empties_a_state():
    """A stateful LSTM, `fit` over two epochs, `predict` twice."""
    model, layer, x = stateful()
    said = [model.predict(x, batch_size=4, verbose=0) for _ in range(2)]
    assert not np.allclose(*said)
    seen = []
    watch = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: seen.append(layer.states[0].numpy())
    )
    layer.reset_state()
    model.fit(x, x[:, 0], 4, 2, shuffle=False, callbacks=[watch], verbose=0)
    assert np.all(seen[0] == 0)
    assert np.all(seen[1] != 0)


def test_the_model_is_put_back():
    """A stateful layer that has a state, and the weights."""
    model, _, x = stateful()
    model.predict(x, batch_size=4, verbose=0)
    before = [v.numpy() for v in model.variables]
    called = keras.Layer.__call__
    assert sequence_checks(model, x)["stateful"] == [model.layers[0].name]
    after = [v.numpy() for v in model.variables]
    assert all(map(np.array_equal, before, after))
    assert keras.Layer.__call__ is called


SUSPECT = {
    "LSTM, padded behind": ["padding"],
    "a mean over nothing": ["empty rows"],
}
HINT = {
    "words ±.05, SGD": "words",
    "no positions": "order",
    "stateful, in order": "stateful",
}


def test_the_probe_names_each_fault(measured):
    """Untrained, seed 0; the networks that are trained for this page."""
    checks = measured("sequences", "checks")
    assert checks.keys() == ASKED.keys()
    for name, said in checks.items():
        assert said["suspect"] == SUSPECT.get(name, [])
        assert HINT.get(name, "") in ["", *said["hints"]], name
    for name in ("LSTM, masked", "positions", "words × √d, SGD"):
        assert checks[name]["hints"] == []
    assert checks["a mean over nothing"]["empty rows"] == [17]


CASES = {
    "masked_in_float16": ("suspect", "not finite"),
    "padded_steps": ("suspect", "padding"),
    "no_positions": ("hints", "order"),
}


@pytest.mark.parametrize("name", CASES if WEEKLY else [chosen([*CASES])])
def test_a_case_of_the_public_is_named(name):
    """As it was asked, and mended: seed 0, before training."""
    case = importlib.import_module(f"studies.cases.{name}").CASE
    kind, word = CASES[name]
    assert sequence_checks(*case.build(case.broken)[:2])[kind] == [word]
    assert sequence_checks(*case.build(case.mended)[:2])[kind] == []


SEQUENCES = ("lstm", "gru", "forecast", "conv1d", "transformer", "next_word")


@pytest.mark.parametrize(
    "name", SEQUENCES if WEEKLY else [chosen([*SEQUENCES]), "transformer"]
)
def test_the_probe_takes_what_others_build(name):
    """Healthy networks as people compile them: no suspect, and no hint."""
    given = MODELS[name]()
    said = sequence_checks(given.model, given.x)
    assert said["suspect"] == said["hints"] == []
    assert said["not judged"] in ([], ["words"])


def test_the_probe_says_what_it_cannot_take():
    for name, error in (("with_accuracy", ValueError), ("dataset", TypeError)):
        given = MODELS[name]()
        with pytest.raises(error, match=r"no sequence|one batch"):
            sequence_checks(given.model, given.x)


def test_padding_is_what_is_0_at_the_ends():
    words = np.array([[0, 0, 3, 0, 5, 0], [1, 2, 3, 4, 5, 6], [0] * 6])
    real = [[0, 0, 1, 1, 1, 0], [1] * 6, [0] * 6]
    assert real_steps(words).astype(int).tolist() == real
    assert real_steps(np.stack([words] * 2, -1)).astype(int).tolist() == real


def test_words_beside_sines(trained, measured):
    """Two pre-norm blocks, 64 features, nine words; 400 updates, five seeds."""
    table = layers.Embedding(1000, 64)
    table.build(None)
    scale = np.sqrt(np.mean(table.get_weights()[0] ** 2))
    assert scale == pytest.approx(0.03, abs=0.002)
    assert np.abs(table.get_weights()[0]).max() <= 0.05
    places = Places()(tf.zeros((1, 60, 64))).numpy()
    assert np.sqrt(np.mean(places**2)) == pytest.approx(0.71, abs=0.005)
    assert np.abs(places).max() <= 1
    said = measured("sequences", "checks")
    assert near(said["words ±.05, SGD"]["words"], 1e-3)
    assert said["words × √d, SGD"]["words"] > 0.05
    assert trained["words ±.05, SGD"].min() > 0.9


def test_the_figure_of_the_gradients(drawn, measured):
    gradients = measured("sequences", "gradients")
    (panel,) = drawn("sequences", "gradients")
    assert panel.y.scale == "log"
    back = np.r_[0, 2:100:3]
    left = {}
    for name, (_, _, label) in LINES.items():
        assert gradients[name].shape == (5, 100)
        runs = np.maximum(gradients[name][:, ::-1][:, back], 1e-30)
        line = shows(panel, label, back, runs, whole=False)
        left[label] = line.y[line.x.tolist().index(59)]
    assert near(left["LSTM, chrono"], 0.02)
    assert near(left["LSTM, 1"], 2e-5)
    assert max(left["LSTM, 0"], left["GRU"]) < 1e-11
    assert max(left["orthogonal"], left["Glorot"]) < 1e-3
    assert 1 < left["LSTM, 3"] < 10


def test_the_figure_of_the_padding(drawn, measured):
    trained = measured("sequences", "trained")
    (panel,) = drawn("sequences", "padding")
    assert panel.title == "0 is guessing, 1 is right"
    assert [text for _, text in panel.y.ticks] == PADDED
    assert len(PADDED) == 13  # thirteen rows
    assert (EXAMPLES, BATCH) == (1000, 50)
    run = FAULTS["LSTM, padded behind"]
    assert run.epochs * EXAMPLES // BATCH == 200
    model, x, _ = run.make()
    assert float(model.optimizer.learning_rate) == pytest.approx(0.01)
    assert model.layers[1].output_dim == model.layers[2].units == 16
    lengths = (x > 0).sum(1)
    assert (x.shape[1], lengths.min(), lengths.max()) == (60, 5, 10)  # to ten
    assert trained["mean, padded"].shape == (5,)  # five points, five seeds
    for at, (line, name) in enumerate(zip(panel.series, PADDED, strict=True)):
        assert (line.marker, line.dash) == ("o", "none")
        assert np.array_equal(line.x, trained[name])
        assert np.all(line.y == at)
        assert is_within(panel.x, line.x)
