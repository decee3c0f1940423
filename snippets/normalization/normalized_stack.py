"""Signal and gradient in deep stacks with a norm, before any training."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf


def batch_norm(z: tf.Tensor) -> tf.Tensor:
    """Over the examples, z (draws, examples, units), as in training."""
    mean, variance = tf.nn.moments(z, -2, keepdims=True)
    return (z - mean) / tf.sqrt(variance)


def layer_norm(z: tf.Tensor) -> tf.Tensor:
    """Over the units."""
    mean, variance = tf.nn.moments(z, -1, keepdims=True)
    return (z - mean) / tf.sqrt(variance)


def rms_norm(z: tf.Tensor) -> tf.Tensor:
    """Over the units, which keep their mean."""
    return z / tf.sqrt(tf.reduce_mean(z**2, -1, keepdims=True))


def normalized_stack(
    activation: str,
    norm: Callable = tf.identity,
    behind: bool = False,
    depth: int = 50,
    width: int = 100,
    examples: int = 128,
    draws: int = 10,
) -> tuple[np.ndarray, np.ndarray]:
    """Size of the gradient, mean cosine of examples: (draws, depth + 1).

    Dense layers with He init, the norm before the activation or `behind`
    it. Inputs and the gradient at the outputs are N(0, 1).
    """
    rng = np.random.default_rng(0)
    f = keras.activations.get(activation)
    shape = (2, draws, examples, width)
    h, error = tf.constant(rng.standard_normal(shape, dtype="float32"))
    outputs = [h]
    with tf.GradientTape() as tape:
        tape.watch(h)
        for _ in range(depth):
            kernels = rng.standard_normal((draws, width, width), "float32")
            z = h @ (np.sqrt(2 / width).astype("float32") * kernels)
            h = norm(f(z)) if behind else f(norm(z))
            outputs.append(h)
        loss = tf.reduce_sum(h * error)
    gradients = tape.gradient(loss, outputs)
    sizes = [tf.sqrt(tf.reduce_mean(g**2, (1, 2))) for g in gradients]
    return np.stack(sizes, 1), np.stack([*map(mean_cosine, outputs)], 1)


def mean_cosine(h: tf.Tensor) -> tf.Tensor:
    """Of all pairs of two different examples, (draws,)."""
    unit = tf.math.l2_normalize(h, -1)
    n = h.shape[1]
    total = tf.reduce_sum(tf.reduce_sum(unit, 1) ** 2, -1)
    return (total - n) / (n * (n - 1))
