"""Which ReLU units of a Sequential model output zero for every example?"""

from collections.abc import Iterator

import keras
import numpy as np


def leaves(model: keras.Sequential) -> Iterator[keras.Layer]:
    """Yield the layers in order, those of nested models included."""
    for layer in model.layers:
        if isinstance(layer, keras.Sequential):
            yield from leaves(layer)
        else:
            yield layer


def dead_units(
    model: keras.Sequential, x: np.ndarray, batch: int = 512
) -> dict[str, np.ndarray]:
    """Return layer → array of bool, True for a unit that is dead on `x`.

    A unit is an index of the last axis: a channel of a convolution is dead
    if it is zero everywhere. A unit that gives NaN is not counted as dead.
    """
    alive: dict[str, np.ndarray] = {}
    for start in range(0, len(x), batch):
        h = keras.ops.convert_to_tensor(x[start : start + batch])
        for layer in leaves(model):
            h = layer(h)
            if _is_relu(layer):
                values = keras.ops.convert_to_numpy(h)
                fires = (values != 0).any(axis=tuple(range(values.ndim - 1)))
                alive[layer.name] = alive.get(layer.name, False) | fires
    return {name: ~fires for name, fires in alive.items()}


def _is_relu(layer: keras.Layer) -> bool:
    function = getattr(layer, "activation", None)
    relus = (keras.activations.relu, keras.activations.relu6)
    return isinstance(layer, keras.layers.ReLU) or function in relus
