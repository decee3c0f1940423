"""How fast the engine is: against `model.fit`, against bare products.

`python -m studies.atlas.speed` prints one JSON line; `make bench` shows it.
"""

import json
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from snippets.atlas.batched_runs import dense_layers
from studies.atlas.cell import (
    BATCH,
    CLASSES,
    STEPS,
    batches,
    first_kernels,
    program,
)
from studies.atlas.grid import RATES, SEEDS, Cell

ROUNDS = 5
RUNS = SEEDS * len(RATES["sgd"])


def seconds(*jobs: Callable[[], Any]) -> list[float]:
    """Return the median time of each job, after one to warm up, in turns."""
    took: list[list[float]] = [[] for _ in jobs]
    for job in jobs:
        job()
    for _ in range(ROUNDS):
        for job, times in zip(jobs, took, strict=True):
            begun = time.monotonic()
            job()
            times.append(time.monotonic() - begun)
    return [median(times) for times in took]


def fit(cell: Cell) -> Callable[[], Any]:
    """Return an epoch of one run as anyone would train it."""
    x, y = batches(cell.data, np.arange(1), 0)
    flat_x, flat_y = x.reshape(STEPS * BATCH, -1), y.reshape(-1)
    model = keras.Sequential([keras.Input((flat_x.shape[1],))])
    for _ in range(cell.depth):
        model.add(
            keras.layers.Dense(
                cell.width,
                cell.activation,
                kernel_initializer=keras.initializers.HeNormal(),
            )
        )
    model.add(keras.layers.Dense(CLASSES))
    model.compile(
        keras.optimizers.SGD(0.01),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return lambda: model.fit(flat_x, flat_y, batch_size=BATCH, verbose=0)


def together(cell: Cell) -> Callable[[], Any]:
    """Return an epoch of `RUNS` runs of the engine."""
    seeds = np.tile(np.arange(SEEDS), RUNS // SEEDS)
    drawn = [first_kernels(cell, seed) for seed in range(SEEDS)]
    trained = program(cell, RUNS)
    trained.start(
        [np.stack(kernels)[seeds] for kernels in zip(*drawn, strict=True)],
        np.full(RUNS, 0.01, "float32"),
    )
    x, y = batches(cell.data, seeds, 0)
    return lambda: trained.epoch(x, y).numpy()


def products(cell: Cell) -> Callable[[], Any]:
    """Return the matrix products of such an epoch, and nothing else."""
    kernels = [
        tf.Variable(layer.kernel)
        for layer in dense_layers(program(cell, RUNS).model)
    ]
    x = tf.random.normal((RUNS, BATCH, kernels[0].shape[1]))
    top = tf.random.normal((RUNS, BATCH, CLASSES))

    @tf.function(jit_compile=True)  # type: ignore[untyped-decorator]
    def epoch() -> None:
        for _ in tf.range(STEPS):
            outputs = [x]
            for kernel in kernels:
                outputs.append(tf.matmul(outputs[-1], kernel))
            delta = top + outputs[-1][:, :1, :1]
            for kernel, h in zip(kernels[::-1], outputs[-2::-1], strict=True):
                gradient = tf.matmul(h, delta, transpose_a=True)
                if h is not x:
                    delta = tf.matmul(delta, kernel, transpose_b=True)
                kernel.assign(gradient)

    return lambda: epoch()


def main() -> None:
    """Print, for 4 and 30 layers, the two ratios."""
    found = {}
    for depth in (4, 30):
        cell = Cell("digits", "sgd", 100, depth, "relu", "he", RATES["sgd"])
        one, many, bare = seconds(fit(cell), together(cell), products(cell))
        found[depth] = {
            "fit": one * RUNS / many,  # runs a second, over those of `fit`
            "bare": many / bare,  # time, over that of the bare products
            "milliseconds": 1000 * many / RUNS,  # an epoch of one run
        }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
