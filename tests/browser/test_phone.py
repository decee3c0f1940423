"""Every page on a phone, opened once: in both palettes, small and enlarged."""

from collections import defaultdict

import pytest

from tests.browser.browser import SIZES
from tests.browser.looks import (
    COPY_BUTTONS,
    ILLEGIBLE,
    SETTLED,
    TABLES,
    TOO_WIDE,
    UNFOLD,
    halves,
    in_palette,
    listed,
    looked_at,
    violations,
    wrong_choice,
)

# A small phone; and 200 % of 1440 × 900, which is half as many CSS pixels.
SMALL = {"320": (320, 640), "200%": (720, 450)}


@pytest.fixture(scope="module")
def found(lasting_tab, pages):
    """Return what is wrong with the pages, by kind."""
    tab = lasting_tab("dark", "phone", has_touch=True, reduced_motion="reduce")
    found = defaultdict(list)
    _, by_axe = halves(pages)
    palettes = ["dark", "light"]
    for name in looked_at(pages):
        for kind, problem in look(tab, name, palettes, name in by_axe):
            found[kind].append(f"{name}: {problem}")
        if name not in by_axe:
            palettes.reverse()  # the next one is opened as this one was left
    return found


def look(tab, name, palettes, by_axe):
    """Yield what is wrong with a page: kind and problem."""
    page = tab.open(name)
    works = wrong_choice(tab, palettes, "phone")
    works += page.evaluate(TOO_WIDE)
    works += tab.problems()  # before axe looks, which logs too
    yield from (("works", each) for each in works)
    page.evaluate(UNFOLD)
    page.evaluate(SETTLED)
    for unreached in (TABLES, COPY_BUTTONS):
        yield from (("reach", each) for each in page.evaluate(unreached))
    for palette in reversed(palettes) if by_axe else ():
        in_palette(page, palette)
        yield from (("axe", each) for each in violations(page, palette))
    for size in SMALL:
        tab.resize(*SMALL[size])
        page.evaluate(SETTLED)
        for wrong in (TOO_WIDE, ILLEGIBLE, COPY_BUTTONS):
            yield from ((size, each) for each in page.evaluate(wrong))
    tab.resize(*SIZES["phone"])


def test_every_page_works(found):
    listed(found["works"], "faults")


def test_axe_finds_nothing(found):
    listed(found["axe"], "faults of accessibility")


def test_tables_can_be_read_and_code_be_copied(found):
    listed(found["reach"], "things out of reach")


@pytest.mark.parametrize("size", SMALL)
def test_nothing_overlaps_or_is_cut_off(found, size):
    listed(found[size], f"faults at {size}")
