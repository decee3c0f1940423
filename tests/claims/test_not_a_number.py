"""The claims of the chapter `not_a_number`, on what was measured."""

import importlib
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

from snippets.not_a_number.before_nan import BeforeNaN
from snippets.not_a_number.figures import TABLE
from snippets.not_a_number.where_nan import where_nan
from studies.cases.models import MODELS
from studies.causes.__main__ import CODE
from studies.causes.not_a_number import (
    BATCH,
    EPOCHS,
    EXAMPLES,
    FAULTS,
    SEEDS,
    fit,
    outcome,
)
from studies.unchanged import WEEKLY, chosen, code_hash
from tests.drawings import is_within
from tests.turn import in_turn

# All networks: see `studies/causes/not_a_number.py`; 1,000 examples, batches
# of 50, 10 epochs, seeds 0 to 4.


@pytest.fixture(scope="module")
def trained(measured):
    return measured("not_a_number", "trained")


# What the probe must say of each: the last operation before the NaN.
SAYS = {
    "Poisson, linear output": ("NaN", "Log(-", "forwards, the loss"),
    "power of 0": ("inf", "Pow(0 to", "backwards, pool"),
    "-1e9 in float16": ("inf", "Cast(-1e+09)", "forwards, attend"),
    "root of 0": ("inf", "SqrtGrad(0, ", "backwards, apart"),
    "rate too large": ("inf", "Square(", "forwards, the loss"),
    "a NaN in the data": ("NaN", "MatMul(nan", "forwards, dense"),
    "-inf for a whole row": ("NaN", "Softmax(-inf)", "forwards, attend"),
    "0 divided by 0": ("NaN", "RealDiv(0, 0)", "forwards, the loss"),
    "log of 0": ("inf", "Log(0)", "forwards, the loss"),
}


def test_the_probe_names_each_fault(trained, measured):
    """Nine networks that become NaN, seed 0, the weights before the NaN."""
    assert len(FAULTS) == 9
    assert SAYS.keys() == FAULTS.keys() == trained.keys()
    for name, (kind, starts, ends) in SAYS.items():
        said = trained[name]["said"]
        assert said[kind].startswith(starts), name
        assert said[kind].endswith(ends), name
        assert len(said["rows"]) == 1, name
        assert ("not finite in the data" in said) == ("data" in name)
    assert trained["a NaN in the data"]["said"]["rows"] == [17]
    assert trained["-inf for a whole row"]["said"]["rows"] == [17]
    rows = measured("not_a_number", "said")["rows"]
    assert [row[0] for row in rows] == [*FAULTS]


@in_turn
@pytest.mark.parametrize("name", FAULTS if WEEKLY else [chosen([*FAULTS])])
def test_a_fault_comes_out_as_the_table_says(name, trained):
    """One of them at one commit in three, weekly all of them; five seeds."""
    again = outcome(name)
    kind, starts, ends = SAYS[name]
    assert again["said"][kind].startswith(starts)
    assert again["said"][kind].endswith(ends)
    assert np.all(np.array(again["first"]) > 0)
    assert not np.any(again["mended"])
    assert again["score"] == pytest.approx(trained[name]["score"], abs=0.15)


def test_the_table_was_made_by_this_code():
    table = json.loads(TABLE.read_text("utf-8"))
    said = "run python -m studies.causes not_a_number"
    assert table["code"] == code_hash(CODE["not_a_number"]), said
    assert set(table["outcomes"]) == {*FAULTS}


def test_when_it_comes_does_not_say_why(trained):
    """Five seeds, 1,000 examples, batches of 50, at most 200 updates."""
    first = {name: of["first"] for name, of in trained.items()}
    assert all(runs.shape == (SEEDS,) for runs in first.values())
    assert all(np.all(runs > 0) for runs in first.values())
    at_once = {name for name, runs in first.items() if np.all(runs == 1)}
    assert at_once == {
        "Poisson, linear output", "power of 0", "-1e9 in float16",
    }  # fmt: skip
    # Which batch holds the row is a matter of the order alone.
    assert np.array_equal(
        first["a NaN in the data"], first["-inf for a whole row"]
    )
    for name in ("a NaN in the data", "0 divided by 0"):
        assert first[name].max() > 2 * first[name].min()


def test_the_mends_train(trained):
    """Five seeds, 200 updates; scores are 0 for guessing and 1 for right."""
    least = {"Poisson, linear output": 0.6, "power of 0": 0.5}
    for name, of in trained.items():
        assert not of["mended"].any(), name
        assert of["score"].shape == (SEEDS,)
        assert of["score"].min() > least.get(name, 0.85), name
    rates = [
        float(FAULTS["rate too large"].make(mended)[0].optimizer.learning_rate)
        for mended in (False, True)
    ]
    assert rates == pytest.approx([1, 0.05])
    first = trained["log of 0"]["first"]
    assert (first.min(), first.max()) == (14, 30)
    first = trained["rate too large"]["first"]
    assert (first.min(), first.max()) == (6, 9)


def test_the_figure_shows_when_it_comes(drawn, measured):
    trained = measured("not_a_number", "trained")
    (panel,) = drawn("not_a_number", "first")
    assert (EXAMPLES, BATCH, EPOCHS * EXAMPLES // BATCH) == (1000, 50, 200)
    assert panel.title == "update of the first NaN"
    assert panel.x.scale == "log"
    assert [text for _, text in panel.y.ticks] == [*trained]
    for at, (line, name) in enumerate(zip(panel.series, trained, strict=True)):
        assert line.marker == "o"
        assert line.dash == "none"
        assert len(line.x) == 5
        assert np.array_equal(line.x, trained[name]["first"])
        assert np.all(line.y == at)
        assert is_within(panel.x, line.x)
    ends = {name: (of["first"].min(), of["first"].max())
            for name, of in trained.items()}  # fmt: skip
    assert ends["root of 0"] == (1, 4)
    assert ends["rate too large"] == (6, 9)
    assert ends["a NaN in the data"] == (2, 20)
    assert ends["0 divided by 0"] == (1, 3)
    assert ends["log of 0"] == (14, 30)


def gradient(f, at, jit=None):
    """Return a function's slopes at these places."""
    x = tf.Variable(at)

    @tf.function(jit_compile=jit, autograph=False)
    def slopes():
        with tf.GradientTape() as tape:
            y = f(x)
        return tape.gradient(y, x)

    return slopes().numpy()


def test_slopes_at_zero():
    """float32, TensorFlow's CPU kernels; a column that is constant."""
    zeros = [0.0, 0.0]
    for f in (ops.sqrt, lambda x: x**0.5, ops.norm, ops.std):
        assert not np.isfinite(gradient(f, zeros)).any()
    for f in (lambda x: x**1.5, ops.abs, ops.square):
        assert np.all(gradient(f, zeros) == 0)
    rows = tf.zeros((2, 3))
    for layer in (layers.UnitNormalization(), layers.LayerNormalization()):
        assert np.all(layer(rows).numpy() == 0)
        assert np.isfinite(gradient(layer, np.zeros((2, 3), "f"))).all()
    column = np.ones((5, 1))
    with np.errstate(invalid="ignore"):
        assert np.isnan((column - column.mean(0)) / column.std(0)).all()
    scale = layers.Normalization()
    scale.adapt(column)
    assert np.all(ops.convert_to_numpy(scale(column)) == 0)


def test_where_does_not_save_a_logarithm():
    """float32; operation by operation and compiled by XLA."""

    def log(x):
        return ops.where(x > 0, ops.log(x), 0.0)

    def root(x):
        return ops.where(x > 0, ops.sqrt(x), 0.0)

    def guarded(x):
        return ops.where(x > 0, ops.log(ops.where(x > 0, x, 1.0)), 0.0)

    assert float(log(tf.constant(0.0))) == 0
    for jit in (None, True):
        assert np.isnan(gradient(log, [0.0, 4.0], jit)[0])
        assert np.array_equal(gradient(guarded, [0.0, 4.0], jit), [0, 0.25])
    assert gradient(root, [0.0, 4.0])[0] == 0
    assert np.isnan(gradient(root, [0.0, 4.0], True)[0])


def test_clipping_does_not_mend_a_nan():
    """One update of SGD, gradients of (NaN, 1) and of 1, each way of Keras."""
    left = {"clipvalue": [True, False, False], "clipnorm": [True, True, False],
            "global_clipnorm": [True, True, True]}  # fmt: skip
    for way, lost in left.items():
        pair, other = tf.Variable([1.0, 1.0]), tf.Variable([1.0])
        sgd = keras.optimizers.SGD(0.1, **{way: 1.0})
        sgd.apply([tf.constant([np.nan, 1]), tf.constant([1.0])], [pair, other])
        assert np.isnan([*pair.numpy(), *other.numpy()]).tolist() == lost, way


def line(loss="mse", optimizer="sgd", **options):
    """Return one unit of two inputs, compiled."""
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    model.compile(optimizer, loss, **options)
    return model


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "rmsprop", "adam"])
def test_one_nan_is_for_ever(optimizer):
    """One unit, 20 batches of which one holds a NaN, four optimizers."""
    x, y = np.ones((200, 2), "float32"), np.ones((200, 1), "float32")
    x[15] = np.nan
    if optimizer == "momentum":
        optimizer = keras.optimizers.SGD(0.01, momentum=0.9)
    model = line(optimizer=optimizer)
    model.fit(x, y, batch_size=10, shuffle=False, epochs=3, verbose=0)
    assert all(np.isnan(w).all() for w in model.get_weights())
    assert np.isnan(model.train_on_batch(x[100:110], y[100:110]))


def test_terminate_on_nan_leaves_nan_in_the_weights():
    """One unit, SGD, five batches; row 40 of 50 is NaN."""
    x, y = np.ones((50, 2), "float32"), np.ones((50, 1), "float32")
    x[40] = np.nan
    finite = []
    for callback in (keras.callbacks.TerminateOnNaN(), BeforeNaN()):
        model = line()
        model.fit(
            x, y, batch_size=10, shuffle=False, callbacks=[callback], verbose=0
        )
        finite.append(np.isfinite(model.get_weights()[0]).all())
    assert finite == [False, True]
    assert callback.update == 5
    assert where_nan(model, x, y)["rows"] == [40]
    still = BeforeNaN()
    model.fit(x[:40], y[:40], epochs=3, callbacks=[still], verbose=0)
    assert still.update == 0


def test_the_model_is_put_back():
    """Batch norm and dropout, whose state a pass in training changes."""
    given = MODELS["convnet"]()
    model = given.model
    before = [variable.numpy() for variable in model.variables]
    x = np.array(given.x)
    x[3] = np.nan
    assert where_nan(model, x, given.y)["not finite in the data"] == ["x"]
    after = [variable.numpy() for variable in model.variables]
    assert all(map(np.array_equal, before, after))


def test_a_seed_makes_all_epochs_alike():
    """Eight rows, four epochs of two batches, with a seed and without."""

    class Rows(keras.Model):
        def call(self, x):
            return x

        def train_step(self, data):
            seen.append(np.ravel(data[0]).tolist())
            return {"loss": 0.0}

    for seed in (1, 2, 3):
        seen = []
        keras.utils.set_random_seed(seed)
        model = Rows()
        model.compile("sgd", "mse", run_eagerly=True)
        x = np.arange(8.0)[:, None]
        model.fit(x, x, batch_size=4, epochs=4, verbose=0)
        assert len(seen) == 8
        assert seen[:2] == seen[2:4] == seen[4:6] == seen[6:]
        assert seen[0] != [0, 1, 2, 3]


def test_masks():
    """Four scores, and a row in which all is masked."""
    masked = np.array([[True, False, False, True], [True] * 4])
    scores = np.array([[3.0, 1.0, 2.0, 0.0]] * 2, "float32")
    infinite, finite = (
        ops.convert_to_numpy(ops.softmax(np.where(masked, low, scores)))
        for low in (np.float32(-np.inf), np.float32(-1e9))
    )
    assert np.array_equal(infinite[0], finite[0])
    assert np.isnan(infinite[1]).all()
    assert np.all(finite[1] == 0.25)
    assert np.finfo(np.float16).max == 65504
    low = tf.cast(tf.constant(-1e9), "float16")
    assert np.isnan((tf.zeros((), "float16") * low).numpy())
    assert np.isfinite(tf.cast(tf.constant(-1e4), "float16").numpy())


def test_the_loss_scale_hides_a_nan():
    """mixed_float16, 25 updates, inputs that float16 does not hold."""
    keras.config.set_dtype_policy("mixed_float16")
    try:
        last = layers.Dense(1, dtype="float32")
        model = keras.Sequential([keras.Input((2,)), layers.Dense(4), last])
        model.compile("adam", "mse")
    finally:
        keras.config.set_dtype_policy("float32")
    x = np.full((50, 2), 70_000, "float32")
    before = model.get_weights()
    run = model.fit(x, x[:, :1], batch_size=10, epochs=5, verbose=0)
    assert np.isnan(run.history["loss"]).all()
    assert all(map(np.array_equal, before, model.get_weights()))


def test_check_numerics_and_xla():
    """TensorFlow 2.21 on a CPU, one unit, `fit`."""
    x, y = np.ones((10, 2), "float32"), np.ones((10, 1), "float32")
    x[0] = np.nan
    assert line().jit_compile == bool(tf.config.list_physical_devices("GPU"))
    tf.debugging.enable_check_numerics()
    try:
        model = line()
        with pytest.raises(tf.errors.InvalidArgumentError, match="Infinity or"):
            model.fit(x, y, verbose=0)
        with pytest.raises(tf.errors.InvalidArgumentError, match="unsupported"):
            line(jit_compile=True).fit(x[1:], y[1:], verbose=0)
        with pytest.raises(tf.errors.InvalidArgumentError, match="Infinity or"):
            tf.math.log(tf.zeros(1))
    finally:
        tf.debugging.disable_check_numerics()
    with pytest.raises(tf.errors.InvalidArgumentError, match="CheckNumerics"):
        model.fit(x, y, verbose=0)  # still in what was compiled

    def checked(z):
        return tf.debugging.check_numerics(z, "here") + 1

    with pytest.raises(tf.errors.InvalidArgumentError, match="NaN"):
        tf.function(checked)(x)
    assert np.isnan(tf.function(checked, jit_compile=True)(x)).any()


CASES = {
    "poisson": ("NaN", "Log(-", "the loss"),
    "square_root": ("inf", "SqrtGrad(0, ", "backwards, apart"),
    "masked_in_float16": ("inf", "Cast(-1e+09)", "forwards, attend"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_case_of_the_public_is_named(name):
    """As it was asked, and mended: seed 0, before training."""
    case = importlib.import_module(f"studies.cases.{name}").CASE
    kind, starts, ends = CASES[name]
    said = where_nan(*case.build(case.broken))
    assert said[kind].startswith(starts)
    assert said[kind].endswith(ends)
    assert where_nan(*case.build(case.mended)) == {}


@pytest.mark.parametrize("name", CASES if WEEKLY else [chosen([*CASES])])
def test_a_case_of_the_public_is_mended(name):
    """Seed 0: broken it stays below its goal, mended it reaches it."""
    case = importlib.import_module(f"studies.cases.{name}").CASE
    assert not case.train(case.build(case.broken)) >= case.goal
    assert case.train(case.build(case.mended)) >= case.goal


HEALTHY = {name: row for name, row in MODELS.items() if row.labels != "none"
           and "tf.data" not in row.inputs and row.inputs != "PyDataset"
           and "not a network" not in row.kind}  # fmt: skip


@pytest.mark.parametrize(
    "name", HEALTHY if WEEKLY else [chosen([*HEALTHY]), "transformer", "lstm"]
)
def test_the_probe_takes_what_others_build(name):
    """Networks as people compile them, healthy: it says nothing."""
    given = MODELS[name]()
    assert where_nan(given.model, given.x, given.y) == {}


def test_the_probe_refuses_a_dataset():
    given = MODELS["dataset"]()
    with pytest.raises(TypeError, match="one batch"):
        where_nan(given.model, given.x)


def test_a_batch_of_another_size_may_hide_it():
    """Seed 0, one update before the first NaN; batches of 32, 50, 500."""
    keras.utils.set_random_seed(0)
    model, x, y = FAULTS["0 divided by 0"].make(False)
    fit(model, x, y, 0)
    for batch in (32, BATCH):
        assert where_nan(model, x, y, batch)["NaN"].startswith("RealDiv(0, 0)")
    assert where_nan(model, x, y, 500) == {}
