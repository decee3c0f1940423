"""Where do the examples become alike: in the inputs, hidden, at the end?"""

from typing import Any

import keras
import numpy as np


def spread(h: np.ndarray) -> tuple[float, float, float]:
    """Return the size of some values, what differs, and in how many columns.

    `h` has a row for each example. The size is the root mean square; `apart`
    is the share of it that differs between examples, from 0 to 1; `columns`
    is the number of columns that carry the difference: 1 if one drowns all.
    """
    h = np.asarray(h, "float64").reshape(len(h), -1)
    size, variance = np.sqrt(np.mean(h**2)), h.var(0)
    if not variance.any():
        return float(size), 0.0, 0.0
    columns = variance.sum() ** 2 / (variance**2).sum()
    return float(size), float(np.sqrt(variance.mean()) / size), float(columns)


def three_places(
    model: keras.Model, x: Any
) -> dict[str, tuple[float, float, float]]:
    """Return the spread of the inputs, the last hidden layer, the outputs.

    The inputs are what the first layer with a kernel gets, so what a layer
    before it has scaled; an embedding counts with its outputs.
    """
    seen: list[tuple[Any, Any]] = []
    inside = 0

    def watched(layer: keras.Layer, *args: Any, **options: Any) -> Any:
        nonlocal inside
        own = any(len(w.shape) > 1 for w in layer.trainable_weights)
        last = own and (
            isinstance(layer, keras.layers.RNN) or not layer._layers
        )
        inside += last
        try:
            said = call(layer, *args, **options)
        finally:
            inside -= last
        if last and not inside:
            given = args[0] if args else said
            words = isinstance(layer, keras.layers.Embedding)
            seen.append((said if words else given, said))
        return said

    call, keras.Layer.__call__ = keras.Layer.__call__, watched
    try:
        said = model(x, training=False)
    finally:
        keras.Layer.__call__ = call
    first, out = seen[0]
    if not keras.backend.is_float_dtype(keras.tree.flatten(first)[0].dtype):
        first = out
    places = {"inputs": first, "hidden": seen[-1][0], "outputs": said}
    return {
        name: spread(keras.ops.convert_to_numpy(keras.tree.flatten(h)[0]))
        for name, h in places.items()
    }


def why_same(model: keras.Model, x: Any, y: Any = None) -> str:
    """Say why a model may give the same answer for every input.

    `x` and `y` are arrays, as `fit` takes them: some hundred rows, in any
    order. With batch norm ask after some training.
    """
    places = three_places(model, x)
    (size, apart, columns), (left, hidden, _), (_, out, _) = places.values()
    width = np.prod(np.shape(keras.tree.flatten(x)[0])[1:])
    if size < 0.01:
        return "the inputs are too small: divided twice?"
    if apart < 0.03:
        return "the inputs are nearly alike: subtract each column's mean"
    if width > 3 and columns < 1.5:
        return "one column drowns the others: scale each by itself"
    if left < 0.001 * size or hidden < 0.01 * apart:
        return "the signal dies before the last layer"
    if out == 0:
        return "the last layer is dead"
    if y is not None and most_frequent(y) > 0.9:
        return "nearly all labels are one class"
    return "not here: the labels, the loss, the rate"


def most_frequent(y: Any) -> float:
    """Return the share of the most frequent label; one-hot or numbers.

    Of several labels for each example it takes the first.
    """
    y = np.asarray(keras.tree.flatten(y)[0])
    y = y.argmax(-1) if y.ndim > 1 and y.shape[-1] > 1 else y
    return float(np.unique(y, return_counts=True)[1].max() / y.size)
