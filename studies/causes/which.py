"""The probes of five chapters, in order, on the faults of all, and their mends.

A probe gets a model, its rows and what `fit` printed; no name. The first that
speaks is the answer.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import keras
import numpy as np

from snippets.evaluation.why_apart import why_apart
from snippets.first_checks.class_means import class_means
from snippets.losses.three_answers import three_answers
from snippets.not_a_number.where_nan import where_nan
from snippets.same_answer.why_same import why_same
from snippets.sequences.sequence_checks import sequence_checks
from studies.causes import evaluation, not_a_number, same_answer, sequences
from studies.losses import pairs

SILENT = (
    "not here",  # of why_apart and why_same: all is well
    "it has learned in neither",
    "a loss that is no number comes first",
)


class Case(NamedTuple):
    """What is known of a network that does not do what it should."""

    model: keras.Model
    x: Any
    y: Any
    reported: float | None = None  # the loss that `fit` printed last
    other: Any = None  # x and y that `evaluate` was asked about

    @property
    def fixed(self) -> bool:
        """Whether the model takes batches of one size only."""
        return bool(self.model.inputs and self.model.inputs[0].shape[0])


# The probes: each returns what it says, or nothing


def finite(case: Case) -> str:
    """Say where the first NaN comes from."""
    found = where_nan(case.model, case.x, case.y)
    if not found:
        return ""
    return str(found.get("NaN", found.get("inf", "the data")))


def loss(case: Case) -> str:
    """Say whether the loss tells right from wrong."""
    try:
        costs = three_answers(case.model, case.x, case.y)
    except (ValueError, TypeError, IndexError):
        return ""  # not of one output and as many labels
    if not costs["right"] < costs["nothing"] < costs["wrong"]:
        return "the loss does not tell right from wrong"
    if costs["unsayable"] > 0.1:
        return "the last layer cannot say the labels"
    return ""


def _sequence(case: Case, kind: str) -> str:
    try:
        return ", ".join(sequence_checks(case.model, case.x)[kind])
    except ValueError as error:
        if "no sequence" not in str(error):
            raise
        return ""


def modes(case: Case) -> str:
    """Say why `fit` and `evaluate` do not agree."""
    said = why_apart(case.model, case.x, case.y, case.reported, case.other)
    return "" if said.startswith(SILENT) else said


def places(case: Case) -> str:
    """Say where the examples become alike."""
    said = why_same(case.model, case.x, case.y)
    return "" if said.startswith(SILENT) else said


def labels(case: Case) -> str:
    """Say whether the labels belong to the inputs, as `first_checks` does."""
    if np.ndim(case.y) != 1 or np.any(case.y % 1):
        return ""
    if len(np.unique(case.y)) > max(case.model.output_shape[-1], 2):
        return ""  # numbers, not classes
    right, guess = class_means(case.x, case.y)
    error = (guess * (1 - guess) / (len(case.y) // 2)) ** 0.5
    return "" if right > guess + 2 * error else "labels of other rows"


# in the order in which they are asked
PROBES: dict[str, Callable[[Case], str]] = {
    "where_nan": finite,
    "three_answers": loss,
    "sequence_checks": partial(_sequence, kind="suspect"),
    "why_apart": modes,
    "why_same": places,
    "class_means": labels,
    # may be meant that way, so they come last
    "sequence_checks, hints": partial(_sequence, kind="hints"),
}


def cause(case: Case) -> tuple[str, str]:
    """Return the first probe that speaks, and what it says; or nothing."""
    for name, probe in PROBES.items():
        if case.fixed and "sequence" not in name:
            continue  # the others cut the rows as they like
        said = probe(case)
        if said:
            return name, said
    return "", ""


# The cases: faults of five chapters, and the same networks mended


def before_nan(name: str, mended: bool) -> Case:
    """Return a fault one update before its first NaN."""
    model, x, y = not_a_number.FAULTS[name].make(mended)
    not_a_number.fit(model, x, y, 0)
    return Case(model, x, y)


def paired(name: str, mended: bool) -> Case:
    """Return a network with a last layer, a loss and labels, untrained."""
    pair = pairs.FITS[PAIRS[name]] if mended else pairs.FAULTS[name]
    return Case(pairs.network(pair, 0), pairs.XS[pair.x], pair.y)


def alike(name: str, mended: bool) -> Case:
    """Return what would say the same for every input, untrained."""
    return Case(*same_answer.FAULTS[name].make(mended))


def apart(name: str, mended: bool) -> Case:
    """Return a trained network, and what `fit` printed."""
    fault = evaluation.FAULTS[name]
    model, rows = fault.make(mended)
    said = model.fit(
        rows.x, rows.y, evaluation.BATCH, fault.epochs[mended], verbose=0
    ).history
    asked = fault.after(model, mended) if fault.after else model
    return Case(asked, rows.x, rows.y, said["loss"][-1], rows.other)


def reader(name: str, mended: bool) -> Case:
    """Return a network that reads sequences, untrained, and some rows."""
    model, x, y = sequences.FAULTS[READERS[name] if mended else name].make()
    return Case(model, x[:200], y[:200])


# fault → its mend. Not here is what the probes do not see, and say so.
PAIRS = {
    "one unit, categorical": "two classes",
    "one unit, softmax": "two classes",
    "standardized targets": "values from 0 to 1",
    "softmax over tags": "several at once",
    "(n,) against (n, 1)": "numbers",
    "linear counts": "counts",
    "ReLU for negatives": "numbers",
    "tanh for large numbers": "numbers with outliers",
    "cosine without minus": "directions",
}
READERS = {
    "LSTM, padded behind": "LSTM, masked",
    "GRU, padded behind": "GRU, masked",
    "a mean over nothing": "a mean over something",
    "LSTM, forget bias 0": "LSTM, forget bias 3",
    "GRU": "LSTM, forget bias 3",
    "no positions": "positions",
    "stateful, shuffled": "stateful, in order",
    "stateful, in a row": "stateful, in order",
    "stateful, never emptied": "stateful, in order",
}
SEEN = [
    name for name in evaluation.FAULTS if name != "answers in another order"
]
FAULTS: dict[str, Callable[[bool], Case]] = {
    f"{chapter}/{name}": partial(make, name)
    for chapter, make, names in (
        ("not_a_number", before_nan, not_a_number.FAULTS),
        ("losses", paired, PAIRS),
        ("sequences", reader, READERS),
        ("evaluation", apart, SEEN),
        ("same_answer", alike, same_answer.FAULTS),
    )
    for name in names
}


def outcome(name: str) -> dict[str, tuple[str, str]]:
    """Return which probe speaks first of a fault and its mend, seed 0."""
    found = {}
    for kind, mended in (("broken", False), ("mended", True)):
        keras.backend.clear_session()
        keras.utils.set_random_seed(0)
        found[kind] = cause(FAULTS[name](mended))
    return found
