"""Theory: the share of dead units in wide ReLU layers without biases."""

import math

import numpy as np


def wide_dead_share(
    cosine: float, examples: int, depth: int = 50
) -> tuple[np.ndarray, np.ndarray]:
    """Return the cosine between examples and the dead share, layer by layer.

    `cosine` is that between the inputs, taken as equal for all pairs.
    """
    common = np.linspace(-8, 8, 4001)  # what all examples share, N(0, 1)
    density = np.exp(-(common**2) / 2)
    density /= density.sum()
    cosines, shares = [], []
    for _ in range(depth):
        # z = √c · common + √(1 − c) · own, for each example its own
        edge = -common * math.sqrt(cosine / (1 - cosine))
        below = np.array([math.erfc(-e / math.sqrt(2)) / 2 for e in edge])
        shares.append(density @ below**examples)
        # the cosine between the outputs of two examples, after ReLU
        angle = math.acos(cosine)
        cosine = (math.sin(angle) + (math.pi - angle) * cosine) / math.pi
        cosines.append(cosine)
    return np.array(cosines), np.array(shares)
