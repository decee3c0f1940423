"""The claims of the chapter `same_answer`, on what was measured."""

import importlib
import json

import numpy as np
import pytest

from snippets.first_checks.class_means import class_means
from snippets.same_answer.figures import TABLE
from snippets.same_answer.why_same import spread, three_places, why_same
from studies.cases.models import MODELS
from studies.causes.__main__ import CODE
from studies.causes.same_answer import (
    BATCH,
    FAULTS,
    SEEDS,
    UPDATES,
    digits,
    outcome,
)
from studies.unchanged import WEEKLY, chosen, code_hash
from tests.drawings import is_within
from tests.turn import in_turn

# All networks: see `studies/causes/same_answer.py`; batches of 50, 400
# updates, seeds 0 to 4.
HEALTHY = "not here: the labels, the loss, the rate"
WHY = {
    "columns in their own units": "one column drowns the others",
    "divided twice": "the inputs are too small",
    "far from 0": "the inputs are nearly alike",
    "eight sigmoids": "the signal dies before the last layer",
    "kernels of zeros": "the signal dies before the last layer",
    "a dead output": "the last layer is dead",
    "one class in 25": "nearly all labels are one class",
    "labels of other rows": HEALTHY,
}


@pytest.fixture(scope="module")
def trained(measured):
    return measured("same_answer", "trained")


def test_each_cause_is_named_by_numbers_alone(trained, measured):
    """Eight faults, five seeds each, before training; and their mends.

    The verdict is made of the numbers and of how frequent the labels are: it
    knows neither the name of the case nor its layers.
    """
    assert WHY.keys() == FAULTS.keys() == trained.keys()
    for name, of in trained.items():
        assert len(of["broken"]["why"]) == SEEDS
        assert all(why.startswith(WHY[name]) for why in of["broken"]["why"])
        if name != "one class in 25":  # a mend of the measure
            assert set(of["mended"]["why"]) == {HEALTHY}, name
    rows = measured("same_answer", "places")["rows"]
    assert [row[0] for row in rows] == [*FAULTS]
    assert rows[0][2] == "1"
    assert rows[2][3] == "0.003"


@in_turn
@pytest.mark.parametrize("name", FAULTS if WEEKLY else [chosen([*FAULTS])])
def test_a_fault_comes_out_as_the_table_says(name, trained):
    """One of them at one commit in three, weekly all of them; five seeds."""
    again = outcome(name)
    for kind in ("broken", "mended"):
        assert again[kind]["why"] == trained[name][kind]["why"]
        scores = trained[name][kind]["score"]
        assert again[kind]["score"] == pytest.approx(scores, abs=0.15)


def test_the_table_was_made_by_this_code():
    table = json.loads(TABLE.read_text("utf-8"))
    said = "run python -m studies.causes same_answer"
    assert table["code"] == code_hash(CODE["same_answer"]), said
    assert set(table["outcomes"]) == {*FAULTS}


def test_the_mends_train(trained):
    """Five seeds, 400 updates; 0 is guessing, 1 all right."""
    for name, of in trained.items():
        broken, mended = of["broken"]["score"], of["mended"]["score"]
        assert len(broken) == len(mended) == SEEDS
        assert mended.min() > broken.max() + 0.15, name
        if name not in ("one class in 25", "a dead output"):
            assert mended.min() > 0.85, name
    for name in ("divided twice", "far from 0", "kernels of zeros"):
        assert trained[name]["broken"]["score"].max() < 0.1, name
    assert trained["a dead output"]["mended"]["score"].min() > 0.5
    names = ("divided twice", "far from 0", "columns in their own units")
    sgds = [FAULTS[name].make(False)[0].optimizer for name in names]
    rates = [float(sgd.learning_rate) for sgd in sgds]
    assert rates == pytest.approx([0.02, 0.1, 0.05])
    assert sgds[0].momentum == 0.9
    assert trained[names[2]]["broken"]["same"].min() == 1
    assert digits()[0].max() / 255 < 0.004


def test_the_row_of_the_landing_page_ends_where_nothing_is_known(measured):
    """Wines in their own units, two layers of 64, SGD .05, 5 seeds.

    400 updates; the entropy of the three classes is 1.086.
    """
    losses = measured("same_answer", "losses")["columns in their own units"]
    assert losses.shape == (5, 400)
    assert (losses[:, 0] > 10).all()
    ends = np.median(losses[:, 200:], 1)
    assert np.abs(ends - 1.086).max() < 0.05


def test_one_class_is_not_the_same_answer(trained):
    """Five seeds, logistic regression, 40 of 1,000 labels are 1, noise."""
    of = trained["one class in 25"]
    _, _, y = FAULTS["one class in 25"].make(False)
    assert y.mean() == pytest.approx(0.04)
    assert of["broken"]["score"].max() < 0.4
    assert of["mended"]["score"].min() > 0.6
    outputs = of["broken"]["places"][:, 2]
    assert outputs[:, 1].min() > 0.1  # they differ


def test_labels_of_other_rows_look_healthy(trained):
    """Before training, five seeds, digits: its own labels and others'."""
    of = trained["labels of other rows"]
    assert np.array_equal(of["broken"]["places"], of["mended"]["places"])
    assert of["broken"]["score"].max() < 0.5 * of["mended"]["score"].min()
    for mended, right in ((False, False), (True, True)):
        _, x, y = FAULTS["labels of other rows"].make(mended)
        found, guess = class_means(x, y)
        assert (found > 3 * guess) == right


def test_the_figure_shows_one_answer_and_many(drawn, measured):
    trained = measured("same_answer", "trained")
    (panel,) = drawn("same_answer", "same")
    assert (BATCH, UPDATES) == (50, 400)
    sizes = {len(fault.make(False)[1]) for fault in FAULTS.values()}
    assert sizes == {178, 1000}
    depths = {  # layers with weights
        sum(bool(layer.weights) for layer in fault.make(False)[0].layers)
        for fault in FAULTS.values()
    }
    one, nine = min(depths), max(depths)
    assert (one, nine) == (1, 9)
    assert panel.x.scale == "linear"
    assert [text for _, text in panel.y.ticks] == [*trained]
    lines = iter(panel.series)
    for at, of in enumerate(trained.values()):
        for kind, marker, color in (
            ("mended", "s", "he"),
            ("broken", "o", "wide"),
        ):
            line = next(lines)
            assert (line.marker, line.color, line.dash) == (
                marker, color, "none",
            )  # fmt: skip
            assert len(line.x) == 5
            assert np.array_equal(line.x, of[kind]["same"])
            assert np.all(line.y == at)
            assert is_within(panel.x, line.x)
    assert not [*lines]
    at_one = {name for name, of in trained.items()
              if of["broken"]["same"].min() == 1}  # fmt: skip
    assert at_one == {
        "columns in their own units", "far from 0", "eight sigmoids",
        "kernels of zeros", "a dead output",
    }  # fmt: skip
    assert trained["divided twice"]["broken"]["same"].min() > 9 / 10
    assert trained["one class in 25"]["broken"]["same"].min() > 0.98
    others = trained["labels of other rows"]["broken"]["same"]
    assert (others.min() > 0.15, others.max() < 0.25) == (True, True)
    table, rare = (
        trained[name]["mended"]["same"]
        for name in ("columns in their own units", "one class in 25")
    )
    assert table == pytest.approx(4 / 10, abs=0.01)
    _, _, wines = FAULTS["columns in their own units"].make(True)
    assert len(np.unique(wines)) == 3
    assert rare == pytest.approx(0.8, abs=0.04)
    rest = {*trained} - {"columns in their own units", "one class in 25"}
    for name in rest:
        same = trained[name]["mended"]["same"]
        assert same == pytest.approx(1 / 10, abs=0.02), name


CASES = {
    "own_units": "one column drowns the others",
    "scaled_twice": "the inputs are too small",
    "dead_output": "the last layer is dead",
    "vgg": "the signal dies before the last layer",
}


@pytest.mark.parametrize("name", CASES if WEEKLY else [chosen([*CASES])])
def test_a_case_of_the_public_is_named(name):
    """As it was asked, and mended: seed 0, before training."""
    case = importlib.import_module(f"studies.cases.{name}").CASE
    assert why_same(*case.build(case.broken)).startswith(CASES[name])
    assert why_same(*case.build(case.mended)) == HEALTHY


@in_turn
@pytest.mark.parametrize("name", CASES if WEEKLY else [chosen([*CASES])])
def test_a_case_of_the_public_is_mended(name):
    """Seed 0: broken it stays below its goal, mended it reaches it."""
    case = importlib.import_module(f"studies.cases.{name}").CASE
    assert not case.train(case.build(case.broken)) >= case.goal
    assert case.train(case.build(case.mended)) >= case.goal


# Rows that give their data as a dataset, or whose model is not called with x;
# one class in ten is rare; MobileNet's averages are not there untrained.
OTHERS = {"dataset", "weighted_dataset", "pydataset", "class_weights",
          "mobilenet"}  # fmt: skip


@pytest.mark.parametrize("name", [n for n in MODELS if n not in OTHERS])
def test_the_probe_takes_what_others_build(name):
    """Networks as people compile them, healthy, untrained: no alarm."""
    given = MODELS[name]()
    assert why_same(given.model, given.x, given.y) == HEALTHY


def test_the_numbers_are_what_they_say():
    rows = np.array([[3.0, 0.0], [-3.0, 0.0]])
    assert spread(rows) == pytest.approx((np.sqrt(4.5), 1, 1))
    assert spread(np.ones((4, 3))) == (1, 0, 0)
    given = MODELS["lstm"]()
    assert set(three_places(given.model, given.x)) == {
        "inputs", "hidden", "outputs",
    }  # fmt: skip
