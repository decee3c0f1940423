"""Every page on a wide screen, opened once: in both palettes, and on paper."""

from collections import Counter, defaultdict

import pytest

from tests.browser.browser import SIZES
from tests.browser.looks import (
    CLIPPED,
    CONTENTS,
    DARK,
    FOLDED,
    PAPER,
    TOO_WIDE,
    UNFOLD,
    halves,
    in_palette,
    listed,
    looked_at,
    violations,
    wrong_choice,
)

# One element for each text of a formula: the engine tells which font drew it.
ASKED = """() => {
  const all = {};
  for (const node of document.querySelectorAll("math :is(mi, mn, mo)")) {
    if (node.textContent.trim()) all[node.tagName + node.textContent] ??= node;
  }
  Object.values(all).forEach((node) => node.classList.add("asked"));
}"""


@pytest.fixture(scope="module")
def found(lasting_tab, pages):
    """Return what is wrong with the pages, by kind, and what was counted."""
    tab = lasting_tab(reduced_motion="reduce")
    found, seen = defaultdict(list), Counter()
    by_axe, _ = halves(pages)
    palettes = ["light", "dark"]
    for name in looked_at(pages):
        for kind, problem in look(tab, name, palettes, seen):
            found[kind].append(f"{name}: {problem}")
        if name not in by_axe:
            palettes.reverse()  # the next one is opened as this one was left
            continue
        for palette in reversed(palettes):
            in_palette(tab.page, palette)
            wrong = violations(tab.page, palette)
            found["axe"] += [f"{name}: {each}" for each in wrong]
    return found, seen


def look(tab, name, palettes, seen):
    """Yield what is wrong with a page: kind and problem."""
    page = tab.open(name)
    works = wrong_choice(tab, palettes, "wide")
    works += page.evaluate(TOO_WIDE)
    links, wrong = page.evaluate(CONTENTS)
    seen["contents"] += links
    yield from (("contents", f"{section}: {at}") for section, at in wrong)
    tab.resize(page.evaluate(PAPER), 1000)
    page.emulate_media(media="print")
    for fault in (CLIPPED, FOLDED, DARK):
        yield from (("paper", each) for each in page.evaluate(fault)[:3])
    page.emulate_media(media="screen")
    tab.resize(*SIZES["wide"])
    works += tab.problems()  # before axe looks, which logs too
    yield from (("works", each) for each in works)
    page.evaluate(UNFOLD)
    drawn, wrong = fonts(page)
    seen["formulas"] += drawn
    yield from (("formulas", each) for each in wrong)


def fonts(page):
    """Return how many texts of formulas were drawn, and which amiss."""
    page.evaluate(ASKED)
    engine = page.context.new_cdp_session(page)
    engine.send("DOM.enable")
    engine.send("CSS.enable")
    top = engine.send("DOM.getDocument")["root"]["nodeId"]
    query = {"nodeId": top, "selector": ".asked"}
    seen, wrong = 0, []
    for node in engine.send("DOM.querySelectorAll", query)["nodeIds"]:
        used = engine.send("CSS.getPlatformFontsForNode", {"nodeId": node})
        drawn = {font["familyName"] for font in used["fonts"]}
        seen += bool(drawn)
        if drawn - {"STIX Two Math"}:
            html = engine.send("DOM.getOuterHTML", {"nodeId": node})
            wrong.append(f"{html['outerHTML']} in {drawn}")
    engine.detach()
    return seen, wrong


def test_every_page_works(found):
    listed(found[0]["works"], "faults")


def test_axe_finds_nothing(found):
    listed(found[0]["axe"], "faults of accessibility")


def test_the_contents_mark_the_section_that_was_clicked(found):
    assert found[1]["contents"] > 60
    listed(found[0]["contents"], "sections that are not marked")


def test_nothing_is_clipped_on_paper(found):
    listed(found[0]["paper"], "parts that paper cuts off")


def test_formulas_are_set_in_the_math_font(found):
    assert found[1]["formulas"], "no formula is drawn anywhere"
    listed(found[0]["formulas"], "characters in another font")
