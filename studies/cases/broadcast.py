"""An own loss, y (n,) against outputs (n, 1): only the mean is learned.

The difference of the two has the shape (n, n): each answer is compared with
each label. y[:, None] mends it.
"""

from typing import Any

import keras
from keras import layers, ops

from studies.cases.case import Case, Network, r2, run, table


class SquaredError(keras.losses.Loss):
    """As it is written by hand."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the mean of the squares."""
        return ops.mean(ops.square(y_pred - y_true))


def network() -> keras.Model:
    """Return two hidden layers and one output."""
    model = keras.Sequential(
        [
            keras.Input((8,)),
            layers.Dense(64, "relu"),
            layers.Dense(64, "relu"),
            layers.Dense(1),
        ]
    )
    model.compile(keras.optimizers.Adam(0.003), SquaredError())
    return model


class OwnLoss(keras.Model):
    """The same, with the loss in `compute_loss`."""

    def __init__(self) -> None:
        super().__init__()
        self.net = network()

    def call(self, x: Any) -> Any:
        """Return the outputs."""
        return self.net(x)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Return the mean of the squares."""
        return ops.mean(ops.square(y_pred - y))


def own_loss() -> Network:
    """Return the other way in which it was met."""
    x, y = table()
    model = OwnLoss()
    model(x[:1])
    model.compile(keras.optimizers.Adam(0.003))
    return model, x, y


def broken() -> Network:
    """Return it as it was asked about."""
    return network(), *table()


def mended() -> Network:
    """Return it with labels of the outputs' shape."""
    x, y = table()
    return network(), x, y[:, None]


def fixed(line: str) -> Network:
    """Return it after the line."""
    return network(), *run(line, *table())


CASE = Case(
    source=(
        "https://github.com/tensorflow/tensorflow/issues/28901",
        "https://github.com/keras-team/keras/issues/16836",
    ),
    broken=broken,
    mended=mended,
    fixed=fixed,
    score=r2,
    goal=0.9,
    named="broadcast",
    fit={"epochs": 30},
)
