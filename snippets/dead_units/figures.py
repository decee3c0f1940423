"""Measures and draws the chapter `dead_units`."""

from collections.abc import Iterator
from typing import Any

import keras
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_digits

from snippets.dead_units.dead_units import dead_units
from snippets.dead_units.revive import revive
from snippets.dead_units.wide_dead_share import wide_dead_share
from snippets.side_by_side import SideBySide
from snippets.unstable_gradients.deep_classifier import deep_classifier

HE = keras.initializers.HeNormal
SEEDS = range(5)
EXAMPLES = (10, 100, 1797)
DEPTH, SHALLOW = 50, 5
RATES = (0.001, 0.01, 0.03, 0.1)
UPDATES = 100
GENTLE = 0.003  # the rate after the damage
ACTIONS = (
    "lower rate only",
    "leaky ReLU instead",
    "biases moved",
    "batch norm added",
    "dead units renewed",
    "all started again",
)


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Return the 1,797 digits, divided by 16, and their labels."""
    x, y = load_digits(return_X_y=True)
    return (x / 16).astype("float32"), y


def mean_cosine(x: np.ndarray) -> float:
    """Return the mean cosine between two different examples."""
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    n = len(x)
    return float((np.square(unit.sum(0)).sum() - n) / (n * (n - 1)))


def shares(model: keras.Sequential, x: np.ndarray) -> np.ndarray:
    """Return the dead share, layer by layer."""
    return np.array([dead.mean() for dead in dead_units(model, x).values()])


def measure_birth() -> dict[str, Any]:
    """Dead share a layer at initialization, 50 layers, ten seeds, theory."""
    x, _ = digits()
    x = np.random.default_rng(0).permutation(x)
    between = mean_cosine(x)
    models = [deep_classifier("relu", HE, DEPTH, seed=s) for s in range(10)]
    return {"cosine": between} | {
        str(n): {
            "share": np.array([shares(model, x[:n]) for model in models]),
            "theory": wide_dead_share(between, n, DEPTH)[1],
        }
        for n in EXAMPLES
    }


def measure_variations() -> dict[str, np.ndarray]:
    """Dead share, ten layers, five seeds: other weights, biases, widths."""
    x, _ = digits()
    rows: dict[str, list] = {}
    for seed in SEEDS:
        model = deep_classifier("relu", HE, 10, seed=seed)
        rows.setdefault("He", []).append(shares(model, x))
        for bias in (0.1, 1.0):
            for layer in model.layers:
                layer.bias.assign(np.full(layer.bias.shape, bias))
            rows.setdefault(f"bias {bias:g}", []).append(shares(model, x))
        for layer in model.layers:
            layer.bias.assign(np.zeros(layer.bias.shape))
            layer.kernel.assign(layer.kernel / 2)
        rows.setdefault("He / 2", []).append(shares(model, x))
        for width in (50, 300):
            model = deep_classifier("relu", HE, 10, width, seed)
            rows.setdefault(f"width {width}", []).append(shares(model, x))
    return {name: np.array(values) for name, values in rows.items()}


def compiled(model: keras.Sequential, optimizer: keras.Optimizer) -> SideBySide:
    """Compile; return what trains the model from several starts at once."""
    model.compile(
        optimizer,
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return SideBySide(model)


def trained(
    patient: SideBySide,
    starts: list[list[np.ndarray]],
    rate: float,
    first: int = 0,
    updates: int = UPDATES,
) -> Iterator[keras.Sequential]:
    """Train from each start; yield the model with what it has learned then.

    `first` is the seed of the first one's batches, and the next ones follow.
    """
    seeds = range(first, first + len(starts))
    patient.train(starts, *digits(), updates, seeds=seeds, rate=rate)
    for weights in patient.weights:
        patient.model.set_weights(weights)
        yield patient.model


def accuracy(model: keras.Sequential, training: bool = False) -> float:
    """Return the share of all digits that the model gets right."""
    x, y = digits()
    said = keras.ops.convert_to_numpy(model(x, training=training))
    return float((said.argmax(1) == y).mean())


def measure_return() -> dict[str, np.ndarray]:
    """Ten layers, SGD 0.05, 200 updates: what became of the dead-born.

    Counts: dead at birth, and of these alive later; the first layer apart.
    """
    x, _ = digits()
    patient = compiled(
        deep_classifier("relu", HE, 10), keras.optimizers.SGD(0.05)
    )
    rows: dict[str, list] = {"born dead": [], "back": [], "accuracy": []}
    fresh = [deep_classifier("relu", HE, 10, seed=seed) for seed in SEEDS]
    starts = [network.get_weights() for network in fresh]
    models = trained(patient, starts, 0.05, updates=200)
    for network, model in zip(fresh, models, strict=True):
        before = np.array(list(dead_units(network, x).values()))
        after = np.array(list(dead_units(model, x).values()))
        back = before & ~after
        for name, units in (("born dead", before), ("back", back)):
            rows[name].append([units[0].sum(), units[1:].sum()])
        rows["accuracy"].append(accuracy(model))
    return {name: np.array(values) for name, values in rows.items()}


def with_batch_norm() -> keras.Sequential:
    """Return the five layers with a batch norm in front of each ReLU."""
    parts = [
        part
        for _ in range(SHALLOW)
        for part in (
            keras.layers.Dense(100),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
        )
    ]
    return keras.Sequential(
        [keras.Input((64,)), *parts, keras.layers.Dense(10)]
    )


def moved_biases(weights: list[np.ndarray]) -> list[np.ndarray]:
    """Let each dead unit fire on half of the digits."""
    h, _ = digits()
    moved = [value.copy() for value in weights]
    for kernel, bias in zip(moved[:-2:2], moved[1:-2:2], strict=True):
        z = h @ kernel + bias
        dead = (z <= 0).all(0)
        bias[dead] -= np.median(z, 0)[dead]
        h = np.maximum(h @ kernel + bias, 0)
    return moved


def batch_normed(weights: list[np.ndarray]) -> list[np.ndarray]:
    """Add the weights of fresh batch norms behind each hidden layer's."""
    one, zero = np.ones(100), np.zeros(100)
    values: list[np.ndarray] = []
    for kernel, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        values += [kernel, bias, one, zero, zero, one]
    return values + weights[-2:]


def measure_damage() -> dict[str, Any]:
    """Five layers, Adam: what a rate kills, and what brings it back.

    Dead share and accuracy: by rate (rates, seeds), after an action (seeds).
    Those with batch norm use the batch's statistics: once all the digits'.
    """
    x, _ = digits()
    adam = keras.optimizers.Adam
    relu = compiled(deep_classifier("relu", HE, SHALLOW), adam())
    by_rate = np.zeros((2, len(RATES), len(SEEDS)))
    first_layer = np.zeros((len(RATES), len(SEEDS)))
    fresh = [deep_classifier("relu", HE, SHALLOW, seed=s) for s in SEEDS]
    starts = [network.get_weights() for network in fresh]
    for at, rate in enumerate(RATES):
        killed = []  # those of the last rate stay
        for seed, model in enumerate(trained(relu, starts, rate)):
            killed.append(model.get_weights())
            share = shares(model, x)
            by_rate[:, at, seed] = share.mean(), accuracy(model)
            first_layer[at, seed] = share[0]
    leaky = compiled(deep_classifier("leaky_relu", HE, SHALLOW), adam())
    normed = compiled(with_batch_norm(), adam())
    renewed = []
    for seed, weights in enumerate(killed):
        relu.model.set_weights(weights)
        revive(relu.model, x, seed)
        renewed.append(relu.model.get_weights())
    begin = {
        "leaky ReLU instead": killed,
        "lower rate only": killed,
        "biases moved": [*map(moved_biases, killed)],
        "batch norm added": [*map(batch_normed, killed)],
        "dead units renewed": renewed,
        "all started again": starts,
    }
    others = {"leaky ReLU instead": leaky, "batch norm added": normed}
    actions: dict[str, np.ndarray] = {}
    inference: list[float] = []  # of the batch norms
    for name in ACTIONS:
        patient = others.get(name, relu)
        rows = []
        for model in trained(patient, begin[name], GENTLE, 50):
            judged = model
            if patient is leaky:  # dead: the negative side for every digit
                judged = relu.model
                judged.set_weights(model.get_weights())
            left = shares(judged, x).mean()
            rows.append([left, accuracy(model, patient is normed)])
            if patient is normed:
                inference.append(accuracy(model))
        actions[name] = np.transpose(rows)
    return {
        "by rate": by_rate,
        "first layer": first_layer,
        "first layer at birth": np.array(
            [shares(network, x)[0] for network in fresh]
        ),
        "actions": actions,
        "batch norm, inference": np.array(inference),
    }


def plot_birth(birth: dict[str, Any]) -> Figure:
    """Draw the dead share through fifty layers, measured and in theory."""
    figure, ax = plt.subplots()
    at = np.arange(1, DEPTH + 1)
    for n in EXAMPLES:
        share = birth[str(n)]["share"]
        ax.plot(at, birth[str(n)]["theory"], color="axis", lw=1)
        ax.plot(at, share.mean(0), color="he", label=f"{n:,} digits")
    ax.fill_between(at, share.min(0), share.max(0), color="he", alpha=0.2, lw=0)
    ax.axhline(0.5, color="axis", lw=0.75, zorder=1)
    ax.set_ylim(0, 0.62)
    ax.set_yticks([0, 0.25, 0.5], ["0 %", "25 %", "50 %"])
    ax.set_xlim(1, DEPTH)
    ax.set_xticks([1, 10, 20, 30, 40, 50])
    ax.set_xlabel("layer")
    ax.set_ylabel("dead share of the layer")
    return figure


def plot_rates(damage: dict[str, Any]) -> Figure:
    """Draw dead share and accuracy against Adam's learning rate."""
    figure, axes = plt.subplots(1, 2, sharex=True, sharey=True)
    for ax, values, title in zip(
        axes,
        damage["by rate"],
        ("dead share of all units", "training accuracy"),
        strict=True,
    ):
        ax.set_xscale("log")
        ax.plot(RATES, np.median(values, 1), color="he", marker="o", ms=4)
        ax.fill_between(
            RATES, values.min(1), values.max(1), color="he", alpha=0.2, lw=0
        )
        ax.set_title(title)
        ax.set_ylim(0, 1.04)
        ax.set_yticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])
        ax.set_xticks(RATES, [f"{rate:g}" for rate in RATES])
        ax.minorticks_off()
    axes[0].set_xlabel("learning rate of Adam")
    axes[0].set_ylabel("share")
    return figure


def plot_actions(damage: dict[str, Any]) -> Figure:
    """Draw what six actions leave dead, and how well the network does."""
    figure, axes = plt.subplots(1, 2, sharex=True, sharey=True)
    for at, title in enumerate(
        ("dead share of all units", "training accuracy")
    ):
        ax = axes[at]
        for row, name in enumerate(ACTIONS):
            values = damage["actions"][name][at]
            ax.plot(
                values, np.full(len(values), row), "o", color="he", ms=5.5,
                alpha=0.55, mew=0,
            )  # fmt: skip
        ax.set_title(title)
        ax.set_xlim(-0.03, 1.03)
        ax.set_xticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])
        ax.set_yticks(range(len(ACTIONS)), ACTIONS)
        ax.set_ylim(len(ACTIONS) - 0.5, -0.5)
    axes[0].set_xlabel("share")
    axes[0].set_ylabel("after the damage")
    return figure
