"""Measures and draws the chapter `saturation`."""

from functools import partial
from typing import Any

import keras
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from snippets.initialization.layer_moments import layer_moments
from snippets.saturation.saturated_share import saturated_share
from snippets.saturation.sigmoid_layers import pre_activations

UNIT = partial(keras.initializers.RandomNormal, 0.0, 1.0)
GLOROT = keras.initializers.GlorotUniform
SEEDS, DEPTH = 5, 10
DOTS = (0, (1.2, 1.6))
SHOWN = (1, 5, 10)


def sigmoid(z: np.ndarray) -> np.ndarray:
    """Return 1/(1 + e⁻ᶻ)."""
    return np.asarray(keras.activations.sigmoid(z))


def measure_ends() -> dict[str, np.ndarray]:
    """The sigmoid and its slope, by Keras and by the formula."""
    z = np.linspace(-8, 8, 161)
    h = sigmoid(z)
    return {"z": z, "h": h, "slope": np.gradient(h, z)}


def measure_layers() -> dict[str, Any]:
    """Per layer: spread of z, saturated share, mean and histogram of h."""
    bins = np.linspace(0, 1, 41)
    measured: dict[str, Any] = {"bins": bins}
    for name, activation, initializer, width in [
        ("N(0, 1), 64 units", "sigmoid", UNIT, 64),
        ("N(0, 1), 100 units", "sigmoid", UNIT, 100),
        ("N(0, 1), 300 units", "sigmoid", UNIT, 300),
        ("Glorot, 300 units", "sigmoid", GLOROT, 300),
        ("tanh, N(0, 1)", "tanh", UNIT, 300),
        ("tanh, Glorot", "tanh", GLOROT, 300),
    ]:
        rows: dict[str, list] = {k: [] for k in ("std", "share", "mean")}
        heights = []
        low = -1.0 if activation == "tanh" else 0.0
        for seed in range(SEEDS):
            z = pre_activations(activation, initializer, width, seed=seed)
            h = np.tanh(z) if activation == "tanh" else sigmoid(z)
            rows["std"].append(z.std((1, 2)))
            rows["share"].append([saturated_share(layer, low) for layer in h])
            rows["mean"].append(h.mean((1, 2)))
            heights.append([np.histogram(layer, bins)[0] for layer in h])
        measured[name] = {k: np.array(v) for k, v in rows.items()}
        measured[name]["histogram"] = np.mean(heights, 0) / heights[0][0].sum()
        measured[name]["variance"] = float(h.var((1, 2)).max())
    return measured


def measure_growth() -> dict[str, np.ndarray]:
    """Size of the gradient in sigmoid layers: network → (20, layers)."""
    measured = {}
    for width in (64, 100, 300):
        _, gradient = layer_moments("sigmoid", UNIT, 20, width, draws=20)
        measured[f"N(0, 1), {width} units"] = np.sqrt(gradient)
    _, gradient = layer_moments("sigmoid", GLOROT, 20, 300, draws=20)
    measured["Glorot, 300 units"] = np.sqrt(gradient)
    return measured


def plot_ends(ends: dict[str, np.ndarray]) -> Figure:
    """Draw the sigmoid and its slope, saturated ends shaded."""
    figure, axes = plt.subplots(1, 2, sharex=True)
    limit = np.log(99)  # where σ(z) = 0.99
    for ax, what, top in zip(axes, ("h", "slope"), (1.0, 0.25), strict=True):
        for side in (-1, 1):
            ax.axvspan(side * limit, side * 8, color="wide", alpha=0.12, lw=0)
        ax.plot(ends["z"], ends[what], color="ink", linewidth=2.5)
        ax.set_ylim(0, top * 1.04)
        ax.set_xlim(-8, 8)
        ax.set_xticks([-8, -4, 0, 4, 8])
        ax.set_yticks([0, top / 2, top], ["0", f"{top / 2:g}", f"{top:g}"])
    axes[0].set_ylabel("sigmoid(z)")
    axes[1].set_title("slope of the sigmoid")
    axes[0].set_xlabel("pre-activation z")
    axes[0].text(6.3, 0.5, "saturated", rotation=90, ha="center", va="center")
    return figure


def plot_histograms(layers: dict[str, Any]) -> Figure:
    """Draw what sigmoid layers put out, for two initializers."""
    figure, axes = plt.subplots(2, 3, sharex=True)
    rows = [("N(0, 1), 300 units", "wide"), ("Glorot, 300 units", "glorot")]
    for row, (name, color) in zip(axes, rows, strict=True):
        for ax, layer in zip(row, SHOWN, strict=True):
            heights = layers[name]["histogram"][layer - 1]
            ax.stairs(
                heights, layers["bins"], fill=True, color=color, alpha=0.28
            )
            ax.stairs(heights, layers["bins"], color=color, lw=1.25)
            share = layers[name]["share"][:, layer - 1].mean()
            drawn = name.removesuffix(", 300 units")
            ax.set_title(f"{drawn}: layer {layer}", color=color)
            ax.text(
                0.5, 0.92, f"{share:.0%} saturated", transform=ax.transAxes,
                ha="center", va="top",
            )  # fmt: skip
            ax.set_ylim(0, 1.3 * heights.max())
            ax.set_yticks([])
            ax.grid(visible=False)
    axes[1, 0].set_xlabel("output")
    return figure


def plot_spread(layers: dict[str, Any]) -> Figure:
    """Draw the spread of the pre-activations, layer by layer."""
    figure, ax = plt.subplots()
    at = np.arange(1, DEPTH + 1)
    for name in [n for n in layers if n.endswith("units")]:
        color = "glorot" if name.startswith("Glorot") else "wide"
        std = layers[name]["std"]
        ax.plot(at, np.median(std, 0), color=color, linestyle=DOTS, label=name)
        ax.fill_between(
            at, std.min(0), std.max(0), color=color, alpha=0.2, lw=0
        )
    ax.set_ylim(0, 20)
    ax.set_xlim(1, DEPTH)
    ax.set_xticks([1, 4, 7, 10])
    ax.set_yticks([0, 5, 10, 15, 20])
    ax.set_xlabel("layer")
    ax.set_ylabel("standard deviation of the pre-activations")
    return figure


def plot_growth(growth: dict[str, np.ndarray]) -> Figure:
    """Draw the gradient on its way back through sigmoid layers."""
    figure, ax = plt.subplots()
    ax.set_yscale("log")
    ax.set_ylim(1e-8, 1e4)
    ax.set_yticks([1e-8, 1e-4, 1, 1e4])
    for name, size in growth.items():
        color = "glorot" if name.startswith("Glorot") else "wide"
        at = np.arange(size.shape[1])
        ax.plot(at, np.median(size, 0), color=color, linestyle=DOTS, label=name)
        ax.fill_between(
            at, size.min(0), size.max(0), color=color, alpha=0.2, lw=0
        )
    ax.set_xlim(0, 20)
    ax.set_xticks([0, 5, 10, 15, 20])
    ax.invert_xaxis()
    ax.set_xlabel("layer, from the output back")
    ax.set_ylabel("size of the gradient (root mean square)")
    return figure
