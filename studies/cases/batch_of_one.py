"""Batch norm on dense layers, batches of one: all examples look the same.

One example minus its own mean is 0. A larger batch mends it. No look at the
model, x and y can see it: they are the same three, broken and mended. A second
attempt, the 100 updates at five rates of `first_checks`, finds no fault either,
also with a dataset of single examples, which it puts together.
"""

import keras
from keras import layers

from studies.cases.case import Case, Network, accuracy, digits


def network() -> Network:
    """Return two hidden layers with batch norm."""
    model = keras.Sequential([keras.Input((64,))])
    for _ in range(2):
        model.add(layers.Dense(32, use_bias=False))
        model.add(layers.BatchNormalization())
        model.add(layers.Activation("relu"))
    model.add(layers.Dense(10, "softmax"))
    model.compile("adam", "sparse_categorical_crossentropy")
    return model, *digits(n=400)


CASE = Case(
    source=("https://github.com/microsoft/CNTK/issues/905",),
    broken=network,
    mended=network,
    score=accuracy,
    goal=0.85,
    page="limits",
    fit={"epochs": 15, "batch_size": 1},
    fit_mended={"batch_size": 20},
)
