"""What is the loss before training, and what should it be?"""

import keras
import numpy as np


def first_loss(
    model: keras.Model, x: np.ndarray, y: np.ndarray
) -> tuple[float, float]:
    """Return the loss of a compiled classifier, and the labels' entropy.

    The entropy is the best loss without looking at `x`. If all C classes
    are as frequent, it is ln C. It is nan if there is not one class, a number
    or one-hot, for each example. Penalties such as L2 do not count as loss.
    """
    loss = model.evaluate(x, y, verbose=0, return_dict=True)["loss"]
    loss -= sum(float(penalty) for penalty in model.losses)
    y = np.asarray(y, object if isinstance(y, dict) else None)
    if y.ndim == 2 and y.shape[1] > 1 and np.all(y.sum(1) == 1):
        y = y.argmax(1)
    if y.size != len(np.atleast_1d(y)) or y.dtype == object or np.any(y % 1):
        return float(loss), np.nan
    _, counts = np.unique(y, return_counts=True)
    share = counts / counts.sum()
    return float(loss), float(-(share * np.log(share)).sum())
