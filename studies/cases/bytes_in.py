"""Pixels with their mean taken off, but not scaled: the loss does not change.

They go from -128 to 127. Scaling them mends it.
"""

import keras
import numpy as np
from keras import layers

from studies.cases.case import Case, Network, accuracy, digits, run


def pixels() -> tuple[np.ndarray, np.ndarray]:
    """Return digits as bytes, about their mean."""
    x, y = digits(8, 8, 1)
    x = 255 * x
    return (x - x.mean()).astype("float32"), y


def network() -> keras.Model:
    """Return a small CNN."""
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(10, "softmax"),
        ]
    )
    optimizer = keras.optimizers.SGD(0.05, momentum=0.9)
    model.compile(optimizer, "sparse_categorical_crossentropy")
    return model


def broken() -> Network:
    """Return it as it was asked about."""
    return network(), *pixels()


def mended() -> Network:
    """Return it with pixels of deviation 1."""
    x, y = pixels()
    return network(), x / x.std(), y


def fixed(line: str) -> Network:
    """Return it after the line."""
    return network(), *run(line, *pixels())


CASE = Case(
    source=("https://github.com/keras-team/keras/issues/2711",),
    broken=broken,
    mended=mended,
    fixed=fixed,
    score=accuracy,
    goal=0.9,
    named="inputs",
)
