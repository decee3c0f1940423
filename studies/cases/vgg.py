"""Twelve layers of a VGG, no batch norm: accuracy 10 %, loss 2.3026.

Kernels of deviation 0.01 are too small for a stack of ReLUs. He's initializer
mends it.
"""

from typing import Any

import keras
import numpy as np
from keras import layers

from studies.cases.case import Case, Network, accuracy, digits, options


def network(
    kernel_initializer: Any = None, activation: str = "relu"
) -> Network:
    """Return ten convolutions and three dense layers."""
    if kernel_initializer is None:
        kernel_initializer = keras.initializers.RandomNormal(stddev=0.01)
    more = {"activation": activation}

    def kernel() -> Any:
        made = keras.initializers.get(kernel_initializer)
        return made.clone()

    model = keras.Sequential([keras.Input((16, 16, 1))])
    for filters, times in ((16, 2), (32, 2), (48, 3), (64, 3)):
        for _ in range(times):
            conv = layers.Conv2D(
                filters, 3, padding="same", kernel_initializer=kernel(), **more
            )
            model.add(conv)
        model.add(layers.MaxPooling2D())
    model.add(layers.Flatten())
    for _ in range(2):
        model.add(layers.Dense(128, kernel_initializer=kernel(), **more))
    model.add(layers.Dense(10, "softmax"))
    optimizer = keras.optimizers.SGD(0.01, momentum=0.9)
    model.compile(
        optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    x, y = digits(8, 8, 1)
    return model, np.repeat(np.repeat(x, 2, 1), 2, 2), y


def mended() -> Network:
    """Return it with He's initializer."""
    return network("he_normal")


def fixed(line: str) -> Network:
    """Return it after the line."""
    return network(**options(line))


CASE = Case(
    source=(
        "https://github.com/kuangliu/pytorch-cifar/issues/28",
        "https://github.com/keras-team/keras-applications/issues/93",
    ),
    broken=network,
    mended=mended,
    fixed=fixed,
    score=accuracy,
    goal=0.8,
    named="vanishing",
    fit={"epochs": 12},
)
