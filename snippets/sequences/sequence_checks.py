"""What of a sequence reaches a model's answer? Asked before training."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

ROWS = 64  # that the model is asked about


def real_steps(x: np.ndarray) -> np.ndarray:
    """Return (rows, steps): False for the zeros at both ends of a row."""
    used = x != 0 if x.ndim == 2 else (x != 0).any(-1)
    begun = np.maximum.accumulate(used, 1)
    return begun & np.maximum.accumulate(used[:, ::-1], 1)[:, ::-1]


def size(a: np.ndarray) -> float:
    """Return the root of the mean square."""
    return float(np.sqrt(np.mean(np.square(a, dtype="float64"))))


class Watch:
    """Runs a model, and puts back its states, random ones too.

    `embedded` is its first embedding, `attended` what its first attention is
    given; both (rows, steps, features), or None.
    """

    def __init__(self, model: keras.Model) -> None:
        self.model, self.kept = model, [v.numpy() for v in model.variables]

    def run(self, x: Any, tape: tf.GradientTape) -> tf.Tensor:
        """Return the first of the answers, (rows, ...)."""
        self.embedded, self.attended = None, None

        def watched(layer: keras.Layer, *args: Any, **options: Any) -> Any:
            name = type(layer).__name__.lower()
            attends = "attention" in name or "attend" in name
            if attends and self.attended is None:
                given = keras.tree.flatten([args, options])
                sequences = [h for h in given if np.ndim(h) == 3]
                self.attended = sequences[0] if sequences else None
            h = call(layer, *args, **options)
            if "embed" in name and self.embedded is None and np.ndim(h) == 3:
                tape.watch(h)
                self.embedded = h
            return h

        call, keras.Layer.__call__ = keras.Layer.__call__, watched
        try:
            said = self.model(x, training=False)
            return keras.tree.flatten(said)[0]
        finally:
            keras.Layer.__call__ = call
            for v, value in zip(self.model.variables, self.kept, strict=True):
                v.assign(value)


def judged(found: dict[str, Any]) -> dict[str, Any]:
    """Return what is found, and what to think of it."""

    def below(name: str, limit: float) -> bool:
        return name in found and found[name] < limit

    empty, lost = found["empty rows"], found.pop("lost")
    suspect = {
        "not finite": bool(found["not finite"]),
        "padding": found["on padding"] > 0.9,
        "empty rows": bool(empty) and lost,
    }
    hints = {  # may be meant that way
        "first/last": below("first/last", 1e-7),  # float32 has no digit left
        "order": below("order", 1e-4),
        "words": below("words", 0.01),
        "empty rows": bool(empty) and not lost,
        "stateful": bool(found["stateful"]),
    }
    numbers = ("first/last", "order", "words")
    return found | {
        "suspect": [name for name, said in suspect.items() if said],
        "hints": [name for name, said in hints.items() if said],
        "not judged": [name for name in numbers if name not in found],
    }


def sequence_checks(model: keras.Model, x: Any) -> dict[str, Any]:
    """Return what reaches the answer: numbers, `suspect`s and `hints`.

    `x` is what `fit` takes, as arrays: words (rows, steps) for an embedding,
    or numbers (rows, steps, features); of several inputs, the first that is
    one of them. Padding is 0, at the ends. TensorFlow only.
    """
    leaves = [np.asarray(a) for a in keras.tree.flatten(x)]
    if any(a.ndim == 0 or a.dtype == object for a in leaves):
        raise TypeError("x: arrays, please; of a dataset, one batch")
    n = min(ROWS, len(leaves[0]))
    if model.built and model.inputs and model.inputs[0].shape[0]:
        n = model.inputs[0].shape[0]  # a stateful model has a fixed batch
    parts: list[Any] = [a[:n] for a in leaves]

    def ask(parts: list[Any]) -> np.ndarray:
        with tf.GradientTape() as tape:
            said = watch.run(keras.tree.pack_sequence_as(x, parts), tape)
        return np.asarray(said, "float64")

    model(keras.tree.pack_sequence_as(x, parts))  # builds it
    watch = Watch(model)
    at = next((i for i, a in enumerate(leaves) if a.ndim == 3), None)
    with tf.GradientTape() as tape:
        if at is not None:
            parts[at] = tf.constant(parts[at], keras.config.floatx())
            tape.watch(parts[at])
        said = watch.run(keras.tree.pack_sequence_as(x, parts), tape)
        source, attended = watch.embedded, watch.attended
        if at is None and source is not None:
            at = next((i for i, a in enumerate(leaves)
                       if a.shape[1:] == source.shape[1:2]), None)  # fmt: skip
        elif at is not None:
            source = parts[at]
        if at is None:
            raise ValueError(
                "no sequence: x must be (rows, steps, features), or words "
                "(rows, steps) for an Embedding"
            )
        steps = leaves[at].shape[1]
        each = said.ndim == 3 and said.shape[1] == steps  # an answer a step
        real = real_steps(leaves[at])
        final = (steps - 1 - real[:n, ::-1].argmax(1)).astype("int32")
        last = tf.gather(said, final, batch_dims=1) if each else said
        last = tf.reshape(last, (n, -1))
        draw = np.random.default_rng(0)
        weights = draw.standard_normal(last.shape[1])
        total = tf.reduce_sum(last * tf.constant(weights, last.dtype))
    slope = tape.gradient(total, source)
    if slope is None:
        raise ValueError("the first answer does not depend on the sequence")

    said = np.asarray(said, "float64")
    empty = np.flatnonzero(~real.any(1)).tolist()
    real = real[:n]
    lost = ~np.isfinite(said.reshape(n, -1)).all(1) & real.any(1)
    norms = np.linalg.norm(np.asarray(slope, "float64"), axis=-1)
    found: dict[str, Any] = {
        "padding": float(1 - real.mean()),
        "on padding": float(norms[~real].sum() / (norms.sum() or 1)),
        "empty rows": empty,
        "not finite": np.flatnonzero(lost).tolist(),  # of the others
        "stateful": [layer.name for layer in model._flatten_layers()
                     if getattr(layer, "stateful", False)],
    }  # fmt: skip
    rows = np.flatnonzero(real.sum(1) > 1)
    ends = norms[rows, real.argmax(1)[rows]], norms[rows, final[rows]]
    if rows.size and ends[1].any():
        found["first/last"] = size(ends[0]) / size(ends[1])
    apart = size(said - said.mean(0))
    if apart > 1e-6 * size(said):  # else all rows get the same answer
        order = np.tile(np.arange(steps), (n, 1))
        for row, kept in zip(order, real, strict=True):
            row[kept] = draw.permutation(row[kept])
        took = order[..., None] if leaves[at].ndim == 3 else order
        other = np.take_along_axis(leaves[at][:n], took, 1)
        turned = ask([other if i == at else p for i, p in enumerate(parts)])
        if each:
            said = np.take_along_axis(said, order[..., None], 1)
        found["order"] = size(turned - said) / apart
    if attended is not None and attended.shape[1] == steps and real.any():
        h = np.asarray(attended, "float64") * real[..., None]
        place = h.sum(0) / np.maximum(real.sum(0), 1)[:, None]
        found["words"] = (size((h - place)[real]) / size(h[real])) ** 2
    found["lost"] = False
    if empty and not found["not finite"]:
        parts[at] = np.zeros_like(leaves[at][:n])
        found["lost"] = not np.isfinite(ask(parts)).all()
    return judged(found)
