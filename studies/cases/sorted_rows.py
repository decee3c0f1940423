"""Rows sorted by class, `validation_split`: the validation accuracy is 0.

The split takes the last rows, before anything is shuffled: classes that the
training never saw. Shuffling the rows mends it.
"""

from typing import Any

import keras
import numpy as np
from keras import layers

from studies.cases.case import Case, Network, digits, run


def network() -> keras.Model:
    """Return one hidden layer."""
    model = keras.Sequential(
        [
            keras.Input((64,)),
            layers.Dense(64, "relu"),
            layers.Dense(10, "softmax"),
        ]
    )
    model.compile(
        "adam", "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model


def broken() -> Network:
    """Return it as it was asked about."""
    x, y = digits()
    order = np.argsort(y, kind="stable")
    return network(), x[order], y[order]


def mended() -> Network:
    """Return it with the rows in any order."""
    return network(), *digits()


def fixed(line: str) -> Network:
    """Return it after the line."""
    _, x, y = broken()
    return network(), *run(line, x, y)


def score(model: keras.Model, x: Any, y: Any) -> float:
    """Return the validation accuracy: of the last fifth of the rows."""
    n = len(y) * 4 // 5
    return float(np.mean(model.predict(x[n:], verbose=0).argmax(1) == y[n:]))


CASE = Case(
    source=(
        "https://github.com/keras-team/keras/issues/8346",
        "https://github.com/keras-team/keras/issues/4298",
    ),
    broken=broken,
    mended=mended,
    fixed=fixed,
    score=score,
    goal=0.8,
    named="sorted rows",
    fit={"epochs": 8, "validation_split": 0.2},
)
