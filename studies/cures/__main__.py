"""`python -m studies.cures SLUG`: train what a page on a cure shows.

Some minutes; `choosing` half an hour. Stopped, it goes on where it was. Writes
`snippets/<slug>/trained.json`: what came out, and the hash of the code that
made it.
"""

import hashlib
import importlib
import json
import sys
from collections.abc import Callable
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
        "studies/cures/normalization.py",
        TRAINING,
        "snippets/side_by_side.py",
        "snippets/unstable_gradients/deep_classifier.py",
    ),
    "choosing": (
        "studies/cures/choosing.py",
        "snippets/atlas/batched_runs.py",
        "studies/atlas/cell.py",
        "studies/atlas/data.py",
    ),
}


def once(code: str, name: str, cell: Callable[[], Any]) -> Any:
    """Return what a cell comes to: from its file, if this code wrote one."""
    named = hashlib.sha256(name.encode()).hexdigest()[:16]
    path = CACHE / "cures" / code / f"{named}.json"
    if not path.exists():
        write_whole(path, json.dumps(cell()).encode())
    return json.loads(path.read_text("utf-8"))


def main(slug: str) -> None:
    """Train all cells of a page; write its table, whole or not at all."""
    cells = importlib.import_module(f"studies.cures.{slug}").CELLS
    code = code_hash(CODE[slug])
    outcomes = {
        name: once(code, name, cells[name]) for name in track(cells, "networks")
    }
    table = {"code": code, "outcomes": outcomes}
    text = json.dumps(table, indent=1, ensure_ascii=False)
    path = ROOT / "snippets" / slug / "trained.json"
    write_whole(path, (text + "\n").encode())


if __name__ == "__main__":
    if sys.argv[1:2] == [] or sys.argv[1] not in CODE:
        sys.exit(f"python -m studies.cures {'|'.join(CODE)}")
    main(sys.argv[1])
