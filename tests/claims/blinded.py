"""What the probes are to say of the faults of five chapters, and of mends.

`studies/causes/which.py` asks them; a case comes without its name. Here
stands the right answer: the probe that is to speak first, and its words.
"""

from studies.causes import not_a_number
from studies.causes.which import PAIRS, READERS, SEEN
from tests.claims import test_evaluation, test_same_answer

CANNOT_SAY = {
    "standardized targets",
    "softmax over tags",
    "ReLU for negatives",
    "tanh for large numbers",
}
OF_SEQUENCES = {
    "LSTM, padded behind": ("sequence_checks", "padding"),
    "GRU, padded behind": ("sequence_checks", "padding"),
    # a chapter of its own, and the NaN comes first
    "a mean over nothing": ("where_nan", "RealDiv(0, 0)"),
    "LSTM, forget bias 0": ("sequence_checks, hints", "first/last"),
    "GRU": ("sequence_checks, hints", "first/last"),
    "no positions": ("sequence_checks, hints", "order"),
    "stateful, shuffled": ("sequence_checks, hints", "stateful"),
    "stateful, in a row": ("sequence_checks, hints", "stateful"),
    "stateful, never emptied": ("sequence_checks, hints", "stateful"),
}
BROKEN = {
    **{f"not_a_number/{n}": ("where_nan", "") for n in not_a_number.FAULTS},
    **{
        f"losses/{n}": (
            "three_answers",
            "the last layer cannot say the labels"
            if n in CANNOT_SAY
            else "the loss does not tell right from wrong",
        )
        for n in PAIRS
    },
    **{f"sequences/{n}": OF_SEQUENCES[n] for n in READERS},
    **{f"evaluation/{n}": ("why_apart", test_evaluation.WHY[n]) for n in SEEN},
    **{
        f"same_answer/{n}": ("why_same", why)
        for n, why in test_same_answer.WHY.items()
    },
    # told by the chapter on NaN, and by a probe that knows the labels
    "losses/linear counts": ("where_nan", "Log("),
    "same_answer/labels of other rows": ("class_means", "labels of other rows"),
}
# A mend of which a probe still speaks, for a reason; of the others none does.
MENDED = {
    # hints: a row is empty on purpose, a pair or a mean has no order, a state
    "not_a_number/-1e9 in float16": ("sequence_checks, hints", "empty rows"),
    "not_a_number/root of 0": ("sequence_checks, hints", "order"),
    "not_a_number/-inf for a whole row": ("sequence_checks, hints", "order"),
    "sequences/a mean over nothing": OF_SEQUENCES["no positions"],
    **{
        f"sequences/{n}": OF_SEQUENCES[n]
        for n in READERS
        if n.startswith("stateful")
    },
    # most labels are unknown: one number stands for them
    "not_a_number/0 divided by 0": (
        "why_same",
        test_same_answer.WHY["one class in 25"],
    ),
    # now it is off in `evaluate`
    "evaluation/dropout never off": (
        "why_apart",
        test_evaluation.WHY["dropout"],
    ),
    # a mend of the measure, not of the network
    "same_answer/one class in 25": (
        "why_same",
        test_same_answer.WHY["one class in 25"],
    ),
}
