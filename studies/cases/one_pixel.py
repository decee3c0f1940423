"""A heat map with one small peak, mean squared error: zero everywhere.

One pixel in hundreds counts, and the loss counts all alike. Weighting what is
not zero mends it.
"""

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from studies.cases.case import Case, Network, options


def peaks(n: int = 600, size: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """Return noise with a small cross, and a peak where the cross is."""
    random = np.random.default_rng(8)
    x = 0.5 * random.standard_normal((n, size, size, 1))
    y = np.zeros((n, size, size, 1))
    grid = np.arange(size)
    for i in range(n):
        a, b = random.integers(3, size - 3, 2)
        x[i, a - 1 : a + 2, b, 0] += 1.5
        x[i, a, b - 1 : b + 2, 0] += 1.5
        square = (grid[:, None] - a) ** 2 + (grid - b) ** 2
        y[i, ..., 0] = np.exp(-square / (2 * 0.8**2))
    return x.astype("float32"), y.astype("float32")


def balanced(y_true: Any, y_pred: Any) -> Any:
    """Return squares in which the peak counts."""
    square = ops.square(y_true - y_pred)
    return ops.mean((1 + 200 * y_true) * square, axis=-1)


def network(loss: Any = "mse") -> Network:
    """Return three convolutions."""
    model = keras.Sequential(
        [
            keras.Input((24, 24, 1)),
            layers.Conv2D(16, 5, padding="same", activation="relu"),
            layers.Conv2D(16, 5, padding="same", activation="relu"),
            layers.Conv2D(1, 5, padding="same", activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.SGD(0.01, momentum=0.9), loss)
    return model, *peaks()


def mended() -> Network:
    """Return it with the peak weighted."""
    return network(balanced)


def fixed(line: str) -> Network:
    """Return it after the line."""
    return network(**options(line))


def score(model: keras.Model, x: Any, y: Any) -> float:
    """Share of the pictures whose largest output is at the peak."""
    p = model.predict(x, verbose=0).reshape(len(x), -1)
    return float(np.mean(p.argmax(1) == y.reshape(len(y), -1).argmax(1)))


CASE = Case(
    source=(
        "https://github.com/tpfister/caffe-heatmap/issues/17",
        "https://github.com/ZheC/Realtime_Multi-Person_Pose_Estimation/issues/224",
    ),
    broken=network,
    mended=mended,
    fixed=fixed,
    score=score,
    goal=0.8,
    named="mostly zero",
    fit={"epochs": 12},
)
