"""Deep networks as people build them: Adam, norms and shortcuts.

The data, the seeds, the order of the batches, the kernels, the optimizer and
the target are those of the atlas, so that its plain networks stand beside
these. This module adds to the atlas and changes nothing in it.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from snippets.atlas.batched_runs import (
    Program,
    RunAdam,
    activation_layer,
    dense_layers,
)
from studies.atlas.cell import (
    CLASSES,
    SHORT,
    STEPS,
    TARGET,
    batches,
    first_kernels,
)
from studies.atlas.data import split
from studies.atlas.grid import SEEDS, Cell

WIDTH, INPUTS = 100, 64
DEPTH = 30
EPSILON = 1e-3  # Keras's
MOMENTUM = 0.9  # of the moving averages: Keras's 0.99 suits longer runs
ADVISED = {
    "relu": "he", "gelu": "own", "tanh": "glorot", "sigmoid": "glorot",
    "silu": "own", "elu": "own", "leaky_relu": "own", "selu": "lecun",
    "mish": "own", "prelu": "own",
}  # fmt: skip
# The rates of Adam: batch norm asks for higher ones.
RATES = {
    "batch norm": (0.003, 0.01, 0.03),
    "layer norm": (0.0003, 0.001, 0.003),
    "pre-norm": (0.001, 0.003, 0.01),
    "1/√L": (0.001, 0.003, 0.01),
}


class RunNorm(keras.layers.Layer):  # type: ignore[misc]
    """Batch or layer norm; what it learns belongs to one run each."""

    def __init__(self, batch: bool) -> None:
        super().__init__()
        self.batch = batch

    def build(self, shape: tuple[int, ...]) -> None:
        """Add gains and biases, and moving averages, (runs, 1, units)."""
        each = (shape[0], 1, shape[-1])
        self.gain = self.add_weight(shape=each, initializer="ones")
        self.bias = self.add_weight(shape=each, initializer="zeros")
        if self.batch:
            self.mean = self.add_weight(
                shape=each, initializer="zeros", trainable=False
            )
            self.variance = self.add_weight(
                shape=each, initializer="ones", trainable=False
            )

    def call(self, x: Any, training: bool = False) -> Any:
        """Normalize x (runs, batch, units), as Keras's layers do."""
        if self.batch and not training:
            mean, variance = self.mean, self.variance
        else:
            axis = 1 if self.batch else 2
            mean, variance = keras.ops.moments(x, axis, keepdims=True)
        if self.batch and training:
            for moving, now in ((self.mean, mean), (self.variance, variance)):
                moving.assign(MOMENTUM * moving + (1 - MOMENTUM) * now)
        normal = (x - mean) / keras.ops.sqrt(variance + EPSILON)
        return self.gain * normal + self.bias


def network(kind: str, activation: str, depth: int, runs: int) -> keras.Model:
    """Build networks that share nothing but their shape.

    With a norm, `depth` times dense, norm, activation; no bias stands in
    front of a norm. With shortcuts a dense layer, then depth / 2 blocks
    h + dense(activation(dense(h))): their branches are multiplied by 1/√L
    with L blocks, or see h behind a layer norm, as the head then does.
    """

    def dense(h: Any, units: int = WIDTH, bias: bool = True) -> Any:
        axes = "ro" if bias else None
        shape = (None, units)
        return keras.layers.EinsumDense("rbi,rio->rbo", shape, bias_axes=axes)(
            h
        )

    inputs = h = keras.Input(batch_shape=(runs, None, INPUTS))
    if kind in ("batch norm", "layer norm"):
        for _ in range(depth):
            h = RunNorm(kind == "batch norm")(dense(h, bias=False))
            h = activation_layer(activation)(h)
    else:
        h = dense(h)
        for _ in range(depth // 2):
            z = RunNorm(False)(h) if kind == "pre-norm" else h
            z = activation_layer(activation)(dense(z))
            z = dense(z)
            if kind == "1/√L":
                z = z / (depth // 2) ** 0.5
            h = h + z
        if kind == "pre-norm":
            h = RunNorm(False)(h)
    return keras.Model(inputs, dense(h, CLASSES))


class Built(Program):
    """A program of such networks, with Adam."""

    def __init__(
        self, kind: str, activation: str, depth: int, runs: int
    ) -> None:
        self.model = network(kind, activation, depth, runs)
        self.optimizer = RunAdam(1.0)
        self.optimizer.rates = keras.Variable(
            np.zeros(runs, "float32"), trainable=False
        )
        self.optimizer.build(self.model.trainable_variables)
        self.epoch = tf.function(self._epoch, jit_compile=True)
        self.evaluate = tf.function(self._evaluate, jit_compile=True)

    def start(self, kernels: Sequence[np.ndarray], rates: np.ndarray) -> None:
        """Begin with kernels (runs, fan_in, fan_out), rates (runs,)."""
        for layer, kernel in zip(
            dense_layers(self.model), kernels, strict=True
        ):
            layer.kernel.assign(kernel)
        self.optimizer.rates.assign(rates)


def kernels(
    kind: str, activation: str, depth: int, seed: int
) -> list[np.ndarray]:
    """Draw the kernels of one network: those of the atlas."""
    layers = depth + (kind in ("1/√L", "pre-norm"))
    cell = Cell(
        "digits", "adam", WIDTH, layers, activation, ADVISED[activation],
        RATES[kind],
    )  # fmt: skip
    return first_kernels(cell, seed)


def trained(kind: str, activation: str, depth: int = DEPTH) -> dict[str, Any]:
    """Train one kind of network; return what stays in the table.

    From five seeds at three rates of Adam, for at most 300 updates; it ends
    when at one rate all five seeds have 90 % of the training set right,
    looked at every 30, batch norm by its moving averages. (rates, seeds):
    "reached", in how many updates, 0 where it was not; "right", the share at
    the end; "loss", the mean over the last 30 updates, by the batch's own
    statistics; "nan", whether one was not finite. "updates": how many were
    made.
    """
    rates = RATES[kind]
    seed = np.tile(np.arange(SEEDS), len(rates))
    runs = len(seed)
    keras.backend.clear_session()
    drawn = [kernels(kind, activation, depth, s) for s in range(SEEDS)]
    program = Built(kind, activation, depth, runs)
    program.start(
        [np.stack(of)[seed] for of in zip(*drawn, strict=True)],
        np.repeat(np.array(rates, "float32"), SEEDS),
    )
    x, y = (
        np.stack([split("digits", s)[half] for s in seed]) for half in (0, 1)
    )
    reached = np.zeros(runs, int)
    bad = np.zeros(runs, bool)
    for epoch in range(SHORT):
        losses = program.epoch(*batches("digits", seed, epoch)).numpy()
        bad |= ~np.isfinite(losses).all(0)
        right = program.evaluate(x, y)[1].numpy()
        new = (right >= TARGET) & (reached == 0)
        reached[new] = (epoch + 1) * STEPS
        reached[bad] = 0
        if (reached.reshape(-1, SEEDS) > 0).all(1).any():
            break
    loss = np.where(bad, 0, losses.mean(0))
    by_rate = {
        "reached": reached,
        "right": right.astype(float).round(3),
        "loss": loss.astype(float).round(3),
        "nan": bad,
    }
    return {
        "rates": list(rates),
        **{name: v.reshape(-1, SEEDS).tolist() for name, v in by_rate.items()},
        "updates": (epoch + 1) * STEPS,
    }


CELLS: dict[str, Callable[[], dict[str, Any]]] = {
    f"{kind}, {activation}": partial(trained, kind, activation)
    for activation in ADVISED
    for kind in RATES
}
