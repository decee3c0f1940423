"""Measures and draws the chapter `evaluation`."""

import json
import re
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

TABLE = Path(__file__).with_name("trained.json")


def measure_trained() -> dict[str, dict[str, dict[str, Any]]]:
    """Of each fault, broken and mended, what five seeds show.

    `fit` is the accuracy that `fit` says of its last epoch, `evaluate` that
    of the rows that are asked about; `modes` the losses that the probe
    measures, `why` what it says.
    """
    faults = json.loads(TABLE.read_text("utf-8"))["outcomes"]
    return {
        name: {
            kind: {
                key: np.array(value) if key in ("fit", "evaluate") else value
                for key, value in runs.items()
            }
            for kind, runs in of.items()
        }
        for name, of in faults.items()
    }


def measure_said() -> dict[str, Any]:
    """The table of what the probe sees and says of each fault, in seed 0."""
    ways = ("evaluate", "again", "fit", "refreshed")
    rows = [
        [
            name,
            *(f"{of['broken']['modes'][0][way]:.2f}" for way in ways),
            re.sub(r"_\d+$", "", of["broken"]["why"][0]),  # of its session
        ]
        for name, of in measure_trained().items()
    ]
    head = ["Fault", *ways, "What it says"]
    return {"head": head, "rows": rows}


def plot_apart(trained: dict[str, Any]) -> Figure:
    """Draw what `fit` says, and what `evaluate` says, broken and mended."""
    figure, ax = plt.subplots()
    for at, of in enumerate(trained.values()):
        for kind, way, marker, color in (
            ("mended", "evaluate", "s", "he"),
            ("broken", "fit", "^", "other"),
            ("broken", "evaluate", "o", "wide"),
        ):
            scores = of[kind][way]
            row = np.full(len(scores), at)
            ax.plot(scores, row, marker, color=color, ms=6)
    ax.set_xlim(0, 1.03)
    ax.set_xticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])
    ax.set_ylim(len(trained) - 0.5, -0.5)
    names = [name.partition(",")[0] for name in trained]
    ax.set_yticks(range(len(trained)), names)
    ax.set_title("triangle: fit, round: evaluate, square: mended", color="ink")
    ax.set_xlabel("accuracy")
    return figure
