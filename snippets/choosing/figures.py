"""Measures the page `choosing`: reads what its study and the atlas trained."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from snippets.atlas import figures as atlas
from snippets.atlas.verdicts import QUICK, Run, by_kind, by_rate, read_runs

FOLDER = Path(__file__).parent
# The page's table, its note on PReLU, and Keras's default.
ADVISED = {"sigmoid": "glorot", **atlas.ADVISED, "prelu": "own"}
KINDS = ("plain", "batch norm", "layer norm", "1/√L", "pre-norm")
Trained = dict[tuple[str, str, int], dict[str, Any]]


def measure_built() -> Trained:
    """Kind, activation, layers → "rates" and "reached", (rates, seeds).

    Updates of Adam until 90 % of the digits are right, 0 where they are not
    within 300. The plain networks are the atlas's, at the study's rates.
    """
    table = json.loads((FOLDER / "trained.json").read_text("utf-8"))
    runs = by_kind(read_runs(atlas.TABLE))
    found: Trained = {}
    for name, of in table["outcomes"].items():
        kind, activation, layers = name.split(", ")
        depth = int(layers.split()[0])
        of = {key: np.array(value) for key, value in of.items()}
        found[kind, activation, depth] = of
        plain = ("digits", "adam", 100, depth, activation, ADVISED[activation])
        if plain in runs:
            at = by_rate(runs[plain])
            found["plain", activation, depth] = {
                "rates": of["rates"],
                "reached": np.array(
                    [[_within(run) for run in at[r]] for r in of["rates"]]
                ),
            }
    return found


def _within(run: Run) -> int:
    updates = run["updates"] or 0
    return updates if updates <= QUICK else 0


def soonest(of: dict[str, Any]) -> tuple[int, int, float]:
    """Return how many seeds get there, in how many updates, at which rate.

    The rate is that of most seeds, then of the fewest updates of the last.
    """
    seeds, updates, rate = min(
        (-np.sum(reached > 0), reached.max(), rate)
        for reached, rate in zip(of["reached"], of["rates"], strict=True)
    )
    return -int(seeds), int(updates), float(rate)
