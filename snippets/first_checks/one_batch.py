"""Can the network learn one batch by heart?"""

import keras
import numpy as np


def one_batch(
    model: keras.Model, x: np.ndarray, y: np.ndarray, updates: int = 100
) -> float:
    """Train a compiled model on these examples only; return the last loss.

    Show it about 50. The weights are put back afterwards, the optimizer's
    memory is not: compile again before you train.
    """
    before = model.get_weights()
    for _ in range(updates):
        model.reset_metrics()
        loss = model.train_on_batch(x, y)
    model.set_weights(before)
    return float(loss)
