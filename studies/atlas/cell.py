"""One cell: a pure function from a network and its rates to its runs."""

from functools import cache
from itertools import pairwise
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from snippets.atlas.batched_runs import (
    Program,
    RunAdam,
    RunSGD,
    dense_layers,
    losses,
)
from studies.atlas.data import TRAINED_ON, split
from studies.atlas.grid import SEEDS, Cell

BATCH = 50
STEPS = TRAINED_ON // BATCH  # updates in an epoch
SHORT, LONG = 10, 40  # epochs: for all, and for those undecided by then
EVERY = 4  # epochs from one look to the next, after the first ten
TARGET = 0.9  # of the training set
CLASSES = 10
Z = np.linspace(-12, 12, 24_001)


@cache
def own_scale(activation: str) -> float:
    """Return 1 / E[f(z)²], z ~ N(0, 1); a new PReLU is a ReLU."""
    name = "relu" if activation == "prelu" else activation
    f = keras.ops.convert_to_numpy(keras.activations.get(name)(Z))
    weight = np.exp(-(Z**2) / 2)
    return float(weight.sum() / (weight @ f**2))


def initializer(name: str, activation: str, seed: int) -> Any:
    """Return Keras's initializer of the hidden kernels."""
    scale = own_scale(activation)
    make = keras.initializers
    return {
        "glorot": lambda: make.GlorotUniform(seed),
        "he": lambda: make.HeNormal(seed),
        "lecun": lambda: make.LecunNormal(seed),
        "own": lambda: make.VarianceScaling(scale, seed=seed),
        "orthogonal": lambda: make.Orthogonal(scale**0.5, seed),
        "n1": lambda: make.RandomNormal(0, 1, seed),
        "n001": lambda: make.RandomNormal(0, 0.01, seed),
    }[name]()


def first_kernels(cell: Cell, seed: int) -> list[np.ndarray]:
    """Draw the kernels of one network, input side first."""
    inputs = split(cell.data, seed)[0].shape[1]
    sizes = [inputs, *[cell.width] * cell.depth, CLASSES]
    kernels = []
    for layer, shape in enumerate(pairwise(sizes)):
        draw = 1000 * seed + layer
        if layer == 0:
            make = keras.initializers.LecunNormal(draw)
        elif layer == cell.depth:
            make = keras.initializers.GlorotUniform(draw)
        else:
            make = initializer(cell.initializer, cell.activation, draw)
        kernels.append(keras.ops.convert_to_numpy(make(shape)))
    return kernels


OPTIMIZERS = {
    "sgd": lambda: RunSGD(1.0),
    "momentum": lambda: RunSGD(1.0, momentum=0.9),
    "adam": lambda: RunAdam(1.0),
}
_programs: dict[tuple, Program] = {}


def program(cell: Cell, runs: int) -> Program:
    """Return the compiled networks; only one shape's are kept."""
    shape = (cell.data, cell.optimizer, cell.width, cell.depth)
    key = (*shape, cell.activation, runs)
    if key not in _programs:
        if any(other[:-1] != key[:-1] for other in _programs):
            _programs.clear()
            keras.backend.clear_session()
        _programs[key] = Program(
            runs,
            split(cell.data, 0)[0].shape[1],
            [cell.width] * cell.depth + [CLASSES],
            cell.activation,
            OPTIMIZERS[cell.optimizer],
        )
    return _programs[key]


def batches(
    data: str, seeds: np.ndarray, epoch: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return an epoch of each seed: x (steps, runs, batch, inputs), y."""
    order = {
        seed: np.random.default_rng([seed, epoch]).permutation(TRAINED_ON)
        for seed in set(seeds.tolist())
    }
    x = {seed: split(data, seed)[0][order[seed]] for seed in order}
    y = {seed: split(data, seed)[1][order[seed]] for seed in order}
    return (
        np.stack([x[s].reshape(STEPS, BATCH, -1) for s in seeds.tolist()], 1),
        np.stack([y[s].reshape(STEPS, BATCH) for s in seeds.tolist()], 1),
    )


def run_cell(cell: Cell, seeds: int = SEEDS) -> list[dict[str, Any]]:
    """Train the cell's network from every seed at every rate.

    Each run makes ten epochs. Those that by then have neither 90 % of the
    training set right nor a loss that is not finite make forty. Returns a
    row for each run: the columns of the table that readers download.
    """
    rate = np.repeat(np.array(cell.rates), seeds)
    seed = np.tile(np.arange(seeds), len(cell.rates))
    runs = len(rate)
    drawn = [first_kernels(cell, number) for number in range(seeds)]
    trained = program(cell, runs)
    trained.start(
        [np.stack(kernels)[seed] for kernels in zip(*drawn, strict=True)],
        rate.astype("float32"),
    )

    rows: list[dict[str, Any]] = [
        {
            "data": cell.data,
            "optimizer": cell.optimizer,
            "width": cell.width,
            "depth": cell.depth,
            "activation": cell.activation,
            "initializer": cell.initializer,
            "rate": float(rate[run]),
            "seed": int(seed[run]),
            "updates": None,
            "diverged": None,
            "epochs": 0,
            "loss_10": None,
            "loss": None,
            "accuracy": None,
            "validation": 0.0,
        }
        for run in range(runs)
    ]
    start = at_start(trained, cell, seed)
    for run, row in enumerate(rows):
        row |= {name: float(value[run]) for name, value in start.items()}

    going = np.arange(runs)  # the rows that the program's runs belong to
    for epoch in range(LONG):
        if epoch == SHORT:
            undecided = [
                run
                for run in range(runs)
                if rows[run]["updates"] is None
                and rows[run]["diverged"] is None
            ]
            if not undecided:
                break
            trained, going = only(trained, cell, undecided)
        x, y = batches(cell.data, seed[going], epoch)
        history = trained.epoch(x, y).numpy()
        for run, losses_before in zip(going.tolist(), history.T, strict=True):
            bad = np.flatnonzero(~np.isfinite(losses_before))
            if len(bad) and rows[run]["diverged"] is None:
                rows[run]["diverged"] = epoch * STEPS + int(bad[0])
        if epoch < SHORT or (epoch + 1) % EVERY == 0:
            _judge(trained, cell, rows, going, seed, epoch + 1)
    for row in rows:
        if row["diverged"] is not None:
            row["updates"] = None
    return rows


def only(
    trained: Program, cell: Cell, runs: list[int]
) -> tuple[Program, np.ndarray]:
    """Move some runs on to a smaller program; returns whose its runs are.

    Sizes are multiples of `SEEDS`, so that few programs are compiled: the
    last run fills up the rest.
    """
    size = -(-len(runs) // SEEDS) * SEEDS
    kept = np.array(runs + [runs[-1]] * (size - len(runs)))
    smaller = program(cell, size)
    for mine, other in (
        (smaller.model, trained.model),
        (smaller.optimizer, trained.optimizer),
    ):
        pairs = zip(mine.variables, other.variables, strict=True)
        for target, source in pairs:
            value = keras.ops.convert_to_numpy(source)
            target.assign(value[kept] if value.ndim else value)
    smaller.optimizer.rates.assign(
        keras.ops.convert_to_numpy(trained.optimizer.rates)[kept]
    )
    return smaller, kept


def _judge(
    trained: Program,
    cell: Cell,
    rows: list[dict[str, Any]],
    going: np.ndarray,
    seed: np.ndarray,
    epochs: int,
) -> None:
    """Write into the rows how far their runs have come."""
    halves = [split(cell.data, s) for s in seed[going]]
    x, y, other_x, other_y = (
        np.stack(part) for part in zip(*halves, strict=True)
    )
    loss, share = (part.numpy() for part in trained.evaluate(x, y))
    best = trained.evaluate(other_x, other_y)[1].numpy()
    for place, run in enumerate(going.tolist()):
        row = rows[run]
        if not np.isfinite(loss[place]) and row["diverged"] is None:
            row["diverged"] = epochs * STEPS
        if row["diverged"] is not None:
            continue
        if share[place] >= TARGET and row["updates"] is None:
            row["updates"] = epochs * STEPS
        if epochs == SHORT:
            row["loss_10"] = float(loss[place])
        row["epochs"] = epochs
        row["loss"] = float(loss[place])
        row["accuracy"] = float(share[place])
        row["validation"] = max(row["validation"], float(best[place]))


def at_start(
    trained: Program, cell: Cell, seed: np.ndarray
) -> dict[str, np.ndarray]:
    """Return what can be seen before the first update, (runs,) each.

    Measured on the first two batches of examples. Ratios are decimal
    logarithms: `forward` of the second moments of the outputs, last hidden
    layer over first; `backward` of the norms of the gradients with respect
    to them, first over last; `kernel` of the norms of the kernel gradients,
    first hidden kernel over last. `cosine` is the mean over pairs of
    examples in the last hidden layer, `dead` its share of units that are
    zero for all examples.
    """
    examples = 2 * BATCH
    halves = [split(cell.data, s) for s in seed]
    x = tf.constant(np.stack([half[0][:examples] for half in halves]))
    y = tf.constant(np.stack([half[1][:examples] for half in halves]))
    hidden = []
    kernels = [layer.kernel.value for layer in dense_layers(trained.model)]
    with tf.GradientTape() as tape:
        h = x
        for layer in trained.model.layers:
            h = layer(h)
            if not isinstance(layer, keras.layers.EinsumDense):
                tape.watch(h)
                hidden.append(h)
        loss = losses(h, y)
        total = tf.reduce_sum(loss)
    gradients = tape.gradient(total, hidden + kernels)
    first, last = hidden[0].numpy(), hidden[-1].numpy()
    with np.errstate(all="ignore"):
        unit = last / np.linalg.norm(last, axis=2, keepdims=True)
        pairs = np.einsum("rbi,rci->rbc", unit, unit)
        cosine = (pairs.sum((1, 2)) - examples) / (examples * (examples - 1))
        norm = [_norm(gradient) for gradient in gradients]
        d = cell.depth
        return {
            "first_loss": loss.numpy(),
            "forward": np.log10(_moment(last) / _moment(first)),
            "backward": np.log10(norm[0] / norm[d - 1]),
            "kernel": np.log10(norm[d + 1] / norm[2 * d - 1]),
            "cosine": cosine,
            "dead": np.mean(np.all(last == 0, axis=1), axis=1),
        }


def _norm(value: tf.Tensor) -> Any:
    flat = value.numpy().astype("float64").reshape(value.shape[0], -1)
    return np.linalg.norm(flat, axis=1)


def _moment(value: np.ndarray) -> Any:
    return np.mean(value.astype("float64") ** 2, axis=(1, 2))
