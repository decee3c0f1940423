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
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from time import monotonic
from typing import Any

from sitegen import isolation
from sitegen.store import write_whole
from snippets.atlas.verdicts import (
    KIND,
    Run,
    best_rate,
    by_kind,
    by_rate,
    mostly_diverge,
    read_runs,
)
from studies import processes
from studies.atlas.grid import (
    CRITICAL,
    LADDER,
    SEEDS,
    Cell,
    grid,
    headlines,
)
from studies.unchanged import ROOT, code_hash

ENGINE = (
    "snippets/atlas/batched_runs.py",
    "studies/atlas/cell.py",
    "studies/atlas/data.py",
)
BIASES = (*ENGINE, "studies/atlas/biases.py")
# What the tests of the sweep test, besides.
SWEEP = (
    "snippets/atlas/verdicts.py",
    "studies/processes.py",
    "studies/atlas/grid.py",
    "studies/atlas/sweep.py",
    "studies/atlas/__main__.py",
    "tests/studies/test_sweep.py",
)
LIBRARIES = ("tensorflow", "keras", "numpy", "scikit-learn", "mnist1d")
DONE = ROOT / ".cache" / "atlas"
TABLE = ROOT / "snippets" / "atlas" / "results.csv.gz"
OTHERS = TABLE.with_name("other_seeds.csv.gz")
ABOUT = TABLE.with_name("results.json")
CHANCE = 2.3026  # ln 10: the loss of a network that has learned nothing
DIGITS = 5  # significant ones of a number in the table
CELLS_A_PROCESS = 20
CONNECT = "20s"  # to wait for a scheduler


class SweepError(Exception):
    """The sweep cannot go on; says why and what to do."""


@cache
def engine_hash(biased: bool = False) -> str:
    """Hash the code that a run's result comes from."""
    return code_hash(BIASES if biased else ENGINE)


def _made_by(cell: Cell) -> str:
    return engine_hash(cell.initializer == CRITICAL)


def versions() -> dict[str, str]:
    """Return the versions that a result may depend on."""
    return {name: version(name) for name in LIBRARIES}


def circumstances() -> dict[str, str]:
    """Return when, on what and with what something is computed."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        **versions(),
    }


def file_of(cell: Cell) -> Path:
    """Return where a finished cell lies."""
    what = json.dumps([_made_by(cell), asdict(cell)])
    return DONE / (hashlib.sha256(what.encode()).hexdigest()[:24] + ".json")


def keep(cell: Cell, rows: list[Run], seconds: float) -> None:
    """Write a finished cell, whole or not at all."""
    about = {"engine": _made_by(cell), **circumstances()}
    done = {"cell": asdict(cell), "rows": rows, "seconds": seconds}
    write_whole(file_of(cell), json.dumps(done | {"about": about}).encode())


@cache
def _table(path: Path) -> dict[tuple, list[Run]]:
    """Return a table's committed rows by kind: those of the code as it is."""
    if not path.exists() or not ABOUT.exists():
        return {}
    about = json.loads(ABOUT.read_text("utf-8"))
    if about["engine"] != engine_hash():
        return {}
    kinds = by_kind(read_runs(path))
    if about.get("biases") == engine_hash(biased=True):
        return kinds
    return {k: rows for k, rows in kinds.items() if k[-1] != CRITICAL}


def _known(cell: Cell) -> list[Run]:
    """Return what the tables have of a cell's kind."""
    kind = tuple(getattr(cell, name) for name in KIND)
    return list(_table(OTHERS if cell.others else TABLE).get(kind, []))


def finished(cell: Cell) -> list[Run] | None:
    """Return a finished cell's rows, or `None`: from its file or the table."""
    try:
        done = json.loads(file_of(cell).read_text("utf-8"))
    except FileNotFoundError:
        rows = [run for run in _known(cell) if run["rate"] in cell.rates]
        return rows if {run["rate"] for run in rows} == {*cell.rates} else None
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

    What the table has of other rates comes first. Ends with the first part
    that is not finished, or where no other rate is worth a try.
    """
    if cell.others:
        yield cell, finished(cell)
        return
    known = [run for run in _known(cell) if run["rate"] not in cell.rates]
    if known:
        yield replace(cell, rates=tuple(sorted(by_rate(known)))), known
    rates = cell.rates
    while rates:
        part = replace(cell, rates=rates)
        rows = finished(part)
        yield part, rows
        if rows is None:
            return
        known += rows
        rates = rates_beyond(known)


def rates_beyond(rows: list[Run]) -> tuple[float, ...]:
    """Return which rates are to be tried besides those of the rows.

    Two beyond the best rate, if that is the highest or the lowest one. Where
    nothing learns at any rate, the best one means nothing: then two higher
    ones, as long as most runs at the highest stay finite; and all lower
    ones, if most diverge at the lowest.
    """
    at = by_rate(rows)
    lowest, highest = min(at), max(at)
    lower = LADDER[: LADDER.index(lowest)]
    higher = LADDER[LADDER.index(highest) + 1 :]
    if any(
        run["loss"] is not None and run["loss"] < CHANCE - 0.1 for run in rows
    ):
        best = best_rate(rows)
        if best == highest:
            return higher[:2]
        return lower[-2:] if best == lowest else ()
    if not mostly_diverge(at[highest]):
        return higher[:2]
    return lower if mostly_diverge(at[lowest]) else ()


def missing_part(cell: Cell) -> Cell | None:
    """Return what of a cell is to be run next."""
    return next((part for part, rows in parts(cell) if rows is None), None)


def run_here(cells: list[Cell], done: Callable[[], None]) -> None:
    """Run what is missing of each cell, one after the other.

    In a process of its own, and after `CELLS_A_PROCESS` in a new one: what
    TensorFlow has compiled, it keeps.
    """
    with processes.pool(1, CELLS_A_PROCESS) as process:
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
    if part.initializer == CRITICAL:
        from studies.atlas.biases import run_cell
    else:
        from studies.atlas.cell import run_cell

    begun = monotonic()
    rows = run_cell(part, 2 * SEEDS if part.others else SEEDS)
    if part.others:
        rows = [row for row in rows if row["seed"] >= SEEDS]
    return rows, monotonic() - begun


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
            *(ROOT / "studies").glob("*.py"),
            *(ROOT / "sitegen").glob("*.py"),
            *(ROOT / "snippets" / "atlas").glob("*.py"),
        ):
            packed.write(source, source.relative_to(ROOT))
    return target


def others() -> list[Cell]:
    """Return the cells of a headline, for seeds that chose no rate.

    Each has one rate: the best one for the seeds of the table.
    """
    runs = by_kind(read_runs(TABLE)) if TABLE.exists() else {}
    return [
        replace(cell, rates=(best_rate(runs[kind]),), others=True)
        for cell in headlines()
        if (kind := tuple(getattr(cell, name) for name in KIND)) in runs
    ]


def collect(cells: list[Cell]) -> tuple[int, int]:
    """Write the tables of all finished rows; returns cells, and rows.

    The date, the machine and the hours are those of the cells' own files;
    where the table was the source, what it said before stays.
    """
    before = json.loads(ABOUT.read_text("utf-8")) if _table(TABLE) else {}
    whole, rows, new = _finished_of(cells)
    if not rows:
        raise SweepError("no cell is finished: run `make atlas` first")
    _write_table(TABLE, rows)
    judged, other_rows, more = _finished_of(others())
    new += more
    if other_rows:
        _write_table(OTHERS, other_rows)
    dated: list[dict[str, Any]] = [it["about"] for it in new]
    latest = max(dated, key=lambda about: str(about["date"]), default={})
    hours = sum(it["seconds"] for it in new) / 3600
    about = before | latest | {
        "engine": engine_hash(),
        "biases": engine_hash(biased=True),
        "sweep": code_hash(SWEEP),
        "grid": grid_hash(cells),
        "cells": whole,
        "of": len(cells),
        "runs": len(rows),
        "hours": round(before.get("hours", 0) + hours, 2),
        "judged on other seeds": judged,
    }  # fmt: skip
    write_whole(ABOUT, (json.dumps(about, indent=1) + "\n").encode())
    _table.cache_clear()
    return whole, len(rows)


def _finished_of(
    cells: list[Cell],
) -> tuple[int, list[Run], list[dict[str, Any]]]:
    """Return how many are whole, all rows, the files new to the tables."""
    whole, rows, new = 0, [], []
    for cell in cells:
        rates = {run["rate"] for run in _known(cell)}
        runs: list[Run] = []
        for part, some in parts(cell):
            runs += some or []
            if some and not rates >= {*part.rates}:
                new.append(json.loads(file_of(part).read_text("utf-8")))
        # In one order, whether they came from the table or from files.
        rows += sorted(runs, key=lambda run: (run["rate"], run["seed"]))
        whole += some is not None
    return whole, rows, new


def _write_table(path: Path, rows: list[Run]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_whole(path, gzip.compress(text.getvalue().encode(), mtime=0))


def grid_hash(cells: list[Cell] | None = None) -> str:
    """Hash the grid that the table is to cover."""
    what = json.dumps([asdict(cell) for cell in sorted(cells or grid())])
    return hashlib.sha256(what.encode()).hexdigest()[:16]
