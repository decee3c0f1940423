"""The initializer that fits an activation, computed and not looked up."""

from collections.abc import Callable

import keras
import numpy as np


def fitting_initializer(
    activation: str | Callable, seed: int | None = None
) -> keras.initializers.VarianceScaling:
    """Keep the second moment of standard normal pre-activations.

    The scale is 1 / E[f(z)²], z ~ N(0, 1), the square of the gain. Raises
    `ValueError` if the gradient would lose more than half of its size a layer.
    """
    z = np.linspace(-12, 12, 24_001)
    p = np.exp(-(z**2) / 2)
    p = p / p.sum()
    f = keras.ops.convert_to_numpy(keras.activations.get(activation)(z))
    scale = float(1 / (p @ f**2))
    factor = float(np.sqrt(scale * (p @ np.gradient(f, z) ** 2)))
    if factor < 0.5:
        raise ValueError(
            f"no variance fits {activation}: at scale {scale:.2f} a layer "
            f"leaves {factor:.2f} of the gradient"
        )
    return keras.initializers.VarianceScaling(scale, seed=seed)
