"""Measures and draws the chapter `unstable_gradients`."""

from functools import partial
from typing import Any

import keras
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.datasets import load_digits

from snippets.unstable_gradients.deep_classifier import deep_classifier
from snippets.unstable_gradients.first_not_finite import first_not_finite
from snippets.unstable_gradients.gradient_norms import gradient_norms
from snippets.unstable_gradients.loss_curve import loss_curve

DEPTH = 30
DASH: dict[str, Any] = {"relu": "-", "tanh": (0, (5, 2))}
# name: activation, colour, initializer
NETWORKS: dict[str, tuple[str, str, Any]] = {
    "ReLU, N(0, 0.2²)": (
        "relu",
        "wide",
        partial(keras.initializers.RandomNormal, 0.0, 0.2),
    ),
    "ReLU, He": ("relu", "he", keras.initializers.HeNormal),
    "tanh, Glorot": ("tanh", "glorot", keras.initializers.GlorotUniform),
    "ReLU, Glorot": ("relu", "glorot", keras.initializers.GlorotUniform),
}


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Return the 1,797 digits, divided by 16, and their labels."""
    x, y = load_digits(return_X_y=True)
    return (x / 16).astype("float32"), y


def measure_norms() -> dict[str, Any]:
    """Norms and inner products, network → what → (10 seeds, layers)."""
    x, y = digits()
    measured = {}
    for name, (activation, _, initializer) in NETWORKS.items():
        runs = [
            gradient_norms(
                deep_classifier(activation, initializer, DEPTH, seed=seed),
                x[:256],
                y[:256],
            )
            for seed in range(10)
        ]
        what = ("by output", "by kernel", "inner")
        measured[name] = {
            which: np.array([run[at] for run in runs])
            for at, which in enumerate(what)
        }
    return measured


def measure_first_infinity() -> list[str]:
    """Name the first layer that overflows with N(0, 1), ten seeds."""
    unit = partial(keras.initializers.RandomNormal, 0.0, 1.0)
    x, _ = digits()
    return [
        first_not_finite(deep_classifier("relu", unit, 60, seed=seed), x[:256])
        for seed in range(10)
    ]


def measure_losses() -> dict[str, Any]:
    """Losses of 300 updates, SGD, learning rate 0.02, batch 50, five seeds.

    Network → (5, 300); not a number from the first update that overflows.
    """
    x, y = digits()
    measured = {}
    for name, (activation, _, initializer) in NETWORKS.items():
        model = deep_classifier(activation, initializer, DEPTH)
        model.compile(
            keras.optimizers.SGD(0.02),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
        runs = []
        for seed in range(5):  # one compiled model, five times its weights
            fresh = deep_classifier(activation, initializer, DEPTH, seed=seed)
            model.set_weights(fresh.get_weights())
            runs.append(loss_curve(model, x, y, updates=300, seed=seed))
        measured[name] = np.array(runs)
    return measured


def _draw(ax: Axes, name: str, x: Any, values: Any, label: str) -> None:
    activation, color, _ = NETWORKS[name]
    ax.plot(
        x,
        np.median(values, axis=0),
        color=color,
        linestyle=DASH[activation],
        label=label,
    )
    ax.fill_between(
        x, values.min(0), values.max(0), color=color, alpha=0.2, lw=0
    )


def plot_two_gradients(norms: dict[str, Any]) -> Figure:
    """Draw both gradients, from the output back to the input."""
    figure, axes = plt.subplots(1, 2, sharey=True)
    titles = ("activation gradients", "kernel gradients")
    for ax, which, title in zip(
        axes, ("by output", "by kernel"), titles, strict=True
    ):
        ax.set_yscale("log")
        ax.set_ylim(10**-7, 10**5.5)
        ax.set_yticks([1e-6, 1e-3, 1, 1e3])
        for name in NETWORKS:
            values = norms[name][which][:, :DEPTH]  # without the head
            _draw(ax, name, np.arange(1, DEPTH + 1), values, name)
        ax.set_xlim(1, DEPTH)
        ax.set_xticks([1, 10, 20, 30])
        ax.invert_xaxis()
        ax.set_title(f"norm of the {title}")
    axes[0].set_xlabel("layer, from the output back")
    return figure


def plot_losses(losses: dict[str, Any]) -> Figure:
    """Draw the loss as the reader sees it, averaged over 20 updates."""
    figure, ax = plt.subplots()
    for name, runs in losses.items():
        if not np.isfinite(runs).all():
            continue  # no line to draw: the caption says so
        smooth = [np.convolve(run, np.ones(20) / 20, "valid") for run in runs]
        values = np.array(smooth)
        every = slice(None, None, 5)
        at = np.arange(20, 20 + values.shape[1])
        _draw(ax, name, at[every], values[:, every], name)
    ax.set_ylim(0, 3.2)
    ax.set_xlim(0, 300)
    ax.set_xlabel("update")
    ax.set_ylabel("loss")
    ax.axhline(np.log(10), color="axis", lw=0.75, zorder=1)
    return figure
