"""Both tools on every network of `models.py`: what they say, and what it costs.

Each network has a process of its own: an epoch of training first, on a copy
that is thrown away, then the tools, so that each peak of memory stands beside
the one before it.
"""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

from studies.cases.models import MODELS

HEAD = (
    "network", "train s", "MB", "diagnose says", "s", "MB",
    "first_checks says", "s", "MB", "state",
)  # fmt: skip


def peak() -> int:
    """Return the most memory that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def state(model: Any) -> dict[int, bytes]:
    """Return all variables' values, the optimizer's and metrics' too."""
    import numpy as np

    optimizer = getattr(model, "optimizer", None)
    kept = [*model.variables, *getattr(optimizer, "variables", [])]
    kept += model.metrics_variables
    return {id(variable): np.asarray(variable).tobytes() for variable in kept}


def timed(call: Callable[[], Any]) -> tuple[Any, str, int]:
    """Return what a call returns, its seconds of processor, the peak."""
    began = time.process_time()
    returned = call()
    return returned, f"{time.process_time() - began:.1f}", peak()


def measure(name: str) -> list[Any]:
    """Ask both tools about a network, in this process; return its row."""
    from snippets.diagnosis.diagnose import diagnose
    from snippets.first_checks.first_checks import first_checks

    row: list[Any] = [name]
    other = MODELS[name]()
    _, *cost = timed(
        lambda: other.model.fit(other.x, other.y, verbose=0, **other.fit)
    )
    row += cost
    given = MODELS[name]()
    before = state(given.model)
    weight = given.fit.get("sample_weight")

    def look() -> str:
        try:
            report = diagnose(
                given.model, given.x, given.y, sample_weight=weight
            )
        except ValueError as error:
            return f"refuses: {str(error).splitlines()[0][:40]}"
        codes = [finding.code for finding in report.findings]
        return ", ".join(codes) or "nothing"

    def check() -> str:
        told = first_checks(given.model, given.x, given.y, **given.fit)
        skipped = [line.split()[1] for line in told.splitlines()
                   if line.startswith("unsure")]  # fmt: skip
        return told.splitlines()[0].removeprefix("Verdict: ") + (
            f"; unsure of {', '.join(skipped)}" if skipped else ""
        )

    for ask in (look, check):
        row += timed(ask)
    # What the first call builds, as a metric's sums, was not there before.
    now = state(given.model)
    same = all(now.get(key) == value for key, value in before.items())
    row.append("as before" if same else "CHANGED")
    return row


def table(names: Iterable[str] = ()) -> None:
    """Print the rows of what is named, or of all."""
    print("", *HEAD, "", sep=" | ", flush=True)
    print("|---" * len(HEAD) + "|")
    for name in names or MODELS:
        done = subprocess.run(
            [sys.executable, "-m", "studies.cases", "--", name],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        said = (done.stdout or done.stderr).splitlines() or ["nothing"]
        row = [name, f"CRASH: {said[-1]}"]
        if not done.returncode:
            row = json.loads(said[-1])
        print("", *row, "", sep=" | ", flush=True)
