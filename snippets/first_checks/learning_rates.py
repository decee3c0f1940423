"""Which learning rates train, which do nothing, which destroy?"""

from collections.abc import Iterable

import keras
import numpy as np


def learning_rates(
    model: keras.Model,
    x: np.ndarray,
    y: np.ndarray,
    rates: Iterable[float],
    updates: int = 100,
    batch: int = 50,
) -> np.ndarray:
    """Return the mean of the last 20 losses, for each rate from the start.

    Weights, optimizer and learning rate are put back afterwards.
    """
    optimizer = model.optimizer
    optimizer.build(model.trainable_variables)  # or it has no memory yet
    everything = [*model.variables, *optimizer.variables]
    before = [keras.ops.convert_to_numpy(v) for v in everything]

    def put_back() -> None:
        for variable, value in zip(everything, before, strict=True):
            variable.assign(value)

    results = []
    for rate in rates:
        put_back()
        optimizer.learning_rate = float(rate)
        rng = np.random.default_rng(0)  # the same batches for each rate
        losses = []
        for _ in range(updates):
            chosen = rng.choice(len(x), batch, replace=False)
            model.reset_metrics()
            losses.append(model.train_on_batch(x[chosen], y[chosen]))
            if not np.isfinite(losses[-1]):
                break
        results.append(np.mean(losses[-20:]))
    put_back()
    return np.array(results)
