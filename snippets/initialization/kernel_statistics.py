"""What does a Keras initializer draw?"""

import numpy as np


def kernel_statistics(initializer, fan_in=100, fan_out=100, kernels=100):
    """Standard deviation and largest |w| over many kernels of one shape.

    `initializer` is called once a kernel, with a seed of its own.
    """
    weights = np.stack(
        [initializer(seed=s)((fan_in, fan_out)) for s in range(kernels)]
    )
    return weights.std(), np.abs(weights).max()
