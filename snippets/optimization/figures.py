"""Measures and draws the chapter `optimization`."""

import json
from pathlib import Path
from typing import Any

import keras
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from snippets.atlas import figures as atlas
from snippets.optimization.range_test import smoothed
from snippets.side_by_side import SideBySide
from snippets.unstable_gradients.deep_classifier import deep_classifier
from snippets.unstable_gradients.figures import digits

FOLDER = Path(__file__).parent
SEEDS, LOWEST, HIGHEST, UPDATES = 20, 1e-4, 3.0, 100
# name: activation, initializer, colour
PAIRS = {
    "tanh, Glorot": ("tanh", "glorot", "glorot"),
    "SELU, LeCun": ("selu", "lecun", "lecun"),
    "ReLU, He": ("relu", "he", "he"),
}
DASH: dict[str, Any] = {
    "tanh, Glorot": (0, (5, 2)),
    "SELU, LeCun": (0, (5, 2, 1.2, 2)),
    "ReLU, He": "-",
}
# The stalls of this guide: activation, initializer, layers.
STALLS = {
    "10 of sigmoid, Glorot": ("sigmoid", "glorot", 10),
    "30 of ReLU, Glorot": ("relu", "glorot", 30),
    "50 of ReLU, Glorot": ("relu", "glorot", 50),
    "30 of ReLU, He": ("relu", "he", 30),
    "50 of ReLU, He": ("relu", "he", 50),
    "30 of GELU, He": ("gelu", "he", 30),
    "30 of SiLU, He": ("silu", "he", 30),
    "50 of tanh, Glorot": ("tanh", "glorot", 50),
}


def measure_rates() -> dict[str, np.ndarray]:
    """The best rate of plain SGD in the atlas, by `atlas.DEPTHS`."""
    kinds = atlas.measure_kinds()
    return {
        name: np.array(
            [kinds[*atlas.MAIN, depth, activation, initializer]["rate"]
             for depth in atlas.DEPTHS]
        )
        for name, (activation, initializer, _) in PAIRS.items()
    }  # fmt: skip


def measure_remedies() -> dict[str, Any]:
    """The table: a stall by the optimizer, at the best rates of the atlas."""
    kinds = atlas.measure_kinds()
    rows = [
        [name, *(_said(kinds[*_setting(optimizer), depth, activation, kernel])
                 for optimizer in atlas.OPTIMIZERS)]
        for name, (activation, kernel, depth) in STALLS.items()
    ]  # fmt: skip
    return {"head": ["Layers", *atlas.OPTIMIZERS.values()], "rows": rows}


def _setting(optimizer: str) -> tuple[str, str, int]:
    return "digits", optimizer, 100


def _said(it: dict[str, Any]) -> str:
    """Return in how many updates, or in how many seeds, at which rate."""
    if not it["trained"]:
        return "none"
    when = f"{it['fastest']}–{it['slowest']} at {it['rate']:g}"
    few = f"{it['trained']} of {it['seeds']}: "
    return when if it["trained"] == it["seeds"] else few + when


def measure_trained() -> dict[str, dict[str, np.ndarray]]:
    """What the training of each network came to; see the study."""
    table = json.loads((FOLDER / "trained.json").read_text("utf-8"))
    return {
        name: {key: np.array(value) for key, value in of.items()}
        for name, of in table["outcomes"].items()
    }


def measure_finder() -> dict[str, np.ndarray]:
    """Losses of a range test: layers of ReLU, He → (20 seeds, 100 rates)."""
    x, y = digits()
    found = {}
    for depth in (10, 30):
        models = [
            deep_classifier("relu", keras.initializers.HeNormal, depth, seed=s)
            for s in range(SEEDS)
        ]
        schedule = keras.optimizers.schedules.ExponentialDecay(
            LOWEST, UPDATES - 1, HIGHEST / LOWEST
        )
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        models[0].compile(keras.optimizers.SGD(schedule), loss)
        starts = [model.get_weights() for model in models]
        losses = SideBySide(models[0]).train(starts, x, y, UPDATES)
        found[f"{depth} layers"] = np.array([smoothed(run) for run in losses])
    return found


def rates_tried() -> np.ndarray:
    """Return the rates of the range test."""
    return np.geomspace(LOWEST, HIGHEST, UPDATES)


def plot_rates(rates: dict[str, np.ndarray]) -> Figure:
    """Draw the best rate against the depth."""
    figure, ax = plt.subplots()
    for name, best in rates.items():
        ax.plot(
            atlas.DEPTHS,
            best,
            "o",
            ls=DASH[name],
            color=PAIRS[name][2],
            label=name,
        )
    ax.set(xscale="log", yscale="log")
    ax.set_xticks(atlas.DEPTHS, [str(depth) for depth in atlas.DEPTHS])
    ax.set_xticks([], minor=True)
    ax.set_ylim(1e-3, 2)
    ax.set_xlabel("layers")
    ax.set_ylabel("best rate")
    return figure


def plot_finder(finder: dict[str, np.ndarray]) -> Figure:
    """Draw the losses of the range tests."""
    figure, ax = plt.subplots()
    for (name, losses), width in zip(finder.items(), (2.5, 1.5), strict=True):
        ax.plot(
            rates_tried(),
            np.median(losses, 0),
            color="he",
            lw=width,
            label=name,
        )
        ax.fill_between(
            rates_tried(),
            losses.min(0),
            losses.max(0),
            color="he",
            alpha=0.2,
            lw=0,
        )
    ax.set_xscale("log")
    ax.set_xlim(LOWEST, HIGHEST)
    ax.set_ylim(1.9, 3.1)
    ax.set_yticks([2, 2.5, 3])
    ax.set_xlabel("rate")
    ax.set_ylabel("loss, mean of ten")
    return figure
