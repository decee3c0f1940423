"""Run what is missing of the grid, here or on a Dask cluster.

A finished cell is a file of its own, renamed into place: the sweep can be
stopped at any moment and goes on where it was. Nothing here imports
TensorFlow before a cell runs.
"""

import csv
import gzip
import hashlib
import io
import json
import os
import platform
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from time import monotonic
from typing import Any

from sitegen import isolation, keys
from snippets.atlas.verdicts import (
    KIND,
    Run,
    best_rate,
    by_kind,
    by_rate,
    read_runs,
)
from studies.atlas.grid import Cell, grid, rates_beyond

ROOT = Path(__file__).parents[2]
ENGINE = (
    "snippets/atlas/batched_runs.py",
    "studies/atlas/cell.py",
    "studies/atlas/data.py",
)
LIBRARIES = ("tensorflow", "keras", "numpy", "scikit-learn", "mnist1d")
DONE = ROOT / ".cache" / "atlas"
TABLE = ROOT / "snippets" / "atlas" / "results.csv.gz"
ABOUT = TABLE.with_name("results.json")
CHANCE = 2.3026  # ln 10: the loss of a network that has learned nothing
DIGITS = 5  # significant ones of a number in the table
CELLS_A_PROCESS = 20
CONNECT = "20s"  # to wait for a scheduler


class SweepError(Exception):
    """The sweep cannot go on; says why and what to do."""


@cache
def engine_hash() -> str:
    """Hash the code that a run's result comes from."""
    return code_hash(ENGINE)


def code_hash(names: Iterable[str]) -> str:
    """Hash some files of the project; not their comments."""
    found = hashlib.sha256()
    for name in names:
        found.update(keys.code(ROOT / name).encode())
    return found.hexdigest()[:16]


def versions() -> dict[str, str]:
    """Return the versions that a result may depend on."""
    return {name: version(name) for name in LIBRARIES}


def file_of(cell: Cell) -> Path:
    """Return where a finished cell lies."""
    what = json.dumps([engine_hash(), asdict(cell)])
    return DONE / (hashlib.sha256(what.encode()).hexdigest()[:24] + ".json")


def keep(cell: Cell, rows: list[Run], seconds: float) -> None:
    """Write a finished cell, whole or not at all."""
    DONE.mkdir(parents=True, exist_ok=True)
    about = {
        "engine": engine_hash(),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        **versions(),
    }
    done = {"cell": asdict(cell), "rows": rows, "seconds": seconds}
    write(file_of(cell), json.dumps(done | {"about": about}).encode())


@cache
def _table() -> dict[tuple, list[Run]]:
    """Return the committed rows by kind, if this engine made them."""
    if not TABLE.exists() or not ABOUT.exists():
        return {}
    if json.loads(ABOUT.read_text("utf-8"))["engine"] != engine_hash():
        return {}
    return by_kind(read_runs(TABLE))


def finished(cell: Cell) -> list[Run] | None:
    """Return a finished cell's rows, or `None`: from its file or the table."""
    try:
        done = json.loads(file_of(cell).read_text("utf-8"))
    except FileNotFoundError:
        kind = tuple(getattr(cell, name) for name in KIND)
        rows = [r for r in _table().get(kind, []) if r["rate"] in cell.rates]
        return rows if {r["rate"] for r in rows} == {*cell.rates} else None
    return [rounded(row) for row in done["rows"]]


def rounded(row: Run) -> Run:
    """Return the row as the table has it."""
    return {
        name: float(f"{value:.{DIGITS}g}")
        if isinstance(value, float)
        else value
        for name, value in row.items()
    }


def parts(cell: Cell) -> Iterator[tuple[Cell, list[Run] | None]]:
    """Yield a cell and the extensions of its rates, each with its rows.

    Ends with the first one that is not finished, or when the best rate is
    not at an edge of those tried.
    """
    known: list[Run] = []
    rates = cell.rates
    while rates:
        part = replace(cell, rates=rates)
        rows = finished(part)
        yield part, rows
        if rows is None:
            return
        known += rows
        tried = tuple({row["rate"] for row in known})
        rates = rates_beyond(tried, _promising(known))


def _promising(rows: list[Run]) -> float:
    """Return the rate next to which to look for a better one.

    Where nothing learns at any rate, the best of them means nothing: then
    it is the highest one, unless most of its runs diverge.
    """
    at = by_rate(rows)
    if any((run["loss"] or CHANCE) < CHANCE - 0.1 for run in rows):
        return best_rate(rows)
    top = at[max(at)]
    stable = sum(run["diverged"] is None for run in top) > len(top) / 2
    return max(at) if stable else sorted(at)[1]


def missing_part(cell: Cell) -> Cell | None:
    """Return what of a cell is to be run next."""
    return next((part for part, rows in parts(cell) if rows is None), None)


def run_here(cells: list[Cell], done: Callable[[], None]) -> None:
    """Run what is missing of each cell, one after the other.

    In a process of its own, and after `CELLS_A_PROCESS` in a new one: what
    TensorFlow has compiled, it keeps.
    """
    with ProcessPoolExecutor(
        max_workers=1,
        mp_context=get_context("spawn"),
        max_tasks_per_child=CELLS_A_PROCESS,
    ) as process:
        for cell in cells:
            while part := missing_part(cell):
                try:
                    rows, seconds = process.submit(timed, part).result()
                except BrokenProcessPool as error:
                    raise SweepError(
                        f"the process that ran {part} was killed: too little "
                        "memory? `make atlas` goes on from here"
                    ) from error
                keep(part, rows, seconds)
            done()


def timed(part: Cell) -> tuple[list[Run], float]:
    """Run one cell; returns its rows and the seconds that it took."""
    isolation.isolate()  # a worker elsewhere is not yet
    from studies.atlas.cell import run_cell

    begun = monotonic()
    return run_cell(part), monotonic() - begun


def remote(part: Cell, wanted: dict[str, str]) -> tuple[list[Run], float]:
    """Run one cell on a worker that has the wanted versions."""
    if versions() != wanted:
        other = {n: v for n, v in versions().items() if v != wanted[n]}
        raise SweepError(
            f"the worker on {platform.node()} has {other}, the table is made "
            f"with { {name: wanted[name] for name in other} }: install "
            "requirements.txt there"
        )
    return timed(part)


def run_on(scheduler: str, cells: list[Cell], done: Callable[[], None]) -> None:
    """Run what is missing on the workers of a Dask scheduler.

    The code travels with the work. A worker that dies costs the cells it
    had, which others run again; one with other versions ends the sweep.
    """
    from distributed import Client, as_completed

    with Client(scheduler, timeout=CONNECT) as client:
        with tempfile.TemporaryDirectory() as folder:
            client.upload_file(str(_packed(Path(folder))))
        waiting = {}

        def submit(cell: Cell) -> Any:
            part = missing_part(cell)
            if part is None:
                done()
                return None
            future = client.submit(remote, part, versions(), pure=False)
            waiting[future.key] = (cell, part)
            return future

        results = as_completed([f for f in map(submit, cells) if f])
        for future in results:
            rows, seconds = future.result()
            cell, part = waiting.pop(future.key)
            keep(part, rows, seconds)
            if following := submit(cell):
                results.add(following)


def _packed(folder: Path) -> Path:
    """Return a zip of the modules that a worker needs."""
    target = folder / "atlas_sweep.zip"
    with zipfile.ZipFile(target, "w") as packed:
        for source in (
            *(ROOT / "studies" / "atlas").glob("*.py"),
            ROOT / "snippets" / "__init__.py",
            ROOT / "studies" / "__init__.py",
            *(ROOT / "sitegen").glob("*.py"),
            *(ROOT / "snippets" / "atlas").glob("*.py"),
        ):
            packed.write(source, source.relative_to(ROOT))
    return target


def collect(cells: list[Cell]) -> tuple[int, int]:
    """Write the table of all finished rows; returns cells, and rows.

    The date, the machine and the hours are those of the cells' own files;
    where the table was the source, what it said before stays.
    """
    found = {cell: list(parts(cell)) for cell in cells}
    rows = [
        row for some in found.values() for _, part in some for row in part or ()
    ]
    whole = sum(some[-1][1] is not None for some in found.values())
    if not rows:
        raise SweepError("no cell is finished: run `make atlas` first")
    text = io.StringIO()
    names = list(rows[0])
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    packed = gzip.compress(text.getvalue().encode(), mtime=0)
    files = [file_of(part) for some in found.values() for part, _ in some]
    mine = [json.loads(it.read_text("utf-8")) for it in files if it.exists()]
    if mine:
        latest = max(mine, key=lambda it: str(it["about"]["date"]))["about"]
        hours = round(sum(it["seconds"] for it in mine) / 3600, 1)
        if _table():  # some may be known from there alone
            before = json.loads(ABOUT.read_text("utf-8"))["hours"]
            hours = max(hours, before)
        about = latest | {
            "grid": grid_hash(cells),
            "cells": whole,
            "of": len(cells),
            "runs": len(rows),
            "hours": hours,
        }
        write(ABOUT, (json.dumps(about, indent=1) + "\n").encode())
    write(TABLE, packed)
    return whole, len(rows)


def write(target: Path, content: bytes) -> None:
    """Write a file, whole or not at all."""
    part = target.with_suffix(f".{os.getpid()}")
    part.write_bytes(content)
    part.replace(target)


def grid_hash(cells: list[Cell] | None = None) -> str:
    """Hash the grid that the table is to cover."""
    what = json.dumps([asdict(cell) for cell in sorted(cells or grid())])
    return hashlib.sha256(what.encode()).hexdigest()[:16]
