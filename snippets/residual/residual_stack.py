"""Signal and gradient in a residual network, before any training."""

import keras
import numpy as np
import tensorflow as tf


def residual_stack(
    scale: float = 1.0,
    norm: str = "",
    blocks: int = 30,
    width: int = 100,
    examples: int = 128,
    draws: int = 10,
) -> tuple[np.ndarray, np.ndarray]:
    """Sizes of trunk and of its gradient, (draws, blocks + 1) each.

    A block is h + scale · Dense(ReLU(Dense(h))), He init. `norm` is "pre"
    (layer norm in front of the branch) or "post" (behind the sum). Inputs
    and the gradient at the outputs are N(0, 1).
    """
    rng = np.random.default_rng(0)
    shape = (2, draws, examples, width)
    h, error = tf.constant(rng.standard_normal(shape, dtype="float32"))
    trunk = [h]
    with tf.GradientTape() as tape:
        tape.watch(h)
        for _ in range(blocks):
            kernels = rng.standard_normal((2, draws, width, width), "float32")
            first, last = np.sqrt(2 / width).astype("float32") * kernels
            z = keras.ops.layer_normalization(h) if norm == "pre" else h
            h = h + scale * (tf.nn.relu(z @ first) @ last)
            h = keras.ops.layer_normalization(h) if norm == "post" else h
            trunk.append(h)
        loss = tf.reduce_sum(h * error)
    gradients = tape.gradient(loss, trunk)
    signal, gradient = (
        np.stack([tf.sqrt(tf.reduce_mean(t**2, (1, 2))) for t in ts], 1)
        for ts in (trunk, gradients)
    )
    return signal, gradient
