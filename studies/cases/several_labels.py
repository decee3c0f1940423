"""Several labels at once under a softmax: at most one of them is ever said.

Categorical cross-entropy takes labels that sum to 1, and a softmax shares 1
out. A sigmoid a label and binary cross-entropy mend it.
"""

from typing import Any

import keras
import numpy as np
from keras import layers

from studies.cases.case import Case, Network, binary, options


def data() -> tuple[np.ndarray, np.ndarray]:
    """Return six labels, of which about six in ten are set."""
    random = np.random.default_rng(3)
    x = random.standard_normal((1500, 20)).astype("float32")
    return x, (x @ random.standard_normal((20, 6)) > -1).astype("float32")


def network(
    activation: str = "softmax", loss: Any = "categorical_crossentropy"
) -> Network:
    """Return a hidden layer and six outputs."""
    model = keras.Sequential(
        [
            keras.Input((20,)),
            layers.Dense(64, "relu"),
            layers.Dense(6, activation),
        ]
    )
    model.compile("adam", loss, metrics=["binary_accuracy"])
    return model, *data()


def mended() -> Network:
    """Return it with a sigmoid a label."""
    return network("sigmoid", "binary_crossentropy")


def fixed(line: str) -> Network:
    """Return it after the line."""
    return network(**options(line))


CASE = Case(
    source=(
        "https://github.com/keras-team/keras/issues/741",
        "https://github.com/keras-team/keras/issues/2166",
    ),
    broken=network,
    mended=mended,
    fixed=fixed,
    score=binary,
    goal=0.9,
    named="labels",
    fit={"epochs": 30},
)
