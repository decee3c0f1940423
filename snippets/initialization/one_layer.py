"""By what does one layer multiply the signal and the gradient?"""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf


def layer_factors(
    activation: str,
    initializer: Callable[..., keras.Initializer],
    fan_in: int,
    fan_out: int,
    draws: int = 50,
) -> np.ndarray:
    """Factors of E[h²] forwards and of E[(∂L/∂h)²] backwards, one a draw.

    The layer stands inside a net: its input is an `activation` of
    standard normal pre-activations, its own output goes through the
    `activation` again. Returns an array (2, draws).
    """
    function = keras.activations.get(activation)
    rng = np.random.default_rng(0)
    factors = []
    for seed in range(draws):
        z, error = (
            tf.constant(rng.standard_normal((1000, fan), dtype="float32"))
            for fan in (fan_in, fan_out)
        )
        kernel = initializer(seed=seed)((fan_in, fan_out))
        before = function(z)
        with tf.GradientTape() as tape:
            tape.watch(before)
            after = function(before @ kernel)
            loss = tf.reduce_sum(after * error)
        gradient = tape.gradient(loss, before)
        factors.append(
            [
                np.square(after).mean() / np.square(before).mean(),
                np.square(gradient).mean() / np.square(error).mean(),
            ]
        )
    return np.transpose(factors)
