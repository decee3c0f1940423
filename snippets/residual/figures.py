"""Measures and draws the chapter `residual`."""

import json
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from snippets.residual.residual_stack import residual_stack

BLOCKS = 30
FOLDER = Path(__file__).parent


def measure_stacks() -> dict[str, dict[str, np.ndarray]]:
    """Kind → sizes of trunk ("signal") and gradient, (10 draws, 31) each."""
    kinds: dict[str, dict[str, Any]] = {
        "unscaled": {},
        "1/√L": {"scale": BLOCKS**-0.5},
        "last kernel zero": {"scale": 0.0},
        "pre-norm": {"norm": "pre"},
        "post-norm": {"norm": "post"},
    }
    measured = {}
    for name, options in kinds.items():
        signal, gradient = residual_stack(blocks=BLOCKS, **options)
        measured[name] = {"signal": signal, "gradient": gradient}
    return measured


def measure_trained() -> dict[str, dict[str, np.ndarray]]:
    """What the training of each network came to; see the study."""
    table = json.loads((FOLDER / "trained.json").read_text("utf-8"))
    return {
        name: {key: np.array(value) for key, value in of.items()}
        for name, of in table["outcomes"].items()
    }


def measure_reached() -> dict[str, Any]:
    """The table of updates to 90 %, by kind and rate."""
    trained = measure_trained()
    rows = []
    for name, of in trained.items():
        pairs = zip(of["reached"], of["nan"], strict=True)
        rows.append([name, *(_said(*pair) for pair in pairs)])
    rates = next(iter(trained.values()))["rates"]
    return {"head": ["", *(f"rate {rate:g}" for rate in rates)], "rows": rows}


def _said(reached: np.ndarray, nan: np.ndarray) -> str:
    """Return when the seeds reached 90 %, and in how many came NaN."""
    did = reached[(reached > 0) & (nan == 0)]
    words = []
    if len(did):
        when = f"{did.min()}–{did.max()}" if np.ptp(did) else f"{did.min()}"
        few = f" ({len(did)} of {len(reached)})" if len(did) < 5 else ""
        words.append(when + few)
    if nan.any():
        words.append(f"NaN in {np.sum(nan > 0)}")
    return ", ".join(words) or "none"


def plot_trunk(stacks: dict[str, dict[str, np.ndarray]]) -> Figure:
    """Draw the size of the trunk, block by block."""
    figure, ax = plt.subplots()
    ax.set_yscale("log")
    ax.set_ylim(0.5, 1e8)
    ax.set_yticks([1, 1e2, 1e4, 1e6, 1e8])
    ax.set_xlim(0, BLOCKS)
    blocks = np.arange(BLOCKS + 1)
    for name, of in stacks.items():
        if name == "last kernel zero":
            continue  # it is 1, as post-norm is
        signal = of["signal"]
        ax.plot(blocks, np.median(signal, 0), color="he", label=name)
        ax.fill_between(
            blocks, signal.min(0), signal.max(0), color="he", alpha=0.2, lw=0
        )
    ax.set_xlabel("block")
    ax.set_ylabel("size of the trunk")
    return figure
