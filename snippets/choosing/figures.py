"""Measures the page `choosing`: reads what its study and the atlas trained."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from snippets.atlas import figures as atlas
from snippets.atlas.verdicts import QUICK, Run, by_kind, by_rate, read_runs

FOLDER = Path(__file__).parent
DEPTH = 30
# The page's table, its note on PReLU, and Keras's default.
ADVISED = {**atlas.ADVISED, "prelu": "own", "sigmoid": "glorot"}
KINDS = ("plain", "batch norm", "layer norm", "pre-norm", "1/√L")


def measure_built() -> dict[tuple[str, str], dict[str, Any]]:
    """Kind, activation → "rates" and "reached", (rates, seeds).

    Updates of Adam until 90 % of the digits are right, 0 where they are not
    within 300. The plain networks are the atlas's.
    """
    table = json.loads((FOLDER / "trained.json").read_text("utf-8"))
    runs = by_kind(read_runs(atlas.TABLE))
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for activation, kernel in ADVISED.items():
        plain = by_rate(runs["digits", "adam", 100, DEPTH, activation, kernel])
        found["plain", activation] = {
            "rates": np.array([*plain]),
            "reached": np.array([[*map(_within, r)] for r in plain.values()]),
        }
    for name, of in table["outcomes"].items():
        kind, activation = name.split(", ")
        found[kind, activation] = {
            key: np.array(value) for key, value in of.items()
        }
    return found


def _within(run: Run) -> int:
    updates = run["updates"] or 0
    return updates if updates <= QUICK else 0


def fewest_updates(of: dict[str, Any]) -> tuple[int, int, float]:
    """Return how many seeds get there, in how many updates, at which rate.

    The rate is that of most seeds, then of the fewest updates of the last.
    """
    seeds, updates, rate = min(
        (-np.sum(reached > 0), reached.max(), rate)
        for reached, rate in zip(of["reached"], of["rates"], strict=True)
    )
    return -int(seeds), int(updates), float(rate)


def measure_people() -> dict[str, Any]:
    """The table: activation by kind of network, as text."""
    built = measure_built()
    return {
        "head": ["Activation", *KINDS],
        "rows": [
            [atlas.ACTIVATIONS[activation]]
            + [_said(built[kind, activation]) for kind in KINDS]
            for activation in ADVISED
        ],
    }


def _said(of: dict[str, Any]) -> str:
    seeds, updates, rate = fewest_updates(of)
    if not seeds:
        return "none"
    return f"{updates} at {rate:g}" if seeds == 5 else f"{seeds} of 5"
