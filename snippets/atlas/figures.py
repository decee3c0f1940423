"""Measures and draws the atlas: reads the table that lies next to it."""

from collections.abc import Iterable
from itertools import groupby
from math import log
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path as MarkerPath
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from snippets.atlas.verdicts import Run, by_kind, read_runs, verdict

Array = NDArray[np.float64]
Kinds = dict[tuple, dict[str, Any]]

TABLE = Path(__file__).with_name("results.csv.gz")
OTHERS = Path(__file__).with_name("other_seeds.csv.gz")
ACTIVATIONS = {
    "sigmoid": "sigmoid", "tanh": "tanh", "relu": "ReLU",
    "leaky_relu": "leaky ReLU", "prelu": "PReLU", "elu": "ELU",
    "selu": "SELU", "gelu": "GELU", "silu": "SiLU", "mish": "Mish",
}  # fmt: skip
INITIALIZERS = {
    "glorot": "Glorot", "he": "He", "lecun": "LeCun", "own": "own scale",
    "orthogonal": "orthogonal", "n1": "N(0, 1)", "n001": "N(0, 0.01²)",
}  # fmt: skip
# Random biases, and kernels of the scale that fits them.
CRITICAL = "critical"
NAMES = INITIALIZERS | {CRITICAL: "critical, random biases"}
# The own scale of these is that of another initializer: the same networks.
SAME = {("relu", "own"): "he", ("prelu", "own"): "he", ("selu", "own"): "lecun"}
DEPTHS = (4, 10, 20, 30, 50)
MAIN = ("digits", "sgd", 100)  # the setting of the whole grid
WIDE = ("digits", "sgd", 400)
OPTIMIZERS = {"sgd": "SGD", "momentum": "momentum", "adam": "Adam"}
GOOD = ("trains", "slow")
STATISTICS = {
    "first_loss": "first loss over ln 10",
    "forward": "signal: last over first layer",
    "backward": "its gradient: first over last",
    "kernel": "kernels' gradient: first over last",
    "cosine": "cosine between examples",
    "dead": "share of zero units",
}
ENOUGH = 10  # kinds of each outcome, to speak of an area at all
TWO_SIDED = ("first_loss", "forward", "backward", "kernel")
# The pairs that people use, or that theory recommends.
PAIRS = (
    ("sigmoid", "glorot"), ("tanh", "glorot"), ("tanh", "orthogonal"),
    ("relu", "glorot"), ("relu", "he"), ("leaky_relu", "he"),
    ("elu", "own"), ("selu", "lecun"), ("gelu", "he"), ("silu", "he"),
)  # fmt: skip
WIDE_PAIRS = (
    ("tanh", "glorot"), ("relu", "he"), ("selu", "lecun"), ("gelu", "he"),
)  # fmt: skip
# With Adam: what is recommended, and what trains deep sigmoids.
ADAM = (
    ("sigmoid", "glorot"), ("sigmoid", "n1"), ("tanh", "glorot"),
    ("relu", "he"), ("leaky_relu", "own"), ("prelu", "own"), ("elu", "own"),
    ("selu", "lecun"), ("gelu", "own"), ("silu", "own"), ("mish", "own"),
)  # fmt: skip
BIASED = ("sigmoid", "tanh", "gelu", "silu", "mish")
# The table of the page `choosing`.
ADVISED = {
    "relu": "he", "leaky_relu": "own", "elu": "own", "selu": "lecun",
    "tanh": "glorot", "gelu": "own", "silu": "own", "mish": "own",
}  # fmt: skip
ADVISED_AT = (10, 30, 50)
COLOR = {"glorot": "glorot", "he": "he", "lecun": "lecun", "own": "ink"}
WORST = 80.0  # decimal logarithm of a ratio that is not finite
HOPELESS = ("n1", "n001")


def measure_kinds() -> Kinds:
    """The verdict on each kind of network, and how it starts."""
    found: Kinds = {}
    for kind, runs in by_kind(read_runs(TABLE)).items():
        judged = verdict(runs)
        found[kind] = {
            **judged._asdict(),
            "open": judged.open,
            "start": {name: _start(runs, name) for name in STATISTICS},
        }
    return found


def is_copy(kind: tuple) -> bool:
    """Say whether these are the networks of another kind, run by run."""
    return kind[4:] in SAME


def is_main(kind: tuple) -> bool:
    """Say whether a kind is of the whole grid, and no copy."""
    return kind[:3] == MAIN and kind[5] in INITIALIZERS and not is_copy(kind)


def _start(runs: list[Run], name: str) -> float:
    """Return a statistic's median over the seeds; the rates share it."""
    return float(np.median([run[name] for run in runs]))


def measure_best() -> dict[str, Any]:
    """The initializer with the fewest updates: activation by depth, as text."""
    kinds = measure_kinds()
    rows = []
    for activation, name in ACTIVATIONS.items():
        row = [name]
        for depth in DEPTHS:
            found = {
                initializer: kinds[kind]
                for initializer in INITIALIZERS
                if (kind := (*MAIN, depth, activation, initializer)) in kinds
            }
            good = [it for it in found if found[it]["word"] in GOOD]
            if len(found) < len(INITIALIZERS):
                row.append("not run yet")
            elif not good:
                row.append("none")
            else:
                best = min((_soonest(found[it]), it) for it in good)[1]
                best = SAME.get((activation, best), best)
                it = found[best]
                range_ = {it["fastest"], it["slowest"]}
                same = [
                    other
                    for other in good
                    if {found[other]["fastest"], found[other]["slowest"]}
                    == range_
                    and (activation, other) not in SAME
                ]
                more = f" and {len(same) - 1} more" * (len(same) > 1)
                row.append(
                    f"{INITIALIZERS[best]}{more}, {it['rate']:g}: "
                    + _range(*range_)
                )
        rows.append(row)
    return {
        "head": ["Activation", *(f"{depth} layers" for depth in DEPTHS)],
        "rows": rows,
    }


def _said(it: dict[str, Any] | None) -> str:
    """Return a verdict in a few words."""
    if it is None:
        return "not run yet"
    if it["word"] in GOOD:
        updates = _range(*{it["fastest"], it["slowest"]})
        return f"{it['word']}: {updates} at {it['rate']:g}"
    if it["trained"]:
        return f"{it['trained']} of {it['seeds']} seeds at {it['rate']:g}"
    return str(it["word"])


def _advised(
    setting: tuple[str, str, int], pairs: Iterable[tuple[str, str]]
) -> dict[str, Any]:
    """Return a table of pairs by depth: data, optimizer, width are given."""
    kinds = measure_kinds()
    return {
        "head": ["Activation", "Initializer"]
        + [f"{depth} layers" for depth in ADVISED_AT],
        "rows": [
            [ACTIVATIONS[activation], INITIALIZERS[initializer]]
            + [
                _said(kinds.get((*setting, depth, activation, initializer)))
                for depth in ADVISED_AT
            ]
            for activation, initializer in pairs
        ],
    }


def measure_advice() -> dict[str, Any]:
    """What the advised initializers do: activation by depth, as text."""
    return _advised(MAIN, ADVISED.items())


def measure_optimizers() -> dict[str, Any]:
    """What momentum and Adam change: pair by depth and optimizer, as text."""
    columns = {
        f"{depth} layers, {name}": ("digits", optimizer, 100, depth)
        for depth in (30, 50)
        for optimizer, name in OPTIMIZERS.items()
    }
    return _compared(columns)


def measure_adam() -> dict[str, Any]:
    """What Adam does with each activation's initializer, as text."""
    return _advised(("digits", "adam", 100), ADAM)


def measure_biases() -> dict[str, Any]:
    """What random biases change: activation by depth, as text.

    A row for each activation that has been run with them at some depth.
    """
    kinds = measure_kinds()
    run = {kind[4] for kind in kinds if kind[5] == CRITICAL}
    columns = {"own": "zero biases", CRITICAL: "random"}
    return {
        "head": ["Activation"]
        + [
            f"{depth} layers, {said}"
            for depth in ADVISED_AT
            for said in columns.values()
        ],
        "rows": [
            [ACTIVATIONS[activation]]
            + [
                _said(kinds.get((*MAIN, depth, activation, initializer)))
                for depth in ADVISED_AT
                for initializer in columns
            ]
            for activation in BIASED
            if activation in run
        ],
    }


def measure_judged() -> dict[tuple, dict[str, Any]]:
    """What a headline speaks of, on five seeds that chose no rate.

    For each kind: the best rate for seeds 0 to 4, `chose` and `judged` the
    updates at it of these seeds and of 5 to 9, `None` where one fails.
    """
    first = by_kind(read_runs(TABLE))
    found = {}
    if OTHERS.exists():
        for kind, runs in by_kind(read_runs(OTHERS)).items():
            (rate,) = {run["rate"] for run in runs}
            chose = [r for r in first[kind] if r["rate"] == rate]
            found[kind] = {
                "rate": rate,
                "chose": [run["updates"] for run in chose],
                "judged": [run["updates"] for run in runs],
            }
    return found


def measure_elsewhere() -> dict[str, Any]:
    """What other data and another width change: pairs, as text."""
    columns = {
        f"mnist1d, {depth} layers": ("mnist1d", "sgd", 100, depth)
        for depth in (4, 10, 30)
    }
    return _compared(columns | {"width 400, 30 layers": (*WIDE, 30)})


def _compared(columns: dict[str, tuple]) -> dict[str, Any]:
    """Return a table: a row for each main pair, a column for each setting."""
    kinds = measure_kinds()
    return {
        "head": ["Pair", *columns],
        "rows": [
            [f"{ACTIVATIONS[pair[0]]}, {INITIALIZERS[pair[1]]}"]
            + [
                ""
                if setting[:3] == WIDE and pair not in WIDE_PAIRS
                else _said(kinds.get((*setting, *pair)))
                for setting in columns.values()
            ]
            for pair in PAIRS
        ],
    }


def _soonest(it: dict[str, Any]) -> tuple[float, float, int]:
    return it["updates"], it["slowest"], -len(it["working"])


def measure_table() -> dict[str, Any]:
    """The verdicts as text, in the order of the grid: head and rows."""
    kinds = measure_kinds()
    rows = []
    for kind in sorted(kinds, key=_place):
        data, optimizer, width, depth, activation, initializer = kind
        it = kinds[kind]
        setting = OPTIMIZERS[optimizer]
        setting += f", width {width}" * (width != MAIN[2])
        setting += f", {data}" * (data != MAIN[0])
        updates = ""
        if it["word"] in GOOD:
            updates = _range(it["fastest"], it["updates"], it["slowest"])
        elif it["trained"]:
            updates = f"{it['trained']} of {it['seeds']} seeds"
        rows.append(
            [
                ACTIVATIONS[activation],
                NAMES[initializer],
                str(depth),
                setting,
                it["word"],
                updates,
                f"{it['rate']:g}" if it["trained"] else "",
                f"{len(it['working'])}{'+' * it['open']}: "
                + _range(*{it["working"][0], it["working"][-1]})
                if it["working"]
                else "",
                f"{it['validation']:.2f}" if it["trained"] else "",
            ]
        )
    return {
        "head": [
            "Activation", "Initializer", "Layers", "Setting", "Verdict",
            "Updates", "Best rate", "Rates that work", "Validation",
        ],
        "rows": rows,
    }  # fmt: skip


def _place(kind: tuple) -> tuple:
    """Return what kinds are sorted by: the main setting's come first."""
    data, optimizer, width, depth, activation, initializer = kind
    setting = (data != MAIN[0], width, [*OPTIMIZERS].index(optimizer))
    rank = [*ACTIVATIONS].index(activation), [*NAMES].index(initializer)
    return setting, rank, depth


def _range(*numbers: float) -> str:
    return "–".join(f"{number:g}" for number in sorted(numbers))


def measure_foretold() -> dict[str, Any]:
    """How well the start tells the verdict: areas under the curve.

    `auc` is population → how → statistic → area. "one rule" fits nothing: a
    ratio is the better the nearer it is to 1. For "activation" and
    "initializer" each of them is judged by what was fitted to the others,
    and the areas of those that have both outcomes are averaged, weighted by
    their pairs. `rows` say the same as text.
    """
    everything = {k: v for k, v in measure_kinds().items() if is_main(k)}
    plausible = {k: v for k, v in everything.items() if k[5] not in HOPELESS}
    names = [*STATISTICS, "layers"]
    chosen = {name: [at] for at, name in enumerate(names)}
    chosen["all"] = [*range(len(STATISTICS))]
    auc: dict[str, dict[str, dict[str, float]]] = {}
    sizes: dict[str, tuple[int, int]] = {}
    for population, kinds in (("all", everything), ("plausible", plausible)):
        label = np.array([it["word"] in GOOD for it in kinds.values()])
        sizes[population] = (len(label), int(label.sum()))
        if min(label.sum(), (~label).sum()) < ENOUGH:
            continue
        x = np.array([[*_inputs(k, it).values()] for k, it in kinds.items()])
        far = np.where([name in TWO_SIDED for name in names], np.abs(x), x)
        auc[population] = {
            "one rule": {
                name: area(label, -far[:, at]) for at, name in enumerate(names)
            }
        }
        for left_out, column in (("activation", 4), ("initializer", 5)):
            group = np.array([kind[column] for kind in kinds])
            auc[population][left_out] = {
                name: _left_out(
                    x[:, columns], label, group, [names[c] for c in columns]
                )
                for name, columns in chosen.items()
            }
    said = STATISTICS | {"all": "all six together", "layers": "only the depth"}
    rows = [
        [text]
        + [
            "–" if np.isnan(it := areas.get(name, np.nan)) else f"{it:.2f}"
            for population in ("all", "plausible")
            for how in ("one rule", "activation", "initializer")
            for areas in [auc.get(population, {}).get(how, {})]
        ]
        for name, text in said.items()
    ]
    counted = ["kinds of network, and how many train"]
    for population in ("all", "plausible"):
        counted += ["{}, {}".format(*sizes[population])] * 3
    rows.append(counted)
    return {
        "auc": auc,
        "sizes": sizes,
        "head": ["Before the first update"]
        + [
            f"{which}: {how}"
            for which in ("Seven", "Five")
            for how in ("one rule", "new activation", "new initializer")
        ],
        "rows": rows,
    }


def _inputs(kind: tuple, it: dict[str, Any]) -> dict[str, float]:
    """Return the statistics as finite numbers: ratios as logarithms."""
    start = dict(it["start"])
    with np.errstate(all="ignore"):
        start["first_loss"] = float(np.log10(start["first_loss"] / log(10)))
    worst = dict.fromkeys(TWO_SIDED, WORST) | {"cosine": 1.0, "dead": 1.0}
    for name, value in start.items():
        if name in TWO_SIDED:
            value = float(np.clip(value, -WORST, WORST))
        start[name] = value if np.isfinite(value) else worst[name]
    return start | {"layers": float(kind[3])}


def area(label: NDArray[np.bool_], score: Array) -> float:
    """Return the area under the curve; NaN where all end alike."""
    if label.all() or not label.any():
        return float("nan")
    return float(roc_auc_score(label, score))


def _left_out(
    x: Array, label: NDArray[np.bool_], group: NDArray[Any], names: list[str]
) -> float:
    """Return the mean area of the groups, each left out of the fit in turn.

    Fitted are the centre of a ratio (the median of the kinds that train)
    and the direction, or the weights of a logistic regression.
    """
    areas, pairs = [], []
    for left_out in np.unique(group):
        here = group == left_out
        if any(
            some.all() or not some.any() for some in (label[here], label[~here])
        ):
            continue
        far = x.copy()
        for column, name in enumerate(names):
            if name in TWO_SIDED:
                centre = np.median(x[~here & label, column])
                far[:, column] = np.log1p(np.abs(x[:, column] - centre))
        if len(names) == 1:
            known = area(label[~here], far[~here, 0])
            score = far[here, 0] * (1 if known > 0.5 else -1)
        else:
            model = make_pipeline(StandardScaler(), LogisticRegression())
            model.fit(far[~here], label[~here])
            score = model.decision_function(far[here])
        areas.append(area(label[here], score))
        pairs.append(label[here].sum() * (~label[here]).sum())
    return float(np.average(areas, weights=pairs)) if areas else float("nan")


TONE = {"trains": "heat6", "slow": "heat2", "missing": "page"}
SIGN = {"uncertain": "?", "does not": "–", "diverges": "×", "missing": ""}


def _panel(
    ax: Axes,
    columns: list[str],
    rows: list[str],
    cells: list[list[dict[str, Any] | None]],
) -> None:
    """Draw a panel of cells, row by row; one that is missing is `None`.

    The tone and the sign of a cell both say the verdict; the number is that
    of the rates that work.
    """
    tones: dict[str, list[MarkerPath]] = {}
    for y, row in enumerate(cells):
        words = [it["word"] if it else "missing" for it in row]
        for x, (word, it) in enumerate(zip(words, row, strict=True)):
            working = len(it["working"]) if it else 0
            sign = {"trains": f"{working}", "slow": f"({working})"} | SIGN
            ax.text(
                x, y, sign[word], ha="center", va="center_baseline",
                color="page" if word == "trains" else "ink",
                fontweight="bold" if word == "trains" else "normal",
                fontsize=9,
            )  # fmt: skip
        of_row = [TONE.get(word, "heat0") for word in words]
        x = 0
        for tone, same in groupby(of_row):  # one shape for each tone: small
            end = x + len([*same])
            corners = [(x, y), (end, y), (end, y + 1), (x, y + 1), (x, y)]
            box = MarkerPath(np.array(corners) - 0.5, closed=True)
            tones.setdefault(tone, []).append(box)
            x = end
    for tone, boxes in tones.items():
        shape = MarkerPath.make_compound_path(*boxes)
        ax.add_patch(PathPatch(shape, facecolor=tone, edgecolor="none"))
    gaps = [*range(1, len(columns))], [*range(1, len(rows))]
    ax.vlines(np.array(gaps[0]) - 0.5, -0.5, len(rows) - 0.5, "page", lw=2)
    ax.hlines(np.array(gaps[1]) - 0.5, -0.5, len(columns) - 0.5, "page", lw=2)
    ax.set_xlim(-0.5, len(columns) - 0.5)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_xticks(range(len(columns)), columns)
    ax.set_yticks(range(len(rows)), rows)
    ax.tick_params(length=0)
    ax.grid(visible=False)
    ax.spines["bottom"].set_visible(False)


def plot_grid(kinds: Kinds) -> Figure:
    """Draw a panel for each activation: initializer by depth."""
    figure, axes = plt.subplots(2, 5, sharey=True, figsize=(7.3, 4.3))
    panels = zip(ACTIVATIONS.items(), axes.flat, strict=True)
    for (activation, name), ax in panels:
        cells = [
            [kinds.get((*MAIN, depth, activation, it)) for depth in DEPTHS]
            for it in INITIALIZERS
        ]
        _panel(ax, [str(d) for d in DEPTHS], [*INITIALIZERS.values()], cells)
        ax.set_title(name, color="ink")
    axes[1, 0].set_xlabel("hidden layers")
    return figure


def plot_rates(kinds: Kinds) -> Figure:
    """Draw which rates work for the pairs that people use, at three depths."""
    figure, axes = plt.subplots(1, 3, sharex=True, sharey=True)
    for depth, ax in zip((10, 30, 50), axes.flat, strict=True):
        for y, (activation, initializer) in enumerate(PAIRS):
            it = kinds.get((*MAIN, depth, activation, initializer))
            if it is None:
                ax.text(1e-3, y, "not run yet", va="center", fontsize=9)
                continue
            color = COLOR.get(initializer, "other")
            tried = [it["tried"][0], it["tried"][-1]]
            ax.plot(tried, [y, y], color="axis", lw=0.75)
            for rate in it["working"]:
                ax.plot(rate, y, "s", color=color, ms=5)
            if it["working"]:
                ends = [it["working"][0], it["working"][-1]]
                ax.plot(ends, [y, y], color=color, lw=2.5)
                ax.plot(it["rate"], y, "o", color=color, ms=9)
            elif it["trained"]:
                ax.text(it["rate"], y, "?", color=color, va="center")
        ax.set_xscale("log")
        ax.set_xlim(1e-5 / 1.5, 4.5)
        ax.set_xticks([1e-4, 1e-2, 1])
        ax.minorticks_off()
        ax.set_ylim(len(PAIRS) - 0.5, -0.5)
        ax.set_title(f"{depth} layers", color="ink")
        ax.grid(visible=False)
    named = [f"{ACTIVATIONS[f]}, {INITIALIZERS[i]}" for f, i in PAIRS]
    axes[0].set_yticks(range(len(PAIRS)), named)
    axes[0].set_xlabel("learning rate")
    return figure
