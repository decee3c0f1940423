"""Measures and draws the chapter `activations`."""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure
from sklearn.datasets import load_digits

from snippets.activations.deep_moments import deep_moments
from snippets.activations.gaussian_moments import P, Z, gaussian_moments
from snippets.activations.normalized_network import normalized_network
from snippets.side_by_side import SideBySide
from snippets.unstable_gradients.deep_classifier import deep_classifier

NAME = {
    "relu": "ReLU",
    "leaky_relu": "leaky ReLU",
    "elu": "ELU",
    "selu": "SELU",
    "gelu": "GELU",
    "silu": "SiLU",
    "mish": "Mish",
    "tanh": "tanh",
    "sigmoid": "sigmoid",
}
DEEP = [name for name in NAME if name != "sigmoid"]
UNSTABLE = ("gelu", "silu", "mish")
# A dash says the activation, on every page.
DASHES: dict[str, Any] = {
    "relu": "-",
    "leaky_relu": "-",
    "tanh": (0, (5, 2)),
    "sigmoid": (0, (1.2, 1.6)),
    "elu": (0, (5, 2, 1, 2)),
    "gelu": (0, (5, 2, 1, 2)),
    "selu": (0, (9, 2)),
    "silu": (0, (9, 2)),
    "mish": (0, (5, 2, 1, 2, 1, 2)),
}
# activation, scale, variance of the biases
BIASED = (("gelu", 1.96, 0.3), ("silu", 1.96, 1.0), ("mish", 1.96, 0.3))
SIZES = 10 ** np.linspace(-1, 1, 21)
DRAWS = 20


def rms(values: np.ndarray) -> float:
    """Return the root mean square."""
    return float(np.sqrt(np.mean(np.square(values))))


def own_scale(activation: str) -> float:
    """Return the scale that keeps the second moment: the gain squared."""
    return 1 / gaussian_moments(activation)[0]


def measure_shapes() -> dict[str, Any]:
    """Each function and its slope, as Keras computes them."""
    z = np.linspace(-4, 4, 161)
    measured: dict[str, Any] = {"z": z}
    for name in NAME:
        with tf.GradientTape() as tape:
            at = tf.constant(z)
            tape.watch(at)
            f = keras.activations.get(name)(at)
        slope = tape.gradient(f, at)
        measured[name] = {"f": f.numpy(), "slope": slope.numpy()}
    return measured


def measure_theory() -> dict[str, Any]:
    """Gain, mean, factors and the slope at the fixed point, by quadrature."""
    measured = {}
    for name in NAME:
        signal, gradient = gaussian_moments(name)
        mean = P @ keras.activations.get(name)(Z).numpy()
        step = 1e-3  # of the second moment, around 1
        up, down = (
            gaussian_moments(name, np.sqrt(1 + d))[0] for d in (step, -step)
        )
        moments = [gaussian_moments(name, size)[0] for size in SIZES]
        measured[name] = {
            "scale": 1 / signal,
            "mean": float(mean),
            "backward": np.sqrt(gradient / signal),
            "slope": (up - down) / (2 * step) / signal,
            "factors": np.sqrt(np.array(moments) / signal) / SIZES,
        }
    return measured


def measure_samples() -> dict[str, Any]:
    """The same by sampling: gains, and one layer's factor at nine sizes."""
    rng = np.random.default_rng(0)
    z = rng.standard_normal(1_000_000)
    width, sizes = 200, 10 ** np.linspace(-1, 1, 9)
    measured: dict[str, Any] = {"sizes": sizes}
    for name in NAME:
        function = keras.activations.get(name)
        squares = np.square(function(z))
        factors = np.empty((5, len(sizes)))
        for draw in range(5):
            before = rng.standard_normal((width, width))
            kernel = rng.standard_normal((width, width))
            kernel *= np.sqrt(own_scale(name) / width)
            for at, size in enumerate(sizes):
                after = function(size * before) @ kernel
                factors[draw, at] = rms(after) / rms(size * before)
        measured[name] = {
            "moment": float(squares.mean()),
            "error": float(squares.std() / 1000),
            "factors": factors,
        }
    return measured


def measure_moments() -> dict[str, Any]:
    """Fifty layers: activation → scale → pass → (20 draws, 51)."""
    return _moments(50)


def measure_shallow() -> dict[str, Any]:
    """Ten layers: activation → scale → pass → (20 draws, 11)."""
    return _moments(10)


def _moments(depth: int) -> dict[str, Any]:
    measured: dict[str, Any] = {}
    for name in DEEP:
        scales = {"He": 2.0, "own": own_scale(name)}
        if name == "relu":
            del scales["own"]  # it is He
        if name == "tanh":
            scales = {"Glorot": 1.0, "own": scales["own"]}
        measured[name] = {}
        for which, scale in scales.items():
            forward, backward = deep_moments(name, scale, depth, draws=DRAWS)
            measured[name][which] = {"forward": forward, "backward": backward}
    return measured


def measure_starts() -> dict[str, Any]:
    """Own scale, smaller inputs; and normalized, whatever the inputs."""
    measured: dict[str, Any] = {}
    for name in UNSTABLE:
        function = keras.activations.get(name)
        kinds: dict[str, tuple[str | Callable, float]] = {
            "small": (name, own_scale(name)),
            "normalized": (partial(_normalized, function), 2.0),
        }
        for which, (kind, scale) in kinds.items():
            forward, backward = deep_moments(
                kind, scale, first=0.25, draws=DRAWS
            )
            measured.setdefault(name, {})[which] = {
                "forward": forward,
                "backward": backward,
            }
    return measured


def _normalized(function: Callable, z: tf.Tensor) -> tf.Tensor:
    return function(keras.ops.layer_normalization(z))


def measure_biased() -> dict[str, dict[str, float]]:
    """Where the size settles if the biases are random, by theory.

    Name of activation → scale, variance of the biases, "size" of the
    pre-activations at the fixed point, "slope" of the map there, and the
    "gradient"'s factor per layer. Below 1 a slope brings the size back.
    """
    measured = {}
    for name, scale, biases in BIASED:
        variance = 1.0
        for _ in range(20):  # alone the map takes hundreds of steps
            one = _next_variance(name, scale, biases, variance)
            two = _next_variance(name, scale, biases, one)
            bend = two - 2 * one + variance
            if abs(bend) < 1e-12:
                break
            variance -= (one - variance) ** 2 / bend  # Steffensen's step
        up, down = (
            _next_variance(name, scale, biases, variance * factor)
            for factor in (1.01, 0.99)
        )
        _, slope = gaussian_moments(name, np.sqrt(variance))
        measured[name] = {
            "size": float(np.sqrt(variance)),
            "slope": (up - down) / (0.02 * variance),
            "gradient": float(np.sqrt(scale * slope)),
        }
    return measured


def _next_variance(
    name: str, scale: float, biases: float, variance: float
) -> float:
    return scale * gaussian_moments(name, np.sqrt(variance))[0] + biases


def measure_losses() -> dict[str, np.ndarray]:
    """Losses of SGD, batch 50, five seeds, 30 layers: network → (5, updates).

    100 updates at 0.02; with random biases 300 at 0.01.
    """
    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype("float32")
    builders: dict[str, tuple[Callable, float, int]] = {
        "ELU, own scale": (_plain("elu", own_scale("elu")), 0.02, 100),
        "GELU, normalized": (partial(normalized_network, 64, 10), 0.02, 100),
        "GELU, He": (_plain("gelu", 2.0), 0.02, 100),
        "GELU, random biases": (_with_biases, 0.01, 300),
    }
    measured = {}
    for name, (build, rate, updates) in builders.items():
        networks = [build(seed=seed) for seed in range(5)]
        networks[0].compile(
            keras.optimizers.SGD(rate),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
        starts = [network.get_weights() for network in networks]
        losses = SideBySide(networks[0]).train(starts, x, y, updates)
        measured[name] = losses
    return measured


def _with_biases(seed: int) -> keras.Sequential:
    name, scale, variance = BIASED[0]
    model = _plain(name, scale)(seed=seed)
    for at, layer in enumerate(model.layers[:-1]):
        drawn = keras.initializers.RandomNormal(
            0.0, variance**0.5, seed=1000 * seed + 500 + at
        )
        layer.bias.assign(drawn(layer.bias.shape))
    return model


def _plain(activation: str, scale: float) -> Callable:
    scaled = partial(keras.initializers.VarianceScaling, scale)
    return partial(deep_classifier, activation, scaled)


def plot_fifty_layers(moments: dict[str, Any]) -> Figure:
    """Draw the size of the signal, with He and with the own scale."""
    figure, axes = plt.subplots(2, 4, sharex=True, sharey=True)
    layers = np.arange(0, 51, 5)  # eight small panels: few points will do
    for ax, name in zip(axes.flat, moments, strict=True):
        ax.set_yscale("log")
        ax.set_ylim(10**-8.5, 10**3.5)
        ax.set_yticks([1e-8, 1e-4, 1])
        ax.set_xlim(0, 50)
        ax.set_xticks([0, 25, 50])
        for which, passes in moments[name].items():
            size = np.sqrt(passes["forward"])[:, layers]
            color = {"own": "other"}.get(which, which.lower())
            if which == "own" and name == "selu":
                color, which = "lecun", "LeCun"
            ax.plot(
                layers,
                np.median(size, 0),
                color=color,
                linestyle=DASHES[name],
                label=which,
            )
            ax.fill_between(
                layers, size.min(0), size.max(0), color=color, alpha=0.2, lw=0
            )
        ax.set_title(NAME[name], color="ink")
    axes[1, 0].set_xlabel("layer")
    axes[0, 0].set_ylabel("size of the signal")
    axes[0, 0].set_title(f"size of the signal: {NAME['relu']}", color="ink")
    return figure


def plot_functions(shapes: dict[str, Any]) -> Figure:
    """Draw the functions, and their slopes dashed."""
    figure, axes = plt.subplots(
        3, 3, sharex=True, sharey=True, figsize=(7.3, 5)
    )
    for ax, name in zip(axes.flat, NAME, strict=True):
        ax.plot(shapes["z"], shapes[name]["f"], color="ink", lw=2.5, label="f")
        ax.plot(
            shapes["z"],
            shapes[name]["slope"],
            color="muted",
            linestyle=(0, (5, 2)),
            label="f′",
        )
        ax.set_xlim(-4, 4)
        ax.set_ylim(-2, 3)
        ax.set_xticks([-4, 0, 4])
        ax.set_yticks([-1, 0, 1, 2])
        ax.set_title(NAME[name], color="ink")
    axes[2, 0].set_xlabel("z")
    axes[0, 0].set_ylabel("f(z)")
    axes[0, 0].set_title(f"f(z): {NAME['relu']}", color="ink")
    return figure


def plot_factors(theory: dict[str, Any], samples: dict[str, Any]) -> Figure:
    """Draw the factor of a layer against the size of what comes in."""
    figure, axes = plt.subplots(1, 2, sharex=True, sharey=True)
    panels = {
        "size comes back": ("relu", "elu", "selu", "tanh"),
        "size runs off": ("relu", *UNSTABLE),
    }
    for ax, (what, names) in zip(axes, panels.items(), strict=True):
        ax.set_xscale("log")
        ax.set_yscale("log", base=2)
        ax.set_xlim(0.1, 10)
        ax.set_ylim(0.5, 2)
        ax.set_yticks([0.5, 1, 2], ["½", "1", "2"])
        ax.set_xticks([0.1, 1, 10], ["0.1", "1", "10"])
        ax.minorticks_off()
        ax.axvline(1, color="axis", lw=0.75, zorder=1)
        for name in names:
            color = {"relu": "he", "selu": "lecun"}.get(name, "other")
            ax.plot(
                SIZES,
                theory[name]["factors"],
                color=color,
                linestyle=DASHES[name],
                label=NAME[name],
            )
            ax.plot(
                samples["sizes"],
                np.median(samples[name]["factors"], 0),
                color=color,
                marker="o",
                markersize=4,
                linestyle="none",
                clip_on=name == "tanh",  # the others' ends stay whole
            )
        ax.set_title(f"factor of one layer: {what}")
    axes[0].set_ylabel("factor of one layer")
    axes[0].set_xlabel("size of the pre-activations")
    return figure


def plot_losses(losses: dict[str, np.ndarray]) -> Figure:
    """Draw the loss as the reader sees it, averaged over 20 updates."""
    figure, ax = plt.subplots()
    colors = {
        "GELU, He": "he",
        "GELU, normalized": "he",
        "ELU, own scale": "other",
    }
    for name, color in colors.items():
        smooth = np.array(
            [
                np.convolve(run, np.ones(20) / 20, "valid")
                for run in losses[name]
            ]
        )
        at = np.arange(20, 20 + smooth.shape[1])
        ax.plot(
            at,
            np.median(smooth, 0),
            color=color,
            linestyle=DASHES[name.split(",")[0].lower()],
            label=name,
        )
        ax.fill_between(
            at, smooth.min(0), smooth.max(0), color=color, alpha=0.2, lw=0
        )
    ax.axhline(np.log(10), color="axis", lw=0.75, zorder=1)
    ax.set_ylim(0, 3)
    ax.set_xlim(0, 100)
    ax.set_xlabel("update")
    ax.set_ylabel("loss")
    return figure
