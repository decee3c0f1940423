"""A transformer without positions; the order of two words is the label.

Attention does not see an order: on new data it guesses. Positions mend it.
"""

from typing import Any

import keras
import numpy as np
from keras import layers

from studies.cases.case import Case, Network, binary


class Positions(layers.Layer):
    """Adds a learned vector to each place."""

    def build(self, shape: Any) -> None:
        """Make the table."""
        self.table = self.add_weight(
            shape=shape[1:], initializer="random_normal", name="positions"
        )

    def call(self, x: Any) -> Any:
        """Return words and places, added."""
        return x + self.table


def orders(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return ten words each, and whether word 1 stands before word 2."""
    random = np.random.default_rng(seed)
    x = random.integers(3, 201, (n, 10))
    y = random.integers(2, size=(n, 1))
    for row, (label,) in zip(x, y, strict=True):
        a, b = sorted(random.choice(10, 2, replace=False))
        row[a], row[b] = (1, 2) if label else (2, 1)
    return x.astype("int32"), y.astype("float32")


def network(positions: bool = False, line: str = "") -> Network:
    """Return two blocks of attention, pooled."""
    words = keras.Input((10,), dtype="int32")
    h = layers.Embedding(201, 32)(words)
    if positions:
        h = Positions()(h)
    names = {"h": h, "np": np}
    exec(line, names)
    h = names["h"]
    for _ in range(2):
        normed = layers.LayerNormalization()(h)
        attended = layers.MultiHeadAttention(2, 16)(normed, normed)
        h = layers.Add()([h, attended])
        f = layers.Dense(64, "gelu")(layers.LayerNormalization()(h))
        h = layers.Add()([h, layers.Dense(32)(f)])
    h = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(h))
    model = keras.Model(words, layers.Dense(1, "sigmoid")(h))
    adam = keras.optimizers.Adam(0.002)
    model.compile(adam, "binary_crossentropy", metrics=["accuracy"])
    return model, *orders(2000, 5)


def mended() -> Network:
    """Return it with positions."""
    return network(positions=True)


def fixed(line: str) -> Network:
    """Return it after the line, behind the embedding."""
    return network(line=line)


def score(model: keras.Model, x: Any, y: Any) -> float:
    """Share of 500 new sentences that are told right."""
    return binary(model, *orders(500, 6))


CASE = Case(
    source=(
        "https://github.com/DaoyuanLi2816/Molecule-Generator/pull/23",
        "https://github.com/keras-team/keras-io/issues/1894",
    ),
    broken=network,
    mended=mended,
    fixed=fixed,
    score=score,
    goal=0.85,
    named="order blind",
)
