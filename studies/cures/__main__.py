"""`python -m studies.cures SLUG`: train what a page on a cure shows.

Some minutes; `choosing` half an hour. Writes `snippets/<slug>/trained.json`:
what came out, and the hash of the code that made it. Stopped, it goes on where
it was; with `--so-far` it trains nothing and writes what is finished.
"""

import hashlib
import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.progress import track

from sitegen import CACHE
from sitegen.store import write_whole
from studies.unchanged import ROOT, code_hash

TRAINING = "studies/cures/training.py"
# page → the code on which its table depends
CODE = {
    "normalization": ("studies/cures/normalization.py", TRAINING),
    "residual": (
        "studies/cures/residual.py",
        "studies/cures/normalization.py",
        TRAINING,
    ),
    "beyond_variance": ("studies/cures/beyond_variance.py", TRAINING),
    "optimization": (
        "studies/cures/optimization.py",
        "snippets/atlas/batched_runs.py",
        "studies/atlas/cell.py",
        "studies/atlas/data.py",
    ),
    "choosing": (
        "studies/cures/choosing.py",
        "snippets/atlas/batched_runs.py",
        "studies/atlas/cell.py",
        "studies/atlas/data.py",
    ),
}


def file_of(code: str, name: str) -> Path:
    """Return where a finished cell lies."""
    named = hashlib.sha256(name.encode()).hexdigest()[:16]
    return CACHE / "cures" / code / f"{named}.json"


def once(code: str, name: str, cell: Callable[[], Any]) -> Any:
    """Return what a cell comes to: from its file, if this code wrote one."""
    path = file_of(code, name)
    if not path.exists():
        write_whole(path, json.dumps(cell()).encode())
    return json.loads(path.read_text("utf-8"))


def main(slug: str, so_far: bool = False) -> None:
    """Train the cells of a page that are missing; write its table whole."""
    cells = importlib.import_module(f"studies.cures.{slug}").CELLS
    code = code_hash(CODE[slug])
    path = ROOT / "snippets" / slug / "trained.json"
    known = json.loads(path.read_text("utf-8")) if path.exists() else {}
    done = known["outcomes"] if so_far and known.get("code") == code else {}
    outcomes = {
        name: done.get(name) or once(code, name, cells[name])
        for name in track(cells, "networks")
        if not so_far or name in done or file_of(code, name).exists()
    }
    table = {"code": code, "outcomes": outcomes}
    text = json.dumps(table, indent=1)
    write_whole(path, (text + "\n").encode())


if __name__ == "__main__":
    slug, *options = sys.argv[1:] or [""]
    if slug not in CODE or options not in ([], ["--so-far"]):
        sys.exit(f"python -m studies.cures {'|'.join(CODE)} [--so-far]")
    main(slug, bool(options))
