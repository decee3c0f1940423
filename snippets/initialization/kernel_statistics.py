"""What does a Keras initializer draw?"""

from collections.abc import Callable

import keras
import numpy as np


def kernel_statistics(
    initializer: Callable[..., keras.Initializer],
    fan_in: int = 100,
    fan_out: int = 100,
    kernels: int = 100,
) -> tuple[float, float]:
    """Standard deviation and largest |w| over many kernels of one shape.

    `initializer` is called once a kernel, with a seed of its own.
    """
    weights = np.stack(
        [initializer(seed=s)((fan_in, fan_out)) for s in range(kernels)]
    )
    return float(weights.std()), float(np.abs(weights).max())
