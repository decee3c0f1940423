"""Where does the first infinity or NaN appear?"""

import keras
import numpy as np


def first_not_finite(model: keras.Sequential, x: np.ndarray) -> str:
    """Run the layers one by one; name the first whose output is not finite."""
    h = keras.ops.convert_to_tensor(x)
    if not np.isfinite(x).all():
        return "the data"
    for number, layer in enumerate(model.layers):
        h = layer(h)
        values = keras.ops.convert_to_numpy(h)
        if not np.isfinite(values).all():
            kind = "NaN" if np.isnan(values).any() else "infinity"
            return f"layer {number}, {layer.name}: {kind}"
    return "none"
