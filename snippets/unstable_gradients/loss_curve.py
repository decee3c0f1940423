"""The loss, update by update."""

import keras
import numpy as np


def loss_curve(
    model: keras.Model,
    x: np.ndarray,
    y: np.ndarray,
    updates: int = 200,
    batch: int = 50,
    seed: int = 0,
) -> np.ndarray:
    """Train a compiled model on batches drawn at random; return each loss."""
    rng = np.random.default_rng(seed)
    losses = []
    for _ in range(updates):
        chosen = rng.choice(len(x), batch, replace=False)
        model.reset_metrics()  # or Keras returns the mean of all so far
        told = model.train_on_batch(x[chosen], y[chosen], return_dict=True)
        losses.append(told["loss"])
    return np.array(losses, "float64")
