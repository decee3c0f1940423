"""Measures and draws the chapter `initialization`."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from snippets.initialization.kernel_statistics import kernel_statistics
from snippets.initialization.layer_moments import layer_moments
from snippets.initialization.one_layer import layer_factors
from snippets.initialization.shared_instance import branch_kernels
from snippets.initialization.wide_limit import wide_limit
from snippets.side_by_side import SideBySide

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


@cache
def drawn_once(initializer: Any) -> Callable[..., Any]:
    """Return the initializer, each of whose kernels is drawn only once.

    Networks with the same seeds have the same kernels, which take longest.
    """

    @cache
    def kernel(seed: int, shape: tuple[int, int]) -> Any:
        return initializer(seed=seed)(shape)

    return lambda seed: partial(kernel, seed)


GLOROT = keras.initializers.GlorotUniform
# activation, what is drawn, fan_in · Var[w], colour, initializer
NETWORKS: list[tuple[str, str, float, str, Any]] = [
    ("relu", "N(0, 0.2²)", 0.04 * WIDTH, "wide", NORMAL_02),
    ("relu", "He", 2.0, "he", keras.initializers.HeNormal),
    ("tanh", "Glorot", 1.0, "glorot", GLOROT),
    ("relu", "Glorot", 1.0, "glorot", GLOROT),
    ("sigmoid", "Glorot", 1.0, "glorot", GLOROT),
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
            activation, drawn_once(initializer), width=WIDTH, draws=DRAWS
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
            ("Glorot", "linear", GLOROT),
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
    differences: dict[str, list[float]] = {}
    he = keras.initializers.HeNormal
    for seed in range(5):
        one, other = he(seed=seed), he(seed=seed + 100)
        unseeded = he()
        generator = he(seed=keras.random.SeedGenerator(seed))
        for name, pair in [
            ("one instance", (one, one)),
            ("one without a seed", (unseeded, unseeded)),
            ("one with a generator", (generator, generator)),
            ("two", (one, other)),
        ]:
            first, second = branch_kernels(*pair)
            apart = float(np.abs(first - second).max())
            differences.setdefault(name, []).append(apart)
    return {name: np.array(values) for name, values in differences.items()}


def measure_shared_stack() -> Array:
    """Size of the signal after fifty ReLU layers of one kernel, He init.

    A plain stack whose layers share one instance; 20 draws, width 100.
    """
    sizes = []
    for draw in range(20):
        rng = np.random.default_rng(draw)
        h = rng.standard_normal((128, WIDTH))
        shared = keras.initializers.HeNormal(seed=draw)
        kernel = np.array(shared((WIDTH, WIDTH)))  # the same each time
        for _ in range(50):
            h = np.maximum(h @ kernel, 0)
        sizes.append(np.sqrt(np.mean(h**2)))
    return np.array(sizes)


def measure_bottlenecks() -> dict[str, Array]:
    """Signal and gradient left by thirty layers of 100 and 400 units in turn.

    Network → (2, 20 draws): root mean squares at the last layer, and of the
    gradient at the input, both 1 where they begin.
    """
    kinds: dict[str, tuple[str, Any]] = {
        "linear, Glorot": ("linear", GLOROT),
        "linear, LeCun": ("linear", keras.initializers.LecunNormal),
        "tanh, Glorot": ("tanh", GLOROT),
        "tanh, LeCun": ("tanh", keras.initializers.LecunNormal),
        "ReLU, Glorot": ("relu", GLOROT),
        "ReLU, He": ("relu", keras.initializers.HeNormal),
    }
    return {
        name: np.transpose(
            [_through_bottlenecks(*kind, seed) for seed in range(20)]
        )
        for name, kind in kinds.items()
    }


def _through_bottlenecks(
    activation: str, initializer: Any, draw: int
) -> tuple[float, ...]:
    function = keras.activations.get(activation)
    rng = np.random.default_rng(draw)
    shapes = [(100, 400), (400, 100)] * 15
    x, error = tf.constant(rng.standard_normal((2, 64, 100), dtype="float32"))
    with tf.GradientTape() as tape:
        tape.watch(x)
        h = x
        for shape in shapes:
            seed = int(rng.integers(2**31))
            h = function(h @ drawn_once(initializer)(seed)(shape))
        loss = tf.reduce_sum(h * error)
    gradient = tape.gradient(loss, x)
    return tuple(float(np.sqrt(np.mean(t**2))) for t in (h, gradient))


def measure_symmetry() -> dict[str, Array]:
    """Two tanh layers of 16 units and a head, 100 updates, five orders.

    Kernels → (3, 5): largest difference between two units of the first
    layer, of the second, and between the first kernel before and after.
    SGD, rate 0.1, batch 50.
    """
    pixels, labels = load_digits(return_X_y=True)
    x = (pixels / 16).astype("float32")
    zero, tenth = (keras.initializers.Constant(value) for value in (0.0, 0.1))
    drawn = [keras.initializers.GlorotUniform(seed=seed) for seed in range(3)]
    kinds = {
        "all zero": (zero, zero, zero),
        "all 0.1": (tenth, tenth, tenth),
        "the head drawn": (tenth, tenth, drawn[2]),
        "layer 2 drawn": (tenth, drawn[1], tenth),
    }
    measured: dict[str, list] = {}
    for name, initializers in kinds.items():
        first, second, head = (
            keras.layers.Dense(units, activation, kernel_initializer=kernel)
            for units, activation, kernel in zip(
                (16, 16, 10), ("tanh", "tanh", None), initializers, strict=True
            )
        )
        model = keras.Sequential([keras.Input((64,)), first, second, head])
        model.compile(
            keras.optimizers.SGD(0.1),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
        start = model.get_weights()
        training = SideBySide(model)
        training.train([start] * 5, x, labels, 100)
        for kernel, _, above, *_ in training.weights:
            apart = [np.ptp(w, axis=1).max() for w in (kernel, above)]
            moved = np.abs(kernel - start[0]).max()
            measured.setdefault(name, []).append([*apart, moved])
    return {name: np.transpose(values) for name, values in measured.items()}


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
