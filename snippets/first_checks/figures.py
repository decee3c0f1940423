"""Measures and draws the chapter `first_checks`."""

from functools import cache, partial
from itertools import combinations
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
HE = keras.initializers.HeNormal
UNIT = partial(keras.initializers.RandomNormal, 0.0, 1.0)
NARROW = partial(keras.initializers.RandomNormal, 0.0, 0.05)
GLOROT = keras.initializers.GlorotUniform
DEEP: dict[str, Any] = {"depth": 20, "rate": 0.02}
# what is trained: how it differs from build(), and what it is shown
NETWORKS: dict[str, dict[str, Any]] = {
    "sound": {},
    "N(0, 1)": {"initializer": UNIT},
    "rate 10": {"rate": 10.0},
    "ReLU, Glorot, 5 layers": {"initializer": GLOROT, "rate": 0.02},
    "ReLU, Glorot, 20 layers": {"initializer": GLOROT} | DEEP,
    "ReLU, He, 20 layers": DEEP,
    "tanh, Glorot, 20 layers": {"activation": "tanh", "initializer": GLOROT}
    | DEEP,
    "tanh, N(0, 0.05²), 20 layers": {
        "activation": "tanh",
        "initializer": NARROW,
    }
    | DEEP,
    "both": {"ending": "averaged"},
    "neither": {"from_logits": False},
    "tanh, N(0, 1)": {"activation": "tanh", "initializer": UNIT},
    "tanh, Glorot": {"activation": "tanh", "initializer": GLOROT},
    "sigmoid, N(0, 1)": {"activation": "sigmoid", "initializer": UNIT},
    "sigmoid, Glorot": {"activation": "sigmoid", "initializer": GLOROT},
    "eight sigmoids": {
        "activation": "sigmoid",
        "initializer": GLOROT,
        "depth": 8,
    },
    "eight tanh": {"activation": "tanh", "initializer": GLOROT, "depth": 8},
}
UPDATES = {  # 200 are the rule
    "pixels up to 255": 20,
    "N(0, 1)": 20,
    "rate 10": 20,
    "shuffled labels": 100,
    "tanh, N(0, 0.05²), 20 layers": 100,
    "ReLU, Glorot, 5 layers": 300,
    "eight sigmoids": 100,
    "eight tanh": 100,
}
RATES = 10.0 ** np.arange(-3, 1.1, 0.5)
BRANCHES, NARROWEST = 4, 4  # how many, and units in each


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Return the 1,797 digits, divided by 16, and their labels."""
    x, y = load_digits(return_X_y=True)
    return (x / 16).astype("float32"), y


def few_of_all_but_zeros(
    x: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return all zeros, and a twentieth of the other digits."""
    few = np.flatnonzero((y == 0) | (np.arange(len(y)) % 20 == 0))
    return x[few], y[few]


@cache
def _compiled(shape: tuple[tuple[str, Any], ...]) -> keras.Sequential:
    return build(**dict(shape))


@cache
def _start(name: str, seed: int) -> list[np.ndarray]:
    weights: list[np.ndarray] = build(**NETWORKS[name], seed=seed).get_weights()
    return weights


def patient(name: str, seed: int) -> keras.Sequential:
    """Return one of `NETWORKS` at its start; compiled once a shape."""
    changes = NETWORKS[name]
    shape = ("activation", "depth", "ending", "from_logits")
    model = _compiled(tuple((k, changes[k]) for k in shape if k in changes))
    model.set_weights(_start(name, seed))
    model.optimizer.learning_rate = changes.get("rate", 0.1)
    return model


def measure_losses() -> dict[str, np.ndarray]:
    """Losses, batch 50: what is trained → (5 seeds, updates)."""
    x, y = digits()
    measured = {}
    for name in (*NETWORKS, "pixels up to 255", "shuffled labels"):
        if name.startswith("sigmoid"):
            continue  # they are probed, and see measure_moves
        runs = []
        for seed in SEEDS:
            model = patient(name if name in NETWORKS else "sound", seed)
            inputs = 255 * x if name == "pixels up to 255" else x
            labels = y
            if name == "shuffled labels":
                labels = np.random.default_rng(seed).permutation(y)
            updates = UPDATES.get(name, 200)
            runs.append(loss_curve(model, inputs, labels, updates, seed=seed))
        measured[name] = np.array(runs)
    return measured


def measure_probes() -> dict[str, Any]:
    """What the page's probes say, five seeds; the sound network first."""
    x, y = digits()
    scaled = {"sound": x, "pixels up to 255": 255 * x}
    rows: dict[str, list] = {}

    def note(name: str, value: Any) -> None:
        rows.setdefault(name, []).append(value)

    for seed in SEEDS:
        model = patient("sound", seed)
        sound = model.get_weights()
        for name, inputs in scaled.items():
            note(f"first loss, {name}", first_loss(model, inputs, y)[0])
        note("one batch, sound", one_batch(model, x[:50], y[:50]))
        shuffled = np.random.default_rng(seed).permutation(y)
        by_heart = one_batch(model, x[:50], shuffled[:50], updates=200)
        note("one batch, shuffled", by_heart)
        note("class means, sound", class_means(x, y)[0])
        note("class means, shuffled", class_means(x, shuffled)[0])
        zeros = [0 * value for value in sound[:-2]]
        model.set_weights([*zeros, *sound[-2:]])
        note("one batch, zeros", one_batch(model, x[:50], y[:50]))
        for name in ("N(0, 1)", "ReLU, Glorot, 20 layers",
                     "ReLU, He, 20 layers", "tanh, Glorot, 20 layers",
                     "tanh, N(0, 0.05²), 20 layers", "eight sigmoids",
                     "eight tanh"):  # fmt: skip
            size, apart = signal_factor(patient(name, seed), x)
            note(f"factor, {name}", size)
            note(f"apart, {name}", apart)
        for name in ("tanh, N(0, 1)", "tanh, Glorot", "sigmoid, N(0, 1)",
                     "sigmoid, Glorot"):  # fmt: skip
            network = patient(name, seed)
            h = keras.Sequential(network.layers[:-1])(x)
            low = -1.0 if name.startswith("tanh") else 0.0
            note(f"pinned, {name}", saturated_share(h.numpy(), low))
    return {name: np.array(values) for name, values in rows.items()}


def measure_unequal() -> dict[str, np.ndarray]:
    """Classes of unequal size: what the final bias does, five seeds.

    First losses, and (seeds, 50 updates), rate 0.03, batch 50.
    """
    x, y = few_of_all_but_zeros(*digits())
    rows: dict[str, list] = {"entropy": []}
    for seed in SEEDS:
        for name in ("zero", "set"):
            model = patient("sound", seed)
            model.optimizer.learning_rate = 0.03
            if name == "set":
                share = np.bincount(y) / len(y)
                model.layers[-1].bias.assign(np.log(share))
            loss, entropy = first_loss(model, x, y)
            rows.setdefault(f"first loss, {name}", []).append(loss)
            rows.setdefault(f"losses, {name}", []).append(
                loss_curve(model, x, y, 50, seed=seed)
            )
        rows["entropy"].append(entropy)
    return {name: np.array(values) for name, values in rows.items()}


def measure_moves() -> dict[str, np.ndarray]:
    """Sigmoids and tanh, 100 updates, five seeds: losses and moves.

    A move is the relative change of a kernel: (seeds, 6 layers).
    """
    x, y = digits()
    rows: dict[str, list] = {}
    for name in ("sigmoid, Glorot", "tanh, Glorot"):
        for seed in SEEDS:
            model = patient(name, seed)
            losses = loss_curve(model, x, y, 100, seed=seed)
            rows.setdefault(f"losses, {name}", []).append(losses)
            moves = [
                np.linalg.norm(now - was) / np.linalg.norm(was)
                for was, now in zip(
                    _start(name, seed)[::2],
                    model.get_weights()[::2],
                    strict=True,
                )
            ]
            rows.setdefault(f"moves, {name}", []).append(moves)
    return {name: np.array(values) for name, values in rows.items()}


def measure_dead() -> dict[str, np.ndarray]:
    """Dead share of all units, and 100 losses with Adam: 0.1 and 0.003."""
    x, y = digits()
    model = build()
    adam = keras.optimizers.Adam()
    model.compile(adam, model.loss)
    adam.build(model.trainable_variables)
    memory = [variable.numpy() for variable in adam.variables]
    rows: dict[str, list] = {}

    def note_dead(name: str) -> None:
        shares = [units.mean() for units in dead_units(model, x).values()]
        rows.setdefault(name, []).append(np.mean(shares))

    for seed in SEEDS:
        for rate in (0.1, 0.003):
            for variable, value in zip(adam.variables, memory, strict=True):
                variable.assign(value)
            adam.learning_rate = rate
            model.set_weights(_start("sound", seed))
            if rate == 0.1:
                note_dead("dead at the start")
            losses = loss_curve(model, x, y, 100, seed=seed)
            rows.setdefault(f"losses, {rate}", []).append(losses)
            note_dead(f"dead, {rate}")
    return {name: np.array(values) for name, values in rows.items()}


def branched(initializers: list[keras.Initializer]) -> keras.Model:
    """Return a net of summed branches, ReLU and logits, one initializer each.

    Both layers of a branch use the same instance.
    """
    inputs = keras.Input((64,))
    logits = []
    for initializer in initializers:
        h = keras.layers.Dense(
            NARROWEST, "relu", kernel_initializer=initializer
        )(inputs)
        logits.append(keras.layers.Dense(10, kernel_initializer=initializer)(h))
    model = keras.Model(inputs, keras.layers.Add()(logits))
    model.compile(
        keras.optimizers.SGD(0.1),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return model


def measure_branches() -> dict[str, np.ndarray]:
    """200 losses of five seeds, and how far the branches are apart then.

    Apart: the largest difference of two kernels, (5 seeds, 6 pairs).
    """
    x, y = digits()
    model = branched([HE(seed=0)] * BRANCHES)
    rows: dict[str, list] = {}
    for seed in SEEDS:
        seeds = range(BRANCHES * seed, BRANCHES * seed + BRANCHES)
        for name, initializers in (
            ("shared", [HE(seed=seeds[0])] * BRANCHES),
            ("own", [HE(seed=s) for s in seeds]),
        ):
            model.set_weights(branched(initializers).get_weights())
            losses = loss_curve(model, x, y, seed=seed)
            rows.setdefault(f"losses, {name}", []).append(losses)
            kernels = [w for w in model.get_weights() if len(w) == 64]
            apart = [abs(a - b).max() for a, b in combinations(kernels, 2)]
            rows.setdefault(f"apart, {name}", []).append(apart)
    return {name: np.array(values) for name, values in rows.items()}


def measure_rates() -> dict[str, np.ndarray]:
    """Loss after 100 updates by learning rate, (5 seeds, rates)."""
    x, y = digits()
    runs = [
        learning_rates(patient("sound", seed), x, y, RATES) for seed in SEEDS
    ]
    return {"rates": RATES, "losses": np.array(runs)}


# title, broken, mended
PANELS = (
    ("loss far above ln 10", "pixels up to 255", "sound"),
    ("loss soon NaN", "rate 10", "sound"),
    ("loss stays at ln 10", "ReLU, Glorot, 20 layers", "ReLU, He, 20 layers"),
    ("loss above 1.46", "both", "sound"),
    ("loss above ln 10", "neither", "sound"),
    ("loss falls slowly", "tanh, N(0, 1)", "tanh, Glorot"),
)


def _draw(ax: Axes, runs: np.ndarray, color: str, label: str) -> None:
    smooth = runs.reshape(len(runs), -1, 20).mean(2)  # each update once
    at = 10 + 20 * np.arange(smooth.shape[1])
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
