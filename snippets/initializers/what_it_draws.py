"""What does an initializer draw for a kernel of a given shape?"""

import keras
import numpy as np


def what_it_draws(name: str, *shape: int, **settings: object) -> str:
    """Draw 50 kernels, each with its seed; return spread and largest |w|."""
    initializer = getattr(keras.initializers, name)
    weights = np.stack(
        [initializer(seed=seed, **settings)(shape) for seed in range(50)]
    )
    std, largest = weights.std(), np.abs(weights).max()
    return f"{name:16} {std:.4f} {largest:.3f} = {largest / std:.2f} std"
