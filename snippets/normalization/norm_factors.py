"""By what a normalized layer multiplies the gradient, in theory."""

from collections.abc import Callable

import keras
import numpy as np

# A fine grid and its weights turn E[g(z)], z ~ N(0, 1), into a sum.
Z = np.linspace(-12, 12, 24_001)
P = np.exp(-(Z**2) / 2)
P = P / P.sum()


def norm_factors(activation: str | Callable) -> tuple[float, float]:
    """Behind layer or RMS norm, and behind batch norm: wide layers."""
    f = keras.ops.convert_to_numpy(keras.activations.get(activation)(Z))
    slope = np.sqrt(P @ np.gradient(f, Z) ** 2)
    size, spread = np.sqrt(P @ f**2), np.sqrt(P @ (f - P @ f) ** 2)
    return float(slope / size), float(slope / spread)
