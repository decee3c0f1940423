"""Give dead units new weights, without changing what the network says."""

import keras
import numpy as np


def revive(model: keras.Sequential, x: np.ndarray, seed: int = 0) -> int:
    """Re-initialize the dead units of a stack of `Dense` layers.

    Incoming weights: He, bias 0. Outgoing weights: 0, so the outputs on `x`
    stay what they are. Returns how many units were dead.
    """
    rng = np.random.default_rng(seed)
    h, found = x, 0
    for at, layer in enumerate(model.layers[:-1]):
        z = h @ layer.kernel.numpy() + layer.bias.numpy()
        dead = (z <= 0).all(axis=0)
        found += int(dead.sum())

        kernel, bias = layer.kernel.numpy(), layer.bias.numpy()
        size = np.sqrt(2 / len(kernel))
        kernel[:, dead] = size * rng.standard_normal((len(kernel), dead.sum()))
        bias[dead] = 0
        layer.kernel.assign(kernel)
        layer.bias.assign(bias)

        above = model.layers[at + 1]
        outgoing = above.kernel.numpy()
        outgoing[dead] = 0
        above.kernel.assign(outgoing)
        h = np.maximum(h @ kernel + bias, 0)
    return found
