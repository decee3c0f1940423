"""What the rows of the landing page promise: broken, and mended."""

import re
from pathlib import Path

import numpy as np
import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "index.md").read_text("utf-8")
CHAPTER = (DOCS / "chapters/first_checks.md").read_text("utf-8")
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


def test_each_row_has_its_networks_and_none_is_left_out():
    anchors = re.findall(r"^\|.*first_checks\.md#([\w-]+)\)", PAGE, re.M)
    assert anchors == list(ROWS)
    assert len(anchors) <= 8


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
    section = re.search(
        rf"^## [^\n]*{{#{anchor}}}\n(.*?)(?=^## )", CHAPTER, re.M | re.S
    )
    assert section
    assert "```python" in section[1] or "signal_factor" in section[1]
    assert "[✓](#test_" in section[1]
    assert "**Mend:**" in section[1] or "[change both]" in section[1]


def test_the_report_on_the_landing_page_is_one_that_was_run():
    reports = re.findall(r"^Verdict: .*?(?=^```)", PAGE, re.M | re.S)
    assert len(reports) == 1
    assert reports[0] in CHAPTER
