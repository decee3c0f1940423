"""Measures and draws the chapter `losses`."""

import json
from pathlib import Path
from typing import Any

import keras
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from snippets.losses.three_answers import three_answers
from studies.losses.pairs import FAULTS, FITS, XS, Pair, network

TABLE = Path(__file__).with_name("trained.json")
NO_LABELS = ("embeddings from triplets", "a variational autoencoder")
OWN_LOSSES = {
    "where_it_counts": "squares, peaks weigh more",
    "loss": "triplets, margin 1",
    "summed": "cross-entropy, summed over pixels, and KL divergence",
}
# fault → the heading of its panel
PANELS = {
    "one unit, categorical": "loss: exactly 0",
    "standardized targets": "loss in millions",
    "softmax over tags": "loss: rises",
    "(n,) against (n, 1)": "loss: the variance",
    "ReLU for negatives": "loss: falls to a floor",
    "cosine without minus": "loss: falls, wrongly",
}


def measure_answers() -> dict[str, dict[str, float]]:
    """What each pair's loss says of right, no and wrong answers, untrained."""
    return {
        name: three_answers(network(pair, 0), XS[pair.x], pair.y)
        for name, pair in {**FITS, **FAULTS}.items()
        if pair.x != "triples"
    }


def measure_trained() -> dict[str, dict[str, Any]]:
    """Each pair's losses (seeds, epochs), scores (seeds,) and blind loss."""
    pairs = json.loads(TABLE.read_text("utf-8"))["pairs"]
    return {
        name: {key: np.array(value, float) for key, value in of.items()}
        for name, of in pairs.items()
    }


def _cells(pair: Pair) -> list[str]:
    """Say a pair in words: last layer, loss, labels."""
    last = pair.last()[-1]
    units = getattr(last, "units", "…")
    activation = last.activation.__name__
    ending = "" if activation == "linear" else f', "{activation}"'
    loss = pair.loss
    if isinstance(loss, keras.losses.Loss):
        logits = getattr(loss, "from_logits", False)
        loss = f"{type(loss).__name__} ({'from_logits=True' * logits})"
    elif callable(loss):
        loss = OWN_LOSSES[loss.__name__]
    shape = ", ".join(["n", *map(str, pair.y.shape[1:])])
    kind = "class numbers" if pair.y.dtype.kind == "i" else _values(pair.y)
    comma = "," if pair.y.ndim == 1 else ""
    return [
        f"{type(last).__name__}({units}{ending})",
        loss,
        f"({shape}{comma}) {kind}",
    ]


def _values(y: np.ndarray) -> str:
    if set(np.unique(y)) <= {0, 1}:
        return "0 or 1" if y.any() else "not used"
    if y.min() < 0:
        return "numbers"
    return "counts" if np.all(y == y.astype(int)) else "0 to 1"


def measure_fits() -> dict[str, Any]:
    """The table of pairs that fit, a row for each task."""
    answers, trained = measure_answers(), measure_trained()
    rows = []
    for task, pair in FITS.items():
        known = answers.get(task) if task not in NO_LABELS else None
        blind = float(trained[task]["blind"][0])
        nothing = known["nothing"] if known else blind
        rows.append([task, *_cells(pair), f"{nothing:.2f}"])
    head = ["Task", "Last layer", "Loss", "Labels", "Knowing nothing costs"]
    return {"head": head, "rows": rows}


def plot_faults(trained: dict[str, Any]) -> Figure:
    """Draw six faults, as their loss shows them."""
    figure, axes = plt.subplots(2, 3, sharex=True)
    figure.set_figheight(4.2)
    for ax, (name, title) in zip(axes.flat, PANELS.items(), strict=True):
        runs = trained[name]["losses"] / (1e6 if "million" in title else 1)
        epochs = np.arange(1, runs.shape[1] + 1)
        ax.plot(epochs, np.median(runs, 0), color="wide", lw=2.5)
        low, high = runs.min(0), runs.max(0)
        if np.any(low < high):
            ax.fill_between(epochs, low, high, color="wide", alpha=0.2, lw=0)
        ax.set_title(title, color="ink")
        ax.set_xlim(1, epochs[-1])
        ax.set_xticks([1, 10, 20, 30])
    axes[0, 0].set_ylim(-0.05, 1)
    axes[1, 0].set_ylim(0, 1.2)
    axes[1, 1].set_ylim(0, 1.2)
    axes[0, 0].set_ylabel("loss")
    axes[1, 0].set_xlabel("epoch")
    return figure
