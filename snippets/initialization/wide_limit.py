"""What theory says about the same layers, if they were infinitely wide."""

from collections.abc import Callable

import numpy as np

# Nodes and weights that turn E[g(z)], z ~ N(0, 1), into a weighted sum.
Z, P = np.polynomial.hermite_e.hermegauss(200)
P = P / P.sum()


def wide_limit(
    f: Callable, derivative: Callable, gain: float, depth: int = 50
) -> tuple[np.ndarray, np.ndarray]:
    """Second moments of h and of ∂L/∂h, both 1 where they start.

    `gain` is fan_in · Var[w]; the layers are square. Returns two arrays
    of depth + 1 numbers, the input first.
    """
    signal, factor = [1.0], []
    for _ in range(depth):
        z = np.sqrt(gain * signal[-1]) * Z  # pre-activations are Gaussian
        signal.append(P @ f(z) ** 2)
        factor.append(gain * (P @ derivative(z) ** 2))
    gradient = np.cumprod([1.0, *factor[::-1]])[::-1]
    return np.array(signal), gradient
