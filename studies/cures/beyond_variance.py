"""Fifty plain layers whose kernels differ in more than their variance."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from studies.cures.training import (
    Network,
    Weights,
    split,
    summary,
    train,
)

WIDTH, DEPTH = 100, 50
RATES = (0.003, 0.01, 0.03)
UPDATES = 240
SLOPE = 0.43  # in fifty layers takes a cosine of 0 to 0.9
Drawer = Callable[[np.random.Generator, int, int], np.ndarray]


def normal(rng: np.random.Generator, fan_in: int, units: int) -> np.ndarray:
    """Return a kernel of the variance 1/fan_in."""
    drawn = rng.standard_normal((fan_in, units))
    return np.asarray(drawn / np.sqrt(fan_in))


def orthogonal(rng: np.random.Generator, fan_in: int, units: int) -> np.ndarray:
    """Return a kernel with orthonormal rows or columns."""
    wide = rng.standard_normal((max(fan_in, units), min(fan_in, units)))
    q, r = np.linalg.qr(wide)
    q = q * np.sign(np.diag(r))
    return np.asarray(q if fan_in >= units else q.T)


def mirrored(of: Drawer) -> Drawer:
    """Return a drawer of [[W, -W], [-W, W]], W drawn by `of`."""

    def draw(rng: np.random.Generator, fan_in: int, units: int) -> np.ndarray:
        w = of(rng, fan_in // 2, units // 2)
        return np.block([[w, -w], [-w, w]])

    return draw


ACTIVATIONS: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {
    "relu": tf.nn.relu,
    "leaky": lambda z: tf.nn.leaky_relu(z, SLOPE),
    "tanh": tf.nn.tanh,
    "gelu": lambda z: tf.nn.gelu(z, approximate=False),
}


def stack(
    activation: str,
    kernel: Drawer,
    gain: float = 1.0,
    biases: float = 0.0,
    mirror: bool = False,
    lsuv: bool = False,
) -> Network:
    """Return dense layers of 100 units, and a head with Glorot's limit.

    Kernels are multiplied by `gain`, the first has the variance 1/fan_in.
    `biases` is their variance. With `mirror` the first kernel is [W, -W].
    With `lsuv` each kernel is divided by the spread of its pre-activations
    on 500 digits.
    """
    f = ACTIVATIONS[activation]

    def draw(rng: np.random.Generator) -> dict[str, np.ndarray]:
        weights = {}
        h = split(0)[0][:500].astype("float64") if lsuv else None
        for at in range(DEPTH):
            if at:
                w = gain * kernel(rng, WIDTH, WIDTH)
            elif mirror:
                half = normal(rng, 64, WIDTH // 2)
                w = np.concatenate([half, -half], 1)
            else:
                w = normal(rng, 64, WIDTH)
            if h is not None:
                w = w / np.std(h @ w)
                h = f(tf.constant(h @ w)).numpy()
            weights[f"kernel {at}"] = w
            bias = np.sqrt(biases) * rng.standard_normal((1, WIDTH))
            weights[f"bias {at}"] = bias
        limit = np.sqrt(6 / (WIDTH + 10))
        weights["head"] = rng.uniform(-limit, limit, (WIDTH, 10))
        weights["head bias"] = np.zeros((1, 10))
        return weights

    def logits(weights: Weights, h: tf.Tensor) -> tf.Tensor:
        for at in range(DEPTH):
            h = f(h @ weights[f"kernel {at}"] + weights[f"bias {at}"])
        return h @ weights["head"] + weights["head bias"]

    return Network(draw, logits)


def trained(*args: Any, **options: Any) -> dict[str, Any]:
    """Train one network; return its summary, and its rates."""
    run = train(stack(*args, **options), RATES, UPDATES)
    return {"rates": list(RATES), **summary(run)}


HE = 2**0.5
LEAKY = (2 / (1 + SLOPE**2)) ** 0.5
CELLS: dict[str, Callable[[], dict[str, Any]]] = {
    "ReLU, He": partial(trained, "relu", normal, HE),
    "looks-linear": partial(trained, "relu", mirrored(orthogonal), mirror=True),
    "leaky ReLU 0.43, orthogonal": partial(trained, "leaky", orthogonal, LEAKY),
    "ReLU, orthogonal": partial(trained, "relu", orthogonal, HE),
    "GELU, LSUV": partial(trained, "gelu", orthogonal, lsuv=True),
    "ReLU, LSUV": partial(trained, "relu", orthogonal, lsuv=True),
    "tanh, orthogonal": partial(trained, "tanh", orthogonal),
    "looks-linear, normal W": partial(
        trained, "relu", mirrored(normal), mirror=True
    ),
}
