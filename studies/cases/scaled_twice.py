"""Pixels divided by 255 outside, and again by a layer inside: nothing moves.

The network sees numbers below 0.004. Dividing once mends it.
"""

import keras
from keras import layers

from studies.cases.case import Case, Network, accuracy, digits, run


def network() -> keras.Model:
    """Return a small CNN that begins with a Rescaling."""
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    optimizer = keras.optimizers.SGD(0.02, momentum=0.9)
    model.compile(
        optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model


def broken() -> Network:
    """Return it as it was asked about."""
    return network(), *digits(8, 8, 1)


def mended() -> Network:
    """Return it with pixels up to 255."""
    x, y = digits(8, 8, 1)
    return network(), 255 * x, y


def fixed(line: str) -> Network:
    """Return it after the line."""
    return network(), *run(line, *digits(8, 8, 1))


CASE = Case(
    source=(
        "https://github.com/keras-team/keras-io/issues/1549",
        "https://github.com/mrdbourke/tensorflow-deep-learning/issues/14",
    ),
    broken=broken,
    mended=mended,
    fixed=fixed,
    score=accuracy,
    goal=0.8,
    named="small inputs",
)
