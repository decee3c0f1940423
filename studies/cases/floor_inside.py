"""A layer rounds in the middle of a network: nothing below it learns.

The slope of a step is 0 nearly everywhere, so no gradient comes through. The
gradient of what stands in front of the step, passed straight on, mends it.
"""

from typing import Any

import keras
from keras import layers, ops

from studies.cases.case import Case, Network, accuracy, digits


class Floor(layers.Layer):
    """Zero or one, each unit."""

    def __init__(self, straight: bool) -> None:
        super().__init__()
        self.straight = straight

    def call(self, z: Any) -> Any:
        """Return the step, with the slope of the line if it is straight."""
        h = ops.floor(z + 0.5)
        return z + ops.stop_gradient(h - z) if self.straight else h


def network(straight: bool = False) -> Network:
    """Return hidden sigmoids of eight units, rounded, and a head."""
    model = keras.Sequential(
        [
            keras.Input((64,)),
            layers.Dense(64, "relu"),
            layers.Dense(6, "sigmoid"),
            Floor(straight),
            layers.Dense(10, "softmax"),
        ]
    )
    adam = keras.optimizers.Adam(0.01)
    model.compile(adam, "sparse_categorical_crossentropy")
    return model, *digits()


def mended() -> Network:
    """Return it with a slope."""
    return network(straight=True)


def fixed(line: str) -> Network:
    """Return it after the line, which is the one in the layer."""
    assert line.startswith("h = z + keras.ops.stop_gradient(h - z)"), line
    return network(straight=True)


CASE = Case(
    source=(
        "https://github.com/keras-team/keras/issues/5521",
        "https://github.com/keras-team/keras/issues/11157",
    ),
    broken=network,
    mended=mended,
    fixed=fixed,
    score=accuracy,
    goal=0.85,
    named="blocked",
    fit={"epochs": 30},
)
