"""Give dead units new weights, without changing what the network says."""

import keras
import numpy as np


def revive(model: keras.Model, x: np.ndarray, seed: int = 0) -> int:
    """Re-initialize the dead units of a stack of `Dense` layers with ReLU.

    Incoming weights: He init, bias 0. Outgoing weights: 0, so the outputs on
    `x` stay what they are; on examples that `x` lacks they may change.
    Returns how many units were dead. Raises `ValueError` if a layer in front
    of the last is no `Dense` layer with ReLU.
    """
    for layer in model.layers[:-1]:
        function = getattr(layer, "activation", None)
        dense = isinstance(layer, keras.layers.Dense) and layer.use_bias
        if not dense or function is not keras.activations.relu:
            raise ValueError(f"{layer.name} is no Dense layer with ReLU, bias")
    rng = np.random.default_rng(seed)
    h, found = x, 0
    for layer, above in zip(model.layers[:-1], model.layers[1:], strict=True):
        kernel, bias = layer.kernel.numpy(), layer.bias.numpy()
        dead = (h @ kernel + bias <= 0).all(axis=0)
        found += int(dead.sum())
        size = np.sqrt(2 / len(kernel))
        kernel[:, dead] = size * rng.standard_normal((len(kernel), dead.sum()))
        bias[dead] = 0
        layer.kernel.assign(kernel)
        layer.bias.assign(bias)
        outgoing = above.kernel.numpy()
        outgoing[dead] = 0
        above.kernel.assign(outgoing)
        h = np.maximum(h @ kernel + bias, 0)
    return found
