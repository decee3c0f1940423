"""What the rows of the landing page promise: broken, and mended.

The sections of the first checks that stand on no row promise as much.
"""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np
import pytest
from sklearn.datasets import load_wine

from sitegen import paste
from snippets.first_checks import figures
from snippets.first_checks.build import build
from studies.unchanged import WEEKLY, chosen
from tests.browser.questions import ASKED, HELD_OUT
from tests.rows import read, rows, target

PAGE = read("index.md")
CHAPTER = read("chapters/first_checks.md")
# anchor: measurement, broken, mended, and how much lower the mended ends
ROWS = {
    "flat": ("losses", "ReLU, Glorot, 20 layers", "ReLU, He, 20 layers", 0.7),
    "first-layers": ("losses", "eight sigmoids", "eight tanh", 1.0),
    "nan": ("losses", "rate 10", "sound", 1.0),
    "first-loss": ("losses", "pixels up to 255", "sound", 1.0),
    "dead": ("dead", "losses, 0.1", "losses, 0.003", 1.0),
    "depth": (None, "ReLU, Glorot", "tanh, Glorot", 1.0),
    "pinned": ("losses", "tanh, N(0, 1)", "tanh, Glorot", 0.2),
    "changed": (
        "losses",
        "tanh, N(0, 0.05²), 20 layers",
        "tanh, Glorot, 20 layers",
        1.0,
    ),
}
# row of another chapter: measurement, fault, what is measured
OTHERS = {
    "evaluation.md#batch-norm": ("batch norm, 60 updates", "evaluate"),
    "same_answer.md#units": ("columns in their own units", "score"),
}
# row: the sections that answer who asks about it
ASK = {
    "evaluation.md#batch-norm": ("evaluation.html",),
    "first_checks.md#nan": (
        "first_checks.html#nan", "not_a_number.html",
        "unstable_gradients.html#first-infinity",
    ),
    "first_checks.md#flat": ("first_checks.html#flat",),
    "first_checks.md#first-layers": (
        "first_checks.html#first-layers", "unstable_gradients.html#w",
        "atlas.html#sigmoid", "diagnosis.html#sigmoids",
    ),
    "first_checks.md#dead": ("first_checks.html#dead", "dead_units.html"),
    "same_answer.md#units": ("same_answer.html",),
    "first_checks.md#first-loss": ("first_checks.html#first-loss",),
    "first_checks.md#pinned": ("first_checks.html#pinned", "saturation.html"),
}  # fmt: skip


def test_each_row_has_its_networks_and_none_is_left_out():
    found = rows()
    assert found == list(ASK)
    assert len(found) <= 8
    known = {f"first_checks.md#{anchor}" for anchor in ROWS} | {*OTHERS}
    assert {*found} <= known


def test_the_rows_follow_what_people_ask():
    """Public threads, each counted once, by the section that answers it."""
    threads = {address for _, _, address in ASKED + HELD_OUT}
    counts = [
        len(
            {
                address
                for _, sections, address in ASKED + HELD_OUT
                if sections[0].removeprefix("chapters/").startswith(ASK[row])
            }
        )
        for row in rows()
    ]
    assert counts == sorted(counts, reverse=True)
    assert min(counts) > 0
    said = re.search(r"(\d+) public threads", PAGE)
    assert said
    assert 0 <= len(threads) - int(said[1]) < 50


@pytest.mark.parametrize("row", OTHERS)
def test_what_a_row_of_another_chapter_promises(row, measured):
    """Five seeds: accuracy, or the share of what guessing gets wrong.

    And the loss that is drawn: it stays above one half.
    """
    name, score = OTHERS[row]
    of = measured(row.partition(".")[0], "trained")[name]
    broken, mended = of["broken"][score], of["mended"][score]
    assert len(broken) == len(mended) == 5
    assert mended.min() > broken.max() + 0.15
    losses = measured(row.partition(".")[0], "losses")[name]
    assert len(losses) == 5
    assert losses[:, -20:].mean(1).min() > 0.5
    for part in ("```python", "[✓](#test_", "**Mend"):
        assert part in target(row).text


@pytest.mark.parametrize("anchor", ROWS)
def test_what_a_row_promises_is_broken_and_mended_in_five_seeds(
    anchor, measured
):
    name, broken, mended, lower = ROWS[anchor]
    slug = "first_checks" if name else "unstable_gradients"
    losses = measured(slug, name or "losses")
    before, after = (losses[key][:, -20:].mean(1) for key in (broken, mended))
    assert len(before) == len(after) == 5
    assert np.all(np.isfinite(after))
    worst = np.nan_to_num(before, nan=np.inf, posinf=np.inf).min()
    assert after.max() < worst - lower


@pytest.mark.parametrize("anchor", ROWS)
def test_each_target_shows_a_probe_a_cause_its_proof_and_the_mend(anchor):
    section = target(f"first_checks.md#{anchor}").text
    assert "```python" in section or "signal_factor" in section
    assert "[✓](#test_" in section
    assert "**Mend:**" in section or "[change both]" in section


Given = tuple[keras.Model, np.ndarray, np.ndarray]


def digits(scale: float = 1.0, seed: int = 0, **fault: Any) -> Given:
    """Return the sound network of the chapter with a fault, and its data."""
    x, y = figures.digits()
    return build(**fault, seed=seed), scale * x, y


def wild_adam(seed: int) -> Given:
    model, x, y = digits(seed=seed)
    model.compile(keras.optimizers.Adam(0.1), model.loss)
    return model, x, y


def wines(seed: int) -> Given:
    """Return columns in their own units, and three layers of ReLU."""
    x, y = load_wine(return_X_y=True)
    keras.utils.set_random_seed(seed)
    hidden = [keras.layers.Dense(64, "relu") for _ in range(3)]
    last = keras.layers.Dense(3, "softmax")
    model = keras.Sequential([keras.Input((13,)), *hidden, last])
    sgd = keras.optimizers.SGD(0.05)
    model.compile(sgd, "sparse_categorical_crossentropy")
    return model, x.astype("float32"), y


def normalized(seed: int) -> Given:
    x, y = figures.digits()
    keras.utils.set_random_seed(seed)
    stack = keras.layers.Dense(64), keras.layers.BatchNormalization()
    last = keras.layers.ReLU(), keras.layers.Dense(10, "softmax")
    model = keras.Sequential([keras.Input((64,)), *stack, *last])
    model.compile("adam", "sparse_categorical_crossentropy")
    return model, 30 * x - 100, y


def hidden_outputs(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """Return what the last hidden layer says."""
    outputs: np.ndarray = keras.Sequential(model.layers[:-1]).predict(
        x, verbose=0
    )
    return outputs


# What is seen of a network after a fit: its losses, and a number to which the
# row's headline refers. Broken the number is above the bound, mended below.
def no_number(losses: list[float], *_: Any) -> float:
    return 0.0 if np.isfinite(losses[-1]) else 1.0


def last_loss(losses: list[float], *_: Any) -> float:
    return losses[-1]


def evaluated(_: Any, model: keras.Model, x: Any, y: Any) -> float:
    return float(model.evaluate(x, y, verbose=0))


def dead(_: Any, model: keras.Model, x: np.ndarray, y: Any) -> float:
    return float((hidden_outputs(model, x) == 0).all(0).mean())


def pinned(_: Any, model: keras.Model, x: np.ndarray, y: Any) -> float:
    h = hidden_outputs(model, x)
    sigmoid = model.layers[-2].activation is keras.activations.sigmoid
    return float((abs(2 * h - 1 if sigmoid else h) > 0.96).mean())


def most_frequent(_: Any, model: keras.Model, x: Any, y: Any) -> float:
    said = model.predict(x, verbose=0).argmax(1)
    return float(np.bincount(said).max() / len(y))


def stuck(_: Any, model: keras.Model, x: Any, y: Any) -> float:
    """Return how far the first kernel is from moving a tenth, at most 1."""
    old, new = model.before, model.layers[0].kernel.numpy()
    return 1 - min(10 * np.linalg.norm(new - old) / np.linalg.norm(old), 1)


RELU = {"initializer": figures.GLOROT} | figures.DEEP
SIGMOID = {"activation": "sigmoid", "initializer": figures.GLOROT}
ENDS = {"initializer": figures.UNIT}
# row and network: what is built, epochs of 36 updates (4 of the wines), what
# is seen, its bound, and the loss that is reached after the mend
COPIED: dict[
    tuple[str, str], tuple[Callable[..., Given], int, Callable, float, float]
] = {
    ("first_checks.md#nan", "rate 10"): (
        partial(digits, rate=10.0), 3, no_number, 0.5, 0.5,
    ),
    ("first_checks.md#nan", "N(0, 1)"): (
        partial(digits, **ENDS), 3, no_number, 0.5, 0.5,
    ),
    ("first_checks.md#flat", "ReLU, Glorot, 20 layers"): (
        partial(digits, **RELU), 6, last_loss, 2.2, 1.5,
    ),
    ("first_checks.md#flat", "eight sigmoids"): (
        partial(digits, **SIGMOID, depth=8), 3, last_loss, 2.2, 0.7,
    ),
    ("evaluation.md#batch-norm", "one epoch"): (
        normalized, 1, evaluated, 2.0, 1.0,
    ),
    ("first_checks.md#first-layers", "five sigmoids"): (
        partial(digits, **SIGMOID), 3, stuck, 0.5, 0.5,
    ),
    ("first_checks.md#dead", "Adam at 0.1"): (wild_adam, 3, dead, 0.5, 0.5),
    ("same_answer.md#units", "wines"): (wines, 20, most_frequent, 0.6, 0.5),
    ("first_checks.md#first-loss", "pixels up to 255"): (
        partial(digits, 255.0), 3, no_number, 0.5, 0.5,
    ),
    ("first_checks.md#pinned", "tanh"): (
        partial(digits, activation="tanh", **ENDS), 3, pinned, 0.5, 0.4,
    ),
    ("first_checks.md#pinned", "sigmoids"): (
        partial(digits, activation="sigmoid", **ENDS), 3, pinned, 0.5, 0.4,
    ),
}  # fmt: skip


def test_each_row_has_lines_to_copy():
    """Two to eight, one block, which needs a model, x and y, and no listing."""
    assert {row for row, _ in COPIED} == {*rows()}
    for row in rows():
        text = target(row).copied()
        assert 2 <= len([line for line in text.splitlines() if line]) <= 8, row
        wanted, _ = paste.names(text)
        assert wanted <= {"keras", "np", "model", "x", "y"}, row


@pytest.mark.parametrize("seed", range(5) if WEEKLY else [chosen(range(5))])
@pytest.mark.parametrize(
    ("row", "network"),
    COPIED if WEEKLY else [chosen([*COPIED][at::3]) for at in range(3)],
    ids=lambda name: name,
)
def test_what_is_copied_from_a_row_mends(row, network, seed):
    """Build, fit, see the fault; run what is copied; fit again, and it learns.

    Three networks and one seed at a commit, all with five seeds weekly. The
    mend is given the network that `fit` has left, NaN and all.
    """
    make, epochs, seen, bound, learned = COPIED[row, network]
    model, x, y = make(seed=seed)
    keras.utils.set_random_seed(seed)

    def fit(model):
        model.before = np.array(model.layers[0].kernel) if seen is stuck else 0
        told = model.fit(x, y, batch_size=50, epochs=epochs, verbose=0)
        losses = told.history["loss"]
        return seen(losses, model, x, y), losses

    number, losses = fit(model)
    assert number > bound
    if row.endswith("#first-loss"):
        assert losses[0] > 20 * np.log(10) or np.isnan(losses[0])
    space = {"keras": keras, "np": np, "model": model, "x": x, "y": y}
    exec(compile(target(row).copied(), row, "exec", dont_inherit=True), space)
    assert space["x"] is x
    number, losses = fit(space["model"])
    assert number < bound
    assert losses[-1] < learned


def test_the_report_on_the_landing_page_is_one_that_was_run():
    reports = re.findall(r"^Verdict: .*?(?=^```)", PAGE, re.M | re.S)
    assert len(reports) == 1
    assert reports[0] in CHAPTER
