"""Read anywhere: small, enlarged, in the system's colours, without motion.

By relations only: what overlaps, what is cut off, what cannot be reached.
"""

import pytest

from tests.browser.browser import SIZES
from tests.browser.test_site import (
    COPY_BUTTONS,
    FOCUS,
    SETTLED,
    TOO_WIDE,
    listed,
    looked_at,
)

# A small phone; and 200 % of 1440 × 900, which is half as many CSS pixels.
SMALL = {"320": (320, 640), "200%": (720, 450)}

# Lines of text that lie on each other, or that a box cuts off.
ILLEGIBLE = """() => {
  const wrong = [];
  const lines = [];
  const skipped = "math, svg, script, style, template, .md-search__output,"
    + ".md-sidebar, select, .symptoms thead, .md-skip, title";
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  const all = {opacityProperty: true, visibilityProperty: true};
  while (walk.nextNode()) {
    const {currentNode: node} = walk;
    const box = node.parentElement;
    if (!node.data.trim() || box.closest(skipped)) continue;
    if (!box.checkVisibility(all)) continue;
    range.selectNodeContents(node);
    for (const {left, right, top, bottom} of range.getClientRects()) {
      if (right - left > 1) lines.push({left, right, top, bottom, box});
    }
    let outer = box;
    for (; outer !== document.body; outer = outer.parentElement) {
      const {overflowX} = getComputedStyle(outer);
      if (!["hidden", "clip"].includes(overflowX)) continue;
      const hidden = range.getBoundingClientRect();
      const {left, right} = outer.getBoundingClientRect();
      if (hidden.right > right + 2 || hidden.left < left - 2) {
        wrong.push("cut off: " + node.data.trim().slice(0, 50));
      }
    }
  }
  lines.sort((one, other) => one.top - other.top);
  lines.forEach((one, at) => {
    for (let next = at + 1; next < lines.length; next++) {
      const other = lines[next];
      if (other.top > one.bottom) break;
      if (one.box === other.box) continue;
      const across = Math.min(one.right, other.right)
        - Math.max(one.left, other.left);
      const least = Math.min(one.bottom - one.top, other.bottom - other.top);
      const down = Math.min(one.bottom, other.bottom) - other.top;
      // A code block that scrolls holds more than is seen.
      if (one.box.closest("pre, .md-typeset__scrollwrap")
        || other.box.closest("pre, .md-typeset__scrollwrap")) continue;
      if (across > 2 && down > least / 2) {
        wrong.push(`${one.box.innerText.slice(0, 40)} lies on `
          + other.box.innerText.slice(0, 40));
      }
    }
  });
  return wrong.slice(0, 5);
}"""


@pytest.mark.parametrize("size", SMALL)
def test_nothing_overlaps_or_is_cut_off(new_tab, pages, size):
    width, height = SMALL[size]
    tab, problems = new_tab(has_touch=True), []
    tab.page.set_viewport_size({"width": width, "height": height})
    for name in looked_at(pages):
        page = tab.open(name)
        page.evaluate(
            "document.querySelectorAll('details').forEach((d) => d.open = true)"
        )
        page.evaluate(SETTLED)
        found = page.evaluate(TOO_WIDE) + page.evaluate(ILLEGIBLE)
        found += page.evaluate(COPY_BUTTONS)
        problems += [f"{name}: {problem}" for problem in found]
    listed(problems, f"faults at {size}")


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
