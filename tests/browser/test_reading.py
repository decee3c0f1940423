"""Read anywhere: small, enlarged, in the system's colours, without motion.

By relations only: what overlaps, what is cut off, what cannot be reached.
"""

import pytest

from tests.browser.browser import SIZES
from tests.browser.looks import FOCUS, listed


def test_each_step_of_the_keyboard_is_seen_on_a_phone(new_tab, pages):
    tab, problems = new_tab(size="phone"), []
    for name in ("index.html", "chapters/saturation.html", "atlas.html"):
        assert name in pages
        page = tab.open(name)
        for step in range(40):
            page.keyboard.press("Tab")
            said, ring, seen = page.evaluate(FOCUS)
            if not seen or not (ring or "search__input" in said):
                problems.append(f"{name}, step {step + 1}: {said}")
    listed(problems, "steps that cannot be seen")


# In these colours: icons of no colour, and drawings without a ground.
UNSEEN = """() => {
  const ground = getComputedStyle(document.body).backgroundColor;
  const wrong = [];
  for (const node of document.querySelectorAll("body *")) {
    if (!node.checkVisibility() || node.closest(".md-search")) continue;
    for (const part of ["::before", "::after"]) {
      const style = getComputedStyle(node, part);
      const mask = style.maskImage || style.webkitMaskImage || "none";
      if (style.content === "none" || mask === "none") continue;
      if (style.display === "none" || style.backgroundColor === ground) {
        if (style.display !== "none") {
          wrong.push(`${node.className}${part} has the colour of the page`);
        }
      }
    }
    if (node.matches("figure img, figure > svg, .panels svg, .spark")) {
      const {backgroundColor} = getComputedStyle(node);
      if (backgroundColor === "rgba(0, 0, 0, 0)") {
        wrong.push(`${node.tagName} ${node.className} has no ground`);
      }
    }
  }
  return [...new Set(wrong)];
}"""


@pytest.mark.parametrize("palette", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_in_the_system_s_colours_all_is_seen(new_tab, palette, size):
    tab = new_tab(palette, size, forced_colors="active")
    problems, seen = [], 0
    for name in (
        "index.html",
        "chapters/saturation.html",
        "labs/rescue.html",
        "explorer/index.html",
    ):
        page = tab.open(name)
        seen += page.locator("figure img, figure svg, .spark").count()
        problems += [f"{name}: {one}" for one in page.evaluate(UNSEEN)]
    assert seen > 20
    listed(problems, "things that these colours hide")


MOVING = """() => [...document.querySelectorAll("*")].flatMap((node) =>
  ["", "::before", "::after"].flatMap((part) => {
    const style = getComputedStyle(node, part || null);
    const times = [style.transitionDuration, style.animationDuration];
    const long = times.join().split(",").some((time) => parseFloat(time) > .01);
    return long || style.scrollBehavior === "smooth"
      ? [`${node.tagName} ${node.className} ${part} moves`] : [];
  })).slice(0, 5)"""


def test_nothing_moves_for_those_who_want_that(new_tab):
    tab, problems = new_tab(reduced_motion="reduce"), []
    for name in ("index.html", "chapters/saturation.html", "atlas.html"):
        page = tab.open(name)
        problems += [f"{name}: {one}" for one in page.evaluate(MOVING)]
    listed(problems, "things that move")
    page = new_tab().open("index.html")
    assert page.evaluate(MOVING), "else they do"


def test_a_term_says_what_it_means_to_keys_and_pointer(new_tab):
    tab = new_tab()
    page = tab.open("chapters/saturation.html")
    term = page.locator("a.term").first
    meaning = term.get_attribute("title")
    for way in (term.focus, term.hover):
        way()
        said = page.locator(".md-tooltip2--active, .md-tooltip--active")
        said.filter(has_text=meaning).wait_for()
        page.locator("h1").hover()
        page.evaluate("document.activeElement.blur()")
    term.click()
    page.wait_for_url("**/glossary.html#*")
    listed(tab.problems(), "errors")
