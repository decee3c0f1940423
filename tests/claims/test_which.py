"""What the figure of the order of the probes shows; see `first_checks`."""

import numpy as np
import pytest

from snippets.which.figures import QUESTIONS


def test_the_figure_of_the_order_shows_what_is_left(drawn, measured):
    asked = measured("which", "asked")
    (panel,) = drawn("which", "order")
    assert panel.title == "ask in this order; a yes leads to the next"
    assert panel.x.label == "faults that are left"
    assert (panel.x.scale, panel.x.limits) == ("linear", (0, 44))
    assert [text for _, text in panel.y.ticks] == list("abcdefg")
    assert panel.y.limits[0] > panel.y.limits[1]  # from above
    first = [of["broken"][0] for of in asked.values()]
    named = [first.count(probe) for probe in QUESTIONS]
    left = 44 - np.cumsum([0, *named])
    assert left[-1] == 0
    texts = iter(panel.texts)
    for at, (probe, question) in enumerate(QUESTIONS.items()):
        assert next(texts).text == question
        said = next(texts)
        assert said.text == f"no: {probe}, {named[at]} of {left[at]}"
        assert said.at == pytest.approx((named[at] + 0.4, at))
    bars: dict[str, list] = {}
    for boxes in panel.boxes:
        bars.setdefault(boxes.color, []).extend(boxes.places)
    for color in bars:
        bars[color].sort(key=lambda box: box[1])
    for color, widths in (("heat5", named), ("heat1", left[:-1])):
        assert [box[0] for box in bars[color]] == [0] * 7
        assert [box[2] for box in bars[color]] == pytest.approx(widths)
    numbers = dict(zip(QUESTIONS, zip(named, left, strict=False), strict=True))
    assert numbers == {
        "where_nan": (11, 44),
        "three_answers": (8, 33),
        "sequence_checks": (2, 25),
        "why_apart": (9, 23),
        "why_same": (7, 14),
        "class_means": (1, 7),
        "sequence_checks, hints": (6, 6),
    }
