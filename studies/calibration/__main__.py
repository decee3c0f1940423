"""`make calibration`: diagnose the atlas's networks, write the table."""

import csv
import gzip
import io
import json
from typing import Any

from rich.progress import track

from sitegen.store import write_whole
from snippets.atlas.figures import INITIALIZERS, MAIN
from snippets.atlas.verdicts import KIND, by_kind, read_runs, verdict
from studies.atlas import sweep
from studies.atlas.grid import MAIN_PAIRS, Cell, grid
from studies.calibration.rows import numbers, restated
from studies.unchanged import ROOT, code_hash

TABLE = ROOT / "snippets" / "diagnosis" / "calibration.csv.gz"
ABOUT = TABLE.with_name("calibration.json")
DONE = ROOT / ".cache" / "calibration"
CODE = (
    "snippets/diagnosis/diagnose.py",
    "studies/calibration/published.py",
    "studies/calibration/rows.py",
    *sweep.ENGINE,
)


def row_of(of: Cell, rate: float, best: bool) -> dict[str, Any]:
    """Diagnose a network at a rate; the other tools see its best one."""
    kind = {name: getattr(of, name) for name in KIND}
    row = kind | {"rate": rate, "best": int(best)} | numbers(of, rate)
    return row | restated(of, rate) if best else row


def rounded(row: dict[str, Any]) -> dict[str, Any]:
    """Return the row as the table has it."""
    return {
        name: f"{value:.4g}" if isinstance(value, float) else value
        for name, value in row.items()
    }


def wanted() -> list[tuple[Cell, float, bool]]:
    """Return each network with a rate, and whether that is its best one.

    All kinds trained by plain SGD at their best rate, those that diverge at
    every rate at the lowest one of the grid; the main pairs at the other
    rates too.
    """
    runs = by_kind(read_runs(sweep.TABLE))
    found = []
    for of in grid():
        kind = tuple(getattr(of, name) for name in KIND)
        if kind[:3] != MAIN or kind[5] not in INITIALIZERS:
            continue
        judged = verdict(runs[kind])
        rate = min(of.rates) if judged.word == "diverges" else judged.rate
        found.append((of, rate, True))
        if (of.activation, of.initializer) in MAIN_PAIRS:
            others = [other for other in judged.tried if other != rate]
            found += [(of, other, False) for other in others]
    return found


def known() -> dict[tuple, dict[str, str]]:
    """Return the rows of the table as text, if this code made them."""
    if not ABOUT.exists() or _about()["code"] != code_hash(CODE):
        return {}
    with gzip.open(TABLE, "rt", encoding="utf-8", newline="") as file:
        return {_place(row): row for row in csv.DictReader(file)}


def _about() -> dict[str, Any]:
    return dict(json.loads(ABOUT.read_text("utf-8")))


def _place(row: dict[str, Any]) -> tuple:
    """Return what a row is of, as text."""
    kind = (str(row[name]) for name in KIND)
    return (*kind, f"{float(row['rate']):g}", str(row["best"]))


def run() -> None:
    """Diagnose what is missing, a file for each network; write the table.

    What other code has found, is not used.
    """
    code, table = code_hash(CODE), known()
    rows = []
    for of, rate, best in track(wanted(), "networks"):
        kind = {name: getattr(of, name) for name in KIND}
        place = _place(kind | {"rate": rate, "best": int(best)})
        file = DONE / code / ("-".join(place) + ".json")
        if place in table:
            rows.append(table[place])
            continue
        if not file.exists():
            row = row_of(of, rate, best)
            write_whole(file, json.dumps(row).encode())
        rows.append(rounded(json.loads(file.read_text("utf-8"))))
    text = io.StringIO()
    names = max((list(row) for row in rows), key=len)
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_whole(TABLE, gzip.compress(text.getvalue().encode(), mtime=0))
    about = {
        "code": code,
        **sweep.circumstances(),
        "diagnoses": len(rows),
        "rekeyed": _about()["rekeyed"] if table else [],
    }
    write_whole(ABOUT, (json.dumps(about, indent=1) + "\n").encode())
    print(f"{len(rows)} diagnoses")


if __name__ == "__main__":
    run()
