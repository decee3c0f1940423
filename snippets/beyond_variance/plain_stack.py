"""Length and angle of two inputs through plain layers, before training."""

from collections.abc import Callable

import numpy as np


def plain_stack(
    f: Callable[[np.ndarray], np.ndarray],
    scale: float,
    biases: float = 0.0,
    depth: int = 50,
    width: int = 100,
    draws: int = 20,
) -> tuple[np.ndarray, np.ndarray]:
    """Squared length over width, and cosine: (draws, depth + 1) each.

    Pre-activations of two inputs at right angles, of size 1 at first.
    Kernels have the variance `scale` / width, biases the variance `biases`.
    """
    rng = np.random.default_rng(0)
    pair = np.linalg.qr(rng.standard_normal((draws, width, 2)))[0]
    z = np.sqrt(width) * pair.swapaxes(1, 2)
    found = [z]
    for _ in range(depth):
        kernel = rng.standard_normal((draws, width, width), "float32")
        bias = rng.standard_normal((draws, 1, width), "float32")
        z = np.sqrt(scale / width) * (f(z) @ kernel) + np.sqrt(biases) * bias
        found.append(z)
    lengths = np.array([np.linalg.norm(z, axis=-1) for z in found])
    products = np.array([np.sum(z[:, 0] * z[:, 1], -1) for z in found])
    return lengths[..., 0].T ** 2 / width, (products / lengths.prod(-1)).T
