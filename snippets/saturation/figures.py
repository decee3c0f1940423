"""Measures and draws the chapter `saturation`."""

from functools import partial
from typing import Any

import keras
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_digits

from snippets.initialization.layer_moments import layer_moments
from snippets.saturation.saturated_share import saturated_share
from snippets.saturation.sigmoid_layers import pre_activations
from snippets.side_by_side import SideBySide
from snippets.unstable_gradients.deep_classifier import deep_classifier
from snippets.unstable_gradients.gradient_norms import gradient_norms

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


def stuck_share(outputs: np.ndarray, low: float = 0.0) -> float:
    """Share of units that are saturated for more than 95 % of examples."""
    margin = 0.01 * (1 - low)
    ends = (outputs < low + margin) | (outputs > 1 - margin)
    return float(np.mean(ends.mean(axis=0) > 0.95))


def median_cosine(h: np.ndarray) -> float:
    """Return the median cosine between two different examples."""
    unit = h / np.linalg.norm(h, axis=1, keepdims=True)
    return float(np.median((unit @ unit.T)[np.triu_indices(len(h), 1)]))


def measure_layers() -> dict[str, Any]:
    """What is in each layer: network → what → (5 seeds, 10 layers).

    "std": spread of z; "share": saturated pairs of unit and example;
    "stuck": units that are so for more than 95 % of the examples; "mean",
    "variance" and "off ½", the largest distance of an output from ½.
    Histograms: of the layers `SHOWN`, mean of the seeds.
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
        what = ("std", "share", "stuck", "mean", "variance", "off ½")
        rows: dict[str, list] = {k: [] for k in what}
        heights = []
        low = -1.0 if activation == "tanh" else 0.0
        for seed in range(SEEDS):
            z = pre_activations(activation, initializer, width, seed=seed)
            h = np.tanh(z) if activation == "tanh" else sigmoid(z)
            rows["std"].append(z.std((1, 2)))
            rows["share"].append([saturated_share(layer, low) for layer in h])
            rows["stuck"].append([stuck_share(layer, low) for layer in h])
            rows["mean"].append(h.mean((1, 2)))
            rows["variance"].append(h.var((1, 2)))
            rows["off ½"].append(np.abs(h - 0.5).max((1, 2)))
            drawn = h[np.subtract(SHOWN, 1)]
            heights.append([np.histogram(layer, bins)[0] for layer in drawn])
        measured[name] = {k: np.array(v) for k, v in rows.items()}
        measured[name]["histogram"] = np.mean(heights, 0) / heights[0][0].sum()
    return measured


def measure_alike() -> dict[str, np.ndarray]:
    """Median cosine between 500 examples, 300 units: (5 seeds, 10 layers)."""
    return {
        name: np.array([
            [median_cosine(sigmoid(z)) for z in pre_activations(
                "sigmoid", DRAWN[name][1], seed=seed)]
            for seed in range(SEEDS)
        ])
        for name in ("Glorot", "N(0, 1)")
    }  # fmt: skip


def measure_inputs() -> dict[str, np.ndarray]:
    """Saturated share of a first layer, Glorot: largest pixel → (5 seeds).

    100 sigmoids, scikit-learn's 1,797 digits of 64 pixels.
    """
    pixels, _ = load_digits(return_X_y=True)
    measured: dict[str, np.ndarray] = {}
    for largest in (1, 16, 255):
        x = (pixels / 16 * largest).astype("float32")
        kernels = [np.array(GLOROT(seed=s)((64, 100))) for s in range(SEEDS)]
        shares = [saturated_share(sigmoid(x @ kernel)) for kernel in kernels]
        measured[str(largest)] = np.array(shares)
    return measured


def measure_scales() -> dict[str, tuple[float, float]]:
    """Wide sigmoid layers, n · Var[w] → (gradient's factor, saturated).

    Where the pre-activations' variance has come to rest; zero biases.
    """
    measured = {}
    z = np.linspace(-12, 12, 24_001)
    p = np.exp(-(z**2) / 2) / np.exp(-(z**2) / 2).sum()
    for scale in (1, 4, 16, 100, 300):
        variance = float(scale)
        for _ in range(100):
            h = sigmoid(np.sqrt(variance) * z)
            variance = scale * (p @ h**2)
        factor = np.sqrt(scale * (p @ (h * (1 - h)) ** 2))
        ends = (h < 0.01) | (h > 0.99)
        measured[str(scale)] = (float(factor), float(p @ ends))
    return measured


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Return the 1,797 digits, divided by 16, and their labels."""
    x, y = load_digits(return_X_y=True)
    return (x / 16).astype("float32"), y


def sigmoid_twin(tanh: keras.Sequential) -> list[np.ndarray]:
    """Return weights of a sigmoid network that says what a tanh one says.

    As tanh(z) = 2σ(2z) − 1: kernels four times as large (so 16 times the
    variance), the first one and the head twice, and biases that take off
    the mean of ½: −½ Σ w. The biases of `tanh` are zero.
    """
    weights = []
    last = len(tanh.layers) - 1
    for at, layer in enumerate(tanh.layers):
        kernel = layer.kernel.numpy() * (2 if at in (0, last) else 4)
        mean = 0.5 if at else 0.0  # pixels are no sigmoids
        weights += [kernel, -mean * kernel.sum(0)]
    return weights


def measure_twins() -> dict[str, np.ndarray]:
    """Ten layers of tanh with Glorot and their sigmoid twins, five seeds.

    Logits' largest difference, gradient left by the twin from layer 10 to
    1; the twins' losses of 300 updates, SGD, rate 0.3, batch 50.
    """
    x, y = digits()
    model = deep_classifier("sigmoid", GLOROT, 10)
    twins = []
    model.compile(
        keras.optimizers.SGD(0.3),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    rows: dict[str, Any] = {"apart": [], "left": []}
    for seed in range(SEEDS):
        tanh = deep_classifier("tanh", GLOROT, 10, seed=seed)
        twins.append(sigmoid_twin(tanh))
        model.set_weights(twins[-1])
        apart = model(x).numpy() - tanh(x).numpy()
        rows["apart"].append(np.abs(apart).max())
        by_output, _, _ = gradient_norms(model, x[:256], y[:256])
        rows["left"].append(by_output[0] / by_output[9])
    rows["losses"] = SideBySide(model).train(twins, x, y, 300)
    return {name: np.array(values) for name, values in rows.items()}


def measure_training() -> dict[str, np.ndarray]:
    """Four sigmoid layers as they train: (5 seeds, looks, 4 layers).

    "mean" of the outputs of all digits after 0, 60, … 300 updates; "losses"
    (5, 300). Hidden kernels uniform within ±1/√fan_in, the first LeCun;
    SGD, rate 1, batch 50.
    """
    x, y = digits()
    narrow = partial(
        keras.initializers.VarianceScaling, 1 / 3, "fan_in", "uniform"
    )
    model = deep_classifier("sigmoid", narrow, 4)
    model.compile(
        keras.optimizers.SGD(1.0),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    training = SideBySide(model)
    weights = [
        deep_classifier("sigmoid", narrow, 4, seed=seed).get_weights()
        for seed in range(SEEDS)
    ]
    means, losses = [], []
    for look in range(6):
        looks = []
        for one in weights:
            model.set_weights(one)
            looks.append(layer_means(model, x))
        means.append(looks)
        if look < 5:
            seeds = [10 * seed + look for seed in range(SEEDS)]
            losses.append(training.train(weights, x, y, 60, seeds=seeds))
            weights = training.weights
    return {
        "mean": np.swapaxes(means, 0, 1),
        "losses": np.concatenate(losses, axis=1),
    }


def layer_means(model: keras.Sequential, x: np.ndarray) -> list[float]:
    """Return the mean output of each hidden layer."""
    h, means = keras.ops.convert_to_tensor(x), []
    for layer in model.layers[:-1]:
        h = layer(h)
        means.append(float(keras.ops.mean(h)))
    return means


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
