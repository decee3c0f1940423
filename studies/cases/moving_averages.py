"""Batch norm, few updates: `fit` says accuracy 1, `evaluate` says chance.

With momentum 0.99 the moving averages, which only `evaluate` and `predict`
use, have not arrived after 32 updates. A momentum of 0.7, or more updates,
mends it.
"""

from typing import Any

import keras
import numpy as np
from keras import layers

from studies.cases.case import Case, Network, binary, digits, options


def network(momentum: float = 0.99) -> Network:
    """Return three convolutions with batch norm; a 3, or an 8."""
    model = keras.Sequential([keras.Input((8, 8, 1))])
    for filters in (16, 32, 32):
        model.add(layers.Conv2D(filters, 3, padding="same", use_bias=False))
        model.add(layers.BatchNormalization(momentum=momentum))
        model.add(layers.LeakyReLU(negative_slope=0.2))
    model.add(layers.Flatten())
    model.add(layers.Dense(1, activation="sigmoid"))
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    x, y = digits(8, 8, 1)
    keep = np.flatnonzero((y == 3) | (y == 8))[:64]
    return model, 30 * x[keep] - 100, (y[keep] == 3).astype("float32")[:, None]


def mended() -> Network:
    """Return it with averages that arrive."""
    return network(0.7)


def fixed(line: str) -> Network:
    """Return it after the line."""
    return network(**options(line))


def score(model: keras.Model, x: Any, y: Any) -> float:
    """Return the accuracy of `predict` on the very data of the training."""
    return binary(model, x, y)


CASE = Case(
    source=(
        "https://github.com/keras-team/keras/issues/6014",
        "https://github.com/keras-team/keras/issues/10666",
    ),
    broken=network,
    mended=mended,
    fixed=fixed,
    score=score,
    goal=0.9,
    named="moving averages",
    when="after",
    fit={"epochs": 4, "batch_size": 8},
)
