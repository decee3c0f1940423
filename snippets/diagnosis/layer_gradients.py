## layer-gradients
"""Which layer gets a gradient? The essence of `diagnose`, short to read."""

import math
from collections.abc import Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np

BACKEND = keras.backend.backend()
if BACKEND == "jax":
    import jax
elif BACKEND == "torch":
    import torch
else:
    import tensorflow as tf


def inside(layer: Any) -> Iterator[Any]:
    """Yield the layers in a layer, not those within a loop over time."""
    for inner in layer._layers:
        yield inner
        if not isinstance(inner, keras.layers.RNN):
            yield from inside(inner)


def to_numpy(tensor: Any) -> np.ndarray:
    """Return it in double precision, so that no square is lost."""
    return np.asarray(keras.ops.convert_to_numpy(tensor)).astype("float64")


def tapped(taps: Any, name: str, call: Any, *args: Any, **options: Any) -> Any:
    """Call a layer; keep what it puts out, and add a tensor to it.

    The gradient by what is added is the gradient by what is put out.
    """
    out = call(*args, **options)
    known = any(out is other for other in (*args, *taps.seen.values()))
    if known or "float" not in str(getattr(out, "dtype", "")):
        return out  # of a layer that only hands on, or holds others
    key = name, sum(other == name for other, _ in taps.seen)
    added = taps.added.get(key, keras.ops.zeros_like(out))
    taps.seen[key] = out + added
    if hasattr(out, "_keras_logits"):  # of a softmax: the loss goes back there
        taps.seen[key]._keras_logits = out._keras_logits + added
    return taps.seen[key]


def loss_at(at: list, model: keras.Model, x: Any, y: Any, taps: Any) -> Any:
    """Return the loss with these weights, then addends; no state changes."""
    count = len(model.trainable_variables)
    taps.seen, taps.added = {}, dict(zip(taps.keys, at[count:], strict=True))
    weights = zip(model.trainable_variables, at[:count], strict=True)
    with keras.StatelessScope(list(weights), collect_losses=True):
        return model.compute_loss(x, y, model(x, training=True))


def gradients(at: list, *args: Any) -> list:
    """Return the gradients of `loss_at` by all of `at`."""
    if BACKEND == "jax":
        return list(jax.grad(loss_at)(at, *args))
    if BACKEND == "torch":
        at = [a.detach().clone().requires_grad_() for a in at]
        loss = loss_at(at, *args)
        return list(torch.autograd.grad(loss, at, materialize_grads=True))
    with tf.GradientTape() as tape:
        tape.watch(at)
        loss = loss_at(at, *args)
    zero = tf.UnconnectedGradients.ZERO
    found = tape.gradient(loss, at, unconnected_gradients=zero)
    return [tf.convert_to_tensor(slope) for slope in found]


def layer_gradients(model: keras.Model, x: Any, y: Any) -> list[dict]:
    """Return for each layer the mean of h², and |dL/dh|; print a table."""
    x, y = (keras.ops.convert_to_tensor(data) for data in (x, y))
    weights = [keras.ops.copy(v) for v in model.trainable_variables]
    taps = SimpleNamespace(keys=(), seen={}, added={})
    layers = list(dict.fromkeys(inside(model)))
    for layer in layers:
        vars(layer)["call"] = partial(tapped, taps, layer.name, layer.call)
    try:
        loss_at(weights, model, x, y, taps)
        outputs = taps.seen
        taps.keys = tuple(outputs)
        zeros = [keras.ops.zeros_like(h) for h in outputs.values()]
        slopes = gradients([*weights, *zeros], model, x, y, taps)
    finally:
        for layer in layers:
            del vars(layer)["call"]
    rows = []
    slopes = slopes[len(weights) :]
    for (name, number), slope in zip(outputs, slopes, strict=True):
        moment = float(np.mean(to_numpy(outputs[name, number]) ** 2))
        norm = float(np.linalg.norm(to_numpy(slope)))
        name += f" #{number + 1}" * (number > 0)
        rows.append({"layer": name, "moment": moment, "gradient": norm})
        finite = math.isfinite(moment) and math.isfinite(norm)
        mark = "" if finite else "  not finite"
        print(f"{name:30} E[h²] {moment:8.1e}  |dL/dh| {norm:8.1e}{mark}")
    hidden = [row["gradient"] for row in rows[:-1] if row["gradient"]]
    if len(hidden) > 1:
        print(f"first hidden layer over last: {hidden[0] / hidden[-1]:.1e}")
    return rows
