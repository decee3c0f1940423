"""A table, each column in its own units: one answer for every row.

The largest column, in the thousands, drowns the others. Scaling each column
by itself mends it.
"""

from typing import Any

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_wine

from studies.cases.case import Case, Network, accuracy, run


def wine() -> tuple[np.ndarray, np.ndarray]:
    """Return 13 columns, 0.1 to 1,700, and one of three classes."""
    x, y = load_wine(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    return x[order].astype("float32"), keras.utils.to_categorical(y[order])


def network() -> keras.Model:
    """Return two hidden layers with much dropout."""
    model = keras.Sequential([keras.Input((13,))])
    for units in (14, 8):
        model.add(layers.Dense(units, "relu"))
        model.add(layers.Dropout(0.5))
    model.add(layers.Dense(3, "softmax"))
    model.add(layers.Dropout(0.5))
    model.compile("adam", "mse", metrics=["accuracy"])
    return model


def broken() -> Network:
    """Return it as it was asked about."""
    return network(), *wine()


def mended() -> Network:
    """Return it with each column scaled."""
    x, y = wine()
    return network(), (x - x.mean(0)) / x.std(0), y


def fixed(line: str) -> Network:
    """Return it after the line."""
    return network(), *run(line, *wine())


def score(model: keras.Model, x: Any, y: Any) -> float:
    """Return the accuracy."""
    return accuracy(model, x, y)


CASE = Case(
    source=(
        "https://github.com/keras-team/keras/issues/5992",
        "https://github.com/keras-team/keras/issues/2975",
    ),
    broken=broken,
    mended=mended,
    fixed=fixed,
    score=score,
    goal=0.9,
    named="inputs",
    fit={"epochs": 100, "batch_size": 16},
)
