"""Whether it trains: every network from five seeds; a table of that."""

import csv
import io
import os
import statistics
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import as_completed
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from sitegen.store import write_whole
from studies import processes
from studies.corpus.entry import Entry
from studies.corpus.networks import CORPUS

TABLE = Path(__file__).with_name("corpus.csv")
EPOCHS, BATCH, SEEDS = 40, 40, 5


def score(entry: Entry, model: keras.Model, x: Any, y: Any) -> float:
    """Return the worst output's accuracy, or R², in inference mode."""
    predictions = model.predict_on_batch(x)
    outputs = keras.tree.flatten(predictions)
    targets = keras.tree.flatten(y)
    scores = []
    for kind, p, t in zip(entry.scored, outputs, targets, strict=True):
        p = np.asarray(p, "float64").reshape(
            np.shape(t) if kind in ("r2", "bits") else (*np.shape(p),)
        )
        if kind == "r2":
            t = np.asarray(t, "float64")
            scores.append(1 - np.mean((t - p) ** 2) / np.var(t))
        elif kind == "classes":
            if np.shape(t) == p.shape:
                t = np.argmax(t, axis=-1)
            scores.append(np.mean(p.argmax(-1).ravel() == np.ravel(t)))
        elif kind == "bits":
            scores.append(np.mean((p > 0.5) == (np.asarray(t) > 0.5)))
        elif kind == "rounded":
            scores.append(np.mean(np.round(p).ravel() == np.ravel(t)))
        else:
            limit = {"binary": 0.5, "logit": 0.0}[kind]
            right = (p.ravel() > limit) == (np.ravel(t) > limit)
            scores.append(np.mean(right & np.isfinite(p.ravel())))
    return float(min(scores))


@dataclass
class Run:
    """One training: the updates to the goal, if it was reached."""

    updates: int | None = None
    score: float = float("nan")
    loss: float = float("nan")
    error: str = ""


def train(
    entry: Entry, seeds: Iterable[int], rate: float | None = None
) -> Iterator[Run]:
    """Train from several seeds; an epoch is one compiled call, for speed."""
    model, x, y = entry.build(0)
    model._symbolic_build(data_batch=keras.tree.map_structure(first, (x, y)))
    model.optimizer.build(model.trainable_variables)
    start = [variable.numpy() for variable in model.optimizer.variables]

    @tf.function(jit_compile=True)
    def epoch(x: Any, y: Any, order: tf.Tensor) -> tf.Tensor:
        model.reset_metrics()
        for batch in order:
            model.train_step(
                tf.nest.map_structure(partial(tf.gather, indices=batch), (x, y))
            )
        return model.metrics[0].result()

    for seed in seeds:
        fresh, x, y = entry.build(seed)
        data = tf.nest.map_structure(constant, (x, y))
        model.set_weights(fresh.get_weights())
        for variable, value in zip(
            model.optimizer.variables, start, strict=True
        ):
            variable.assign(value)
        if rate is not None:
            model.optimizer.learning_rate = rate
        yield run_once(entry, model, epoch, data, seed)


def first(array: Any) -> Any:
    return array[:BATCH]


def constant(array: Any) -> tf.Tensor:
    array = np.asarray(array)
    kinds = {"f": "float32", "i": "int32"}
    return tf.constant(array.astype(kinds[array.dtype.kind]))


def run_once(
    entry: Entry, model: keras.Model, epoch: Callable, data: Any, seed: int
) -> Run:
    """Train to the goal, to the last epoch, or to what is not finite."""
    run = Run()
    random = np.random.default_rng(seed)
    count = len(tf.nest.flatten(data)[0]) // BATCH * BATCH
    for number in range(1, EPOCHS + 1):
        order = random.permutation(count).astype("int32").reshape(-1, BATCH)
        run.loss = float(epoch(*data, tf.constant(order)))
        if number % 2 == 0:
            now = score(entry, model, *data)
            run.score = float(np.nanmax([run.score, now]))
            if now >= entry.goal:
                run.updates = int(model.optimizer.iterations)
                break
        if not np.isfinite(run.loss):
            break
    return run


def measure(name: str) -> dict[str, str]:
    """Return an entry's row: at the rate at which the most seeds train."""
    entry = CORPUS[name]
    rows = []
    for rate in (None, *entry.rates):
        try:
            runs = list(train(entry, range(SEEDS), rate))
        except ValueError as error:  # the labels do not fit the outputs
            runs = [Run(error=type(error).__name__)] * SEEDS
        trained = [run.updates for run in runs if run.updates]
        rows.append(
            {
                "name": name,
                "label": "broken" if entry.faults else "healthy",
                "rate": "given" if rate is None else f"{rate:g}",
                "trained": str(len(trained)),
                "seeds": str(SEEDS),
                "updates": f"{statistics.median(trained):g}" if trained else "",
                "score": f"{np.median([run.score for run in runs]):.2f}",
                "loss": f"{np.median([run.loss for run in runs]):.2g}",
                "error": runs[0].error,
                "code": entry.code,
            }
        )
    return max(rows, key=lambda row: int(row["trained"]))


def read_table() -> dict[str, dict[str, str]]:
    if not TABLE.exists():
        return {}
    with TABLE.open(encoding="utf-8", newline="") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


def write_table(rows: dict[str, dict[str, str]]) -> None:
    known = [rows[name] for name in CORPUS if name in rows]
    text = io.StringIO()
    table = csv.DictWriter(text, list(known[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(known)
    write_whole(TABLE, text.getvalue().encode())


def verify(names: list[str]) -> None:
    """Train what is named, or what changed, two at a time; keep the rest."""
    rows = read_table()
    stale = [
        name
        for name, entry in CORPUS.items()
        if rows.get(name, {}).get("code") != entry.code
    ]
    os.environ["TF_NUM_INTRAOP_THREADS"] = "1"
    with processes.pool(2) as pool:
        jobs = [pool.submit(measure, name) for name in names or stale]
        for job in as_completed(jobs):
            row = job.result()
            rows[row["name"]] = row
            write_table(rows)
            print(*row.values(), flush=True)


def agrees(row: dict[str, str]) -> bool:
    """Whether the measured verdict is the label."""
    trained = int(row["trained"])
    return trained <= 1 if row["label"] == "broken" else trained >= SEEDS - 1
