"""The pre-activations of a stack of sigmoid or tanh layers."""

from collections.abc import Callable

import keras
import numpy as np


def pre_activations(
    activation: str,
    initializer: Callable[..., keras.Initializer],
    width: int = 300,
    depth: int = 10,
    examples: int = 500,
    seed: int = 0,
) -> np.ndarray:
    """Feed N(0, 1) inputs; return z of each layer (depth, examples, width)."""
    rng = np.random.default_rng(seed)
    function = keras.activations.get(activation)
    h = rng.standard_normal((examples, width), dtype="float32")
    collected = []
    for _ in range(depth):
        kernel = initializer(seed=int(rng.integers(2**31)))((width, width))
        z = h @ keras.ops.convert_to_numpy(kernel)
        h = keras.ops.convert_to_numpy(function(z))
        collected.append(z)
    return np.stack(collected)
