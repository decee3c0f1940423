"""Plain networks with and without norms, trained from five seeds."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from studies.cures.training import (
    BATCH,
    UPDATES,
    Network,
    Weights,
    summary,
    train,
)

WIDTH, EPSILON = 100, 1e-3  # Keras's
RATES, ENDS = (0.01, 0.03, 0.1), (0.01, 0.1)


def batch_norm(z: tf.Tensor) -> tf.Tensor:
    """Normalize each unit of z (runs, batch, units) over the batch."""
    mean, variance = tf.nn.moments(z, 1, keepdims=True)
    return (z - mean) / tf.sqrt(variance + EPSILON)


def layer_norm(z: tf.Tensor) -> tf.Tensor:
    """Normalize each example of z (runs, batch, units) over its units."""
    mean, variance = tf.nn.moments(z, 2, keepdims=True)
    return (z - mean) / tf.sqrt(variance + EPSILON)


NORMS: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {
    "none": lambda z: z,
    "batch": batch_norm,
    "layer": layer_norm,
}
ACTIVATIONS: dict[str, tuple[Callable[[tf.Tensor], tf.Tensor], float]] = {
    "relu": (tf.nn.relu, 2.0),  # He
    "sigmoid": (tf.nn.sigmoid, 1.0),  # LeCun and Glorot, in square layers
}


def stack(
    activation: str, norm: str, depth: int, behind: bool = False
) -> Network:
    """Return dense layers of 100 units; gains 1 and biases 0 are trained.

    The first kernel has the variance 1/fan_in, the head Glorot's.
    """
    f, scale = ACTIVATIONS[activation]

    def draw(rng: np.random.Generator) -> dict[str, np.ndarray]:
        weights = {}
        fan_in, variance = 64, 1 / 64
        for at in range(depth):
            kernel = rng.standard_normal((fan_in, WIDTH))
            weights[f"kernel {at}"] = kernel * np.sqrt(variance)
            weights[f"bias {at}"] = np.zeros((1, WIDTH))
            if norm != "none":
                weights[f"gain {at}"] = np.ones((1, WIDTH))
            fan_in, variance = WIDTH, scale / WIDTH
        limit = np.sqrt(6 / (WIDTH + 10))
        weights["head"] = rng.uniform(-limit, limit, (WIDTH, 10))
        weights["head bias"] = np.zeros((1, 10))
        return weights

    def logits(weights: Weights, h: tf.Tensor) -> tf.Tensor:
        for at in range(depth):
            z, bias = h @ weights[f"kernel {at}"], weights[f"bias {at}"]
            if norm == "none":
                h = f(z + bias)
                continue
            gain = weights[f"gain {at}"]
            if behind:
                h = gain * NORMS[norm](f(z)) + bias
            else:
                h = f(gain * NORMS[norm](z) + bias)
        return h @ weights["head"] + weights["head bias"]

    return Network(draw, logits)


def trained(
    activation: str,
    norm: str,
    depth: int,
    rates: tuple[float, ...] = RATES,
    behind: bool = False,
    updates: int = UPDATES,
    batch: int = BATCH,
    adam: bool = False,
) -> dict[str, Any]:
    """Train one network; return its summary, and its rates."""
    network = stack(activation, norm, depth, behind)
    run = train(network, rates, updates, batch, adam)
    return {"rates": list(rates), **summary(run, batch)}


def first_steps() -> dict[str, Any]:
    """Return steps of the lowest kernel under batch norm, 50 layers.

    As a share of its norm: (rates, seeds, 20 updates).
    """
    rates = (0.01,)
    run = train(stack("relu", "batch", 50), rates, 20, watch="kernel 0")
    step = [[[float(f"{s:.3g}") for s in r] for r in of] for of in run["step"]]
    return {"rates": list(rates), "step": step,
            "finite": bool(np.isfinite(run["losses"]).all())}  # fmt: skip


HIGH = (0.1, 1.0)
CELLS: dict[str, Callable[[], dict[str, Any]]] = {
    **{
        f"sigmoid, {depth} layers, {norm}": partial(
            trained, "sigmoid", norm, depth, HIGH
        )
        for depth in (10, 20)
        for norm in ("none", "layer", "batch")
    },
    "sigmoid, 10 layers, layer, Adam": partial(
        trained, "sigmoid", "layer", 10, (0.001, 0.01), adam=True
    ),
    **{
        f"ReLU, 30 layers, {norm}": partial(trained, "relu", norm, 30)
        for norm in ("none", "layer", "batch")
    },
    **{
        f"ReLU, 30 layers, {norm} behind": partial(
            trained, "relu", norm, 30, ENDS, behind=True
        )
        for norm in ("batch", "layer")
    },
    **{
        f"batch of {batch}, {norm}": partial(
            trained, "relu", norm, 3, ENDS, updates=1500, batch=batch
        )
        for batch in (2, 4, 16)
        for norm in ("batch", "layer")
    },
    "first steps": first_steps,
}
