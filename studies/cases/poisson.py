"""Counts, a Poisson loss, a linear output: NaN in the first epoch.

The loss takes the logarithm of the output, which may be negative. A softplus
at the end mends it.
"""

from typing import Any

import keras
import numpy as np
from keras import layers

from studies.cases.case import Case, Network, options


def counts() -> tuple[np.ndarray, np.ndarray]:
    """Return counts whose logarithm depends on two columns."""
    random = np.random.default_rng(7)
    x = random.standard_normal((1000, 6)).astype("float32")
    mean = np.exp(0.5 * x[:, 0] - 0.4 * x[:, 1] + 0.5)
    return x, random.poisson(mean).astype("float32")[:, None]


def network(activation: str | None = None) -> Network:
    """Return a hidden layer and one output."""
    model = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(32, "relu"),
            layers.Dense(1, activation),
        ]
    )
    model.compile("adam", "poisson")
    return model, *counts()


def mended() -> Network:
    """Return it with an output that is positive."""
    return network("softplus")


def fixed(line: str) -> Network:
    """Return it after the line."""
    return network(**options(line))


def score(model: keras.Model, x: Any, y: Any) -> float:
    """Return the correlation of outputs and counts."""
    p = model.predict(x, verbose=0)
    return float(np.nan_to_num(np.corrcoef(p.ravel(), y.ravel())[0, 1]))


CASE = Case(
    source=(
        "https://github.com/keras-team/keras/issues/590",
        "https://github.com/keras-team/keras/issues/18886",
    ),
    broken=network,
    mended=mended,
    fixed=fixed,
    score=score,
    goal=0.5,
    named="nonfinite",
)
