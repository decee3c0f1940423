"""Measures and draws the chapter `not_a_number`."""

import json
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

TABLE = Path(__file__).with_name("trained.json")


def measure_trained() -> dict[str, dict[str, Any]]:
    """Of each fault: the update of the first NaN (0: none) in each seed.

    Broken and mended, the score when mended, and what the probe says.
    """
    faults = json.loads(TABLE.read_text("utf-8"))["outcomes"]
    return {
        name: {
            key: value if key == "said" else np.array(value)
            for key, value in of.items()
        }
        for name, of in faults.items()
    }


def measure_said() -> dict[str, Any]:
    """The table of what the probe says of each fault."""
    rows = [
        [name, *(of["said"].get(kind, "–") for kind in ("inf", "NaN"))]
        for name, of in measure_trained().items()
    ]
    return {"head": ["Fault", "First infinity", "First NaN"], "rows": rows}


def plot_first(trained: dict[str, Any]) -> Figure:
    """Draw at which update the first NaN is seen."""
    figure, ax = plt.subplots()
    for at, of in enumerate(trained.values()):
        ax.plot(
            of["first"], np.full(len(of["first"]), at), "o", color="wide", ms=6
        )
    ax.set_xscale("log")
    ax.set_xticks([1, 3, 10, 30, 100], ["1", "3", "10", "30", "100"])
    ax.minorticks_off()
    ax.set_ylim(len(trained) - 0.5, -0.5)
    ax.set_yticks(range(len(trained)), list(trained))
    ax.set_title("update of the first NaN", color="ink")
    ax.set_xlabel("update")
    return figure
