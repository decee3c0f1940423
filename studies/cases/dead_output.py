"""A ReLU at the output: with some seeds it says 0 for all, for ever.

Where all outputs are 0, no gradient comes back. A softplus at the end, or
none, mends it.
"""

from typing import Any

import keras
import numpy as np
from keras import layers

from studies.cases.case import Case, Network, options


def amounts() -> tuple[np.ndarray, np.ndarray]:
    """Return positive amounts."""
    random = np.random.default_rng(9)
    x = random.random((2000, 34)).astype("float32")
    y = np.exp(x[:, :6].sum(1) - 1.5) + 0.1 * random.random(2000)
    return x, y.astype("float32")[:, None]


def model(activation: str) -> keras.Model:
    """Return a hidden layer and one output."""
    made = keras.Sequential(
        [
            keras.Input((34,)),
            layers.Dense(34, "relu"),
            layers.Dense(1, activation),
        ]
    )
    made.compile("adam", "mean_squared_logarithmic_error")
    return made


def network(activation: str = "relu") -> Network:
    """Return it with a seed in which a ReLU at its end is dead."""
    x, y = amounts()
    for seed in range(50):
        keras.utils.set_random_seed(seed)
        if not model("relu").predict(x, verbose=0).any():
            keras.utils.set_random_seed(seed)
            return model(activation), x, y
    raise AssertionError("no seed of 50 is dead")


def mended() -> Network:
    """Return it with a smooth end, in the same seed."""
    return network("softplus")


def fixed(line: str) -> Network:
    """Return it after the line."""
    return network(**options(line))


def score(model: keras.Model, x: Any, y: Any) -> float:
    """Return the correlation of outputs and amounts."""
    p = model.predict(x, verbose=0).ravel()
    return float(np.corrcoef(p, y.ravel())[0, 1]) if p.std() else 0.0


CASE = Case(
    source=("https://github.com/keras-team/keras/issues/5173",),
    broken=network,
    mended=mended,
    fixed=fixed,
    score=score,
    goal=0.7,
    named="dead end",
    fit={"epochs": 20},
)
