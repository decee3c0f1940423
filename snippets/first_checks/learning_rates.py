"""Which learning rates train, which do nothing, which destroy?"""

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np


def learning_rates(
    model: keras.Model,
    x: Any,
    y: Any,
    rates: Iterable[float],
    updates: int = 100,
    batch: int = 50,
) -> np.ndarray:
    """Return the mean of the last 20 losses, for each rate from the start.

    Weights, optimizer and learning rate are put back afterwards; a schedule
    is set aside for that time.
    """
    own, compiled = model.optimizer, model.train_function
    if isinstance(own.get_config().get("learning_rate"), dict):
        config = own.get_config() | {"learning_rate": 1.0}
        model.optimizer = type(own).from_config(config)
        model.train_function = None
    optimizer = model.optimizer
    model(keras.tree.map_structure(lambda a: a[:1], x))  # now it is built
    optimizer.build(model.trainable_variables)  # or it has no memory yet
    everything = [*model.variables, *optimizer.variables]
    before = [keras.ops.convert_to_numpy(v) for v in everything]
    n, results = len(keras.tree.flatten(x)[0]), []
    rng = np.random.default_rng(0)  # the same batches for each rate
    batches = [rng.choice(n, batch, replace=False) for _ in range(updates)]
    for rate in [*rates, None]:
        for variable, value in zip(everything, before, strict=True):
            variable.assign(value)
        if rate is None:
            break
        optimizer.learning_rate = float(rate)
        for part in filter(len, (batches[:-20], batches[-20:])):
            rows = np.concatenate(part)
            shown = keras.tree.map_structure(lambda a, r=rows: a[r], (x, y))
            told = model.fit(*shown, batch, verbose=0, shuffle=False).history
        results.append(told["loss"][0])
    model.optimizer, model.train_function = own, compiled
    return np.array(results)
