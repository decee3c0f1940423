"""Two gradients a layer: of its outputs, and of its kernel."""

import keras
import numpy as np
import tensorflow as tf


def gradient_norms(
    model: keras.Sequential, x: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Norms of ∂L/∂h and of ∂L/∂W, and the inner product of W and ∂L/∂W.

    One number a layer, for a stack of `Dense` layers that ends in logits.
    """
    h = tf.convert_to_tensor(x)
    outputs = []
    with tf.GradientTape() as tape:
        for layer in model.layers:
            h = layer(h)
            outputs.append(h)
        loss = tf.reduce_mean(
            keras.losses.sparse_categorical_crossentropy(y, h, from_logits=True)
        )
    kernels = [layer.kernel.value for layer in model.layers]
    by_output, by_kernel = tape.gradient(loss, (outputs, kernels))
    inner = [
        np.sum(kernel.numpy() * gradient.numpy(), dtype="float64")
        for kernel, gradient in zip(kernels, by_kernel, strict=True)
    ]
    return (
        np.array([np.linalg.norm(g) for g in by_output]),
        np.array([np.linalg.norm(g) for g in by_kernel]),
        np.array(inner),
    )
