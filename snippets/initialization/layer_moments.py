"""How large are the signal and its gradient, layer by layer?"""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf


def layer_moments(
    activation: str,
    initializer: Callable[..., keras.Initializer],
    depth: int = 50,
    width: int = 100,
    examples: int = 128,
    draws: int = 30,
) -> list[np.ndarray]:
    """Second moments E[h²] and E[(∂L/∂h)²] in `draws` deep networks at once.

    `initializer` is called with a seed of its own for each kernel:
    `keras.initializers.HeNormal` will do. Inputs and ∂L/∂outputs are drawn
    from N(0, 1). Returns two arrays (draws, depth + 1), the input first.
    """
    rng = np.random.default_rng(0)
    function = keras.activations.get(activation)
    shape = (2, draws, examples, width)
    x, error = tf.constant(rng.standard_normal(shape, dtype="float32"))
    signals = [x]
    with tf.GradientTape() as tape:
        tape.watch(x)
        for _ in range(depth):
            kernels = tf.stack(
                [
                    initializer(seed=int(seed))((width, width))
                    for seed in rng.integers(2**31, size=draws)
                ]
            )
            signals.append(function(signals[-1] @ kernels))
        loss = tf.reduce_sum(signals[-1] * error)
    gradients = tape.gradient(loss, signals)
    return [
        np.stack(
            [np.square(t, dtype="float64").mean((1, 2)) for t in tensors],
            axis=1,
        )
        for tensors in (signals, gradients)
    ]
