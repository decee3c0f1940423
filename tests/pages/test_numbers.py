"""Each number on a page is shown by something near it: `numbers.py`."""

from pathlib import Path

import pytest

from tests.pages import numbers

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
CHAPTERS = sorted((ROOT / "docs/chapters").glob("*.md"))


# What nothing near it shows yet; a line goes when its page is mended.
OPEN = {
    "first_checks": {"0.6", "0.9", "1.1"},
}


def named(page):
    return page.relative_to(ROOT).as_posix()


def check(places):
    missing = [str(place) for place in places if not place.is_shown]
    assert not missing, "\n".join(missing)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_each_number_about_a_figure_is_shown_by_its_test_or_its_protocol(page):
    check(numbers.in_figures(page))


@pytest.mark.parametrize("page", CHAPTERS, ids=named)
def test_each_decimal_in_the_prose_is_shown_next_to_it(page):
    missing = [it for it in numbers.in_prose(page) if not it.is_shown]
    still_open = OPEN.get(page.stem, set())
    check(it for it in missing if it.text not in still_open)
    assert still_open <= {it.text for it in missing}, "take them off the list"


@pytest.mark.parametrize(
    ("said", "missing"),
    [
        ("Half: 0.25.[✓](#test_a)", []),
        ("Half: 0.26.[✓](#test_a)", ["0.26"]),
        ("It is 0.25.[✓](#test_b)", ["0.25"]),
        ("It is 0.31 there.\n\n```python\n>>> 0.31\n0.31\n```", []),
        ("It is 0.31.\n\n## Else\n\n```python\n>>> 0.31\n0.31\n```", ["0.31"]),
        ("In all 12.5 %.[✓](#test_b)", []),
        ("Keras 3.15 and N(0, 0.01²) are names.", []),
        ('![At 0.5, in two of 7.](../figures/x/a.svg "Of five seeds.")',
         ["7", "five"]),
        ("A rate of 0.02.[✓](#test_b)", []),
    ],
)  # fmt: skip
def test_a_number_that_nothing_near_it_shows_is_found(
    said, missing, tmp_path, monkeypatch
):
    for path, text in {
        "docs/chapters/x.md": f"---\ntitle: X\n---\n\n# X\n\n{said}\n",
        "snippets/x/figures.py": "RATE = 0.02\n\n\ndef measure_m():\n"
        "    return RATE\n\n\ndef plot_a(m):\n    return m\n",
        "tests/claims/test_x.py": 'def test_a():\n    """0.26"""\n'
        "    assert 0.25\n\n\n"
        'def test_b(measured):\n    assert measured("x", "m") < 0.125\n\n\n'
        'def test_c(drawn):\n    assert drawn("x", "a") == (0.5, 2)\n',
    }.items():
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(text, "utf-8")
    monkeypatch.setattr(numbers, "ROOT", tmp_path)
    monkeypatch.setattr(numbers, "SNIPPETS", tmp_path / "snippets")
    numbers.tests_of_figure.cache_clear()
    page = tmp_path / "docs/chapters/x.md"
    found = [*numbers.in_prose(page), *numbers.in_figures(page)]
    assert [it.text for it in found if not it.is_shown] == missing
    for it in found:
        assert str(it).startswith("docs/chapters/x.md:7: nothing shows the ")
