"""Tell attention where each step stands."""

from typing import Any

import keras
import numpy as np


class Places(keras.layers.Layer):  # type: ignore[misc]
    """Adds sines of the place to (rows, steps, features); passes a mask on.

    Features must be even in number (Vaswani et al., 2017).
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.supports_masking = True

    def call(self, h: Any) -> Any:
        """Return steps and places, added."""
        steps, width = h.shape[1:]
        rates = 10_000 ** (-np.arange(0, width, 2) / width)
        angles = np.arange(steps)[:, None] * rates
        waves = np.stack([np.sin(angles), np.cos(angles)], -1)
        return h + waves.reshape(steps, width).astype("float32")
