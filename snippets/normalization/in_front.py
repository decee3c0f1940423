"""What batch norm does to the gradients of the layer in front of it."""

import keras
import numpy as np
import tensorflow as tf


def in_front(scale: float, epsilon: float = 1e-12) -> tuple[float, float]:
    """Norms of the gradients of kernel and bias; the kernel times `scale`."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((256, 8)).astype("float32")
    kernel = scale * keras.initializers.HeNormal(seed=0)((8, 16))
    dense = keras.layers.Dense(16)
    norm = keras.layers.BatchNormalization(epsilon=epsilon)
    head = keras.layers.Dense(
        1, kernel_initializer=keras.initializers.HeNormal(seed=1)
    )
    dense.build((None, 8))
    dense.kernel.assign(kernel)
    with tf.GradientTape() as tape:
        h = tf.nn.relu(norm(dense(x), training=True))
        loss = tf.reduce_mean((head(h) - x[:, :1]) ** 2)
    gradients = tape.gradient(loss, [dense.kernel.value, dense.bias.value])
    by_kernel, by_bias = (float(tf.norm(g)) for g in gradients)
    return by_kernel, by_bias
