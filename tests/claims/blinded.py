"""The probes of the chapters, in their order, on cases without a name.

What is asked is the model, its rows and what `fit` printed; the answer is
the chapter and the cause, out of all that the chapters know.
"""

import keras
import numpy as np

from snippets.evaluation.why_apart import why_apart
from snippets.first_checks.class_means import class_means
from snippets.losses.three_answers import three_answers
from snippets.not_a_number.where_nan import where_nan
from snippets.same_answer.why_same import why_same
from studies.causes import evaluation, not_a_number, same_answer
from studies.losses import pairs
from tests.claims import test_evaluation, test_same_answer

NEITHER = "it has learned in neither"


def cause(model, x, y, reported=None, other=None):
    """Return the first chapter whose probe speaks, and what it says."""
    found = where_nan(model, x, y)
    if found:
        return "not_a_number", found.get("NaN", found.get("inf", "the data"))
    try:
        costs = three_answers(model, x, y)
    except (ValueError, TypeError, IndexError):
        costs = None  # not of one output and as many labels
    if costs:
        right, nothing, wrong = (
            costs[k] for k in ("right", "nothing", "wrong")
        )
        if not right < nothing < wrong:
            return "losses", "the loss does not tell right from wrong"
        if costs["unsayable"] > 0.1:
            return "losses", "the last layer cannot say the labels"
    said = why_apart(model, x, y, reported, other)
    if said not in (test_evaluation.HEALTHY, NEITHER):
        return "evaluation", said
    said = why_same(model, x, y)
    if said != test_same_answer.HEALTHY:
        return "same_answer", said
    if np.ndim(y) == 1 and not np.any(y % 1):
        right, guess = class_means(x, y)
        if right < 1.5 * guess:
            return "same_answer", "labels of other rows"
    return "", "none of these"


def nan_case(name):
    """Return a fault one update before its first NaN, from seed 0."""
    keras.utils.set_random_seed(0)
    model, x, y = not_a_number.FAULTS[name].make(False)
    not_a_number.fit(model, x, y, 0)
    return cause(model, x, y)


def loss_case(name):
    """Return a pair that does not fit, before training."""
    pair = pairs.FAULTS[name]
    return cause(pairs.network(pair, 0), pairs.XS[pair.x], pair.y)


def same_case(name):
    """Return a fault before training."""
    keras.utils.set_random_seed(0)
    return cause(*same_answer.FAULTS[name].make(False))


def apart_case(name):
    """Return a fault after training, with what fit printed."""
    keras.utils.set_random_seed(0)
    fault = evaluation.FAULTS[name]
    model, rows = fault.make(False)
    said = model.fit(
        rows.x, rows.y, evaluation.BATCH, fault.epochs[0], verbose=0
    ).history
    asked = fault.after(model, False) if fault.after else model
    return cause(asked, rows.x, rows.y, said["loss"][-1], rows.other)


# What the probes do not see, and say so: the page shows what to look at.
UNSEEN = {"map, plain squares", "a mean against a sum", "error cut off"}
OF = {
    "not_a_number": (nan_case, dict.fromkeys(not_a_number.FAULTS, "")),
    "losses": (loss_case, dict.fromkeys(set(pairs.FAULTS) - UNSEEN, "")),
    "same_answer": (
        same_case,
        test_same_answer.WHY | {"labels of other rows": "labels of other rows"},
    ),
    "evaluation": (
        apart_case,
        {
            name: why
            for name, why in test_evaluation.WHY.items()
            if why != test_evaluation.HEALTHY
        },
    ),
}
CASES = [
    (slug, name) for slug, (_, names) in OF.items() for name in sorted(names)
]
# Poisson's logarithm of a linear output is told by both of its chapters.
BOTH = {("losses", "linear counts")}
