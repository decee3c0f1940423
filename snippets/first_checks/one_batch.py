"""Can the network learn one batch by heart?"""

from typing import Any

import keras


def one_batch(model: keras.Model, x: Any, y: Any, updates: int = 100) -> float:
    """Train a compiled model on these examples only; return the last loss.

    Show it about 50. The weights are put back afterwards, the optimizer's
    memory is not: compile again before you train.
    """
    model(keras.tree.map_structure(lambda a: a[:1], x))  # now it is built
    before = model.get_weights()
    n = len(keras.tree.flatten(x)[0])
    told = model.fit(x, y, n, updates, verbose=0, shuffle=False).history
    model.set_weights(before)
    if "loss" not in told:
        raise ValueError(f"train_step tells {', '.join(told)}, but no loss")
    return float(told["loss"][-1])
