"""The small drawings in the landing page's rows."""

import markdown
import numpy as np
import pytest

from sitegen import sparks
from sitegen.measure import MeasureError

ROW = "| a | b |\n|---|---|\n| [spark: x/losses/{}] [It sticks](y.md) | c |\n"


def convert(monkeypatch, entry):
    losses = {"flat": np.full((5, 90), 2.3), "bad": np.full((5, 9), np.nan)}
    losses["bad"][:, :4] = 2.3
    monkeypatch.setattr(sparks.measure, "data", lambda *_: losses)
    return markdown.markdown(
        ROW.format(entry), extensions=["tables", "sitegen.sparks"]
    )


def test_a_curve_is_drawn_where_its_numbers_are(monkeypatch):
    html = convert(monkeypatch, "flat")
    level = sparks.height(2.3)
    assert f'd="M0 {level:g}L' in html
    assert f"L120 {level:g}" in html
    assert "[spark" not in html
    assert '<a href="y.md">It sticks</a>' in html
    assert sparks.height(500) == 0
    assert sparks.height(0.05) == sparks.HEIGHT


def test_a_curve_that_is_no_number_ends_in_a_cross(monkeypatch):
    html = convert(monkeypatch, "bad")
    assert "l10 10" in html
    assert "L120" not in html


def test_what_is_not_measured_is_named(monkeypatch):
    with pytest.raises(MeasureError, match="losses of x has no 'none'"):
        convert(monkeypatch, "none")
