"""`python -m studies.losses`: train the pairs of the chapter `losses`.

Some minutes. Writes `snippets/losses/trained.json`: for each pair the loss
of each epoch and the score, from five seeds, and the loss of a network
that sees only zeros.
"""

import json

import numpy as np
from rich.progress import track

from sitegen.store import write_whole
from studies.losses.pairs import FAULTS, FITS, XS, Pair, train
from studies.unchanged import ROOT, code_hash

TABLE = ROOT / "snippets" / "losses" / "trained.json"
CODE = ("studies/losses/pairs.py",)
PAIRS = {**FITS, **FAULTS}


def outcome(pair: Pair) -> dict[str, list]:
    """Train one pair; `blind` is the last loss without any inputs."""
    curves, scores = train(pair, XS[pair.x])
    blind, _ = train(pair, np.zeros_like(XS[pair.x]), seeds=1)
    return {
        "losses": [[_short(loss) for loss in run] for run in curves.tolist()],
        "scores": [_short(score) for score in scores],
        "blind": [_short(blind[0, -1])],
    }


def _short(value: float) -> float | None:
    return float(f"{value:.4g}") if np.isfinite(value) else None


def main() -> None:
    """Train all pairs and write the table, whole or not at all."""
    pairs = {name: outcome(PAIRS[name]) for name in track(PAIRS, "pairs")}
    table = {"code": code_hash(CODE), "pairs": pairs}
    write_whole(TABLE, (json.dumps(table) + "\n").encode())


if __name__ == "__main__":
    main()
