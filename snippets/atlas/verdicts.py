"""Read the atlas's table of runs and say what trains, at which rates."""

import csv
import gzip
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

KIND = ("data", "optimizer", "width", "depth", "activation", "initializer")
WORDS = KIND[:2] + KIND[4:]
QUICK = 300  # updates: ten epochs
COUNTS = ("width", "depth", "seed", "epochs", "updates", "diverged")
Run = dict[str, Any]


class Verdict(NamedTuple):
    """What five seeds at each learning rate say about one kind of network.

    A seed trains when 90 % of its training set is right within 1,200
    updates. `word` is "trains": at the best rate all seeds do so, within 300
    updates; "slow": all do; "uncertain": some do; "diverges": none does, and
    at every rate most runs end in infinity or NaN; "does not": none does.
    """

    word: str
    rate: float  # the best one
    trained: int  # seeds that train at the best rate
    seeds: int
    updates: float | None  # their median at the best rate, if all train
    fastest: int | None
    slowest: int | None
    validation: float  # median of the best accuracies at the best rate
    working: tuple[float, ...]  # the rates at which all seeds train
    tried: tuple[float, ...]

    @property
    def open(self) -> bool:
        """Whether rates beyond those tried may work as well."""
        ends = {self.tried[0], self.tried[-1]}
        return bool(ends & {*self.working})


def read_runs(path: str | Path) -> list[Run]:
    """Return the rows of the table; an empty field is `None`."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [
        {name: _value(name, text) for name, text in row.items()} for row in rows
    ]


def _value(name: str, text: str) -> str | int | float | None:
    if name in WORDS:
        return text
    if not text:
        return None
    return int(text) if name in COUNTS else float(text)


def by_kind(runs: list[Run]) -> dict[tuple, list[Run]]:
    """Return the runs of each kind of network, at all its rates."""
    found: dict[tuple, list[Run]] = {}
    for run in runs:
        found.setdefault(tuple(run[name] for name in KIND), []).append(run)
    return found


def by_rate(runs: list[Run]) -> dict[float, list[Run]]:
    """Return the runs at each rate, lowest first."""
    rates = sorted({run["rate"] for run in runs})
    return {
        rate: [run for run in runs if run["rate"] == rate] for rate in rates
    }


def mostly_diverge(runs: list[Run]) -> bool:
    """Say whether more than half of the runs end in infinity or NaN."""
    return sum(run["diverged"] is not None for run in runs) > len(runs) / 2


def best_rate(runs: list[Run]) -> float:
    """Return the rate: most seeds, then fewest updates, then lowest loss."""
    at = by_rate(runs)

    def order(rate: float) -> tuple[int, float, float]:
        never = float("inf")
        return (
            -sum(run["updates"] is not None for run in at[rate]),
            median(run["updates"] or never for run in at[rate]),
            median(
                never if run["diverged"] is not None else run["loss"]
                for run in at[rate]
            ),
        )

    return min(at, key=order)


def verdict(runs: list[Run]) -> Verdict:
    """Judge the runs of one kind of network."""
    at = by_rate(runs)
    best = best_rate(runs)
    updates = [run["updates"] for run in at[best] if run["updates"]]
    seeds = len(at[best])
    if len(updates) == seeds:
        word = "trains" if max(updates) <= QUICK else "slow"
    elif updates:
        word = "uncertain"
    elif all(map(mostly_diverge, at.values())):
        word = "diverges"
    else:
        word = "does not"
    return Verdict(
        word,
        best,
        len(updates),
        seeds,
        median(updates) if len(updates) == seeds else None,
        min(updates, default=None),
        max(updates, default=None),
        median(run["validation"] for run in at[best]),
        tuple(r for r in at if all(run["updates"] for run in at[r])),
        tuple(at),
    )
