"""Biases with which an LSTM starts out remembering."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np


def forget_bias(value: float) -> Callable[..., Any]:
    """Return a `bias_initializer` for `LSTM(unit_forget_bias=False)`.

    The forget gates start at sigmoid(value), all other biases at 0.
    """

    def initialize(shape: Any, dtype: Any = None) -> Any:
        parts = np.zeros((4, shape[0] // 4))  # input, forget, cell, output
        parts[1] = value
        return keras.ops.convert_to_tensor(parts.ravel(), dtype)

    return initialize
