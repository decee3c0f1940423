"""By what does each hidden layer multiply the size of the signal?"""

import keras
import numpy as np


def signal_factor(model: keras.Sequential, x: np.ndarray) -> float:
    """Return the mean factor of a stack of hidden layers and a head.

    Size is the root mean square of a layer's outputs; the mean is geometric.
    """
    h = keras.ops.convert_to_tensor(x)
    sizes = []
    for layer in model.layers[:-1]:
        h = layer(h)
        values = keras.ops.convert_to_numpy(h)
        sizes.append(np.sqrt(np.mean(values**2, dtype="float64")))
    return float((sizes[-1] / sizes[0]) ** (1 / (len(sizes) - 1)))
