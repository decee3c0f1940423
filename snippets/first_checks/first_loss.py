"""What is the loss before training, and what should it be?"""

import keras
import numpy as np


def first_loss(
    model: keras.Model, x: np.ndarray, y: np.ndarray
) -> tuple[float, float]:
    """Return the loss of a compiled classifier, and the labels' entropy.

    The entropy is the best loss without looking at `x`. If all C classes
    are as frequent, it is ln C.
    """
    _, counts = np.unique(y, return_counts=True)
    share = counts / counts.sum()
    loss = model.evaluate(x, y, verbose=0, return_dict=True)["loss"]
    return float(loss), float(-(share * np.log(share)).sum())
