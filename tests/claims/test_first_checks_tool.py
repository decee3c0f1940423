"""`first_checks` and the small listings, on networks as people build them."""

import ast
import re
from pathlib import Path

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits

from snippets.dead_units.dead_units import dead_units
from snippets.dead_units.revive import revive
from snippets.first_checks.build import build
from snippets.first_checks.class_means import class_means
from snippets.first_checks.first_checks import first_checks
from snippets.first_checks.first_loss import first_loss
from snippets.first_checks.learning_rates import learning_rates
from snippets.first_checks.one_batch import one_batch
from snippets.first_checks.signal_factor import signal_factor
from studies import unchanged
from studies.cases import broadcast, one_unit, softmax_twice
from studies.cases.models import MODELS
from tests.claims.test_first_checks import same, state

ROOT = Path(__file__).parents[2]
LISTING = ROOT / "snippets/first_checks/first_checks.py"
CHECKS = ["labels", "first_loss", "signal", "one_batch", "rates"]
GLOROT = keras.initializers.GlorotUniform


def digits(n=1000):
    x, y = load_digits(return_X_y=True)
    return (x[:n] / 16).astype("float32"), y[:n]


def lines(report):
    """Return check → (verdict, what is said)."""
    found = re.findall(r"^(ok|FAULT|unsure) +(\w+) +(.*)$", report, re.M)
    return {name: (verdict, said) for verdict, name, said in found}


def faults(report):
    return [name for name, (verdict, _) in lines(report).items()
            if verdict == "FAULT"]  # fmt: skip


def numbers(text):
    found = re.findall(r"-?\d+\.?\d*(?:e[-+]\d+)?|\bnan\b|\binf\b", text)
    return [float(n.replace("inf", "nan")) for n in found]


def test_first_checks_has_the_numbers_of_the_small_listings():
    x, y = digits()
    model = build()
    model.jit_compile = False  # as there: XLA rounds otherwise
    told = lines(first_checks(model, x, y, seconds=np.inf))
    assert list(told) == CHECKS
    right, guess = class_means(x, y)
    assert numbers(told["labels"][1]) == pytest.approx([right, guess], abs=6e-3)
    few = np.linspace(0, len(x) - 1, 256).astype(int)
    loss, entropy = first_loss(model, x[few], y[few])
    assert numbers(told["first_loss"][1])[:2] == pytest.approx(
        [loss, entropy], abs=6e-3
    )
    factors = signal_factor(model, x[few])
    assert numbers(told["signal"][1])[:2] == pytest.approx(factors, abs=6e-3)
    few = np.linspace(0, len(x) - 1, 50).astype(int)
    assert numbers(told["one_batch"][1])[1] == pytest.approx(
        one_batch(model, x[few], y[few]), rel=0.02
    )
    rates = [0.01, 0.03, 0.1, 0.3, 1.0]
    fresh = build()
    fresh.jit_compile = False
    losses = learning_rates(fresh, x, y, rates)
    assert numbers(told["rates"][1]) == pytest.approx(
        [0.01, 1, *losses], rel=0.02, nan_ok=True
    )


BROKEN = {
    "inputs up to 255": (lambda: (build(), 255, 1), "first_loss"),
    "labels shuffled": (lambda: (build(), 1, None), "rates"),
    "ReLU, Glorot, 20 layers": (
        lambda: (build(initializer=GLOROT, depth=20, rate=0.02), 1, 1),
        "signal",
    ),
    "eight sigmoids": (
        lambda: (build("sigmoid", GLOROT, depth=8), 1, 1), "signal",
    ),
    "zeros": (
        lambda: (build(initializer=lambda seed: keras.initializers.Zeros()),
                 1, 1),
        "one_batch",
    ),
    "rate 10": (lambda: (build(rate=10.0), 1, 1), "rates"),
    "rate 1e-6": (lambda: (build(rate=1e-6), 1, 1), "one_batch"),
}  # fmt: skip


ANCHORS = {
    "first_loss": "inputs or weights too large: chapters/first_checks.html#",
    "rates": "chapters/first_checks.html#l",  # labels, or learning-rate
    "signal": "the signal fades in each layer: chapters/first_checks.html#flat",
    "one_batch": "50 examples are not learned: chapters/first_checks.html#one",
}


@pytest.mark.parametrize("name", BROKEN)
def test_first_checks_finds_the_faults_of_the_chapter(name):
    make, check = BROKEN[name]
    model, scale, own = make()
    x, y = digits()
    if own is None:
        y = np.random.default_rng(0).permutation(y)
    report = first_checks(model, scale * x, y, seconds=np.inf)
    assert check in faults(report), report
    verdict = report[: report.index("labels     ")]
    assert ANCHORS[check] in verdict
    assert all(len(row) <= 80 for row in report.splitlines())


@pytest.mark.parametrize("case", [one_unit.CASE, broadcast.CASE])
def test_first_checks_names_labels_and_outputs_that_do_not_fit(case):
    report = first_checks(*case.build(case.broken))
    assert report.startswith("Verdict: labels, output, loss do not fit: ")
    assert "chapters/first_checks.html#logits" in report.splitlines()[0]
    assert faults(first_checks(*case.build(case.mended))) == []


def test_first_checks_sees_a_softmax_that_is_applied_twice():
    """By the loss, behind an average; by a layer on top of another."""
    for model, x, y in (
        (build(ending="averaged"), *digits()),
        softmax_twice.CASE.build(softmax_twice.network),
    ):
        report = first_checks(model, x, y, seconds=0)
        assert report.startswith("Verdict: softmax twice: "), report
    for ending, logits in (
        ("softmax", True),  # which Keras repairs on TensorFlow
        ("softmax", False),
        ("averaged", False),
        ("logits", True),
    ):
        model = build(ending=ending, from_logits=logits)
        report = first_checks(model, *digits(), seconds=0)
        assert "first_loss" not in faults(report), report


# All of them each week; else the cheapest, and four by the commit's hash.
CHEAPEST = ["with_accuracy", "one_hot", "one_hidden_layer"]
OTHERS = [name for name in MODELS if name not in CHEAPEST]
DRAWN = [unchanged.chosen(OTHERS[i::2]) for i in range(2)]


@pytest.mark.parametrize(
    "name", MODELS if unchanged.WEEKLY else [*CHEAPEST, *DRAWN]
)
def test_first_checks_raises_no_alarm_on_a_network_that_trains(name):
    given = MODELS[name]()
    before = state(given.model)
    report = first_checks(given.model, given.x, given.y, **given.fit)
    same(before, state(given.model))
    assert list(lines(report)) == CHECKS, report
    assert faults(report) == [], report
    assert report.startswith("Verdict: no fault found\n")
    before_the_rates = report[: report.index("rates  ")]  # the tenfold rate
    assert not re.search(r"\b(inf|nan)\b", before_the_rates), report


def test_first_checks_is_short_and_can_be_pasted_into_a_prompt():
    """No blank line within a body, which would end it there."""
    text = LISTING.read_text("utf-8")
    rows = text.splitlines()
    assert len(rows) <= 190
    for node in ast.parse(text).body:
        assert all(rows[node.lineno - 1 : node.end_lineno]), node.lineno


@pytest.mark.parametrize(
    ("labels", "right"),
    [
        (lambda y: y, True),
        (lambda y: y[:, None], True),
        (lambda y: keras.utils.to_categorical(y, 10), True),
        (lambda y: y / 3, False),
        (lambda y: np.stack([y % 2, y > 3], 1), False),
    ],
)
def test_labels_of_all_shapes(labels, right):
    x, y = digits(300)
    model = build()
    given = labels(y)
    if right:
        assert class_means(x, given) == class_means(x, y)
        model.compile("sgd", "mse")  # any loss will do: it is the entropy
        if given.ndim == 1:
            model.compile("sgd", "sparse_categorical_crossentropy")
    else:
        with pytest.raises(ValueError, match="one class for each"):
            class_means(x, given)


def test_the_entropy_of_one_hot_labels_is_that_of_their_numbers():
    x, y = digits(300)
    model = build()
    expected = first_loss(model, x, y)
    model.compile("sgd", keras.losses.CategoricalCrossentropy(from_logits=True))
    hot = first_loss(model, x, keras.utils.to_categorical(y, 10))
    assert hot == pytest.approx(expected, rel=1e-5)
    model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    assert np.isnan(first_loss(model, x, y / 3)[1])


LISTINGS = "with_accuracy", "one_hot", "schedule", "own_train_step", "two_heads"
LISTINGS += "dict_inputs", "list_inputs", "not_built", "l2", "mixed_float16"


@pytest.mark.parametrize("name", LISTINGS)
def test_the_small_listings_take_what_fit_takes(name):
    given = MODELS[name]()
    few = keras.tree.map_structure(lambda a: a[:50], (given.x, given.y))
    assert np.isfinite(one_batch(given.model, *few, updates=3))
    losses = learning_rates(given.model, given.x, given.y, [1e-3], updates=3)
    assert np.isfinite(losses).all()
    assert np.isfinite(first_loss(given.model, given.x, given.y)[0])


def test_a_factor_needs_two_hidden_layers():
    given = MODELS["one_hidden_layer"]()
    with pytest.raises(ValueError, match="hidden layers"):
        signal_factor(given.model, given.x)


def test_dead_units_of_a_nested_model_and_of_one_with_branches():
    for name, layers in (("nested", 3), ("dict_inputs", 3), ("siamese", 1)):
        given = MODELS[name]()
        assert len(dead_units(given.model, given.x)) == layers


def test_revive_refuses_what_is_no_relu():
    x, _ = digits(50)
    with pytest.raises(ValueError, match="no Dense layer with ReLU"):
        revive(build("tanh", GLOROT), x)
    assert revive(build(), x) > 0
