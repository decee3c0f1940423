"""What the rows of the landing page promise: broken, and mended.

The sections of the first checks that stand on no row promise as much.
"""

import re
from pathlib import Path

import numpy as np
import pytest

from tests.browser.questions import ASKED, HELD_OUT

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
# row of another chapter: measurement, fault, what is measured
OTHERS = {
    "evaluation.md#batch-norm": ("batch norm, 60 updates", "evaluate"),
    "same_answer.md#units": ("columns in their own units", "score"),
}
# row: the sections that answer who asks about it
ASK = {
    "first_checks.md#nan": (
        "first_checks.html#nan", "not_a_number.html",
        "unstable_gradients.html#first-infinity",
    ),
    "first_checks.md#flat": ("first_checks.html#flat",),
    "evaluation.md#batch-norm": ("evaluation.html",),
    "first_checks.md#first-layers": (
        "first_checks.html#first-layers", "unstable_gradients.html#w",
        "atlas.html#sigmoid", "diagnosis.html#sigmoids",
    ),
    "first_checks.md#dead": ("first_checks.html#dead", "dead_units.html"),
    "same_answer.md#units": ("same_answer.html",),
    "first_checks.md#first-loss": ("first_checks.html#first-loss",),
    "first_checks.md#pinned": ("first_checks.html#pinned", "saturation.html"),
}  # fmt: skip


def rows():
    """Return where each row of the landing page leads, in their order."""
    return re.findall(r"^\| .*?\]\(chapters/([\w.#-]+)\)", PAGE, re.M)


def test_each_row_has_its_networks_and_none_is_left_out():
    found = rows()
    assert found == list(ASK)
    assert len(found) <= 8
    known = {f"first_checks.md#{anchor}" for anchor in ROWS} | {*OTHERS}
    assert {*found} <= known


def test_the_rows_follow_what_people_ask():
    """Public threads, each counted once, by the section that answers it."""
    threads = {address for _, _, address in ASKED + HELD_OUT}
    counts = [
        len(
            {
                address
                for _, sections, address in ASKED + HELD_OUT
                if sections[0].removeprefix("chapters/").startswith(ASK[row])
            }
        )
        for row in rows()
    ]
    assert counts == sorted(counts, reverse=True)
    assert min(counts) > 0
    said = re.search(r"(\d+) public threads", PAGE)
    assert said
    assert 0 <= len(threads) - int(said[1]) < 50


@pytest.mark.parametrize("row", OTHERS)
def test_what_a_row_of_another_chapter_promises(row, measured):
    """Five seeds: accuracy, or the share of what guessing gets wrong.

    And the loss that is drawn: it stays above one half.
    """
    name, score = OTHERS[row]
    of = measured(row.partition(".")[0], "trained")[name]
    broken, mended = of["broken"][score], of["mended"][score]
    assert len(broken) == len(mended) == 5
    assert mended.min() > broken.max() + 0.15
    losses = measured(row.partition(".")[0], "losses")[name]
    assert len(losses) == 5
    assert losses[:, -20:].mean(1).min() > 0.5
    section = re.search(
        rf"^## [^\n]*{{#{row.partition('#')[2]}}}\n(.*?)(?=^## )",
        (DOCS / "chapters" / row.partition("#")[0]).read_text("utf-8"),
        re.M | re.S,
    )
    assert section
    for part in ("```python", "[✓](#test_", "**Mend"):
        assert part in section[1]


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
