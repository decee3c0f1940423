"""Measures and draws the chapter `unstable_gradients`."""

from functools import cache, partial
from typing import Any

import keras
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.datasets import load_digits

from snippets.side_by_side import SideBySide
from snippets.unstable_gradients.deep_classifier import deep_classifier
from snippets.unstable_gradients.first_not_finite import first_not_finite
from snippets.unstable_gradients.gradient_norms import gradient_norms

DEPTH = 30
DASH: dict[str, Any] = {
    "relu": "-",
    "tanh": (0, (5, 2)),
    "sigmoid": (0, (1.2, 1.6)),
}
UNIT = partial(keras.initializers.RandomNormal, 0.0, 1.0)
GLOROT = keras.initializers.GlorotUniform
# name: activation, colour, initializer, layers
NETWORKS: dict[str, tuple[str, str, Any, int]] = {
    "sigmoid, Glorot": ("sigmoid", "glorot", GLOROT, 8),
    "ReLU, Glorot": ("relu", "glorot", GLOROT, DEPTH),
    "tanh, N(0, 1)": ("tanh", "wide", UNIT, DEPTH),
    "ReLU, He": ("relu", "he", keras.initializers.HeNormal, DEPTH),
    "tanh, Glorot": ("tanh", "glorot", GLOROT, DEPTH),
    "ReLU, N(0, 0.2²)": (
        "relu",
        "wide",
        partial(keras.initializers.RandomNormal, 0.0, 0.2),
        DEPTH,
    ),
}
PATIENTS = tuple(NETWORKS)[:3]
UPDATES = {"ReLU, N(0, 0.2²)": 20}  # it is NaN by then; 300 are the rule


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Return the 1,797 digits, divided by 16, and their labels."""
    x, y = load_digits(return_X_y=True)
    return (x / 16).astype("float32"), y


@cache
def network(name: str, seed: int) -> keras.Sequential:
    """Return one of `NETWORKS` at its start; nothing changes its weights."""
    activation, _, initializer, depth = NETWORKS[name]
    return deep_classifier(activation, initializer, depth, seed=seed)


def layer_sizes(
    model: keras.Sequential, x: np.ndarray
) -> tuple[list[float], list[float]]:
    """Return root mean squares: of the outputs, of what differs in them.

    What differs between examples is an output less its mean over them.
    """
    h, size, spread = keras.ops.convert_to_tensor(x), [], []
    for layer in model.layers:
        h = layer(h)
        values = keras.ops.convert_to_numpy(h).astype("float64")
        size.append(float(np.sqrt(np.mean(values**2))))
        spread.append(float(np.sqrt(values.var(axis=0).mean())))
    return size, spread


def measure_norms() -> dict[str, Any]:
    """Sizes, gradients' norms, inner products, ten seeds, 256 digits.

    Network → what → (10 seeds, layers), the head last.
    """
    x, y = digits()
    measured = {}
    for name in NETWORKS:
        runs = []
        for seed in range(10):
            model = network(name, seed)
            gradients = gradient_norms(model, x[:256], y[:256])
            runs.append((*gradients, *layer_sizes(model, x[:256])))
        what = ("by output", "by kernel", "inner", "size", "spread")
        measured[name] = {
            which: np.array([run[at] for run in runs])
            for at, which in enumerate(what)
        }
    return measured


def measure_laws() -> dict[str, dict[str, Any]]:
    """Inner products of kernels and gradients in ten layers with He init.

    Network → "inner" (11,), the head last, and what they should be:
    "logits", the sum of ⟨logits, ∂L/∂logits⟩, and "without bias", the same
    without the head's bias.
    """
    x, y = digits()
    x, y = x[:256], y[:256]
    kinds: dict[str, Any] = {
        "ReLU": "relu",
        "leaky ReLU": "leaky_relu",
        "linear": "linear",
        "|z|": keras.ops.abs,
        "ELU": "elu",
        "tanh": "tanh",
        "ReLU, a bias in layer 1": "relu",
        "ReLU, biases in the head": "relu",
    }
    measured = {}
    for name, activation in kinds.items():
        model = deep_classifier(activation, keras.initializers.HeNormal, 10)
        first, head = model.layers[0].bias, model.layers[-1].bias
        if name.endswith("layer 1"):
            first.assign(np.full(first.shape, 0.1))
        if name.endswith("head"):
            head.assign(np.linspace(-1, 1, 10))
        logits = model(x).numpy().astype("float64")
        shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        gradient = (shares - np.eye(10)[y]) / len(x)
        measured[name] = {
            "inner": gradient_norms(model, x, y)[2],
            "logits": float(np.sum(logits * gradient)),
            "without bias": float(np.sum((logits - head) * gradient)),
        }
    return measured


def measure_first_infinity() -> list[str]:
    """Name the first layer that overflows with N(0, 1), ten seeds."""
    x, _ = digits()
    return [
        first_not_finite(deep_classifier("relu", UNIT, 60, seed=seed), x[:256])
        for seed in range(10)
    ]


def relative_change(before: np.ndarray, after: np.ndarray) -> float:
    """Return the norm of what changed, as a share of the norm before."""
    old, new = (value.astype("float64") for value in (before, after))
    return float(np.linalg.norm(new - old) / np.linalg.norm(old))


@cache
def _trained(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Train five seeds; losses (5, updates), what moved (5, layers) twice.

    By how much a kernel moved, as a share of its norm, and a bias's norm.
    """
    x, y = digits()
    networks = [network(name, seed) for seed in range(5)]
    networks[0].compile(
        keras.optimizers.SGD(0.02),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    starts = [network.get_weights() for network in networks]
    training = SideBySide(networks[0])
    losses = training.train(starts, x, y, UPDATES.get(name, 300))
    moved, biases = [], []
    for start, end in zip(starts, training.weights, strict=True):
        pairs = zip(start[::2], end[::2], strict=True)
        moved.append([relative_change(was, now) for was, now in pairs])
        biases.append([np.linalg.norm(bias) for bias in end[1::2]])
    return losses, np.array(moved), np.array(biases)


def measure_losses() -> dict[str, Any]:
    """Losses of SGD, learning rate 0.02, batch 50, five seeds.

    Network → (5, 300), or (5, 20) for the one that is soon not a number.
    """
    return {name: _trained(name)[0] for name in NETWORKS}


def measure_moved() -> dict[str, Any]:
    """What those updates moved in the patients: network → what → (5, layers).

    "kernels": the change of each kernel's norm, relative; "biases": norms.
    """
    return {
        name: dict(zip(("kernels", "biases"), _trained(name)[1:], strict=True))
        for name in PATIENTS
    }


def _draw(
    ax: Axes, x: Any, values: Any, label: str, color: str, dash: Any
) -> None:
    ax.plot(
        x, np.median(values, axis=0), color=color, linestyle=dash, label=label
    )
    ax.fill_between(
        x, values.min(0), values.max(0), color=color, alpha=0.2, lw=0
    )


def plot_patients(norms: dict[str, Any]) -> Figure:
    """Draw what goes up and what comes down in the three patients."""
    figure, axes = plt.subplots(2, len(PATIENTS), sharey="row")
    figure.set_figheight(5.2)
    rows = {
        "up": (("size", "whole"), ("spread", "differs")),
        "down": (("by output", "activation"), ("by kernel", "kernel")),
    }
    looks: list[tuple[str, Any]] = [("ink", "-"), ("muted", (0, (5, 2)))]
    for (what, row), panels in zip(rows.items(), axes, strict=True):
        for name, ax in zip(PATIENTS, panels, strict=True):
            _, named, _, depth = NETWORKS[name]
            for (which, label), (color, dash) in zip(row, looks, strict=True):
                values = norms[name][which][:, :depth]  # without the head
                _draw(ax, np.arange(1, depth + 1), values, label, color, dash)
            ax.set_yscale("log")
            ax.set_xlim(1, depth)
            ax.set_xticks([1, 4, 8] if depth == 8 else [1, 10, 20, 30])
            ax.set_title(f"{what}: {name}", color=named)
        panels[0].set_ylabel(what)
    axes[0, 0].set_ylim(1e-7, 10)
    axes[0, 0].set_yticks([1e-6, 1e-3, 1])
    axes[1, 0].set_ylim(1e-7, 10**13.5)
    axes[1, 0].set_yticks([1e-6, 1, 1e6, 1e12])
    axes[1, 0].set_xlabel("layer, the first is next to the input")
    return figure


def plot_losses(losses: dict[str, Any]) -> Figure:
    """Draw the loss as the reader sees it, averaged over 20 updates."""
    figure, ax = plt.subplots()
    for name, runs in losses.items():
        if not np.isfinite(runs).all():
            continue  # no line to draw: the caption says so
        activation, color, _, _ = NETWORKS[name]
        smooth = [np.convolve(run, np.ones(20) / 20, "valid") for run in runs]
        values = np.array(smooth)
        every = slice(None, None, 5)
        at = np.arange(20, 20 + values.shape[1])[every]
        _draw(ax, at, values[:, every], name, color, DASH[activation])
    ax.set_ylim(0, 4)
    ax.set_xlim(0, 300)
    ax.set_xlabel("update")
    ax.set_ylabel("loss")
    ax.axhline(np.log(10), color="axis", lw=0.75, zorder=1)
    return figure
