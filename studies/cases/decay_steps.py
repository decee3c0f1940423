"""A decay meant for each epoch happens at each update: it stops at once.

`decay_steps` counts updates. The number of updates in an epoch mends it.
"""

import keras
from keras import layers

from studies.cases.case import Case, Network, accuracy, digits


def network(decay_steps: int = 1) -> Network:
    """Return two hidden layers and a schedule."""
    rate = keras.optimizers.schedules.ExponentialDecay(
        0.05, decay_steps=decay_steps, decay_rate=0.9
    )
    model = keras.Sequential(
        [
            keras.Input((64,)),
            layers.Dense(64, "relu"),
            layers.Dense(64, "relu"),
            layers.Dense(10, "softmax"),
        ]
    )
    model.compile(
        keras.optimizers.SGD(rate),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model, *digits()


def mended() -> Network:
    """Return it with a decay for each epoch."""
    return network(32)


def fixed(line: str) -> Network:
    """Return it after the line."""
    _, x, _ = network()
    names = {"x": x, "batch_size": 32, "dict": dict, "len": len}
    return network(**eval(f"dict({line})", names))


CASE = Case(
    source=(
        "https://github.com/keras-team/keras/issues/8086",
        "https://github.com/keras-team/keras/issues/2808",
        "https://github.com/tensorflow/tensorflow/issues/48308",
    ),
    broken=network,
    mended=mended,
    fixed=fixed,
    score=accuracy,
    goal=0.7,
    named="schedule",
    fit={"epochs": 15},
)
