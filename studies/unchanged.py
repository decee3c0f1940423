"""What of a study can have changed since its results were written.

The command that computes results writes the hash of its code beside them.
Where the hash is still the same, the tests compute a few results again, others
at each commit, and all of them weekly.
"""

import hashlib
import os
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from sitegen import keys

ROOT = Path(__file__).parents[1]
WEEKLY = os.environ.get("WEEKLY", "0") not in ("", "0")
Thing = TypeVar("Thing")


def code_hash(names: Iterable[str]) -> str:
    """Hash some files of the project; not their comments."""
    found = hashlib.sha256()
    for name in names:
        found.update(keys.code(ROOT / name).encode())
    return found.hexdigest()[:16]


def commit() -> str:
    """Return the hash of the last commit; zeros where there is none."""
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout.strip() or "0" * 40


def chosen(things: Sequence[Thing], by: str | None = None) -> Thing:
    """Return one of the things, by the hash of the last commit."""
    return things[int(by or commit(), 16) % len(things)]


def share(things: Iterable[Thing], of: int) -> list[Thing]:
    """Return each `of`-th of the things, others at the next commit."""
    found = list(things)
    return found[chosen(range(of)) :: of]
