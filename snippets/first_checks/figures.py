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
from snippets.saturation.saturated_share import saturated_share
from snippets.side_by_side import SideBySide

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
BY_HEART = {"sound": 100, "shuffled": 200, "zeros": 100}  # updates
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
def _compiled(shape: tuple[tuple[str, Any], ...]) -> SideBySide:
    return SideBySide(build(**dict(shape)))


@cache
def _start(name: str, seed: int) -> list[np.ndarray]:
    weights: list[np.ndarray] = build(**NETWORKS[name], seed=seed).get_weights()
    return weights


def several(name: str) -> SideBySide:
    """Return what trains one of `NETWORKS`; compiled once a shape."""
    shape = ("activation", "depth", "ending", "from_logits")
    changes = NETWORKS[name]
    return _compiled(tuple((k, changes[k]) for k in shape if k in changes))


def patient(name: str, seed: int) -> keras.Sequential:
    """Return one of `NETWORKS` at its start; compiled once a shape."""
    model = several(name).model
    model.set_weights(_start(name, seed))
    return model


def trained(
    name: str, x: np.ndarray, y: np.ndarray, updates: int = 200, **told: Any
) -> np.ndarray:
    """Train one of `NETWORKS` from its five starts: (5 seeds, updates)."""
    starts = [_start(name, seed) for seed in SEEDS]
    told = {"rate": NETWORKS[name].get("rate", 0.1)} | told
    return several(name).train(starts, x, y, updates, **told)


def permuted(y: np.ndarray) -> np.ndarray:
    """Return the labels shuffled, (5 seeds, examples)."""
    return np.stack([np.random.default_rng(s).permutation(y) for s in SEEDS])


def measure_losses() -> dict[str, np.ndarray]:
    """Losses, batch 50: what is trained → (5 seeds, updates)."""
    x, y = digits()
    measured = {}
    for name in (*NETWORKS, "pixels up to 255", "shuffled labels"):
        if name.startswith("sigmoid"):
            continue  # they are probed, and see measure_moves
        measured[name] = trained(
            name if name in NETWORKS else "sound",
            255 * x if name == "pixels up to 255" else x,
            permuted(y) if name == "shuffled labels" else y,
            UPDATES.get(name, 200),
        )
    return measured


def measure_probes() -> dict[str, Any]:
    """What the page's probes say, five seeds; the sound network first."""
    x, y = digits()
    scaled = {"sound": x, "pixels up to 255": 255 * x}
    rows: dict[str, list] = {}

    def note(name: str, value: Any) -> None:
        rows.setdefault(name, []).append(value)

    for seed, shuffled in zip(SEEDS, permuted(y), strict=True):
        model = patient("sound", seed)
        for name, inputs in scaled.items():
            note(f"first loss, {name}", first_loss(model, inputs, y)[0])
        note("class means, sound", class_means(x, y)[0])
        note("class means, shuffled", class_means(x, shuffled)[0])
        for name in ("N(0, 1)", "ReLU, Glorot, 20 layers",
                     "ReLU, He, 20 layers", "tanh, Glorot, 20 layers",
                     "tanh, N(0, 0.05²), 20 layers", "eight sigmoids",
                     "eight tanh"):  # fmt: skip
            size, apart = factors(name, seed, x)
            note(f"factor, {name}", size)
            note(f"apart, {name}", apart)
        for name in ("tanh, N(0, 1)", "tanh, Glorot", "sigmoid, N(0, 1)",
                     "sigmoid, Glorot"):  # fmt: skip
            network = patient(name, seed)
            h = keras.Sequential(network.layers[:-1])(x)
            low = -1.0 if name.startswith("tanh") else 0.0
            note(f"pinned, {name}", saturated_share(h.numpy(), low))
    return {
        **{name: np.array(values) for name, values in rows.items()},
        **{f"one batch, {k}": by_heart(k)[:, -1] for k in BY_HEART},
    }


def factors(name: str, seed: int, x: np.ndarray) -> tuple[float, float]:
    """Return what `signal_factor` says of one of `NETWORKS`, from its weights.

    It makes a Keras model of each, which takes a hundred times as long.
    """
    weights = _start(name, seed)
    function = keras.activations.get(NETWORKS[name].get("activation", "relu"))
    h, size, apart = x, [], []
    for kernel, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        h = keras.ops.convert_to_numpy(function(h @ kernel + bias))
        size.append(np.sqrt(np.mean(h**2, dtype="float64")))
        apart.append(np.std(h, 0, dtype="float64").mean())
    root = 1 / (len(size) - 1)
    first, second = ((s[-1] / s[0]) ** root for s in (size, apart))
    return float(first), float(second)


def by_heart(name: str) -> np.ndarray:
    """Show five seeds of the sound network the same 50 digits each time.

    The last of these losses, (5, updates), is what `one_batch` returns.
    """
    x, y = digits()
    sound = [_start("sound", seed) for seed in SEEDS]
    zeros = [[*(0 * value for value in w[:-2]), *w[-2:]] for w in sound]
    labels = permuted(y) if name == "shuffled" else np.stack([y] * len(SEEDS))
    return several("sound").train(
        zeros if name == "zeros" else sound, x[:50], labels[:, :50],
        BY_HEART[name], rate=0.1,
    )  # fmt: skip


def measure_unequal() -> dict[str, np.ndarray]:
    """Classes of unequal size: what the final bias does, five seeds.

    First losses, and (seeds, 50 updates), rate 0.03, batch 50.
    """
    x, y = few_of_all_but_zeros(*digits())
    share = np.bincount(y) / len(y)
    rows: dict[str, Any] = {}
    for name in ("zero", "set"):
        starts = [[*_start("sound", seed)] for seed in SEEDS]
        for weights in starts:
            if name == "set":
                weights[-1] = np.log(share)
            model = patient("sound", 0)
            model.set_weights(weights)
            loss, entropy = first_loss(model, x, y)
            rows.setdefault(f"first loss, {name}", []).append(loss)
        losses = several("sound").train(starts, x, y, 50, rate=0.03)
        rows[f"losses, {name}"] = losses
        rows["entropy"] = [entropy] * len(SEEDS)  # of the labels
    return {name: np.array(values) for name, values in rows.items()}


def measure_moves() -> dict[str, np.ndarray]:
    """Sigmoids and tanh, 100 updates, five seeds: losses and moves.

    A move is the relative change of a kernel: (seeds, 6 layers).
    """
    x, y = digits()
    measured = {}
    for name in ("sigmoid, Glorot", "tanh, Glorot"):
        measured[f"losses, {name}"] = trained(name, x, y, 100)
        moves = []
        for seed, end in zip(SEEDS, several(name).weights, strict=True):
            pairs = zip(_start(name, seed)[::2], end[::2], strict=True)
            size = np.linalg.norm
            moves.append([size(now - was) / size(was) for was, now in pairs])
        measured[f"moves, {name}"] = np.array(moves)
    return measured


def measure_dead() -> dict[str, np.ndarray]:
    """Dead share of all units, and 100 losses with Adam: 0.1 and 0.003."""
    x, y = digits()
    model = build()
    model.compile(keras.optimizers.Adam(), model.loss)
    network = SideBySide(model)
    starts = [_start("sound", seed) for seed in SEEDS]

    def dead(of: list[list[np.ndarray]]) -> np.ndarray:
        shares = []
        for weights in of:
            model.set_weights(weights)
            units = dead_units(model, x).values()
            shares.append(np.mean([layer.mean() for layer in units]))
        return np.array(shares)

    measured = {"dead at the start": dead(starts)}
    for rate in (0.1, 0.003):
        losses = network.train(starts, x, y, 100, rate=rate)
        measured[f"losses, {rate}"] = losses
        measured[f"dead, {rate}"] = dead(network.weights)
    return measured


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
    network = SideBySide(branched([HE(seed=0)] * BRANCHES))
    measured: dict[str, np.ndarray] = {}
    for name in ("shared", "own"):
        starts = []
        for seed in SEEDS:
            own = [HE(seed=BRANCHES * seed + at) for at in range(BRANCHES)]
            drawn = own if name == "own" else own[:1] * BRANCHES
            starts.append(branched(drawn).get_weights())
        measured[f"losses, {name}"] = network.train(starts, x, y)
        apart = []
        for weights in network.weights:
            kernels = [w for w in weights if len(w) == 64]
            pairs = combinations(kernels, 2)
            apart.append([abs(a - b).max() for a, b in pairs])
        measured[f"apart, {name}"] = np.array(apart)
    return measured


def measure_rates() -> dict[str, np.ndarray]:
    """Loss after 100 updates by learning rate, (5 seeds, rates)."""
    x, y = digits()
    same = [0] * len(SEEDS)  # batches, as `learning_rates` draws them
    by_rate = [
        trained("sound", x, y, 100, rate=rate, seeds=same)[:, -20:].mean(1)
        for rate in RATES
    ]
    return {"rates": RATES, "losses": np.transpose(by_rate)}


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
