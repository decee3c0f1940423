"""y = 2x - 1 under a ReLU: most of the time the loss does not change.

The ReLU cannot say -3 and -1, and often it is dead. None at the end mends it.
"""

import keras
import numpy as np
from keras import layers

from studies.cases.case import Case, Network, options, r2


def network(activation: str | None = "relu") -> Network:
    """Return two small hidden layers and one output."""
    model = keras.Sequential(
        [
            keras.Input((1,)),
            layers.Dense(4, "relu"),
            layers.Dense(2, "relu"),
            layers.Dense(1, activation),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "mse")
    x = np.linspace(-4, 4, 81)[:, None].astype("float32")
    return model, x, 2 * x - 1


def mended() -> Network:
    """Return it without an activation at the end."""
    return network(None)


def fixed(line: str) -> Network:
    """Return it after the line."""
    return network(**options(line))


CASE = Case(
    source=(
        "https://community.deeplearning.ai/t/loss-values-do-not-change/324182",
    ),
    broken=network,
    mended=mended,
    fixed=fixed,
    score=r2,
    goal=0.75,
    named="head",
    fit={"epochs": 150},
)
