"""An LSTM that shall give numbers ends in a softmax: the loss does not move.

A softmax says at most 1. No activation at the end mends it.
"""

import keras
import numpy as np
from keras import layers

from studies.cases.case import Case, Network, options, r2


def saw() -> tuple[np.ndarray, np.ndarray]:
    """Return two saw teeth, twelve steps of them, and the next one."""
    t = np.arange(1200)
    s = np.stack([t % 10 + 1, 10 - t % 10], 1).astype("float32")
    return np.stack([s[i : i + 12] for i in range(1000)]), s[12:1012]


def network(activation: str | None = "softmax") -> Network:
    """Return an LSTM and two outputs."""
    model = keras.Sequential(
        [
            keras.Input((12, 2)),
            layers.LSTM(32),
            layers.Dense(2, activation),
        ]
    )
    model.compile(keras.optimizers.RMSprop(0.005), "mse")
    return model, *saw()


def mended() -> Network:
    """Return it without an activation at the end."""
    return network(None)


def fixed(line: str) -> Network:
    """Return it after the line."""
    return network(**options(line))


CASE = Case(
    source=("https://github.com/keras-team/keras/issues/321",),
    broken=network,
    mended=mended,
    fixed=fixed,
    score=r2,
    goal=0.9,
    named="head",
    fit={"epochs": 20},
)
