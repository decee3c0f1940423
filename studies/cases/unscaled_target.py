"""The targets go into the thousands, plain SGD: NaN, or the mean at best.

Standardised targets mend it.
"""

import keras
import numpy as np
from keras import layers

from studies.cases.case import Case, Network, r2, run


def squares() -> tuple[np.ndarray, np.ndarray]:
    """Return 400 standardised numbers, and the squares of the raw ones."""
    x = np.linspace(0, 100, 400)[:, None]
    y = x**2 + 3
    x = (x - x.mean()) / x.std()
    return x.astype("float32"), y.astype("float32")


def network() -> keras.Model:
    """Return one hidden layer."""
    model = keras.Sequential(
        [keras.Input((1,)), layers.Dense(32, "tanh"), layers.Dense(1)]
    )
    model.compile(keras.optimizers.SGD(0.05), "mse")
    return model


def broken() -> Network:
    """Return it as it was asked about."""
    return network(), *squares()


def mended() -> Network:
    """Return it with targets of mean 0 and deviation 1."""
    x, y = squares()
    return network(), x, (y - y.mean()) / y.std()


def fixed(line: str) -> Network:
    """Return it after the line."""
    return network(), *run(line, *squares())


CASE = Case(
    source=("https://stats.stackexchange.com/questions/418955",),
    broken=broken,
    mended=mended,
    fixed=fixed,
    score=r2,
    goal=0.9,
    named="targets",
    fit={"epochs": 60},
)
