"""The slope of a leaky ReLU that keeps examples apart down to a depth."""

import numpy as np


def next_cosine(c: float, slope: float) -> float:
    """Cosine of two examples behind one wide layer of leaky ReLU."""
    bent = float(np.sqrt(1 - c * c) - c * np.arccos(c))
    return min(1.0, c + (1 - slope) ** 2 * bent / (np.pi * (1 + slope**2)))


def last_cosine(slope: float, depth: int) -> float:
    """Behind `depth` layers, of two examples at right angles."""
    c = 0.0
    for _ in range(depth):
        c = next_cosine(c, slope)
    return c


def tailored_slope(depth: int, wanted: float = 0.9) -> tuple[float, float]:
    """Slope at which the cosine comes to `wanted`, and its kernels' scale.

    Raises `ValueError` where a plain ReLU stays below.
    """
    if not last_cosine(0.0, depth) >= wanted > 0:
        raise ValueError(f"ReLU stays below {wanted} in {depth} layers")
    low, high = 0.0, 1.0
    while high - low > 1e-6:
        slope = (low + high) / 2
        if last_cosine(slope, depth) > wanted:
            low = slope
        else:
            high = slope
    return slope, 2 / (1 + slope**2)
