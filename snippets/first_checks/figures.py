"""Measures and draws the chapter `first_checks`."""

from functools import partial
from typing import Any

import keras
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.datasets import load_digits

from snippets.dead_units.dead_units import dead_units
from snippets.first_checks.build import build
from snippets.first_checks.class_means import class_means
from snippets.first_checks.first_loss import first_loss
from snippets.first_checks.learning_rates import learning_rates
from snippets.first_checks.one_batch import one_batch
from snippets.first_checks.signal_factor import signal_factor
from snippets.saturation.saturated_share import saturated_share
from snippets.unstable_gradients.loss_curve import loss_curve

SEEDS = range(5)
UNIT = partial(keras.initializers.RandomNormal, 0.0, 1.0)
NARROW = partial(keras.initializers.RandomNormal, 0.0, 0.05)
GLOROT = keras.initializers.GlorotUniform
DEEP: dict[str, Any] = {"depth": 20, "rate": 0.02}
# what is trained: how it differs from build(), `scale` multiplies the inputs
NETWORKS: dict[str, dict[str, Any]] = {
    "sound": {},
    "pixels up to 255": {"scale": 255, "updates": 20},
    "N(0, 1)": {"initializer": UNIT, "updates": 20},
    "rate 10": {"rate": 10.0, "updates": 20},
    "ReLU, Glorot, 5 layers": {"initializer": GLOROT},
    "ReLU, Glorot, 20 layers": {"initializer": GLOROT} | DEEP,
    "ReLU, He, 20 layers": DEEP,
    "tanh, Glorot, 20 layers": {"activation": "tanh", "initializer": GLOROT}
    | DEEP,
    "tanh, N(0, 0.05²), 20 layers": {
        "activation": "tanh",
        "initializer": NARROW,
        "updates": 100,
    }
    | DEEP,
    "both": {"ending": "averaged"},
    "neither": {"from_logits": False},
    "tanh, N(0, 1)": {"activation": "tanh", "initializer": UNIT},
    "tanh, Glorot": {"activation": "tanh", "initializer": GLOROT},
}
RATES = 10.0 ** np.arange(-3, 1.1, 0.5)


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Return the 1,797 digits, divided by 16, and their labels."""
    x, y = load_digits(return_X_y=True)
    return (x / 16).astype("float32"), y


def measure_losses() -> dict[str, np.ndarray]:
    """Losses of 200 updates, batch 50, network → (5 seeds, updates)."""
    x, y = digits()
    ready: dict[tuple, keras.Sequential] = {}  # compiled once a shape
    measured = {}
    for name, changes in NETWORKS.items():
        changes = {**changes}
        scale, updates = changes.pop("scale", 1), changes.pop("updates", 200)
        shape = (*map(changes.get, ("activation", "depth", "ending")),
                 changes.get("from_logits"))  # fmt: skip
        if shape not in ready:
            ready[shape] = build(**changes)
        model = ready[shape]
        model.optimizer.learning_rate = changes.get("rate", 0.1)
        runs = []
        for seed in SEEDS:
            model.set_weights(build(**changes, seed=seed).get_weights())
            runs.append(loss_curve(model, scale * x, y, updates, seed=seed))
        measured[name] = np.array(runs)
    return measured


def measure_probes() -> dict[str, Any]:
    """What the page's probes say, five seeds; the sound network first."""
    x, y = digits()
    scaled = {"sound": x, "pixels up to 255": 255 * x}
    rows: dict[str, list] = {}

    def note(name: str, value: Any) -> None:
        rows.setdefault(name, []).append(value)

    zeros = [0 * value for value in build().get_weights()]
    model = build()
    for seed in SEEDS:
        sound = build(seed=seed).get_weights()
        model.set_weights(sound)
        for name, inputs in scaled.items():
            note(f"first loss, {name}", first_loss(model, inputs, y)[0])
        note("one batch, sound", one_batch(model, x[:50], y[:50]))
        shuffled = np.random.default_rng(seed).permutation(y)
        by_heart = one_batch(model, x[:50], shuffled[:50], updates=200)
        note("one batch, shuffled", by_heart)
        note("class means, sound", class_means(x, y)[0])
        note("class means, shuffled", class_means(x, shuffled)[0])
        model.set_weights([*zeros[:-2], *sound[-2:]])
        note("one batch, zeros", one_batch(model, x[:50], y[:50]))
        for name in ("N(0, 1)", "ReLU, Glorot, 20 layers",
                     "ReLU, He, 20 layers", "tanh, Glorot, 20 layers",
                     "tanh, N(0, 0.05²), 20 layers"):  # fmt: skip
            changes = {**NETWORKS[name]}
            changes.pop("updates", None)
            note(
                f"factor, {name}",
                signal_factor(build(**changes, seed=seed), x),
            )
        for name in ("tanh, N(0, 1)", "tanh, Glorot"):
            network = build(**NETWORKS[name], seed=seed)
            h = keras.Sequential(network.layers[:-1])(x)
            note(f"pinned, {name}", saturated_share(h.numpy(), low=-1.0))
        dead = dead_units(build(seed=seed), x).values()
        note("dead, sound", np.mean([units.mean() for units in dead]))
    return {name: np.array(values) for name, values in rows.items()}


def measure_rates() -> dict[str, np.ndarray]:
    """Loss after 100 updates by learning rate, (5 seeds, rates)."""
    x, y = digits()
    model = build()
    runs = []
    for seed in SEEDS:
        model.set_weights(build(seed=seed).get_weights())
        runs.append(learning_rates(model, x, y, RATES))
    return {"rates": RATES, "losses": np.array(runs)}


# title, broken, mended
PANELS = (
    ("first loss far above ln 10", "pixels up to 255", "sound"),
    ("NaN after some updates", "rate 10", "sound"),
    ("stays at ln 10", "ReLU, Glorot, 20 layers", "ReLU, He, 20 layers"),
    ("cannot pass 1.46", "both", "sound"),
    ("never gets near ln 10", "neither", "sound"),
    ("pinned to the ends", "tanh, N(0, 1)", "tanh, Glorot"),
)


def _draw(ax: Axes, runs: np.ndarray, color: str, label: str) -> None:
    smooth = np.array([np.convolve(r, np.ones(10) / 10, "valid") for r in runs])
    smooth = smooth[:, ::10]  # each update once
    at = 10 + 10 * np.arange(smooth.shape[1])
    ax.plot(at, np.median(smooth, 0), color=color, label=label)
    ax.fill_between(
        at, smooth.min(0), smooth.max(0), color=color, alpha=0.2, lw=0
    )


def plot_symptoms(losses: dict[str, np.ndarray]) -> Figure:
    """Draw six faults and their mends, as the loss shows them."""
    figure, axes = plt.subplots(2, 3, sharex=True, sharey=True)
    figure.set_figheight(4.2)
    for ax, (title, broken, mended) in zip(axes.flat, PANELS, strict=True):
        _draw(ax, losses[mended], "muted", "_")
        runs = losses[broken]
        ends = np.flatnonzero(~np.isfinite(runs).all(0))
        if len(ends):
            at = ends[0]
            ax.plot(range(at), np.median(runs[:, :at], 0), color="wide", lw=2.5)
            ax.text(at + 4, 30, f"NaN from\nupdate {at + 1}", color="wide")
        else:
            _draw(ax, runs, "wide", "_")
        ax.axhline(np.log(10), color="axis", lw=0.75, zorder=1)
        ax.set_yscale("log")
        ax.set_ylim(0.05, 1e3)
        ax.set_yticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"])
        ax.minorticks_off()
        ax.set_xlim(0, 200)
        ax.set_xticks([0, 100, 200])
        ax.set_title(title, color="ink")
    axes[0, 0].text(196, 0.75, "mended", ha="right")
    axes[0, 2].text(196, 3.2, "broken", ha="right", color="wide")
    axes[0, 0].set_ylabel("loss")
    axes[1, 0].set_xlabel("update")
    return figure


def plot_rates(rates: dict[str, np.ndarray]) -> Figure:
    """Draw the loss after 100 updates against the learning rate."""
    figure, ax = plt.subplots()
    at, losses = rates["rates"], rates["losses"]
    finite = np.isfinite(losses).all(0)
    ax.set_xscale("log")
    ax.plot(
        at[finite], np.median(losses[:, finite], 0), color="he", marker="o",
        ms=4,
    )  # fmt: skip
    ax.fill_between(
        at[finite], losses[:, finite].min(0), losses[:, finite].max(0),
        color="he", alpha=0.2, lw=0,
    )  # fmt: skip
    ax.axhline(np.log(10), color="axis", lw=0.75, zorder=1)
    ax.text(at[0], np.log(10) + 0.06, "ln 10", va="bottom")
    lost = at[~finite]
    ax.axvspan(lost[0] / 10**0.25, 20, color="wide", alpha=0.12, lw=0)
    ax.text(lost[0] / 1.5, 1.2, "NaN, or never\nbelow ln 10", color="wide")
    ax.set_ylim(0, 2.8)
    ax.set_xlim(at[0] / 1.3, 20)
    ax.minorticks_off()
    ax.set_xlabel("learning rate")
    ax.set_ylabel("loss after 100 updates")
    return figure
