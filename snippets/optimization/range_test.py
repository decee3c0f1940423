"""Which learning rate? Raise it batch by batch, and see where it ends."""

import keras
import numpy as np


def range_test(
    model: keras.Model,
    x: np.ndarray,
    y: np.ndarray,
    rates: tuple[float, float] = (1e-4, 3.0),
    updates: int = 100,
    batch: int = 50,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rates and the smoothed loss at each; the model is moved.

    Compile it anew, and give it fresh weights, before you train it.
    """
    rng = np.random.default_rng(seed)
    steps = np.geomspace(*rates, updates)
    losses = []
    for rate in steps:
        chosen = rng.choice(len(x), batch, replace=False)
        model.optimizer.learning_rate.assign(rate)
        model.reset_metrics()
        told = model.train_on_batch(x[chosen], y[chosen], return_dict=True)
        losses.append(float(told["loss"]))
    return steps, smoothed(np.array(losses))


def smoothed(losses: np.ndarray, over: int = 10) -> np.ndarray:
    """Return the mean of each loss and those up to `over - 1` before it."""
    losses = np.where(np.isfinite(losses), losses, 1e9)
    ends = range(1, len(losses) + 1)
    return np.array([losses[max(0, n - over) : n].mean() for n in ends])
