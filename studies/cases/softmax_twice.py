"""A softmax on top of a softmax: learning crawls.

The second sees numbers between 0 and 1 and can hardly tell them apart. One of
the two mends it. (Where the loss adds the second, Keras on TensorFlow finds the
logits of a last softmax by itself.)
"""

import keras
from keras import layers

from studies.cases.case import Case, Network, accuracy, digits, options


def network(activation: str | None = "softmax") -> Network:
    """Return a hidden layer, the head, and a softmax of its own."""
    model = keras.Sequential(
        [
            keras.Input((64,)),
            layers.Dense(64, "relu"),
            layers.Dense(10, activation),
            layers.Softmax(),
        ]
    )
    model.compile(keras.optimizers.SGD(0.05), "sparse_categorical_crossentropy")
    return model, *digits()


def mended() -> Network:
    """Return it with one softmax."""
    return network(None)


def fixed(line: str) -> Network:
    """Return it after the line."""
    return network(**options(line))


CASE = Case(
    source=(
        "https://github.com/nfmcclure/tensorflow_cookbook/issues/86",
        "https://github.com/tflearn/tflearn/pull/562",
    ),
    broken=network,
    mended=mended,
    fixed=fixed,
    score=accuracy,
    goal=0.85,
    named="logits",
)
