"""Draws the order of the probes, and what each of them named."""

import json
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

TABLE = Path(__file__).with_name("trained.json")
ORDER = list("abcdefg")
# probe → what it asks, in the order in which they are asked
QUESTIONS = {
    "where_nan": "Is each update finite?",
    "three_answers": "Does the loss tell right from wrong?",
    "sequence_checks": "Does the sequence reach the answer?",
    "why_apart": "Do fit and evaluate agree?",
    "why_same": "Do the examples differ at the end?",
    "class_means": "Do the labels belong to the inputs?",
    "sequence_checks, hints": "Are its hints about the sequence meant?",
}


def measure_asked() -> dict[str, dict[str, list[str]]]:
    """Return by fault and kind the first probe that spoke, and its words."""
    asked: dict[str, dict[str, list[str]]]
    asked = json.loads(TABLE.read_text("utf-8"))["outcomes"]
    return asked


def plot_order(asked: dict[str, dict[str, list[str]]]) -> Figure:
    """Draw how many faults are left at each question, and how many it names."""
    figure, ax = plt.subplots()
    figure.set_figheight(4)
    left = len(asked)
    ax.set_xlim(0, left)
    for at, (probe, question) in enumerate(QUESTIONS.items()):
        named = sum(of["broken"][0] == probe for of in asked.values())
        ax.barh(at, left, 0.4, color="heat1", lw=0)
        ax.barh(at, named, 0.4, color="heat5", lw=0)
        ax.text(0, at - 0.3, question, color="ink")
        said = f"no: {probe}, {named} of {left}"
        ax.text(named + 0.4, at, said, va="center_baseline")
        left -= named
    ax.grid(visible=False)
    ax.set_ylim(len(QUESTIONS) - 0.6, -0.8)
    ax.set_yticks(range(len(QUESTIONS)), ORDER)
    ax.set_title("ask in this order; a yes leads to the next", color="ink")
    ax.set_xlabel("faults that are left")
    return figure
