"""`make calibration`: diagnose the atlas's networks, write the table."""

import csv
import gzip
import io
import json
import math
from itertools import count
from typing import Any

import keras
import numpy as np
from rich.progress import track

from snippets.atlas.figures import MAIN
from snippets.atlas.verdicts import KIND, by_kind, read_runs, verdict
from snippets.diagnosis.diagnose import diagnose
from studies.atlas import cell, sweep
from studies.atlas.data import split
from studies.atlas.grid import MAIN_PAIRS, Cell, grid
from studies.calibration import published

TABLE = sweep.ROOT / "snippets" / "diagnosis" / "calibration.csv.gz"
DONE = sweep.ROOT / ".cache" / "calibration"
CODE = (
    "snippets/diagnosis/diagnose.py",
    "studies/calibration/published.py",
    *sweep.ENGINE,
)
SEED = 0
EXAMPLES = 128


def network(of: Cell) -> keras.Sequential:
    """Build one network of the atlas as its reader would write it."""
    keras.backend.clear_session()
    kernels = cell.first_kernels(of, SEED)
    model = keras.Sequential([keras.Input((len(kernels[0]),))])
    for kernel in kernels[:-1]:
        named = None if of.activation == "prelu" else of.activation
        model.add(keras.layers.Dense(kernel.shape[1], named))
        if named is None:
            model.add(keras.layers.PReLU())
    model.add(keras.layers.Dense(cell.CLASSES))
    dense = [it for it in model.layers if hasattr(it, "kernel")]
    for layer, kernel in zip(dense, kernels, strict=True):
        layer.kernel.assign(kernel)
    return model


def numbers(of: Cell, rate: float) -> dict[str, Any]:
    """Diagnose a network at a rate: the numbers, and the codes found."""
    x, y = (part[:EXAMPLES] for part in split(of.data, SEED)[:2])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    report = diagnose(network(of), x, y, loss, rate)
    told = report.summary

    def most(column: str) -> float:
        return max((row.get(column) or 0.0 for row in report.rows), default=0.0)

    expected = told.get("expected_loss", math.nan)
    after = told["loss_after"]
    return {
        "gradient": told.get("gradient_ratio", math.nan),
        "signal": told.get("signal_ratio", math.nan),
        "cosine": told.get("cosine", math.nan),
        "dead": most("dead beyond random"),
        "saturated": most("saturated"),
        "first_loss": told["loss"] / expected,
        "step_loss": (math.nan if after is None else after) / told["loss"],
        "step_change": told.get("change", math.nan),
        "found": " ".join(
            sorted({f.code.replace(" ", "_") for f in report.findings})
        ),
    }


def restated(of: Cell, rate: float) -> dict[str, str]:
    """Return what each published tool finds, its words as one string."""

    def batches() -> Any:
        for epoch in count():
            x, y = cell.batches(of.data, np.array([SEED]), epoch)
            yield from zip(x[:, 0], y[:, 0], strict=True)

    seen = published.watch(network(of), batches(), rate)
    said = {
        "autotrainer": published.autotrainer(seen),
        "deeplocalize": published.deeplocalize(seen),
        "deepchecker": published.deepchecker(seen, of.activation),
    }
    return {
        name: " ".join(word.replace(" ", "_") for word in words)
        for name, words in said.items()
    }


def wanted() -> list[tuple[Cell, float, bool]]:
    """Return each network with a rate, and whether that is its best one.

    All kinds trained by plain SGD at their best rate; the main pairs at the
    other rates too.
    """
    runs = by_kind(read_runs(sweep.TABLE))
    found = []
    for of in grid():
        kind = tuple(getattr(of, name) for name in KIND)
        if kind[:3] != MAIN or kind not in runs:
            continue
        judged = verdict(runs[kind])
        found.append((of, judged.rate, True))
        if (of.activation, of.initializer) in MAIN_PAIRS:
            others = [rate for rate in judged.tried if rate != judged.rate]
            found += [(of, rate, False) for rate in others]
    return found


def run() -> None:
    """Diagnose what is missing, a file for each network; write the table.

    What other code has found, is not used.
    """
    done = DONE / sweep.code_hash(CODE)
    done.mkdir(parents=True, exist_ok=True)
    rows = []
    for of, rate, best in track(wanted(), "networks"):
        kind = {name: getattr(of, name) for name in KIND}
        name = "-".join(str(v) for v in (*kind.values(), f"{rate:g}", best))
        file = done / f"{name}.json"
        if not file.exists():
            row = kind | {"rate": rate, "best": int(best)} | numbers(of, rate)
            if best:
                row |= restated(of, rate)
            sweep.write(file, json.dumps(row).encode())
        rows.append(json.loads(file.read_text("utf-8")))
    text = io.StringIO()
    names = max((list(row) for row in rows), key=len)
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {
            name: f"{value:.4g}" if isinstance(value, float) else value
            for name, value in row.items()
        }
        for row in rows
    )
    sweep.write(TABLE, gzip.compress(text.getvalue().encode(), mtime=0))
    print(f"{len(rows)} diagnoses")


if __name__ == "__main__":
    run()
