"""A row of the calibration: a pure function from a network and its rate."""

import math
from itertools import count
from typing import Any

import keras
import numpy as np

from snippets.diagnosis.diagnose import diagnose
from studies.atlas import cell
from studies.atlas.data import split
from studies.atlas.grid import Cell
from studies.calibration import published

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
        "seen": " ".join(
            sorted({f.code.replace(" ", "_") for f in report.seen})
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
