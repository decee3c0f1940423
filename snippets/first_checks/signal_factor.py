"""By what does each hidden layer multiply the signal?"""

from typing import Any

import keras
import numpy as np


def signal_factor(model: keras.Model, x: Any) -> tuple[float, float]:
    """Return the mean factors of its size, and of what tells examples apart.

    The size is the root mean square of a layer's outputs; what tells apart
    is their standard deviation over the examples, in the mean of the units.
    Layers with weights count, but for the last; the mean is geometric.
    """
    hidden = [layer for layer in model.layers if layer.weights][:-1]
    if len(hidden) < 2 or not getattr(model, "inputs", None):
        raise ValueError("signal_factor wants a stack of hidden layers, built")
    ends = [layer._inbound_nodes[-1].output_tensors[0] for layer in hidden]
    probe = keras.Model(model.inputs, ends)
    seen = probe.predict(keras.tree.flatten(x), verbose=0)
    size = [np.sqrt(np.mean(h**2, dtype="float64")) for h in seen]
    apart = [np.std(h, 0, dtype="float64").mean() for h in seen]
    root = 1 / (len(hidden) - 1)
    first, second = ((s[-1] / s[0]) ** root for s in (size, apart))
    return float(first), float(second)
