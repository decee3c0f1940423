"""Where is a training step first not finite: which row, which operation?"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework import op_callbacks


def finite(*values: Any) -> bool:
    """Return whether there is no NaN and no infinity in any of them."""
    arrays = map(keras.ops.convert_to_numpy, keras.tree.flatten(values))
    return all(np.isfinite(a.astype("float32")).all() for a in arrays)


def rows(of: Any, at: np.ndarray) -> Any:
    """Return these rows of an array, or of each in a list or a dict."""
    if of is None:
        return None
    if not all(np.ndim(a) for a in keras.tree.flatten(of)):
        raise TypeError("x, y: arrays, please; of a dataset, one batch")
    return keras.tree.map_structure(lambda a: np.asarray(a)[at], of)


def span(a: np.ndarray) -> str:
    """Say between which numbers an array lies."""
    ends = [f"{end:.3g}" for end in (a.min(), a.max())] if a.size else [""]
    return " to ".join(dict.fromkeys(ends))


def step(
    model: keras.Model, x: Any, y: Any, turn: Callable = lambda: None
) -> list[tf.Tensor]:
    """Return the loss of a compiled model and its gradients."""
    with tf.GradientTape() as tape:
        loss = model.compute_loss(x, y, model(x, training=True))
    turn()
    found = tape.gradient(loss, model.trainable_variables)
    return [loss, *(g for g in found if g is not None)]


def operations(model: keras.Model, x: Any, y: Any) -> dict[str, str]:
    """Return what makes the first NaN and the first infinity of a step."""
    made: dict[str, str] = {}
    inside, way = ["the loss"], "forwards"
    place: dict[tuple[int, bool], str] = {}  # whose a tensor is, in and out
    kept: list[Any] = []  # so that no two tensors have one id

    def look(
        op: Any, inputs: Any, attrs: Any, outputs: Any,
        op_name: Any = None, graph: Any = None,
    ) -> None:  # fmt: skip
        if graph is not None:  # it is only planned, and has no numbers yet
            return
        op, here = tf.compat.as_str(op), inside[-1]
        if way == "forwards":
            kept.extend([*inputs, *outputs])
            for tensors, out in ((inputs, False), (outputs, True)):
                place.update({(id(t), out): here for t in tensors})
        else:  # the layer of a tensor of the way forwards, or the last one
            keys = [(id(t), op.endswith("Grad")) for t in inputs]
            inside[:] = [next((place[k] for k in keys if k in place), here)]
        read, said = (
            [t.numpy() for t in tensors if t.dtype.is_floating]
            for tensors in (inputs, outputs)
        )
        for name, test in (("NaN", np.isnan), ("inf", np.isinf)):
            if name not in made and any(test(a).any() for a in said):
                got = ", ".join(map(span, read))
                made[name] = f"{op}({got}), {way}, {inside[-1]}"

    def named(layer: keras.Layer, *args: Any, **options: Any) -> Any:
        inside.append(layer.name)
        try:
            return call(layer, *args, **options)
        finally:
            inside.pop()

    def turn() -> None:
        nonlocal way
        way = "backwards"

    call, keras.Layer.__call__ = keras.Layer.__call__, named
    op_callbacks.add_op_callback(look)
    try:
        step(model, x, y, turn)
    finally:
        op_callbacks.remove_op_callback(look)
        keras.Layer.__call__ = call
    return made


def where_nan(
    model: keras.Model, x: Any, y: Any = None, batch_size: int = 32
) -> dict[str, Any]:
    """Return the row and the operation; nothing if all is finite.

    `model` is compiled; `x` and `y` are arrays, or lists or dicts of them,
    as `fit` takes them; of a dataset, those of one batch. TensorFlow only.
    """
    model(rows(x, np.arange(1)))  # builds it, or says what is amiss
    at = np.arange(len(keras.tree.flatten(x)[0]))
    broken = [weight.path for weight in model.weights if not finite(weight)]
    if broken:
        return {"not finite in the weights": broken}
    before = [variable.numpy() for variable in model.variables]
    parts, found = np.array_split(at, -(-len(at) // batch_size)), None
    try:
        while parts:  # halve what is not finite, as long as a half is not
            for part in parts:
                if not finite(step(model, rows(x, part), rows(y, part))):
                    break
            else:
                break
            found, parts = part, np.array_split(part, 2) * (len(part) > 1)
        if found is None:
            return {}
        x, y = rows(x, found), rows(y, found)
        pairs = (("x", x), ("y", y))
        data = [name for name, a in pairs if a is not None and not finite(a)]
        told = {"not finite in the data": data} if data else {}
        return {"rows": found.tolist(), **told, **operations(model, x, y)}
    finally:
        for variable, value in zip(model.variables, before, strict=True):
            variable.assign(value)
