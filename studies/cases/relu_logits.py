"""A ReLU in front of the softmax: some classes are never said.

Where the ReLU holds a class at zero for all, no gradient comes back. No
activation there mends it.
"""

import keras
from keras import layers

from studies.cases.case import Case, Network, accuracy, digits, options


def network(activation: str | None = "relu") -> Network:
    """Return a hidden layer and ten logits."""
    model = keras.Sequential(
        [
            keras.Input((64,)),
            layers.Dense(64, "relu"),
            layers.Dense(10, activation),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.5), loss)
    return model, *digits()


def mended() -> Network:
    """Return it without."""
    return network(None)


def fixed(line: str) -> Network:
    """Return it after the line."""
    return network(**options(line))


CASE = Case(
    source=(
        "https://github.com/martinwicke/"
        "tf-dev-summit-tensorboard-tutorial/issues/3",
        "https://github.com/NervanaSystems/ngraph/pull/994",
    ),
    broken=network,
    mended=mended,
    fixed=fixed,
    score=accuracy,
    goal=0.95,
    named="head",
)
