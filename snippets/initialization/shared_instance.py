"""Two branches that share one initializer instance stay the same."""

import keras
import numpy as np


def branch_kernels(
    first: keras.Initializer, second: keras.Initializer, steps: int = 100
) -> np.ndarray:
    """Train two summed branches with SGD; return both kernels, stacked.

    `first` and `second` are the branches' initializers; the data are noise.
    """
    branches = [
        keras.layers.Dense(16, "relu", kernel_initializer=initializer)
        for initializer in (first, second)
    ]
    x = keras.Input((20,))
    joined = keras.layers.Add()([branch(x) for branch in branches])
    output = keras.layers.Dense(
        1, kernel_initializer=keras.initializers.GlorotUniform(seed=2)
    )(joined)
    model = keras.Model(x, output)
    model.compile(keras.optimizers.SGD(0.01), "mse")
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((steps * 8, 20))
    targets = rng.standard_normal((steps * 8, 1))
    model.fit(inputs, targets, batch_size=8, shuffle=False, verbose=0)
    return np.stack([branch.kernel.numpy() for branch in branches])
