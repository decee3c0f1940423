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
# colour, initializer
DRAWN: dict[str, tuple[str, Any]] = {
    "N(0, 1)": ("wide", UNIT),
    "He": ("he", keras.initializers.HeNormal),
    "LeCun": ("lecun", keras.initializers.LecunNormal),
    "Glorot": ("glorot", GLOROT),
    "N(0, 0.01²)": (
        "narrow",
        partial(keras.initializers.RandomNormal, 0.0, 0.01),
    ),
}
WIDTHS = (64, 100, 300)
SEEDS, DEPTH = 5, 10
DOTS = (0, (1.2, 1.6))
SHOWN = (1, 2, 5, 10)


def sigmoid(z: np.ndarray) -> np.ndarray:
    """Return 1/(1 + e⁻ᶻ)."""
    return np.asarray(keras.activations.sigmoid(z))


def measure_ends() -> dict[str, np.ndarray]:
    """The sigmoid and its slope, by Keras and by the formula."""
    z = np.linspace(-8, 8, 161)
    h = sigmoid(z)
    return {"z": z, "h": h, "slope": np.gradient(h, z)}


def measure_layers() -> dict[str, Any]:
    """Per layer: spread of z, saturated share and mean of h.

    Histograms: of the layers `SHOWN`. "off ½": the largest distance of an
    output from ½, layer 1 left out.
    """
    bins = np.linspace(0, 1, 21)
    measured: dict[str, Any] = {"bins": bins}
    for name, activation, initializer, width in [
        *(
            (f"{drawn}, {width} units", "sigmoid", initializer, width)
            for drawn, (_, initializer) in DRAWN.items()
            for width in WIDTHS
        ),
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
            drawn = h[np.subtract(SHOWN, 1)]
            heights.append([np.histogram(layer, bins)[0] for layer in drawn])
        measured[name] = {k: np.array(v) for k, v in rows.items()}
        measured[name]["histogram"] = np.mean(heights, 0) / heights[0][0].sum()
        measured[name]["variance"] = float(h.var((1, 2)).max())
        measured[name]["off ½"] = float(np.abs(h[1:] - 0.5).max())
    return measured


def measure_growth() -> dict[str, np.ndarray]:
    """Size of the gradient in sigmoid layers: network → (20, layers)."""
    measured = {}
    for width in WIDTHS:
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
    """Draw what sigmoid layers put out, by initializer and width."""
    figure, axes = plt.subplots(len(WIDTHS), len(DRAWN), sharex=True)
    figure.set_figheight(5.2)
    for row, width in zip(axes, WIDTHS, strict=True):
        for ax, (drawn, (color, _)) in zip(row, DRAWN.items(), strict=True):
            network = layers[f"{drawn}, {width} units"]
            for at, layer in enumerate(SHOWN):
                heights = network["histogram"][at]
                ax.stairs(
                    0.8 * heights / heights.max() - at, layers["bins"],
                    baseline=-at, fill=True, facecolor=(color, 0.28),
                    edgecolor=color, linewidth=1,
                )  # fmt: skip
                share = network["share"][:, layer - 1].mean()
                ax.text(1.06, -at, f"{share:.0%}", fontsize=8)
            ax.set_title(f"{drawn}, {width}", color=color)
            ax.set_ylim(0.9 - len(SHOWN), 1)
            ax.set_yticks([])
            ax.set_xlim(-0.02, 1.5)
            ax.set_xticks([0, 0.5, 1], ["0", "½", "1"])
            ax.grid(visible=False)
    axes[-1, 0].set_xlabel("output")
    return figure


def plot_spread(layers: dict[str, Any]) -> Figure:
    """Draw the spread of the pre-activations, layer by layer."""
    figure, ax = plt.subplots()
    at = np.arange(1, DEPTH + 1)
    shown = [f"N(0, 1), {w} units" for w in WIDTHS] + ["Glorot, 300 units"]
    for name in shown:
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
