"""Networks at the critical line: random biases, and kernels that fit them.

With biases of zero the size of the signal of GELU, SiLU and Mish has no
stable fixed point at which the gradient keeps its size; with random ones it
has (Hayou et al., 2019, https://arxiv.org/abs/1902.06853). This module adds
to the engine and changes nothing in it.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from snippets.atlas.batched_runs import Program, dense_layers
from studies.atlas import cell as engine
from studies.atlas.data import split
from studies.atlas.grid import CRITICAL_BIASES, SEEDS, Cell

SIZES = (0.001, 1000.0)  # between which the fixed point is looked for
STEPS = 60  # halvings


@cache
def critical_scale(activation: str, biases: float) -> tuple[float, float]:
    """Return the scale of the kernels, and the size q of the signal.

    `biases` is their variance, `scale / fan_in` that of the kernels, q the
    second moment of the pre-activations. With h = f(√q z), z ~ N(0, 1),

        q = scale · E[f(√q z)²] + biases   and   scale · E[f′(√q z)²] = 1:

    the signal and its gradient both keep their size. Of several such q it
    is the largest: there the signal returns to q.
    """
    z = engine.Z
    weight = np.exp(-(z**2) / 2)
    weight /= weight.sum()
    f = keras.activations.get(activation)

    def scale_at(q: float) -> tuple[float, float]:
        x = tf.constant(q**0.5 * z)
        with tf.GradientTape() as tape:
            tape.watch(x)
            h = f(x)
        slope = tape.gradient(h, x).numpy()
        scale = 1 / float(weight @ slope**2)
        return scale, q - scale * float(weight @ h.numpy() ** 2)

    low, high = SIZES  # what is left for the biases rises with q, up there
    for _ in range(STEPS):
        middle = (low * high) ** 0.5
        if scale_at(middle)[1] < biases:
            low = middle
        else:
            high = middle
    return scale_at(high)[0], high


class BiasedProgram(Program):
    """A program that begins with given biases in its hidden layers."""

    def __init__(
        self, *shape: Any, scale: float, biases: Sequence[np.ndarray]
    ) -> None:
        """Take kernels times `scale`; biases (runs, 1, units) a layer."""
        super().__init__(*shape)
        self.scale, self.biases = scale, biases

    def start(self, kernels: Sequence[np.ndarray], rates: np.ndarray) -> None:
        """Begin anew; the first kernel and the head stay as they are."""
        first, *hidden, head = kernels
        scaled = [first, *(self.scale * kernel for kernel in hidden), head]
        super().start(scaled, rates)
        hidden_layers = dense_layers(self.model)[:-1]
        for layer, bias in zip(hidden_layers, self.biases, strict=True):
            layer.bias.assign(bias)


def first_biases(cell: Cell, variance: float, seed: int) -> list[np.ndarray]:
    """Draw the biases of the hidden layers of one network, input side first.

    Their seeds are other ones than those of the kernels.
    """
    drawn = (
        keras.initializers.RandomNormal(0, variance**0.5, 1000 * seed + layer)
        for layer in range(500, 500 + cell.depth)
    )
    return [keras.ops.convert_to_numpy(draw((cell.width,))) for draw in drawn]


def run_cell(cell: Cell, seeds: int = SEEDS) -> list[dict[str, Any]]:
    """Train the cell's network, as the engine does, with random biases.

    The kernels are those of its own scale, times a factor: so they are
    `VarianceScaling` with the critical scale.
    """
    variance = CRITICAL_BIASES[cell.activation]
    scale, _ = critical_scale(cell.activation, variance)
    own = engine.own_scale(cell.activation)
    drawn = [first_biases(cell, variance, number) for number in range(seeds)]
    runs = seeds * len(cell.rates)
    seed = np.tile(np.arange(seeds), len(cell.rates))
    biases = [np.stack(them)[seed, None] for them in zip(*drawn, strict=True)]
    inputs = split(cell.data, 0)[0].shape[1]
    plain = replace(cell, initializer="own")
    shape = (cell.data, cell.optimizer, cell.width, cell.depth)
    engine._programs.clear()
    keras.backend.clear_session()
    # The engine takes this one; those for fewer runs get their variables.
    engine._programs[*shape, cell.activation, runs] = BiasedProgram(
        runs, inputs, [cell.width] * cell.depth + [engine.CLASSES],
        cell.activation, engine.OPTIMIZERS[cell.optimizer],
        scale=(scale / own) ** 0.5, biases=biases,
    )  # fmt: skip
    try:
        rows = engine.run_cell(plain, seeds)
    finally:
        engine._programs.clear()
    return [row | {"initializer": cell.initializer} for row in rows]
