"""The limits of `diagnose`, judged on the atlas's networks."""

import json

import numpy as np
import pytest

from snippets.atlas.verdicts import KIND
from snippets.diagnosis import figures
from snippets.diagnosis.diagnose import RULES
from studies.atlas.grid import ACTIVATIONS, INITIALIZERS, Cell, grid
from studies.calibration import __main__ as calibration
from studies.calibration import published
from studies.calibration.published import Seen
from studies.unchanged import WEEKLY, chosen, code_hash


@pytest.fixture(scope="module")
def rows():
    return figures.read_diagnoses()


def test_every_network_of_the_main_grid_was_diagnosed(rows):
    main = {
        tuple(getattr(of, name) for name in KIND)
        for of in grid()
        if (of.data, of.optimizer, of.width) == figures.atlas.MAIN
        and of.initializer in INITIALIZERS
    }
    best = [figures._kind(row) for row in rows if row["best"]]
    assert len(best) == len(set(best)) == 350
    assert set(best) == main
    rates = {(figures._kind(row), row["rate"]): row["best"] for row in rows}
    assert rates == {
        (tuple(getattr(of, name) for name in KIND), rate): int(is_best)
        for of, rate, is_best in calibration.wanted()
    }


# What cannot have changed since the table was written is tested weekly.
ABOUT = json.loads(calibration.ABOUT.read_text("utf-8"))
ALL = WEEKLY or ABOUT["code"] != code_hash(calibration.CODE)
AGAIN = [
    ("tanh", "glorot", 4), ("relu", "he", 10), ("sigmoid", "n1", 10),
    ("prelu", "own", 4), ("selu", "n001", 10), ("gelu", "lecun", 10),
]  # fmt: skip


def test_the_table_says_where_it_comes_from(rows):
    assert ABOUT["diagnoses"] == len(rows)
    for record in ABOUT["rekeyed"]:
        assert len(set(record["alike bit for bit"])) >= 6


@pytest.mark.skipif(not ALL, reason="its code has not changed: see below")
@pytest.mark.parametrize(("activation", "initializer", "depth"), AGAIN)
def test_a_network_gets_the_same_diagnosis_again(
    rows, activation, initializer, depth
):
    wanted = (*figures.atlas.MAIN, depth, activation, initializer)
    check_again(
        next(r for r in rows if figures._kind(r) == wanted and r["best"])
    )


def test_one_network_gets_the_same_diagnosis_again(rows):
    """Another one at each commit: so no hash can lie for long."""
    check_again(chosen([r for r in rows if r["best"] and is_shallow(r)]))


def is_shallow(row):
    """Say whether a diagnosis is quick, and the same on another machine."""
    return row["depth"] <= 10 and row["initializer"] not in ("n1", "n001")


def check_again(row):
    """Assert that a network is diagnosed as the table says."""
    wanted = figures._kind(row)
    of = Cell(*wanted, (row["rate"],))
    again = calibration.row_of(of, row["rate"], best=True)
    for name in (*figures.NUMBERS, "step_loss", "step_change"):
        assert again[name] == pytest.approx(row[name], rel=0.02, abs=1e-3), name
    assert again["found"] == row["found"]
    # DeepLocalize compares means to the last bit: that is the machine's.
    for tool in ("autotrainer", "deepchecker"):
        assert again[tool] == row[tool]


def test_the_codes_are_those_of_the_limits(rows):
    """A limit that is changed needs new diagnoses: `make calibration`."""
    codes = {
        "vanishing": "gradient", "exploding": "gradient",
        "collapse": "signal", "growth": "signal", "cosine": "cosine",
        "dead": "dead", "saturated": "saturated",
        "first_loss": "first_loss", "step_too_large": "step_loss",
        "step_too_small": "step_change",
    }  # fmt: skip
    with_limits = {
        "gradient": 1e2, "signal": 1e3, "cosine": 1e-4, "first_loss": 5,
        "dead": 0.9, "saturated": 0.9,
    }  # fmt: skip
    assert with_limits == {
        n: limit for n, (_, limit) in figures.NUMBERS.items()
    }
    for low, high in (("vanishing", "exploding"), ("collapse", "growth")):
        assert RULES[low][1] * RULES[high][1] == 1
    for row in rows:
        found = [*row["found"].split(), *row["seen"].split()]
        if "nonfinite" in found:
            continue
        for code, name in codes.items():
            sign, limit = RULES[code.replace("_", " ")][:2]
            value = 1 - row[name] if code == "cosine" else row[name]
            if abs(value / limit - 1) > 1e-3 and code != "cosine":
                wanted = value > limit if sign == ">" else value < limit
                assert (code in found) == wanted, (row, code)
        leaps = "step_too_large" not in found and row["step_change"] > 5
        assert ("output_leaps" in found) == leaps, row


# How a limit is chosen and judged


def test_a_limit_is_chosen_in_the_widest_of_the_best_gaps():
    far = np.array([0.1, 0.2, 1.0, 1.1, 3.0, 4.0])
    broken = np.array([0, 0, 0, 1, 1, 1], bool)
    assert figures.choose(far, broken) == pytest.approx(1.05)
    broken[3] = False
    assert figures.choose(far, broken) == pytest.approx(2.05)


def test_each_half_is_judged_by_the_limit_of_the_other():
    far = np.array([0.0, 1, 2, 3, 0, 5, 6, 9])
    broken = np.array([0, 0, 1, 1, 0, 0, 0, 1], bool)
    half = np.array([1, 1, 1, 1, 0, 0, 0, 0], bool)
    told = figures._by_halves(far, broken, half)
    assert told == {
        "limits": [7.5, 1.5], "caught": 1, "missed": 2, "false": 2,
        "healthy": 5,
    }  # fmt: skip


def test_a_ratio_counts_in_both_directions_and_nan_is_furthest():
    far = figures.score("gradient", np.array([1, 100, 0.01, 0, np.nan]))
    assert list(far) == [0, 2, 2, np.inf, np.inf]
    assert figures.score("cosine", np.array([0.99]))[0] == pytest.approx(2)
    assert figures.limit_of("cosine") == pytest.approx(4)
    assert figures.limit_of("gradient") == 2


# The published rules, each on a network that it was made for


def seen(**changes):
    """Return ten updates in which nothing is wrong for a ReLU network."""
    random = np.random.default_rng(0)
    updates = []
    for number in range(10):
        kernels = [
            random.normal(0, (2 / 50) ** 0.5, (50, 50)),
            random.normal(0, (2 / 60) ** 0.5, (50, 10)),
        ]
        healthy = {
            "loss": 2.3 - 0.01 * number,
            "accuracy": 0.1 + 0.01 * number,
            "outputs": [random.normal(0, 1, (50, 50)), np.full((50, 10), 0.1)],
            "slopes": [random.normal(0, 1e-2, (50, n)) for n in (50, 10)],
            "kernels": kernels,
            "gradients": [
                random.normal(0, 1e-2, shape)
                for shape in ((50, 50), (50,), (50, 10), (10,))
            ],
        }
        updates.append(Seen(**(healthy | changes)))
    kernels = updates[0].kernels
    return [
        update._replace(
            kernels=changes.get(
                "kernels", [k * (1 + 0.003 * n) for k in kernels]
            )
        )
        for n, update in enumerate(updates)
    ]


def test_published_rules_are_quiet_when_all_is_well():
    assert published.autotrainer(seen()) == []
    assert published.deeplocalize(seen()) == []
    assert published.deepchecker(seen(), "relu") == []


GRADIENTS = seen()[0].gradients
GOOD = seen()[0].kernels[1]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"gradients": [1e-6 * GRADIENTS[0], *GRADIENTS[1:]]}, "vanishing"),
        ({"gradients": [1e3 * GRADIENTS[0], *GRADIENTS[1:]]}, "exploding"),
        ({"gradients": [g * (np.arange(g.size).reshape(g.shape) % 5 == 0)
                        for g in GRADIENTS]}, "dying ReLU"),
        ({"gradients": [g * np.nan for g in GRADIENTS]}, "NaN"),
        ({"loss": 1001.0}, "loss"),
        ({"outputs": [np.full((50, 50), 11.0), np.ones((50, 10))]},
         "abnormal output"),
    ],
)  # fmt: skip
def test_autotrainer_as_restated(changes, word):
    assert published.autotrainer(seen(**changes)) == [word]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"loss": 2.3}, "loss"),
        ({"accuracy": 0.1}, "accuracy"),
        ({"outputs": [np.ones((50, 50)), np.ones((50, 10))]}, "outputs"),
        ({"slopes": [np.zeros((50, 50)), np.ones((50, 10))]}, "slopes"),
        ({"kernels": [np.ones((50, 50)), np.ones((50, 10))]}, "weights"),
        ({"gradients": [np.full(g.shape, np.nan) for g in GRADIENTS]},
         "gradients"),
    ],
)  # fmt: skip
def test_deeplocalize_as_restated(changes, word):
    assert published.deeplocalize(seen(**changes)) == [word]


@pytest.mark.parametrize(
    ("changes", "activation", "word"),
    [
        ({"loss": 5.0}, "relu", "first loss"),
        ({}, "sigmoid", "saturated"),
        ({"outputs": [np.zeros((50, 50)), np.ones((50, 10))]}, "relu", "dead"),
        ({"outputs": [np.random.default_rng(1).normal(0, 9, (50, 50)),
                      np.ones((50, 10))]}, "relu", "distribution"),
        ({"gradients": [1e-6 * GRADIENTS[0], *GRADIENTS[1:]]}, "relu",
         "vanishing"),
        ({"gradients": [1e9 * GRADIENTS[0], *GRADIENTS[1:]]}, "relu",
         "exploding"),
        ({"gradients": [g * np.nan for g in GRADIENTS]}, "relu", "NaN"),
        ({"kernels": [np.random.default_rng(1).normal(0, 1, (50, 50)),
                      GOOD]}, "relu", "initial weights"),
        ({"kernels": seen()[0].kernels}, "relu", "updates too large or none"),
    ],
)  # fmt: skip
def test_deepchecker_as_restated(changes, activation, word):
    assert word in published.deepchecker(seen(**changes), activation)


def test_the_rules_see_what_plain_sgd_does():
    """By hand: a linear layer, two examples; the step is −rate · gradient."""
    import keras

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    model.layers[0].kernel.assign(np.zeros((2, 3)))
    x, y = np.eye(2, dtype="float32"), np.array([0, 2])
    first, second = published.watch(model, [(x, y)] * 3, 0.5, 2)
    assert first.loss == pytest.approx(np.log(3))
    slope = (np.full((2, 3), 1 / 3) - np.eye(3)[y]) / 2
    np.testing.assert_allclose(first.slopes[0], slope, atol=1e-6)
    np.testing.assert_allclose(first.gradients[0], x.T @ slope, atol=1e-6)
    np.testing.assert_allclose(first.outputs[-1], 1 / 3, atol=1e-6)
    np.testing.assert_allclose(second.kernels[0], -0.5 * x.T @ slope, atol=1e-6)


def test_the_halves_are_whole_activations_and_initializers():
    assert [*figures.SPLITS["activation"]] == [*ACTIVATIONS]
    assert [*figures.SPLITS["initializer"]] == [*INITIALIZERS]
