"""How much of a gradient is exactly zero in a given precision?"""

import keras
import numpy as np
import tensorflow as tf


def lost_gradients(
    precision: str, scale: float = 1.0, depth: int = 30, seed: int = 0
) -> float:
    """Return the share of zeros in the gradient of the second kernel.

    Layers of ReLU with Keras's defaults, width 100, 50 random inputs, ten
    classes; `precision` is the name of a dtype policy, `scale` multiplies
    the loss.
    """
    keras.utils.set_random_seed(seed)
    layers = [
        keras.layers.Dense(100, "relu", dtype=precision) for _ in range(depth)
    ]
    model = keras.Sequential(
        [keras.Input((64,)), *layers, keras.layers.Dense(10)]
    )
    x, y = np.random.rand(50, 64), np.random.randint(0, 10, 50)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    with tf.GradientTape() as tape:
        value = scale * loss(y, model(x))
    gradient = tape.gradient(value, model.layers[1].kernel)
    return float(np.mean(gradient.numpy() == 0))
