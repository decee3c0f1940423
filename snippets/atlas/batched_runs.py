"""Train many networks of one shape at a time, as one Keras program.

Every array has a leading axis of runs. The layers, the activations, the
gradients and the optimizer are Keras's own; no run sees another.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf


class RunPReLU(keras.layers.PReLU):  # type: ignore[misc]
    """PReLU whose slopes, (runs, 1, units), belong to one run each."""

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Add the slopes; Keras's own `call` uses them."""
        self.alpha = self.add_weight(
            shape=(input_shape[0], 1, input_shape[-1]),
            initializer="zeros",
            name="alpha",
        )


class RatePerRun:
    """Give an optimizer a learning rate for each run: put it before it."""

    rates: keras.Variable

    def update_step(self, gradient: Any, variable: Any, rate: Any) -> None:
        """Make Keras's own step, with a rate for each run."""
        axes = [1] * (len(variable.shape) - 1)
        rate = keras.ops.reshape(self.rates, [-1, *axes])
        super().update_step(gradient, variable, rate)  # type: ignore[misc]


class RunSGD(RatePerRun, keras.optimizers.SGD):  # type: ignore[misc]
    """SGD, with or without momentum."""


class RunAdam(RatePerRun, keras.optimizers.Adam):  # type: ignore[misc]
    """Adam."""


def activation_layer(name: str) -> keras.layers.Layer:
    """Return the layer; `prelu` has weights, all others are functions."""
    return RunPReLU() if name == "prelu" else keras.layers.Activation(name)


def run_network(
    runs: int, inputs: int, widths: Sequence[int], activation: str
) -> keras.Sequential:
    """Build networks that share nothing but their shape.

    `widths` are the units of each layer; all but the last one have the
    activation. Inputs are (runs, batch, inputs), outputs the logits,
    kernels (runs, fan_in, fan_out), biases (runs, 1, fan_out), zero.
    """
    model = keras.Sequential([keras.Input(batch_shape=(runs, None, inputs))])
    for layer, units in enumerate(widths):
        if layer:
            model.add(activation_layer(activation))
        model.add(
            keras.layers.EinsumDense(
                "rbi,rio->rbo", (None, units), bias_axes="ro"
            )
        )
    return model


def dense_layers(model: keras.Sequential) -> list[keras.layers.EinsumDense]:
    """Return the layers that have a kernel, in order."""
    dense = keras.layers.EinsumDense
    return [layer for layer in model.layers if isinstance(layer, dense)]


def right(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Return each run's share of right answers, (runs,)."""
    hits = keras.ops.equal(keras.ops.argmax(logits, -1), labels)
    return keras.ops.mean(keras.ops.cast(hits, "float32"), axis=1)


def losses(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Return each run's mean cross-entropy, (runs,)."""
    each = keras.losses.sparse_categorical_crossentropy(
        labels, logits, from_logits=True
    )
    return keras.ops.mean(each, axis=1)


class Program:
    """A network for many runs and the compiled steps that train it."""

    def __init__(
        self,
        runs: int,
        inputs: int,
        widths: Sequence[int],
        activation: str,
        optimizer: Callable[[], keras.optimizers.Optimizer],
    ) -> None:
        self.model = run_network(runs, inputs, widths, activation)
        self.optimizer = optimizer()
        self.optimizer.rates = keras.Variable(
            np.zeros(runs, "float32"), trainable=False
        )
        self.optimizer.build(self.model.trainable_variables)
        self.epoch = tf.function(self._epoch, jit_compile=True)
        self.evaluate = tf.function(self._evaluate, jit_compile=True)

    def start(self, kernels: Sequence[np.ndarray], rates: np.ndarray) -> None:
        """Begin anew: kernels (runs, fan_in, fan_out), rates (runs,)."""
        for variable in (*self.model.variables, *self.optimizer.variables):
            if variable is not self.optimizer.learning_rate:
                variable.assign(keras.ops.zeros_like(variable))
        for layer, kernel in zip(
            dense_layers(self.model), kernels, strict=True
        ):
            layer.kernel.assign(kernel)
        self.optimizer.rates.assign(rates)

    def _epoch(self, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        """Make one update a batch: x (batches, runs, batch, inputs).

        Returns the losses before each update, (batches, runs).
        """
        variables = self.model.trainable_variables
        history = tf.TensorArray(tf.float32, x.shape[0])
        for batch in tf.range(x.shape[0]):
            with tf.GradientTape() as tape:
                loss = losses(self.model(x[batch], training=True), y[batch])
                total = keras.ops.sum(loss)  # each run's gradient is its own
            self.optimizer.apply(tape.gradient(total, variables), variables)
            history = history.write(batch, loss)
        return history.stack()

    def _evaluate(
        self, x: tf.Tensor, y: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return each run's loss and accuracy on x (runs, examples, ...)."""
        logits = self.model(x, training=False)
        return losses(logits, y), right(logits, y)
