"""Two classes, one sigmoid, categorical cross-entropy: the loss is 0 at once.

Of one unit the categorical cross-entropy is 0, whatever it says: nothing is
learned. The binary cross-entropy mends it.
"""

import keras
from keras import layers

from studies.cases.case import Case, Network, binary, digits, options


def network(loss: str = "categorical_crossentropy") -> Network:
    """Return a hidden layer, a sigmoid, and whether a digit is odd."""
    model = keras.Sequential(
        [
            keras.Input((64,)),
            layers.Dense(32, "relu"),
            layers.Dense(1, "sigmoid"),
        ]
    )
    model.compile("adam", loss, metrics=["binary_accuracy"])
    x, y = digits()
    return model, x, (y % 2).astype("float32")[:, None]


def mended() -> Network:
    """Return it with the loss that fits."""
    return network("binary_crossentropy")


def fixed(line: str) -> Network:
    """Return it after the line."""
    return network(**options(line))


CASE = Case(
    source=("https://github.com/keras-team/keras/issues/17029",),
    broken=network,
    mended=mended,
    fixed=fixed,
    score=binary,
    goal=0.9,
    named="labels",
)
