"""A critic that ends in a tanh; the returns go far beyond 1.

It can say nothing above 1. No activation at the end mends it.
"""

import keras
import numpy as np
from keras import layers

from studies.cases.case import Case, Network, options, r2


def returns() -> tuple[np.ndarray, np.ndarray]:
    """Return states, and sums of the rewards that follow."""
    random = np.random.default_rng(3)
    x = random.standard_normal((1000, 4)).astype("float32")
    return x, (6 + 2 * x[:, :1] - 3 * np.abs(x[:, 1:2])).astype("float32")


def network(activation: str | None = "tanh") -> Network:
    """Return two hidden layers and a value."""
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(64, "tanh"),
            layers.Dense(64, "tanh"),
            layers.Dense(1, activation),
        ]
    )
    model.compile(keras.optimizers.Adam(0.003), "mse")
    return model, *returns()


def mended() -> Network:
    """Return it without an activation at the end."""
    return network(None)


def fixed(line: str) -> Network:
    """Return it after the line."""
    return network(**options(line))


CASE = Case(
    source=("https://github.com/LuEE-C/PPO-Keras/issues/13",),
    broken=network,
    mended=mended,
    fixed=fixed,
    score=r2,
    goal=0.9,
    named="head",
    fit={"epochs": 20},
)
