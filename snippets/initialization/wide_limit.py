"""What theory says about the same layers, if they were infinitely wide."""

import numpy as np

# Nodes and weights that turn E[g(z)], z ~ N(0, 1), into a weighted sum.
Z, P = np.polynomial.hermite_e.hermegauss(200)
P = P / P.sum()


def wide_limit(f, derivative, gain, depth=50):
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
