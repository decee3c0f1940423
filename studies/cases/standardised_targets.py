"""An autoencoder, binary cross-entropy, standardised pixels: negative loss.

The loss takes labels from 0 to 1; beyond them it has no lower end, and runs
away. Scaling them to 0 to 1 mends it.
"""

import keras
from keras import layers

from studies.cases.case import Case, Network, digits, r2, run


def network() -> keras.Model:
    """Return a convolutional autoencoder."""
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(8, 3, padding="same", activation="relu"),
            layers.UpSampling2D(),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.Conv2D(1, 3, padding="same", activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy")
    return model


def broken() -> Network:
    """Return it as it was asked about."""
    x, _ = digits(8, 8, 1)
    x = (x - x.mean()) / x.std()
    return network(), x, x


def mended() -> Network:
    """Return it with pixels from 0 to 1."""
    x, _ = digits(8, 8, 1)
    return network(), x, x


def fixed(line: str) -> Network:
    """Return it after the line."""
    _, x, y = broken()
    return network(), *run(line, x, y)


CASE = Case(
    source=(
        "https://github.com/keras-team/keras/issues/2841",
        "https://github.com/keras-team/keras/issues/1917",
    ),
    broken=broken,
    mended=mended,
    fixed=fixed,
    score=r2,
    goal=0.4,
    named="labels",
)
