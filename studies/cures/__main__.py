"""`python -m studies.cures SLUG`: train what a chapter on a cure shows.

Some minutes. Writes `snippets/<slug>/trained.json`: what came out, and the
hash of the code that made it.
"""

import importlib
import json
import sys

from rich.progress import track

from sitegen.store import write_whole
from studies.unchanged import ROOT, code_hash

# chapter → the code on which its table depends
CODE = {
    "normalization": (
        "studies/cures/normalization.py",
        "studies/cures/training.py",
    ),
    "residual": (
        "studies/cures/residual.py",
        "studies/cures/normalization.py",
        "studies/cures/training.py",
    ),
    "beyond_variance": (
        "studies/cures/beyond_variance.py",
        "studies/cures/training.py",
    ),
}


def main(slug: str) -> None:
    """Train all cells of a chapter; write its table, whole or not at all."""
    cells = importlib.import_module(f"studies.cures.{slug}").CELLS
    outcomes = {name: cells[name]() for name in track(cells, "networks")}
    table = {"code": code_hash(CODE[slug]), "outcomes": outcomes}
    text = json.dumps(table, indent=1)
    path = ROOT / "snippets" / slug / "trained.json"
    write_whole(path, (text + "\n").encode())


if __name__ == "__main__":
    if sys.argv[1:2] == [] or sys.argv[1] not in CODE:
        sys.exit(f"python -m studies.cures {'|'.join(CODE)}")
    main(sys.argv[1])
