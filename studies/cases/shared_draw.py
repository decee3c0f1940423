"""Branches that share one initializer object: all of them are one.

The object has a seed and draws the same again; added up, the branches get the
same gradient and stay alike. An initializer for each mends it.
"""

from typing import Any

import keras
import numpy as np
from keras import layers

from studies.cases.case import Case, Network, options, r2


def waves() -> tuple[np.ndarray, np.ndarray]:
    """Return two columns, and a target that needs several units."""
    x = np.random.default_rng(2).standard_normal((800, 2)).astype("float32")
    y = np.sin(2 * x[:, :1]) + np.abs(x[:, 1:])
    return x, ((y - y.mean()) / y.std()).astype("float32")


def network(
    kernel_initializer: Any = None, activation: str = "relu"
) -> Network:
    """Return twelve branches of two units, added up."""
    if kernel_initializer is None:
        kernel_initializer = keras.initializers.HeNormal(seed=1)
    inputs = keras.Input((2,))
    branches = [
        layers.Dense(2, activation, kernel_initializer=kernel_initializer)(
            inputs
        )
        for _ in range(12)
    ]
    made = [layers.Dense(4)(b) for b in (layers.Add()(branches),)]
    model = keras.Model(inputs, layers.Dense(1)(made[0]))
    model.compile(keras.optimizers.Adam(0.01), "mse")
    return model, *waves()


def mended() -> Network:
    """Return it with an initializer for each."""
    return network("he_normal")


def fixed(line: str) -> Network:
    """Return it after the line."""
    return network(**options(line))


CASE = Case(
    source=("https://github.com/keras-team/keras/issues/15586",),
    broken=network,
    mended=mended,
    fixed=fixed,
    score=r2,
    goal=0.7,
    named="identical",
    fit={"epochs": 30},
)
