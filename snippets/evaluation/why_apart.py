"""Why `fit` and `evaluate` say different numbers: one model, asked in turn."""

import random
from typing import Any

import keras
import numpy as np
from keras.src.random.seed_generator import global_seed_generator

flat, mapped = keras.tree.flatten, keras.tree.map_structure
NORM = keras.layers.BatchNormalization


def modes(model: keras.Model, x: Any, y: Any = None) -> dict[str, Any]:
    """Return a compiled model's loss on the same rows, asked in five ways.

    `evaluate`: as `evaluate` asks, and `again`; `fit`: as `fit` asks, with
    dropout and the averages of these rows; `refreshed`: as `evaluate`, with
    batch norm's averages taken from these rows; `nothing`: the same answer
    for each row. `foreign` names layers whose weights the model does not
    have. Everything is put back.
    """
    seen: dict[int, keras.Layer] = {}

    def watched(layer: keras.Layer, *args: Any, **options: Any) -> Any:
        seen[id(layer)] = layer
        return call(layer, *args, **options)

    def cost(said: Any) -> float:
        return float(keras.ops.convert_to_numpy(model.compute_loss(x, y, said)))

    if not model.compiled:
        raise ValueError("compile the model first, as for fit")
    draws = random.getstate(), np.random.get_state()
    if not model.built:
        model(mapped(lambda a: a[:2], x), training=False)
    kept = [*model.variables, *model.metrics_variables]
    kept += [global_seed_generator().state]
    before = [np.array(variable) for variable in kept]
    told: dict[str, Any] = {}
    call, keras.Layer.__call__ = keras.Layer.__call__, watched
    try:
        told["evaluate"] = cost(model(x, training=False))
        told["again"] = cost(model(x, training=False))
        norms = [layer for layer in seen.values() if isinstance(layer, NORM)]
        momenta = [norm.momentum for norm in norms]
        try:
            for norm in norms:
                norm.momentum = 0.0  # the averages become these rows'
            said = model(x, training=True)
        finally:
            for norm, momentum in zip(norms, momenta, strict=True):
                norm.momentum = momentum
        told["fit"] = cost(said)
        told["refreshed"] = cost(model(x, training=False))
        mean = mapped(
            lambda h: keras.ops.mean(h, 0, keepdims=True) + 0 * h, said
        )
        told["nothing"] = cost(mean)
    finally:
        keras.Layer.__call__ = call
        for variable, value in zip(kept, before, strict=True):
            variable.assign(value)
        random.setstate(draws[0])
        np.random.set_state(draws[1])
    own = {id(variable) for variable in model.variables}
    told["foreign"] = [
        layer.name for layer in seen.values()
        if any(id(weight) not in own for weight in layer.weights)
    ]  # fmt: skip
    return told


def why_apart(
    model: keras.Model, x: Any, y: Any = None, reported: float | None = None,
    other: Any = None,
) -> str:  # fmt: skip
    """Say why `evaluate` tells another number than `fit`, after training.

    `x` and `y` are what `fit` got, arrays or a dataset; `reported` the loss
    that it printed last; `other` the rows of `evaluate`, (x, y) or a dataset.
    Weights of examples, and a `train_step` of your own, are not used.
    """
    x, y = rows(x, y)
    told = modes(model, few(x), few(y))
    if told["foreign"]:
        names = ", ".join(told["foreign"])
        return f"the model does not have the weights of {names}"
    losses = [told[name] for name in ("evaluate", "fit", "refreshed")]
    if not np.isfinite(losses).all():
        return "a loss that is no number comes first"
    evaluate, fit, refreshed = losses
    nothing = abs(told["nothing"])
    margin = 0.05 * nothing
    if abs(told["again"] - evaluate) > 0.02 * margin:
        return "a layer draws at random in evaluate too"
    if reported is not None and reported < min(losses) - margin:
        return "these are not the weights, or not the rows, of fit"
    if min(losses) > told["nothing"] - margin:
        return "it has learned in neither"
    if evaluate - refreshed > margin:
        return "batch norm's averages are not those of these rows"
    if fit - evaluate > margin:
        return "dropout or noise makes the number of fit worse"
    if evaluate - fit > margin:
        return "a layer does something else in training"
    if reported is not None and reported - evaluate > margin:
        return "fit says the mean of an epoch, in which the weights moved"
    if other is not None:
        new_x, new_y = rows(*other) if isinstance(other, tuple) else rows(other)
        if unseen(y, new_y) > 0.1:
            return "labels that fit has not met: the rows were sorted"
        if moved(x, new_x):
            return "the other rows are scaled in another way"
        new = modes(model, few(new_x), few(new_y))["evaluate"]
        if new - evaluate > 5 * margin:
            return "it knows its own rows by heart, and not the others"
    return "not here: same weights, same rows, same number"


def rows(x: Any, y: Any = None) -> tuple[Any, Any]:
    """Return arrays; of a dataset, its first 30 batches."""
    got = [(x, y)]
    if not hasattr(flat(x)[0], "shape"):
        unpack = keras.utils.unpack_x_y_sample_weight
        got = [unpack(b)[:2] for _, b in zip(range(30), x, strict=False)]
    parts = [[mapped(np.asarray, p) for p in b if p is not None] for b in got]
    whole = mapped(lambda *of: np.concatenate(of), *parts)
    return whole[0], whole[1] if len(whole) > 1 else None


def few(data: Any, most: int = 500) -> Any:
    """Return at most this many rows, from all over the data."""
    if data is None:
        return None
    n = len(flat(data)[0])
    at = np.linspace(0, n - 1, min(n, most)).astype(int)
    return mapped(lambda a: a[at], data)


def unseen(y: Any, new: Any) -> float:
    """Return the share of the new labels that are classes not in y."""
    old, new = (
        flat(labels)[0] if labels is not None else None for labels in (y, new)
    )
    if old is None or new is None:
        return 0.0
    if old.ndim > 1 and old.shape[-1] > 1:
        old, new = old.argmax(-1), new.argmax(-1)
    kinds = np.unique(old)
    if (old % 1).any() or len(kinds) > old.size / 5:
        return 0.0  # numbers, not classes
    return float(np.mean(~np.isin(new, kinds)))


def moved(x: Any, new: Any) -> bool:
    """Say whether mean or size of the new inputs is far from the old."""
    for a, b in zip(flat(x), flat(new), strict=True):
        a, b = (np.asarray(h, "float64") for h in (a, b))
        ratio = (b.std() + 1e-9) / (a.std() + 1e-9)
        if abs(b.mean() - a.mean()) > a.std() or not 0.5 < ratio < 2:
            return True
    return False
