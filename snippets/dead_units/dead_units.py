"""Which ReLU units of a model output zero for every example?"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import keras
import numpy as np


def dead_units(
    model: keras.Model, x: Any, batch: int = 512
) -> dict[str, np.ndarray]:
    """Return layer → array of bool, True for a unit that is dead on `x`.

    A unit is an index of the last axis: a channel of a convolution is dead
    if it is zero everywhere. A unit that gives NaN is not counted as dead.
    """
    relus = [layer for layer in leaves(model) if _is_relu(layer)]
    alive: dict[str, np.ndarray] = {}
    for layer in relus:
        vars(layer)["call"] = partial(_noted, layer.call, alive, layer.name)
    try:
        for start in range(0, len(keras.tree.flatten(x)[0]), batch):
            rows = slice(start, start + batch)
            model(keras.tree.map_structure(lambda a, r=rows: a[r], x))
    finally:
        for layer in relus:
            del vars(layer)["call"]
    return {name: ~fires for name, fires in alive.items()}


def leaves(model: keras.Layer) -> Iterator[keras.Layer]:
    """Yield the layers in order, those of nested models included."""
    for layer in model.layers:
        yield from leaves(layer) if hasattr(layer, "layers") else [layer]


def _noted(
    call: Any, alive: dict, name: str, *args: Any, **options: Any
) -> Any:
    outputs = call(*args, **options)
    values = keras.ops.convert_to_numpy(outputs)
    fires = (values != 0).any(axis=tuple(range(values.ndim - 1)))
    alive[name] = alive.get(name, False) | fires
    return outputs


def _is_relu(layer: keras.Layer) -> bool:
    function = getattr(layer, "activation", None)
    relus = (keras.activations.relu, keras.activations.relu6)
    return isinstance(layer, keras.layers.ReLU) or function in relus
