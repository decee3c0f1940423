"""A siamese network, the distance by a square root: NaN in the first epoch.

A pair holds the same picture twice: the distance is 0, where the root's slope
is infinite. A small number below the root mends it.
"""

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from studies.cases.case import Case, Network, binary, digits


def pairs() -> tuple[list, np.ndarray]:
    """Return two pictures, and whether they show the same digit."""
    x, y = digits(n=600)
    random = np.random.default_rng(0)
    a = np.arange(len(x))
    b = random.permutation(len(x))
    for i in np.flatnonzero(random.random(len(x)) < 0.5):
        b[i] = random.choice(np.flatnonzero(y == y[i]))  # now and then i
    return [x[a], x[b]], (y[a] == y[b]).astype("float32")[:, None]


def network(least: float) -> keras.Model:
    """Return a tower, used twice, and a distance of its outputs."""
    tower = keras.Sequential(
        [keras.Input((64,)), layers.Dense(64, "relu"), layers.Dense(16)]
    )

    def distance(both: list) -> Any:
        square = ops.square(both[0] - both[1])
        total = ops.sum(square, axis=1, keepdims=True)
        return ops.sqrt(ops.maximum(total, least) if least else total)

    a, b = keras.Input((64,)), keras.Input((64,))
    apart = layers.Lambda(distance, output_shape=(1,), name="apart")
    h = apart([tower(a), tower(b)])
    model = keras.Model([a, b], layers.Dense(1, "sigmoid")(h))
    model.compile(keras.optimizers.Adam(0.003), "binary_crossentropy")
    return model


def broken() -> Network:
    """Return it as it was asked about."""
    return network(0), *pairs()


def mended() -> Network:
    """Return it with a number below the root."""
    return network(1e-7), *pairs()


def fixed(line: str) -> Network:
    """Return it after the line."""
    assert line.startswith("keras.ops.maximum(z, "), line
    return network(float(line.split(",")[1].split(")")[0])), *pairs()


CASE = Case(
    source=(
        "https://github.com/keras-team/keras/issues/9097",
        "https://github.com/sounakdey/SigNet/issues/1",
    ),
    broken=broken,
    mended=mended,
    fixed=fixed,
    score=binary,
    goal=0.9,
    named="nonfinite",
    fit={"epochs": 60},
)
