"""The share to keep, given as the share to drop: hardly anything is learned.

Keras's `rate` is what is dropped. The other number mends it.
"""

import keras
from keras import layers

from studies.cases.case import Case, Network, accuracy, digits, options


def network(rate: float = 0.95) -> Network:
    """Return three hidden layers with dropout."""
    model = keras.Sequential([keras.Input((64,))])
    for _ in range(3):
        model.add(layers.Dense(64, "relu"))
        model.add(layers.Dropout(rate))
    model.add(layers.Dense(10, "softmax"))
    adam = keras.optimizers.Adam(0.003)
    model.compile(adam, "sparse_categorical_crossentropy")
    return model, *digits()


def mended() -> Network:
    """Return it with the share to drop."""
    return network(0.05)


def fixed(line: str) -> Network:
    """Return it after the line."""
    return network(**options(line))


CASE = Case(
    source=(
        "https://github.com/hunkim/DeepLearningZeroToAll/issues/122",
        "https://github.com/titu1994/Inception-v4/issues/5",
    ),
    broken=network,
    mended=mended,
    fixed=fixed,
    score=accuracy,
    goal=0.85,
    named="dropout",
    fit={"epochs": 15},
)
