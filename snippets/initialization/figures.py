"""Measures and draws the chapter `initialization`."""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from snippets.initialization.kernel_statistics import kernel_statistics
from snippets.initialization.layer_moments import layer_moments
from snippets.initialization.one_layer import layer_factors
from snippets.initialization.shared_instance import branch_kernels
from snippets.initialization.wide_limit import wide_limit

Array = NDArray[np.float64]
Function = Callable[[Array], Array]

DRAWS, WIDTH = 100, 100
DASH: dict[str, Any] = {
    "relu": "-",
    "tanh": (0, (5, 2)),
    "sigmoid": (0, (1.2, 1.6)),
}
NAME = {"relu": "ReLU", "tanh": "tanh", "sigmoid": "sigmoid"}


def sigmoid(z: Array) -> Array:
    """Return 1/(1 + e⁻ᶻ)."""
    return 1 / (1 + np.exp(-z))


# name: f, f′
FUNCTIONS: dict[str, tuple[Function, Function]] = {
    "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0).astype(float)),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "sigmoid": (sigmoid, lambda z: sigmoid(z) * (1 - sigmoid(z))),
}
NORMAL_02 = partial(keras.initializers.RandomNormal, 0.0, 0.2)
# activation, what is drawn, fan_in · Var[w], colour, initializer
NETWORKS: list[tuple[str, str, float, str, Any]] = [
    ("relu", "N(0, 0.2²)", 0.04 * WIDTH, "wide", NORMAL_02),
    ("relu", "He", 2.0, "he", keras.initializers.HeNormal),
    ("tanh", "Glorot", 1.0, "glorot", keras.initializers.GlorotUniform),
    ("relu", "Glorot", 1.0, "glorot", keras.initializers.GlorotUniform),
    ("sigmoid", "Glorot", 1.0, "glorot", keras.initializers.GlorotUniform),
]
KERNELS: dict[str, Any] = {
    "LeCun, normal": keras.initializers.LecunNormal,
    "Glorot, normal": keras.initializers.GlorotNormal,
    "He, normal": keras.initializers.HeNormal,
    "LeCun, uniform": keras.initializers.LecunUniform,
    "Glorot, uniform": keras.initializers.GlorotUniform,
    "He, uniform": keras.initializers.HeUniform,
}
RECTANGLES = [(400, 100), (200, 100), (100, 100), (100, 200), (100, 400)]


def measure_moments() -> dict[str, Any]:
    """Second moments through fifty layers: network → pass → (draws, 51)."""
    measured: dict[str, Any] = {}
    for activation, drawn, gain, _, initializer in NETWORKS:
        forward, backward = layer_moments(
            activation, initializer, width=WIDTH, draws=DRAWS
        )
        limit = wide_limit(*FUNCTIONS[activation], gain)
        measured[f"{NAME[activation]}, {drawn}"] = {
            "forward": forward,
            "backward": backward,
            "forward theory": limit[0],
            "backward theory": limit[1],
        }
    return measured


def measure_kernels() -> dict[str, Any]:
    """Histograms of the kernels of a layer of 100 inputs and 200 units."""
    bins = np.linspace(-0.35, 0.35, 71)
    measured: dict[str, Any] = {"bins": bins}
    for name, initializer in KERNELS.items():
        weights = np.stack([initializer(seed=s)((100, 200)) for s in range(20)])
        counts, _ = np.histogram(weights, bins, density=True)
        std, largest = kernel_statistics(initializer, 100, 200)
        measured[name] = {
            "density": counts,
            "std": std,
            "largest": largest,
        }
    return measured


def measure_rectangles() -> dict[str, Array]:
    """Factors of one layer: initializer → (shapes, 2, draws)."""
    return {
        name: np.array(
            [layer_factors(activation, drawn, *fans) for fans in RECTANGLES]
        )
        for name, activation, drawn in [
            ("He", "relu", keras.initializers.HeNormal),
            ("Glorot", "linear", keras.initializers.GlorotUniform),
        ]
    }


def measure_distributions() -> dict[str, Array]:
    """Factors of a square ReLU layer: initializer → (2, draws)."""
    return {
        name: layer_factors("relu", drawn, 100, 100, draws=400)
        for name, drawn in [
            ("he_normal", keras.initializers.HeNormal),
            ("he_uniform", keras.initializers.HeUniform),
        ]
    }


def measure_branches() -> dict[str, Array]:
    """Largest difference of two branches' kernels after training, by seed."""
    differences: dict[str, list[float]] = {"one instance": [], "two": []}
    for seed in range(5):
        one = keras.initializers.HeNormal(seed=seed)
        other = keras.initializers.HeNormal(seed=seed + 100)
        for name, pair in [("one instance", (one, one)), ("two", (one, other))]:
            first, second = branch_kernels(*pair)
            differences[name].append(float(np.abs(first - second).max()))
    return {name: np.array(values) for name, values in differences.items()}


def plot_fifty_layers(moments: dict[str, Any]) -> Figure:
    """Draw the size of the signal, layer by layer."""
    return _through_the_layers(moments, "forward", "size of the signal")


def plot_gradients(moments: dict[str, Any]) -> Figure:
    """Draw the size of the activation gradient, layer by layer."""
    return _through_the_layers(moments, "backward", "size of the gradient")


def _through_the_layers(
    moments: dict[str, Any], which: str, what: str
) -> Figure:
    figure, ax = plt.subplots()
    layers = np.arange(51)
    ax.set_yscale("log")
    ax.set_ylim(10**-8.5, 10**8.5)
    ax.set_yticks([1e-8, 1e-4, 1, 1e4, 1e8])
    ax.set_xlim(0, 50)
    for activation, drawn, _, color, _ in NETWORKS:
        label = f"{NAME[activation]}, {drawn}"
        size = np.sqrt(moments[label][which])
        ax.plot(
            layers,
            np.median(size, axis=0),
            color=color,
            linestyle=DASH[activation],
            linewidth=2.5 if drawn == "He" else 1.75,
            label=label,
        )
        ax.fill_between(
            layers, size.min(0), size.max(0), color=color, alpha=0.2, lw=0
        )
        theory = np.sqrt(moments[label][f"{which} theory"])
        ax.plot(layers, theory, color="axis", lw=0.75, zorder=1)
    ax.set_xlabel("layer")
    if which == "backward":
        ax.invert_xaxis()
        ax.set_xlabel("layer, from the output back")
    ax.set_ylabel(f"{what} (root mean square)")
    return figure


def plot_kernels(kernels: dict[str, Any]) -> Figure:
    """Draw what six initializers draw."""
    figure, axes = plt.subplots(2, 3, sharex=True, sharey=True)
    highest = max(kernels[name]["density"].max() for name in KERNELS)
    for name, ax in zip(KERNELS, axes.flat, strict=True):
        color = name.split(",")[0].lower()
        drawn = kernels[name]
        ax.stairs(
            drawn["density"], kernels["bins"], fill=True, color=color,
            alpha=0.28,
        )  # fmt: skip
        ax.stairs(drawn["density"], kernels["bins"], color=color, lw=1.25)
        ax.set_title(name, color=color)
        ax.text(
            0.99, 1, f"std {drawn['std']:.4f}", transform=ax.transAxes,
            ha="right", va="top",
        )  # fmt: skip
        ax.set_yticks([])
        ax.set_ylim(0, 1.4 * highest)  # the text stands above
        ax.grid(visible=False)
    axes[1, 0].set_xlabel("weight")
    return figure


def plot_rectangles(rectangles: dict[str, Array]) -> Figure:
    """Draw the factor of one layer against its shape."""
    figure, ax = plt.subplots()
    ratio = np.array([fan_out / fan_in for fan_in, fan_out in RECTANGLES])
    ax.set_xscale("log", base=2)
    ax.set_yscale("log", base=2)
    ax.set_xticks(ratio, ["¼", "½", "1", "2", "4"])
    ax.set_yticks([0.25, 0.5, 1, 2, 4], ["¼", "½", "1", "2", "4"])
    ax.minorticks_off()
    for name, activation in [("He", "ReLU"), ("Glorot", "linear")]:
        for at, way in enumerate(["forwards", "backwards"]):
            factors = rectangles[name][:, at]
            color = name.lower()
            ax.plot(
                ratio,
                np.median(factors, axis=1),
                color=color,
                marker="os"[at],
                markersize=5,
                label=f"{name}, {activation}: {way}",
            )
            ax.fill_between(
                ratio, factors.min(1), factors.max(1), color=color,
                alpha=0.2, lw=0,
            )  # fmt: skip
    ax.set_xlabel("fan_out / fan_in")
    ax.set_ylabel("factor of one layer")
    return figure
