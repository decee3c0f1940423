"""An own cosine loss without its minus: it falls, and answers turn away.

The loss is larger, the better an answer is. A minus mends it.
"""

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from studies.cases.case import Case, Network, digits


def vectors() -> tuple[np.ndarray, np.ndarray]:
    """Return digits, and a vector for each class."""
    x, y = digits()
    table = np.random.default_rng(0).standard_normal((10, 32))
    return x, table[y].astype("float32")


def similarity(y_true: Any, y_pred: Any) -> Any:
    """Return the cosine."""
    return ops.sum(ops.normalize(y_true) * ops.normalize(y_pred), axis=-1)


def network(loss: Any = similarity) -> Network:
    """Return a hidden layer and 32 outputs."""
    model = keras.Sequential(
        [keras.Input((64,)), layers.Dense(64, "relu"), layers.Dense(32)]
    )
    model.compile(keras.optimizers.Adam(0.003), loss)
    return model, *vectors()


def mended() -> Network:
    """Return it with Keras's loss, which has the minus."""
    return network("cosine_similarity")


def fixed(line: str) -> Network:
    """Return it after the line."""
    names = {"similarity": similarity, "dict": dict}
    return network(**eval(f"dict({line})", names))


def score(model: keras.Model, x: Any, y: Any) -> float:
    """Return the mean cosine of outputs and labels."""
    p = model.predict(x, verbose=0)
    p = p / np.linalg.norm(p, axis=1, keepdims=True)
    y = y / np.linalg.norm(y, axis=1, keepdims=True)
    return float(np.mean(np.sum(p * y, 1)))


CASE = Case(
    source=(
        "https://github.com/tensorflow/tensorflow/pull/32186",
        "https://github.com/tensorflow/tensorflow/issues/34577",
        "https://github.com/keras-team/keras/issues/3031",
    ),
    broken=network,
    mended=mended,
    fixed=fixed,
    score=score,
    goal=0.9,
    named="wrong sign",
)
