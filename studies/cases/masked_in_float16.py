"""Mixed precision, attention masked by -1e9: NaN from the first batch.

In float16 that number is an infinity, and 0 times it is NaN. -1e4, or a layer
in float32, mends it.
"""

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from studies.cases.case import Case, Network, accuracy, options


class Attend(layers.Layer):
    """Attention to what has been, masked by adding a low number."""

    def __init__(self, width: int, low: float, **more: Any) -> None:
        super().__init__(**more)
        self.low = low
        self.q, self.k, self.v = (layers.Dense(width, **more) for _ in "qkv")

    def call(self, h: Any) -> Any:
        """Return what is attended to."""
        n = h.shape[1]
        keys = ops.transpose(self.k(h), (0, 2, 1))
        scores = ops.matmul(self.q(h), keys) / h.shape[-1] ** 0.5
        past = ops.cast(np.tril(np.ones((n, n))), scores.dtype)
        scores = scores + (1 - past) * ops.cast(self.low, scores.dtype)
        return ops.matmul(ops.softmax(scores), self.v(h))


def words() -> tuple[np.ndarray, np.ndarray]:
    """Return sequences in which two numbers give the next."""
    x = np.zeros((500, 17), "int32")
    x[:, :2] = np.random.default_rng(6).integers(0, 20, (500, 2))
    for i in range(2, 17):
        x[:, i] = (x[:, i - 1] + x[:, i - 2]) % 20
    return x[:, :-1], x[:, 1:]


def network(low: float = -1e9, **more: Any) -> Network:
    """Return a block of attention in mixed precision."""
    keras.mixed_precision.set_global_policy("mixed_float16")
    tokens = keras.Input((16,), dtype="int32")
    h = layers.Embedding(20, 32)(tokens)
    h = layers.Add()([h, Attend(32, low, **more)(h)])
    f = layers.Dense(64, "relu")(layers.LayerNormalization()(h))
    h = layers.Add()([h, layers.Dense(32)(f)])
    out = layers.Dense(20, "softmax", dtype="float32")(h)
    model = keras.Model(tokens, out)
    adam = keras.optimizers.Adam(0.003)
    model.compile(adam, "sparse_categorical_crossentropy")
    return model, *words()


def mended() -> Network:
    """Return it with a number that float16 has."""
    return network(-1e4)


def fixed(line: str) -> Network:
    """Return it after the line."""
    return network(**options(line))


CASE = Case(
    source=(
        "https://github.com/openai/gpt-2/pull/122",
        "https://github.com/google/flax/issues/982",
        "https://github.com/bentrevett/pytorch-seq2seq/issues/191",
    ),
    broken=network,
    mended=mended,
    fixed=fixed,
    score=accuracy,
    goal=0.5,
    named="nonfinite",
    layer="attend",
    fit={"epochs": 15},
)
