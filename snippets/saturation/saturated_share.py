"""Which share of a layer's outputs is saturated?"""

import numpy as np


def saturated_share(
    outputs: np.ndarray, low: float = 0.0, high: float = 1.0
) -> float:
    """Share within 1 % of an end; pass `low=-1.0` for tanh."""
    margin = 0.01 * (high - low)
    at_an_end = (outputs < low + margin) | (outputs > high - margin)
    return float(np.mean(at_an_end))
