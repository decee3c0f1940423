"""Run what is missing of the grid, here or on a Dask cluster.

A finished cell is a file of its own, renamed into place: the sweep can be
stopped at any moment and goes on where it was.
"""

import ast
import hashlib
import json
import os
import platform
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from atlas.grid import Cell, grid, rates_beyond

ROOT = Path(__file__).parents[1]
ENGINE = (
    "snippets/atlas/batched_runs.py", "atlas/cell.py", "atlas/data.py",
)  # fmt: skip
DONE = ROOT / ".cache" / "atlas"
TABLE = ROOT / "snippets" / "atlas" / "results.csv.gz"
ABOUT = TABLE.with_name("results.json")
LIBRARIES = ("tensorflow", "keras", "numpy", "scikit-learn", "mnist1d")
Row = dict[str, Any]


def engine_hash() -> str:
    """Hash the code that a run's result comes from; not its comments."""
    found = hashlib.sha256()
    for name in ENGINE:
        tree = ast.parse((ROOT / name).read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(
                node, ast.Module | ast.FunctionDef | ast.ClassDef
            ) and ast.get_docstring(node):
                node.body = node.body[1:] or [ast.Pass()]
        found.update(ast.dump(tree).encode())
    return found.hexdigest()[:16]


def file_of(cell: Cell) -> Path:
    """Return where a finished cell lies."""
    what = json.dumps([engine_hash(), asdict(cell)])
    return DONE / (hashlib.sha256(what.encode()).hexdigest()[:24] + ".json")


def finished(cell: Cell) -> dict[str, Any] | None:
    """Return what a finished cell holds, or `None`."""
    try:
        return json.loads(file_of(cell).read_text("utf-8"))  # type: ignore[no-any-return]
    except FileNotFoundError:
        return None


def keep(cell: Cell, rows: list[Row], seconds: float) -> None:
    """Write a finished cell, whole or not at all."""
    DONE.mkdir(parents=True, exist_ok=True)
    target = file_of(cell)
    part = target.with_suffix(f".{os.getpid()}")
    part.write_text(
        json.dumps(
            {"cell": asdict(cell), "rows": rows, "seconds": seconds}
            | {"about": about()}
        ),
        "utf-8",
    )
    part.replace(target)


def about() -> dict[str, str]:
    """Return what a result depends on besides its code."""
    return {
        "engine": engine_hash(),
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        **{name: version(name) for name in LIBRARIES},
    }


def best_rate(rows: list[Row]) -> float:
    """Return the rate that trains most seeds, then soonest, then furthest."""
    by_rate: dict[float, list[Row]] = {}
    for row in rows:
        by_rate.setdefault(row["rate"], []).append(row)

    def order(rate: float) -> tuple[int, float, float]:
        runs = by_rate[rate]
        never, infinite = 10**6, float("inf")
        return (
            -sum(run["updates"] is not None for run in runs),
            median(run["updates"] or never for run in runs),
            median(
                infinite if run["diverged"] is not None else run["loss"]
                for run in runs
            ),
        )

    return min(by_rate, key=order)


def missing() -> Iterator[Cell]:
    """Yield the cells to run next: the grid's, then the extensions'."""
    extensions: list[Cell] = []
    for cell in grid():
        done = finished(cell)
        if done is None:
            yield cell
            done = finished(cell)
        if done is not None:
            extensions.append(cell)
    for cell in extensions:
        yield from _extension(cell)


def _extension(cell: Cell) -> Iterator[Cell]:
    rows: list[Row] = []
    tried: tuple[float, ...] = ()
    rates = cell.rates
    while rates:
        part = Cell(**(asdict(cell) | {"rates": rates}))
        if finished(part) is None:
            yield part
        done = finished(part)
        if done is None:  # stopped, or somebody else is at it
            return
        rows += done["rows"]
        tried += rates
        rates = rates_beyond(tried, best_rate(rows))
