"""Networks that become NaN, and the same networks mended."""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import layers, ops
from sklearn.datasets import load_digits

from snippets.not_a_number.before_nan import BeforeNaN
from snippets.not_a_number.where_nan import where_nan

SEEDS, EXAMPLES, BATCH, EPOCHS = 5, 1000, 50, 10
RATE = 0.003  # of Adam
UNKNOWN = -9.0


class Fault(NamedTuple):
    """A network that becomes NaN, and the same network mended.

    `make` returns a compiled model, x and y; `score` is 1 for the labels and
    0 for an answer that knows nothing.
    """

    make: Callable[[bool], tuple[keras.Model, Any, Any]]
    score: Callable[[np.ndarray, np.ndarray], float]


# How good an answer is


def above_guessing(said: np.ndarray, y: np.ndarray) -> float:
    """Return how much of what guessing gets wrong is right."""
    found = said.argmax(-1) if said.shape[-1] > 1 else said.ravel() > 0.5
    y = y.ravel().astype(int)
    guess = np.bincount(y).max() / len(y)
    return float((np.mean(found == y) - guess) / (1 - guess))


def explained(said: np.ndarray, y: np.ndarray) -> float:
    """Return the share of the known labels' variance that is explained."""
    known = y != UNKNOWN
    error = np.mean((said[known] - y[known]) ** 2)
    return float(1 - error / np.var(y[known]))


# Data, none of which is fetched


@cache
def digits(*shape: int) -> tuple[np.ndarray, np.ndarray]:
    """Return digits within 0 and 1, and their labels."""
    x, y = load_digits(return_X_y=True)
    x = (x[:EXAMPLES] / 16).astype("float32")
    return x.reshape(-1, *(shape or (64,))), y[:EXAMPLES]


@cache
def table() -> tuple[np.ndarray, np.ndarray]:
    """Return eight columns, and a target of mean 0 and deviation 1."""
    x = np.random.default_rng(0).standard_normal((EXAMPLES, 8))
    y = np.tanh(x[:, 0]) + 0.6 * x[:, 1] * x[:, 2] - x[:, 3]
    y = (y - y.mean()) / y.std()
    return x.astype("float32"), y.astype("float32")[:, None]


@cache
def texts() -> tuple[np.ndarray, np.ndarray]:
    """Return words from 1 to 29, padded with 0, and what they are about.

    Text 17 is empty.
    """
    draw = np.random.default_rng(1)
    y = draw.integers(0, 2, EXAMPLES)
    low = draw.random((EXAMPLES, 12)) < np.where(y, 0.8, 0.2)[:, None]
    words = draw.integers(0, 14, low.shape) + np.where(low, 1, 15)
    words[np.arange(12) >= draw.integers(4, 13, (EXAMPLES, 1))] = 0
    words[17] = 0
    return words.astype("int32"), y.astype("float32")[:, None]


# Faults


def compiled(
    x: Any, *hidden: Any, loss: Any = "sparse_categorical_crossentropy",
    optimizer: Any = None,
) -> keras.Model:  # fmt: skip
    """Return these layers, compiled."""
    model = keras.Sequential([keras.Input(x.shape[1:]), *hidden])
    model.compile(optimizer or keras.optimizers.Adam(RATE), loss)
    return model


def classifier(x: Any, **options: Any) -> keras.Model:
    """Return a classifier of digits."""
    hidden = [layers.Dense(64, "relu", kernel_initializer="he_normal")]
    return compiled(x, *hidden, layers.Dense(10, "softmax"), **options)


def bad_row(mended: bool) -> tuple[keras.Model, Any, Any]:
    """Return images, one of which has a pixel that is NaN."""
    x, y = digits()
    if mended:
        return classifier(x), np.delete(x, 17, 0), np.delete(y, 17)
    x = x.copy()
    x[17, 30] = np.nan
    return classifier(x), x, y


def apart(mended: bool) -> Callable:
    """Return the distance of two vectors."""

    def distance(both: Any) -> Any:
        total = ops.sum(ops.square(both[:, 0] - both[:, 1]), -1, keepdims=True)
        return ops.sqrt(ops.maximum(total, 1e-7) if mended else total)

    return distance


def root(mended: bool) -> tuple[keras.Model, Any, Any]:
    """Return pairs of images; where they are one, the distance is 0."""
    x, y = digits()
    draw = np.random.default_rng(2)
    farther = keras.initializers.Constant(-1)  # is less likely the same
    other = draw.permutation(EXAMPLES)
    for row in np.flatnonzero(draw.random(EXAMPLES) < 0.5):
        other[row] = draw.choice(np.flatnonzero(y == y[row]))
    pairs = np.stack([x, x[other]], 1)
    model = compiled(
        pairs, layers.Dense(64, "relu"), layers.Dense(16),
        layers.Lambda(apart(mended), name="apart"),
        layers.Dense(1, "sigmoid", kernel_initializer=farther),
        loss="binary_crossentropy", optimizer=keras.optimizers.Adam(0.01),
    )  # fmt: skip
    return model, pairs, (y == y[other]).astype("float32")[:, None]


def own_entropy(y: Any, p: Any) -> Any:
    """Return the cross-entropy as its formula says."""
    return -ops.mean(y * ops.log(p) + (1 - y) * ops.log(1 - p))


def logarithm(mended: bool) -> tuple[keras.Model, Any, Any]:
    """Return a sigmoid that becomes exactly 1, under logarithms."""
    x = np.random.default_rng(5).standard_t(3, (EXAMPLES, 8)).astype("float32")
    y = (x[:, :1] + x[:, 1:2] > 0).astype("float32")
    loss = "binary_crossentropy" if mended else own_entropy
    hidden = layers.Dense(64, "relu"), layers.Dense(1, "sigmoid")
    return compiled(x, *hidden, loss=loss), x, y


def known_only(mended: bool) -> Callable:
    """Return the mean square of the errors whose label is known."""

    def loss(y: Any, said: Any) -> Any:
        known = ops.cast(y != UNKNOWN, said.dtype)
        count, total = ops.sum(known), ops.sum(known * ops.square(y - said))
        return total / (ops.maximum(count, 1.0) if mended else count)

    return loss


def zero_over_zero(mended: bool) -> tuple[keras.Model, Any, Any]:
    """Return a mean over known labels: in some batches there are none."""
    x, y = table()
    y = y.copy()
    y[np.random.default_rng(3).random(EXAMPLES) > 0.02] = UNKNOWN
    hidden = layers.Dense(32, "relu"), layers.Dense(1)
    return compiled(x, *hidden, loss=known_only(mended)), x, y


def pooled(mended: bool) -> Callable:
    """Return generalized-mean pooling, a power and its root."""

    def pool(h: Any) -> Any:
        h = ops.maximum(h, 1e-6) if mended else h
        return ops.mean(h**3, axis=(1, 2)) ** (1 / 3)

    return pool


def power(mended: bool) -> tuple[keras.Model, Any, Any]:
    """Return the third root of a mean that may be 0."""
    x, y = digits(8, 8, 1)
    model = compiled(
        x, layers.Conv2D(16, 3, activation="relu"),
        layers.Lambda(pooled(mended), name="pool"),
        layers.Dense(10, "softmax"),
        optimizer=keras.optimizers.Adam(0.01),
    )  # fmt: skip
    return model, x, y


class Attend(layers.Layer):  # type: ignore[misc]
    """Attention of words to words; padding gets a low score."""

    def __init__(self, low: float, **options: Any) -> None:
        super().__init__(**options)
        self.low = low

    def call(self, inputs: Any) -> Any:
        """Return the mean over the words of what each attends to."""
        words, h = inputs
        scores = ops.matmul(h, ops.transpose(h, (0, 2, 1)))
        pad = ops.cast(words == 0, h.dtype)[:, None]
        if np.isinf(self.low):
            scores = ops.where(pad > 0, self.low, scores)
        else:
            scores = scores + pad * ops.cast(self.low, h.dtype)
        return ops.mean(ops.matmul(ops.softmax(scores), h), axis=1)


def reader(low: float) -> tuple[keras.Model, Any, Any]:
    """Return a small network that reads padded texts."""
    x, y = texts()
    words = keras.Input(x.shape[1:], dtype="int32")
    h = Attend(low, name="attend")([words, layers.Embedding(30, 16)(words)])
    model = keras.Model(words, layers.Dense(1, "sigmoid", dtype="float32")(h))
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    return model, x, y


def empty_row(mended: bool) -> tuple[keras.Model, Any, Any]:
    """Return a mask of -inf, and one text in which all is padding."""
    return reader(-1e9 if mended else -np.inf)


def half(mended: bool) -> tuple[keras.Model, Any, Any]:
    """Return a mask of -1e9 in float16, which ends at 65,504."""
    keras.config.set_dtype_policy("mixed_float16")
    try:
        return reader(-1e4 if mended else -1e9)
    finally:
        keras.config.set_dtype_policy("float32")


def poisson(mended: bool) -> tuple[keras.Model, Any, Any]:
    """Return a linear output under a loss that takes its logarithm."""
    x, y = table()
    counts = np.random.default_rng(4).poisson(np.exp(y)).astype("float32")
    last = layers.Dense(1, "exponential" if mended else None)
    hidden = layers.Dense(32, "relu"), last
    return compiled(x, *hidden, loss="poisson"), x, counts


def rate(mended: bool) -> tuple[keras.Model, Any, Any]:
    """Return a learning rate of 1, or of 0.05."""
    x, y = table()
    hidden = layers.Dense(32, "relu"), layers.Dense(1)
    sgd = keras.optimizers.SGD(0.05 if mended else 1.0)
    return compiled(x, *hidden, loss="mse", optimizer=sgd), x, y


FAULTS = {
    "Poisson, linear output": Fault(poisson, explained),
    "power of 0": Fault(power, above_guessing),
    "-1e9 in float16": Fault(half, above_guessing),
    "root of 0": Fault(root, above_guessing),
    "rate too large": Fault(rate, explained),
    "a NaN in the data": Fault(bad_row, above_guessing),
    "-inf for a whole row": Fault(empty_row, above_guessing),
    "0 divided by 0": Fault(zero_over_zero, explained),
    "log of 0": Fault(logarithm, above_guessing),
}


def fit(model: keras.Model, x: Any, y: Any, seed: int) -> int:
    """Train; return the update of the first NaN, 0 if there is none."""
    keras.utils.set_random_seed(seed)
    watch = BeforeNaN()
    model.fit(x, y, BATCH, EPOCHS, callbacks=[watch], verbose=0)
    return watch.update


def outcome(name: str) -> dict[str, Any]:
    """Train a fault from five seeds: when NaN comes, and what mends it.

    `said` is what the probe says of seed 0, with the weights before the NaN.
    """
    keras.backend.clear_session()  # layers are named from the start
    fault = FAULTS[name]
    found: dict[str, Any] = {"first": [], "mended": [], "score": []}
    for mended in (False, True):
        model, x, y = fault.make(mended)
        model.optimizer.build(model.trainable_variables)
        start = [v.numpy() for v in model.optimizer.variables]
        for seed in range(SEEDS):
            keras.utils.set_random_seed(seed)
            model.set_weights(fault.make(mended)[0].get_weights())
            for variable, value in zip(
                model.optimizer.variables, start, strict=True
            ):
                variable.assign(value)
            first = fit(model, x, y, seed)
            found["mended" if mended else "first"].append(first)
            if mended:
                said = model.predict(x, verbose=0)
                found["score"].append(round(fault.score(said, y), 3))
            elif seed == 0:
                found["said"] = where_nan(model, x, y)
    return found
