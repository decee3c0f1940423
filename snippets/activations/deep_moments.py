"""How large are signal and gradient in deep networks of one activation?"""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf


def deep_moments(
    activation: str | Callable,
    scale: float,
    depth: int = 50,
    first: float = 1.0,
    width: int = 100,
    examples: int = 32,
    draws: int = 30,
) -> list[np.ndarray]:
    """Second moments E[h²] and E[(∂L/∂h)²] in `draws` networks at once.

    `scale` is fan_in · Var[w], the `scale` of `VarianceScaling`. The lowest
    layer sees raw inputs and has a scale of its own, `first`. Inputs and
    ∂L/∂outputs are N(0, 1). Two arrays (draws, depth + 1), the input first.
    """
    rng = np.random.default_rng(0)
    function = keras.activations.get(activation)
    shape = (2, draws, examples, width)
    x, error = tf.constant(rng.standard_normal(shape, dtype="float32"))
    signals = [x]
    with tf.GradientTape() as tape:
        tape.watch(x)
        for layer in range(depth):
            spread = np.sqrt((scale if layer else first) / width)
            kernels = rng.standard_normal((draws, width, width), "float32")
            signals.append(function(signals[-1] @ (spread * kernels)))
        loss = tf.reduce_sum(signals[-1] * error)
    gradients = tape.gradient(loss, signals)
    return [
        np.stack(
            [np.square(t, dtype="float64").mean((1, 2)) for t in tensors],
            axis=1,
        )
        for tensors in (signals, gradients)
    ]
