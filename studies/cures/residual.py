"""Residual networks of dense layers, trained from five seeds."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from studies.cures.normalization import layer_norm
from studies.cures.training import Network, Weights, summary, train

WIDTH, BLOCKS, UPDATES = 100, 25, 210
RATES = (0.01, 0.03, 0.1)
KINDS = (
    "unscaled",
    "1/√L",
    "last kernel zero",
    "SkipInit",
    "Fixup",
    "pre-norm",
    "post-norm",
)


def stack(kind: str, blocks: int = BLOCKS) -> Network:
    """Return a stem, blocks h + Dense(ReLU(Dense(h))), and a head.

    He init in the branches, the variance 1/fan_in in the stem, the head
    Glorot's; all biases zero.
    """

    def draw(rng: np.random.Generator) -> dict[str, np.ndarray]:
        he = np.sqrt(2 / WIDTH)
        weights = {
            "stem": rng.standard_normal((64, WIDTH)) / 8,
            "stem bias": np.zeros((1, WIDTH)),
        }
        for at in range(blocks):
            first, last = he * rng.standard_normal((2, WIDTH, WIDTH))
            if kind == "Fixup":
                first = first / np.sqrt(blocks)
            if kind in ("last kernel zero", "Fixup"):
                last = np.zeros_like(last)
            weights |= {f"first {at}": first, f"last {at}": last}
            weights |= {
                f"first bias {at}": np.zeros((1, WIDTH)),
                f"last bias {at}": np.zeros((1, WIDTH)),
            }
            if kind == "SkipInit":
                weights[f"alpha {at}"] = np.zeros((1, 1))
            if kind == "Fixup":
                weights[f"alpha {at}"] = np.ones((1, 1))
            if "norm" in kind:
                weights[f"gain {at}"] = np.ones((1, WIDTH))
                weights[f"shift {at}"] = np.zeros((1, WIDTH))
        if kind == "pre-norm":
            weights["gain"] = np.ones((1, WIDTH))
            weights["shift"] = np.zeros((1, WIDTH))
        limit = np.sqrt(6 / (WIDTH + 10))
        weights["head"] = rng.uniform(-limit, limit, (WIDTH, 10))
        weights["head bias"] = np.zeros((1, 10))
        return weights

    def logits(weights: Weights, x: tf.Tensor) -> tf.Tensor:
        h = x @ weights["stem"] + weights["stem bias"]
        for at in range(blocks):
            if "norm" in kind:
                gain, shift = weights[f"gain {at}"], weights[f"shift {at}"]
            z = h
            if kind == "pre-norm":
                z = gain * layer_norm(h) + shift
            z = z @ weights[f"first {at}"] + weights[f"first bias {at}"]
            z = tf.nn.relu(z) @ weights[f"last {at}"]
            z += weights[f"last bias {at}"]
            if kind == "1/√L":
                z /= float(np.sqrt(blocks))
            if f"alpha {at}" in weights:
                z *= weights[f"alpha {at}"]
            h += z
            if kind == "post-norm":
                h = gain * layer_norm(h) + shift
        if kind == "pre-norm":
            h = weights["gain"] * layer_norm(h) + weights["shift"]
        return h @ weights["head"] + weights["head bias"]

    return Network(draw, logits)


def trained(kind: str, **options: Any) -> dict[str, Any]:
    """Train one network; return its summary, and its rates."""
    run = train(stack(kind), RATES, UPDATES, **options)
    return {"rates": list(RATES), **summary(run)}


CELLS: dict[str, Callable[[], dict[str, Any]]] = {
    **{kind: partial(trained, kind) for kind in KINDS},
    "post-norm, warm-up": partial(trained, "post-norm", warm_up=100),
}
