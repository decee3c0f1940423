"""Networks that say the same for every input, and the same ones mended."""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits, load_wine

from snippets.same_answer.why_same import three_places, why_same

SEEDS, EXAMPLES, BATCH, UPDATES = 5, 1000, 50, 400
RATE = 0.003  # of Adam
Made = tuple[keras.Model, np.ndarray, np.ndarray]


class Fault(NamedTuple):
    """A network that says one thing, and the same network mended.

    `make` returns a compiled model, x and y; `score` is 1 for the labels and
    0 for an answer that knows nothing.
    """

    make: Callable[[bool], Made]
    score: Callable[[np.ndarray, np.ndarray], float]
    weight: float = 1.0  # of the examples labelled 1, mended
    digits: int = 1  # to which numbers are the same


# How good an answer is


def above_guessing(said: np.ndarray, y: np.ndarray) -> float:
    """Return how much of what guessing gets wrong is right."""
    found = said.argmax(-1) if said.shape[-1] > 1 else said.ravel() > 0.5
    y = y.ravel().astype(int)
    guess = np.bincount(y).max() / len(y)
    return float((np.mean(found == y) - guess) / (1 - guess))


def both_classes(said: np.ndarray, y: np.ndarray) -> float:
    """Return how many of each class are found, from 0 (guessing) to 1."""
    found, y = said.ravel() > 0.5, y.ravel() > 0.5
    return float(np.mean(found[y]) + np.mean(~found[~y]) - 1)


def explained(said: np.ndarray, y: np.ndarray) -> float:
    """Return the share of the labels' variance that is explained."""
    return float(1 - np.mean((said - y) ** 2) / np.var(y))


# Data, none of which is fetched


@cache
def digits() -> tuple[np.ndarray, np.ndarray]:
    """Return digits within 0 and 1, and their labels."""
    x, y = load_digits(return_X_y=True)
    return (x[:EXAMPLES] / 16).astype("float32"), y[:EXAMPLES]


@cache
def table() -> tuple[np.ndarray, np.ndarray]:
    """Return eight columns, and an amount that is positive."""
    x = np.random.default_rng(0).standard_normal((EXAMPLES, 8))
    y = np.exp(0.5 * np.tanh(x[:, 0]) + 0.3 * x[:, 1] - 0.3 * x[:, 2])
    return x.astype("float32"), y.astype("float32")[:, None]


# Faults


def compiled(
    x: np.ndarray, *stack: Any, loss: str = "sparse_categorical_crossentropy",
    optimizer: Any = None,
) -> keras.Model:  # fmt: skip
    """Return these layers, compiled."""
    model = keras.Sequential([keras.Input(x.shape[1:]), *stack])
    metrics = ["accuracy"] if "crossentropy" in loss else []
    optimizer = optimizer or keras.optimizers.Adam(RATE)
    model.compile(optimizer, loss, metrics=metrics)
    return model


def relus(end: int = 10) -> list[keras.Layer]:
    """Return two layers of ReLU and a head for classes."""
    hidden = [layers.Dense(64, "relu") for _ in range(2)]
    return [*hidden, layers.Dense(end, "softmax")]


def own_units(mended: bool) -> Made:
    """Return a table of wines, each column in its own units."""
    x, y = load_wine(return_X_y=True)
    x = (x - x.mean(0)) / x.std(0) if mended else x
    x = x.astype("float32")
    sgd = keras.optimizers.SGD(0.05)
    return compiled(x, *relus(3), optimizer=sgd), x, y


def scaled_twice(mended: bool) -> Made:
    """Return pixels divided by 255 outside, and by a layer inside."""
    x, y = digits()
    sgd = keras.optimizers.SGD(0.02, momentum=0.9)
    model = compiled(x, layers.Rescaling(1 / 255), *relus(), optimizer=sgd)
    return model, 255 * x if mended else x, y


def offset(mended: bool) -> Made:
    """Return columns that stand at 100 and differ by 1."""
    x, y = digits()
    x = x + 0 if mended else x + 100
    return compiled(x, *relus(), optimizer=keras.optimizers.SGD(0.1)), x, y


def collapsed(mended: bool) -> Made:
    """Return eight layers of sigmoids, or of tanh."""
    x, y = digits()
    f = "tanh" if mended else "sigmoid"
    stack = [layers.Dense(64, f) for _ in range(8)]
    sgd = keras.optimizers.SGD(0.1)
    last = layers.Dense(10, "softmax")
    return compiled(x, *stack, last, optimizer=sgd), x, y


def zeros(mended: bool) -> Made:
    """Return kernels that start at zero, or as Keras draws them."""
    x, y = digits()
    first = "glorot_uniform" if mended else "zeros"
    stack = [
        layers.Dense(units, f, kernel_initializer=first)
        for units, f in ((64, "relu"), (64, "relu"), (10, "softmax"))
    ]
    return compiled(x, *stack), x, y


def dead_output(mended: bool) -> Made:
    """Return one output, a ReLU that is 0 for all; or a softplus."""
    x, y = table()
    bias = keras.initializers.Constant(-4.0)  # as one large update leaves it
    last = layers.Dense(
        1, "softplus" if mended else "relu", bias_initializer=bias
    )
    return compiled(x, layers.Dense(64, "relu"), last, loss="mse"), x, y


def unbalanced(mended: bool) -> Made:
    """Return a class of which there are 4 in 100, with noise in its labels."""
    draw = np.random.default_rng(6)
    x = draw.standard_normal((EXAMPLES, 8)).astype("float32")
    lean = x[:, 0] + x[:, 1] + draw.standard_normal(EXAMPLES)
    y = (lean > np.quantile(lean, 0.96)).astype("float32")[:, None]
    last = layers.Dense(1, "sigmoid")
    adam = keras.optimizers.Adam(0.03)
    model = compiled(x, last, loss="binary_crossentropy", optimizer=adam)
    return model, x, y


def other_rows(mended: bool) -> Made:
    """Return labels that were shuffled, or not."""
    x, y = digits()
    y = y if mended else np.random.default_rng(7).permutation(y)
    return compiled(x, *relus(), optimizer=keras.optimizers.SGD(0.05)), x, y


FAULTS = {
    "columns in their own units": Fault(own_units, above_guessing),
    "divided twice": Fault(scaled_twice, above_guessing),
    "far from 0": Fault(offset, above_guessing),
    "eight sigmoids": Fault(collapsed, above_guessing),
    "kernels of zeros": Fault(zeros, above_guessing),
    "a dead output": Fault(dead_output, explained),
    "one class in 25": Fault(unbalanced, both_classes, 24.0, 0),
    "labels of other rows": Fault(other_rows, above_guessing),
}


class Run:
    """A compiled network whose updates are traced once, for all seeds."""

    def __init__(self, fault: Fault, mended: bool) -> None:
        self.fault, self.mended = fault, mended
        self.model, self.x, self.y = fault.make(mended)
        weight = fault.weight if mended else 1.0
        weights = np.where(self.y.ravel() == 1, weight, 1.0)
        self.data = [tf.constant(of) for of in (self.x, self.y)]
        self.data.append(tf.constant(weights, "float32"))
        self.model.optimizer.build(self.model.trainable_variables)
        self.start = [v.numpy() for v in self.model.optimizer.variables]

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def updates(self, order: tf.Tensor) -> None:
        """Train on these rows, (updates, batch)."""
        model = self.model
        for update in tf.range(UPDATES):
            x, y, weight = (tf.gather(of, order[update]) for of in self.data)
            with tf.GradientTape() as tape:
                said = model(x, training=True)
                loss = model.compute_loss(x, y, said, weight)
            grads = tape.gradient(loss, model.trainable_variables)
            model.optimizer.apply(grads, model.trainable_variables)

    def seed(self, seed: int) -> np.ndarray:
        """Train from a seed; return the answers."""
        variables = self.model.optimizer.variables
        for variable, value in zip(variables, self.start, strict=True):
            variable.assign(value)
        draw, rows = np.random.default_rng(seed), len(self.x)
        passes = -(-UPDATES * BATCH // rows)
        order = np.concatenate([draw.permutation(rows) for _ in range(passes)])
        order = order[: UPDATES * BATCH].reshape(UPDATES, BATCH)
        self.updates(tf.constant(order))
        return keras.ops.convert_to_numpy(  # type: ignore[no-any-return]
            self.model(self.x, training=False)
        )


def outcome(name: str) -> dict[str, Any]:
    """Train a fault from five seeds, broken and mended.

    `places` is what the probe sees before training; `same` the share of the
    examples that get the most frequent answer after it.
    """
    fault, found = FAULTS[name], {}
    for mended in (False, True):
        run = Run(fault, mended)
        of: dict[str, Any] = {"places": [], "why": [], "score": [], "same": []}
        for seed in range(SEEDS):
            keras.utils.set_random_seed(seed)
            run.model.set_weights(fault.make(mended)[0].get_weights())
            places = three_places(run.model, run.x).values()
            of["places"].append([[short(v) for v in p] for p in places])
            of["why"].append(why_same(run.model, run.x, run.y))
            said = run.seed(seed)
            of["score"].append(short(fault.score(said, run.y)))
            one = (
                said.argmax(-1)
                if said.shape[-1] > 1
                else np.round(said, fault.digits)
            )
            counts = np.unique(one, return_counts=True)[1]
            of["same"].append(short(counts.max() / len(said)))
        found["mended" if mended else "broken"] = of
    return found


def short(value: float) -> float:
    """Return four digits of a number."""
    return float(f"{value:.4g}")
