"""Where tanh neither forgets nor shatters: theory of wide layers."""

import numpy as np

z = np.linspace(-6, 6, 241)
weight = np.exp(-(z**2) / 2) / np.exp(-(z**2) / 2).sum()


def edge_of_chaos(scale: float, biases: float) -> tuple[float, float, float]:
    """Variance that stays, factor of the gradient per layer, depth scale.

    Kernels have the variance `scale` / fan-in, biases the variance `biases`.
    Within the depth scale what tells two like inputs apart shrinks, or
    grows, by a factor of e.
    """
    variance = 1.0
    for _ in range(2000):
        squares = np.tanh(np.sqrt(variance) * z) ** 2
        variance = scale * np.sum(weight * squares) + biases
    slopes = 1 - np.tanh(np.sqrt(variance) * z) ** 2
    growth = scale * np.sum(weight * slopes**2)
    return variance, np.sqrt(growth), 1 / abs(np.log(growth))
