"""Short sequences, padded to 200 steps behind: the loss does not move.

Nothing of the words is left after so many steps of zeros. A mask mends it.
"""

import keras
import numpy as np
from keras import layers

from studies.cases.case import Case, Network, binary, options


def sentences() -> tuple[np.ndarray, np.ndarray]:
    """Return up to ten words, then zeros; and whether word 1 is there."""
    random = np.random.default_rng(4)
    x = np.zeros((800, 200), "int32")
    y = random.integers(2, size=(800, 1))
    for row, (label,) in zip(x, y, strict=True):
        length = random.integers(5, 11)
        row[:length] = random.integers(2, 40, length)
        if label:
            row[random.integers(length)] = 1
    return x, y.astype("float32")


def network(mask_zero: bool = False) -> Network:
    """Return an embedding, a recurrent layer and a sigmoid."""
    model = keras.Sequential(
        [
            keras.Input((200,), dtype="int32"),
            layers.Embedding(40, 16, mask_zero=mask_zero),
            layers.LSTM(16),
            layers.Dense(1, "sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    return model, *sentences()


def mended() -> Network:
    """Return it with a mask."""
    return network(mask_zero=True)


def fixed(line: str) -> Network:
    """Return it after the line."""
    return network(**options(line))


CASE = Case(
    source=("https://github.com/keras-team/keras/issues/1855",),
    broken=network,
    mended=mended,
    fixed=fixed,
    score=binary,
    goal=0.9,
    named="vanishing over time",
    fit={"epochs": 12},
)
