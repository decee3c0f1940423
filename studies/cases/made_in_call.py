"""A layer makes a Dense in its `call`: those weights never change.

They are drawn anew each time, and nobody keeps them (a compiled `fit` refuses
it). Making the layer in `__init__` mends it.
"""

from typing import Any

import keras
from keras import layers

from studies.cases.case import Case, Network, accuracy, digits


class Block(layers.Layer):
    """As it was asked about."""

    def call(self, x: Any) -> Any:
        """Return what a new layer says."""
        return layers.Dense(4, activation="relu")(x)


class Kept(layers.Layer):
    """The same, with the layer kept."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = layers.Dense(4, activation="relu")

    def call(self, x: Any) -> Any:
        """Return what the kept layer says."""
        return self.dense(x)


def network(block: type[layers.Layer] = Block) -> Network:
    """Return a hidden layer, the block and a head."""
    model = keras.Sequential(
        [
            keras.Input((64,)),
            layers.Dense(64, "relu"),
            block(),
            layers.Dense(10, "softmax"),
        ]
    )
    model.compile(
        keras.optimizers.Adam(0.005),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        run_eagerly=True,
    )
    return model, *digits()


def mended() -> Network:
    """Return it with the layer kept."""
    return network(Kept)


def fixed(line: str) -> Network:
    """Return it after the line."""
    assert line.startswith("self.dense = keras.layers.Dense("), line
    return network(Kept)


CASE = Case(
    source=(
        "https://github.com/keras-team/keras/issues/11736",
        "https://github.com/keras-team/keras-core/issues/707",
    ),
    broken=network,
    mended=mended,
    fixed=fixed,
    score=accuracy,
    goal=0.6,
    named="untracked",
)
