"""Stop a training at its first NaN, and go back to the weights before it."""

from typing import Any

import keras
import numpy as np


class BeforeNaN(keras.callbacks.Callback):  # type: ignore[misc]
    """Stops `fit` at an update that makes the loss or a weight not finite.

    The model then has the weights with which that update began; `update` is
    its number, from 1, and 0 as long as there is none. Keeps a copy of the
    weights after each update.
    """

    update = 0

    def on_train_begin(self, logs: Any = None) -> None:
        """Keep the first weights."""
        self.kept, self.done = self.model.get_weights(), 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Keep the weights, or go back and stop."""
        self.done += 1
        now = self.model.get_weights()
        if np.isfinite(logs["loss"]) and all(np.isfinite(w).all() for w in now):
            self.kept = now
        else:
            self.update = self.done
            self.model.set_weights(self.kept)
            self.model.stop_training = True
