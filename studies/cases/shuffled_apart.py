"""x and y shuffled each by itself: training learns nothing but by heart.

No number of one batch is odd, so `diagnose` is silent. `first_checks` names it:
the class means do not beat guessing, nor does any of five rates. Shuffling both
in one order mends it.
"""

import keras
import numpy as np
from keras import layers

from studies.cases.case import Case, Network, accuracy, digits


def network() -> keras.Model:
    """Return one hidden layer."""
    model = keras.Sequential(
        [
            keras.Input((64,)),
            layers.Dense(64, "relu"),
            layers.Dense(10, "softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def broken() -> Network:
    """Return it as it was asked about."""
    x, y = digits()
    return network(), x, np.random.default_rng(1).permutation(y)


def mended() -> Network:
    """Return it with each label beside its example."""
    return network(), *digits()


CASE = Case(
    source=(
        "https://github.com/keras-team/keras/issues/2389",
        "https://github.com/keras-team/keras/issues/12355",
    ),
    broken=broken,
    mended=mended,
    score=accuracy,
    goal=0.9,
    page="limits",
)
