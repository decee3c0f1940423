"""Bad starts and high rates, by what clipping, ε and a warm-up do to them.

Data, kernels and batches are the atlas's; optimizers and schedules Keras's.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from snippets.atlas.batched_runs import Program
from studies.atlas.cell import CLASSES, STEPS, TARGET, batches, first_kernels
from studies.atlas.data import split
from studies.atlas.grid import SEEDS, Cell


class PerRun:
    """Give an optimizer rates for each run, and let it clip each alone."""

    rates: keras.Variable

    def update_step(self, gradient: Any, variable: Any, rate: Any) -> None:
        """Make Keras's own step; `rate` is the schedule's."""
        axes = [1] * (len(variable.shape) - 1)
        rate *= keras.ops.reshape(self.rates, [-1, *axes])
        super().update_step(gradient, variable, rate)  # type: ignore[misc]

    def _clip_gradients(self, gradients: list[tf.Tensor]) -> Any:
        clip = super()._clip_gradients  # type: ignore[misc]
        return tf.vectorized_map(clip, gradients)


class SGD(PerRun, keras.optimizers.SGD):  # type: ignore[misc]
    """Plain SGD."""


class Adam(PerRun, keras.optimizers.Adam):  # type: ignore[misc]
    """Adam."""


def trained(
    cell: Cell,
    optimizer: Callable[..., keras.optimizers.Optimizer],
    updates: int = 300,
    factor: float = 1.0,
    warm_up: int = 0,
    first: int = 0,
) -> dict[str, Any]:
    """Train a kind of network from five seeds, `first` and the next ones.

    `factor` multiplies the hidden kernels; the rate rises from zero over
    `warm_up` updates. (rates, seeds): "reached", in how many updates 90 % of
    the training set were right, looked at every 30, 0 where it was not;
    "right", the share at the end; "nan", whether a loss was not finite.
    """
    keras.backend.clear_session()
    seed = np.tile(np.arange(first, first + SEEDS), len(cell.rates))
    drawn = {s: first_kernels(cell, int(s)) for s in seed[:SEEDS]}
    kernels = [np.stack(k) for k in zip(*(drawn[s] for s in seed), strict=True)]
    kernels[1:-1] = [factor * kernel for kernel in kernels[1:-1]]
    x, y = (np.stack([split(cell.data, s)[at] for s in seed]) for at in (0, 1))
    rise = keras.optimizers.schedules.PolynomialDecay(0.0, warm_up or 1, 1.0)
    program = Program(
        len(seed), x.shape[-1], [cell.width] * cell.depth + [CLASSES],
        cell.activation, partial(optimizer, rise if warm_up else 1.0),
    )  # fmt: skip
    program.start(kernels, np.repeat(np.array(cell.rates, "float32"), SEEDS))
    reached, bad = np.zeros(len(seed), int), np.zeros(len(seed), bool)
    for epoch in range(updates // STEPS):
        losses = program.epoch(*batches(cell.data, seed, epoch)).numpy()
        bad |= ~np.isfinite(losses).all(0)
        right = program.evaluate(x, y)[1].numpy().astype(float).round(3)
        reached[(right >= TARGET) & (reached == 0)] = (epoch + 1) * STEPS
    reached[bad] = 0
    found = {"reached": reached, "right": right, "nan": bad}
    return {
        "rates": list(cell.rates),
        **{name: v.reshape(-1, SEEDS).tolist() for name, v in found.items()},
    }


# Rates around the best one.
WAYS: dict[str, tuple[Callable[..., Any], tuple[float, ...]]] = {
    "unclipped": (SGD, (0.00003, 0.0001, 0.0003, 0.001, 0.01)),
    "clipvalue": (partial(SGD, clipvalue=1.0), (0.01, 0.03, 0.1)),
    "clipnorm": (partial(SGD, clipnorm=1.0), (0.03, 0.1, 0.3)),
    "global_clipnorm": (partial(SGD, global_clipnorm=1.0), (0.1, 0.3, 1.0)),
    "Adam": (Adam, (0.001, 0.003, 0.01)),
}
TENS, DOUBLED = (0.0003, 0.001, 0.003), tuple(2.0**at for at in range(7))
layers = partial(Cell, "digits", "", 100)
CELLS: dict[str, Callable[[], dict[str, Any]]] = {
    **{
        f"too large, {way}": partial(
            trained, layers(20, "relu", "he", rates), optimizer, 900, 2**0.5
        )
        for way, (optimizer, rates) in WAYS.items()
    },
    **{
        f"sigmoids, epsilon {epsilon:g}": partial(
            trained, layers(10, "sigmoid", "glorot", TENS),
            partial(Adam, epsilon=epsilon), 900,
        )
        for epsilon in (1e-7, 1e-10)
    },
    **{
        f"{of.__name__}, {depth} layers, warm-up {warm_up}": partial(
            trained,
            layers(depth, "relu", "he", tuple(low * at for at in DOUBLED)),
            of, warm_up=warm_up,
        )
        for of, low in ((SGD, 0.01), (Adam, 0.0005))
        for depth in (10, 20)
        for warm_up in (0, 60)
    },
}  # fmt: skip
