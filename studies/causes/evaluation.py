"""Networks that are better in `fit` than in `evaluate`, and mended ones."""

import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits

from snippets.evaluation.why_apart import modes, why_apart

SEEDS, EXAMPLES, BATCH = 5, 1000, 50
RATE = 0.01  # of Adam


class Rows(NamedTuple):
    """What `fit` gets, and the rows of which `evaluate` is asked."""

    x: np.ndarray
    y: np.ndarray
    other: tuple[np.ndarray, np.ndarray] | None = None  # None: the same


class Fault(NamedTuple):
    """A network whose two numbers differ, and the same network mended.

    `make` returns a compiled model and its rows. `after` returns the model
    that is asked, once it is trained; `judge` its accuracy.
    """

    make: Callable[[bool], tuple[keras.Model, Rows]]
    epochs: tuple[int, int] = (8, 8)  # broken, mended
    after: Callable[[keras.Model, bool], keras.Model] | None = None
    judge: Callable[[keras.Model, Rows, bool], float] | None = None


# Data, none of which is fetched


@cache
def digits() -> tuple[np.ndarray, np.ndarray]:
    """Return all 1,797 digits within 0 and 1, and their labels."""
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(8).permutation(len(y))
    return (x[order] / 16).astype("float32"), y[order]


def known(n: int = EXAMPLES) -> Rows:
    """Return rows to train on, of which `evaluate` is asked as well."""
    x, y = digits()
    return Rows(x[:n], y[:n])


def and_new(n: int = EXAMPLES) -> Rows:
    """Return rows to train on, and rows that are new."""
    x, y = digits()
    return Rows(x[:n], y[:n], (x[EXAMPLES:], y[EXAMPLES:]))


def network(*stack: Any, rate: float = RATE) -> keras.Model:
    """Return these layers with a head for ten classes, compiled."""
    last = layers.Dense(10, "softmax")
    model = keras.Sequential([keras.Input((64,)), *stack, last])
    adam = keras.optimizers.Adam(rate)
    loss = "sparse_categorical_crossentropy"
    model.compile(adam, loss, metrics=["accuracy"], steps_per_execution=5)
    return model


# Faults


def averages(mended: bool) -> tuple[keras.Model, Rows]:
    """Return black on white, batch norm; momentum 0.99, or 0.9."""
    stack: list[keras.Layer] = []
    for _ in range(2):
        norm = layers.BatchNormalization(momentum=0.9 if mended else 0.99)
        stack += [layers.Dense(64), norm, layers.ReLU()]
    x, y, _ = known()
    return network(*stack, rate=0.003), Rows(1 - x, y)


def dropout(mended: bool) -> tuple[keras.Model, Rows]:
    """Return a network that drops half of its units, or none."""
    rate = 0.0 if mended else 0.5
    stack = [
        layer
        for _ in range(2)
        for layer in (layers.Dense(64, "relu"), layers.Dropout(rate))
    ]
    return network(*stack), known()


def plain(mended: bool) -> tuple[keras.Model, Rows]:
    """Return a healthy network, to be asked about its training rows."""
    del mended
    return network(layers.Dense(64, "relu")), known()


def by_rows(mended: bool) -> tuple[keras.Model, Rows]:
    """Return rows sorted by class of which the last fifth is kept back."""
    x, y, _ = known()
    if not mended:
        order = np.argsort(y, kind="stable")
        x, y = x[order], y[order]
    n = len(y) * 4 // 5
    rows = Rows(x[:n], y[:n], (x[n:], y[n:]))
    return network(layers.Dense(64, "relu")), rows


def prepared(mended: bool) -> tuple[keras.Model, Rows]:
    """Return rows scaled outside the model, or by its first layer."""
    x, y = digits()
    raw = 16 * x
    new = raw[EXAMPLES:], y[EXAMPLES:]
    if mended:
        scale = layers.Normalization()
        scale.adapt(raw[:EXAMPLES])
        model = network(scale, layers.Dense(64, "relu"))
        return model, Rows(raw[:EXAMPLES], y[:EXAMPLES], new)
    known = raw[:EXAMPLES]
    known = (known - known.mean(0)) / (known.std(0) + 1e-3)
    return network(layers.Dense(64, "relu")), Rows(known, y[:EXAMPLES], new)


def heart(mended: bool) -> tuple[keras.Model, Rows]:
    """Return 40 examples, or 1,000, and others to be asked about."""
    return network(layers.Dense(64, "relu")), and_new(1000 if mended else 40)


def hidden(mended: bool) -> tuple[keras.Model, Rows]:
    """Return a layer that a Lambda calls, or one of the stack."""
    dense = layers.Dense(64, "relu")
    if mended:
        return network(dense), known()
    return network(layers.Lambda(lambda h: dense(h))), known()


class Noisy(layers.Layer):  # type: ignore[misc]
    """Dropout that a layer of one's own calls; always, or in training."""

    def __init__(self, always: bool) -> None:
        super().__init__()
        self.drop, self.always = layers.Dropout(0.5), always

    def call(self, h: Any, training: bool = False) -> Any:
        """Return what is left."""
        return self.drop(h, training=self.always or training)


def noisy(mended: bool) -> tuple[keras.Model, Rows]:
    """Return dropout that stays on in `evaluate`, or does not."""
    return network(layers.Dense(64, "relu"), Noisy(not mended)), known()


# What is done after training, and how the answers are judged


def answers(model: keras.Model, x: Any) -> np.ndarray:
    """Return the classes that `predict` finds."""
    said = keras.ops.convert_to_numpy(model(x, training=False))
    return np.asarray(said.argmax(-1))


def anew(make: Callable[[bool], tuple[keras.Model, Rows]]) -> Any:
    """Return the step that saves the weights, and loads them elsewhere."""

    def after(model: keras.Model, mended: bool) -> keras.Model:
        fresh, _ = make(mended)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "some.weights.h5"
            model.save_weights(path)
            fresh.load_weights(path)
        return fresh

    return after


def forgotten(model: keras.Model, mended: bool) -> keras.Model:
    """Return a model built again, with its weights loaded or not."""
    fresh, _ = plain(mended)
    if mended:
        fresh.set_weights(model.get_weights())
    return fresh


def in_another_order(model: keras.Model, rows: Rows, mended: bool) -> float:
    """Return how many answers of `predict` are the labels, row by row."""
    data = tf.data.Dataset.from_tensor_slices((rows.x, rows.y))
    if not mended:
        data = data.shuffle(len(rows.y), seed=9)
    said = [answers(model, x) for x, _ in data.batch(500)]
    return float(np.mean(np.concatenate(said) == rows.y))


FAULTS = {
    "batch norm, 60 updates": Fault(averages, (3, 3)),
    "dropout": Fault(dropout),
    "the first epoch": Fault(plain, (1, 12)),
    "rows sorted, then split": Fault(by_rows),
    "scaled in another way": Fault(prepared),
    "answers in another order": Fault(plain, judge=in_another_order),
    "dropout never off": Fault(noisy),
    "a layer in a Lambda": Fault(hidden, after=anew(hidden)),
    "weights not loaded": Fault(plain, after=forgotten),
    "by heart": Fault(heart, (60, 8)),
}


def outcome(name: str) -> dict[str, Any]:
    """Train a fault from five seeds, broken and mended.

    `fit` is the accuracy that `fit` says of its last epoch, `evaluate` that
    of `evaluate`; `modes` are the losses that the probe measures.
    """
    fault, found = FAULTS[name], {}
    for mended in (False, True):
        keras.utils.set_random_seed(0)
        model, rows = fault.make(mended)
        model.optimizer.build(model.trainable_variables)
        start = [v.numpy() for v in model.optimizer.variables]
        of: dict[str, Any] = {
            key: [] for key in ("fit", "evaluate", "modes", "why")
        }
        for seed in range(SEEDS):
            keras.utils.set_random_seed(seed)
            fresh = fault.make(mended)[0]
            for old, new in zip(model.layers, fresh.layers, strict=True):
                old.set_weights(new.get_weights())
            for variable, value in zip(
                model.optimizer.variables, start, strict=True
            ):
                variable.assign(value)
            said = model.fit(
                rows.x, rows.y, BATCH, fault.epochs[mended], verbose=0
            ).history
            asked = fault.after(model, mended) if fault.after else model
            if fault.judge:
                score = fault.judge(asked, rows, mended)
            else:
                x, y = rows.other or (rows.x, rows.y)
                score = float(np.mean(answers(asked, x) == y))
            told = modes(asked, rows.x[:500], rows.y[:500])
            told.pop("foreign")
            of["fit"].append(short(said["accuracy"][-1]))
            of["evaluate"].append(short(score))
            of["modes"].append({key: short(v) for key, v in told.items()})
            of["why"].append(
                why_apart(asked, rows.x, rows.y, said["loss"][-1], rows.other)
            )
        found["mended" if mended else "broken"] = of
    return found


def short(value: float) -> float:
    """Return four digits of a number."""
    return float(f"{value:.4g}")
