"""Trains several networks of one shape at once, as `loss_curve` trains one.

What a page measures over seeds costs a fraction that way. Not a listing: it
says what a reader's loop over seeds says, which a test compares.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

Weights = list[np.ndarray]  # as `get_weights` returns them


class SideBySide:
    """Runs of a compiled model; no run sees another.

    The layers, the loss and the optimizer are those of the model, which
    itself stays as it is.
    """

    def __init__(self, model: keras.Model) -> None:
        self.model = model
        own = model.optimizer
        self.optimizer = type(own).from_config(own.get_config())
        self.variables: list[keras.Variable] = []  # (runs, *their shape)
        self._train = tf.function(self._updates, reduce_retracing=True)

    def train(
        self,
        starts: Sequence[Weights],
        x: np.ndarray,
        y: np.ndarray,
        updates: int = 200,
        batch: int = 50,
        seeds: Sequence[int] | None = None,
        rate: float | None = None,
    ) -> np.ndarray:
        """Train a run from each start; return the losses, (runs, updates).

        The batches are drawn as in `loss_curve`, with a seed for each run:
        0, 1, … `y` is (examples,), or (runs, examples). The optimizer has no
        memory of an earlier call, and its own rate unless you give one.
        """
        self._begin(starts, rate)
        rows = np.empty((updates, len(starts), batch), "int64")
        for run, seed in enumerate(seeds or range(len(starts))):
            rng = np.random.default_rng(seed)
            for update in range(updates):
                rows[update, run] = rng.choice(len(x), batch, replace=False)
        labels = np.broadcast_to(y, (len(starts), *np.shape(y)[-1:]))
        losses = self._train(tf.constant(x), tf.constant(labels), rows)
        return np.array(losses, "float64").T

    @property
    def weights(self) -> list[Weights]:
        """What each run has learned."""
        values = [variable.numpy() for variable in self.variables]
        return [[value[run] for value in values] for run in range(self.runs)]

    @property
    def runs(self) -> int:
        """How many runs there are."""
        return int(self.variables[0].shape[0])

    def _begin(self, starts: Sequence[Weights], rate: float | None) -> None:
        stacks = [np.stack(values) for values in zip(*starts, strict=True)]
        if not self.variables:
            self.variables = [
                keras.Variable(stack, trainable=weight.trainable)
                for stack, weight in zip(
                    stacks, self.model.weights, strict=True
                )
            ]
            self.optimizer.build(self.trainable)
            self._memory = [v.numpy() for v in self.optimizer.variables]
        for variable, stack in zip(self.variables, stacks, strict=True):
            variable.assign(stack)
        for variable, value in zip(
            self.optimizer.variables, self._memory, strict=True
        ):
            variable.assign(value)
        if rate is not None:
            self.optimizer.learning_rate = rate

    @property
    def trainable(self) -> list[keras.Variable]:
        """The variables that the optimizer changes."""
        return [v for v in self.variables if v.trainable]

    def _one(self, given: Any) -> Any:
        trainable, others, x, y = given
        said, others = self.model.stateless_call(
            trainable, others, x, training=True
        )
        return self.model.loss(y, said), others

    def _updates(self, x: tf.Tensor, y: tf.Tensor, rows: tf.Tensor) -> Any:
        trainable = self.trainable
        others = [v for v in self.variables if not v.trainable]
        history = tf.TensorArray(tf.float32, tf.shape(rows)[0])
        for update in tf.range(tf.shape(rows)[0]):
            chosen = rows[update]
            shown = tf.gather(x, chosen), tf.gather(y, chosen, batch_dims=1)
            with tf.GradientTape() as tape:
                values = [v.value for v in trainable], [v.value for v in others]
                losses, after = tf.vectorized_map(
                    self._one, (*values, *shown), fallback_to_while_loop=False
                )
                total = tf.reduce_sum(losses)  # each run's gradient is its own
            gradients = tape.gradient(total, trainable)
            self.optimizer.apply(gradients, trainable)
            for variable, value in zip(others, after, strict=True):
                variable.assign(value)
            history = history.write(update, losses)
        return history.stack()
