"""What the tests of the built site look for on a page, and how."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

from sitegen import ROOT
from sitegen.blocks import blocks
from studies.unchanged import WEEKLY, chosen

PALETTES = {"light": "default", "dark": "slate"}
HERE = "http://here/"  # stands for the site's root while links are resolved
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
RULES += ["best-practice"]
COLOUR_RULES = ["color-contrast", "link-in-text-block"]


def looked_at(pages):
    """Return the pages' names without the tests' pages, of which one will do.

    They are all made alike, and only from code.
    """
    tests = sorted(name for name in pages if name.startswith("checks/"))
    return [name for name in pages if name not in tests[1:]]


def halves(pages):
    """Return the pages that axe looks at when wide, and those on a phone.

    Each page in one size, at other commits in the other; weekly in both.
    """
    names = looked_at(pages)
    if WEEKLY:
        return names, names
    wide = chosen(range(2))
    return names[wide::2], names[1 - wide :: 2]


def listed(problems, what):
    """Fail with all that was found, not with the first only."""
    if problems:
        text = "\n".join(f"  {problem}" for problem in problems)
        pytest.fail(f"{len(problems)} {what}:\n{text}", pytrace=False)


def shown(name):
    """Return the Python blocks of a page's source; labs have none here."""
    source = ROOT / "docs" / Path(name).with_suffix(".md")
    if not source.is_file():
        return []
    text = source.read_text("utf-8")
    return list(blocks(text, str(source), ROOT / "snippets"))


# What a page says of itself: each is evaluated in it.


UNFOLD = """() => document.querySelectorAll("details")
  .forEach((details) => { details.open = true; })"""
# What can be seen of each figure, after all of them had reason to load.
SEEN = """async () => {
  const shown = (node) => node.checkVisibility();
  const seen = [];
  for (const image of document.querySelectorAll("figure img")) {
    if (shown(image)) {
      image.scrollIntoView();
      await image.decode().catch(() => {});
    }
    const {pathname} = new URL(image.currentSrc || image.src);
    const drawn = shown(image) && image.naturalWidth > 0;
    seen.push([pathname.split("/").slice(-3).join("/"), shown(image), drawn]);
  }
  scrollTo(0, 0);
  return seen;
}"""
TOO_WIDE = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  // The theme hides what sticks out of the root: that is no way to read it.
  const scrolls = (node) => node !== document.documentElement && (
    getComputedStyle(node).overflowX !== "visible"
    || scrolls(node.parentElement)
  );
  // A box can be narrow enough and its text stick out of it.
  const right = (n) => n.getBoundingClientRect().left + n.scrollWidth;
  return [...document.body.querySelectorAll("*")]
    .filter((n) => n.checkVisibility() && right(n) > width + 1 && !scrolls(n))
    .filter((n, _, all) => !all.some((m) => m !== n && n.contains(m)))
    .map((n) => `${n.tagName} ${n.className} is too wide`)
    .concat(["the page scrolls sideways"]);
}"""


def wrong_drawings(page, palette, size):
    """Return what is wrong with the choice of drawings."""
    ending = f"-{palette}.svg"
    problems = []
    for name, visible, drawn in page.evaluate(SEEN):
        right = name.endswith(ending)
        right_size = ("-phone-" in name) == (size == "phone")
        if visible and not (right and right_size and drawn):
            problems.append(f"{name} is seen" + " but empty" * (not drawn))
        if right and not visible:
            problems.append(f"{name} is not seen")
    return problems


def in_palette(page, palette):
    """Change what the system prefers, and wait until the page follows."""
    page.emulate_media(color_scheme=palette)
    page.locator(f"body[data-md-color-scheme={PALETTES[palette]}]").wait_for()


def wrong_choice(tab, palettes, size):
    """Return which drawings are seen or fetched amiss, palette by palette."""
    found, known = [], set()
    for palette in palettes:
        in_palette(tab.page, palette)
        found += wrong_drawings(tab.page, palette, size)
        found += [
            f"{path} was fetched for nothing"
            for path in sorted({*tab.paths()} - known)
            if path.startswith("figures/")
            and (
                not path.endswith(f"-{palette}.svg")
                or ("-phone-" in path) != (size == "phone")
            )
        ]
        known.update(tab.paths())
    return found


# The other palette's colours are faded in, an opened block's button too.
SETTLED = """async () => {
  const moves = () => document.getAnimations().filter((move) =>
    move.transitionProperty && move.playState === "running");
  while (moves().length) {
    await Promise.allSettled(moves().map((move) => move.finished));
  }
}"""


# Marks texts that look as three others of their kind do: axe is slow to find
# what lies behind each, and of a thousand words of code it finds the same.
ALIKE = """() => {
  const grounds = new Map([[null, ""]]);
  const behind = (node) => {
    if (!grounds.has(node)) {
      const style = getComputedStyle(node);
      const own = [style.backgroundColor, style.backgroundImage, style.opacity,
        style.filter, style.mixBlendMode].join();
      const plain = "rgba(0, 0, 0, 0),none,1,none,normal";
      grounds.set(node,
        behind(node.parentElement) + (own === plain ? "" : own + "|"));
    }
    return grounds.get(node);
  };
  const met = new Map();
  for (const node of document.querySelectorAll("body *")) {
    node.removeAttribute("data-alike");
    const says = [...node.childNodes].some((child) =>
      child.nodeType === Node.TEXT_NODE && child.data.trim());
    const all = {opacityProperty: true, visibilityProperty: true};
    if (!says || !node.checkVisibility(all)) continue;
    const style = getComputedStyle(node);
    const part = node.closest("header, nav, aside, footer, dialog, article");
    const look = [part && part.className, node.localName, style.color,
      style.fill, style.fontSize, style.fontWeight, style.textShadow,
      behind(node)].join();
    met.set(look, (met.get(look) ?? 0) + 1);
    if (met.get(look) > 3) node.setAttribute("data-alike", "");
  }
}"""
AXE = """async ([part, only]) => {
  const options = {resultTypes: ["violations"], runOnly: only};
  const {violations} = await axe.run({include: [[part]]}, options);
  return violations.flatMap(({id, nodes}) => nodes.slice(0, 5).map((node) =>
    `${id}: ${node.target} ${(node.failureSummary ?? "").slice(0, 300)}`));
}"""


def violations(page, palette="light", part="html"):
    """Return what axe finds, by rule and element.

    In the dark palette only what depends on colours is looked at again.
    """
    # The explorer pales what it is about to draw anew.
    page.wait_for_function("() => !document.querySelector('[data-old]')")
    page.evaluate(SETTLED)
    if page.evaluate("!window.axe"):
        page.evaluate(Axe().axe_script)
        page.evaluate(
            """axe.configure({rules: [
              {id: "color-contrast", selector: "*:not([data-alike])"}]})"""
        )
    page.evaluate(ALIKE)
    only = {"type": "tag", "values": RULES}
    if palette == "dark":
        only = {"type": "rule", "values": COLOUR_RULES}
    return page.evaluate(AXE, [part, only])


# What a finger cannot reach, or what hides code.
COPY_BUTTONS = """() => [...document.querySelectorAll(".highlight")]
  .filter((block) => block.checkVisibility() && block.querySelector("button"))
  .flatMap((block) => {
    const button = block.querySelector("button");
    const all = {opacityProperty: true, visibilityProperty: true};
    if (!button.checkVisibility(all)) return ["a copy button is not seen"];
    const box = button.getBoundingClientRect();
    const lines = document.createRange();
    lines.selectNodeContents(block.querySelector("code"));
    const hides = [...lines.getClientRects()].some((line) => line.width > 0
      && line.left < box.right && line.right > box.left
      && line.top < box.bottom && line.bottom > box.top);
    return hides ? ["a copy button hides " + block.innerText.slice(0, 60)] : [];
  })"""
# Tables that are too wide, or of which one cannot tell the row.
TABLES = """() => [...document.querySelectorAll("article table")]
  .filter((table) => table.checkVisibility())
  .flatMap((table) => {
    const name = `the table "${table.innerText.trim().slice(0, 40)}"`;
    const wrong = [];
    if (table.offsetWidth > 2 * innerWidth) {
      wrong.push(`${name} is wider than two screens: ${table.offsetWidth}`);
    }
    const box = table.closest(".md-typeset__scrollwrap");
    if (!box || box.scrollWidth <= box.clientWidth) return wrong;
    box.scrollLeft = box.scrollWidth;
    const {left, right} = box.getBoundingClientRect();
    for (const row of table.rows) {
      const first = row.cells[0].getBoundingClientRect();
      const last = row.cells[row.cells.length - 1].getBoundingClientRect();
      if (first.left < left - 1 || first.right > (left + right) / 2 + 1) {
        wrong.push(`${name}: the first column is out of view`);
      }
      if (last.right > right + 1) wrong.push(`${name}: the end is cut off`);
    }
    box.scrollLeft = 0;
    return wrong.slice(0, 2);
  })"""


# Clicks each line of the contents; returns what is not marked then.
CONTENTS = """async () => {
  const frames = async (count) => {
    while (count--) await new Promise(requestAnimationFrame);
  };
  const marked = () => [...document.querySelectorAll(
    ".md-sidebar--secondary [aria-current]")].map((link) => link.hash);
  const wrong = [];
  const links = [...document.querySelectorAll(
    ".md-sidebar--secondary .md-nav__link[href]")];
  if (!links.length) return [0, []];  // a page may hide its margin
  for (const link of [...links, ...links.reverse()]) {
    link.click();
    await frames(5);
    if (marked().join() !== link.hash) wrong.push([link.hash, marked()]);
  }
  // Back at the top it is not the last one that is read.
  scrollTo(0, 0);
  await frames(5);
  if (marked().includes(links[0].hash)) wrong.push(["top", marked()]);
  return [links.length, wrong];
}"""


FOCUS = """async () => {
  const node = document.activeElement;
  const moves = document.getAnimations();
  await Promise.allSettled(moves.filter((move) => move.transitionProperty)
    .map((move) => move.finished));
  // Of the palette's switch the label is seen.
  const seen = node.matches(".md-option") ? node.nextElementSibling : node;
  const {outlineStyle, outlineWidth} = getComputedStyle(seen);
  const ring = outlineStyle !== "none" && parseFloat(outlineWidth) >= 1;
  const {width, height} = seen.getBoundingClientRect();
  const all = {opacityProperty: true, visibilityProperty: true};
  const isSeen = width * height > 0 && seen.checkVisibility(all);
  return [node.className, ring, isSeen];
}"""


# The width of A4 between its margins, in CSS pixels.
PAPER = """() => {
  const all = [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules]);
  const {style} = all.findLast((rule) => rule instanceof CSSPageRule);
  const ruler = document.body.appendChild(document.createElement("p"));
  ruler.style.position = "absolute";
  ruler.style.width =
    `calc(210mm - ${style.marginLeft} - ${style.marginRight})`;
  const width = ruler.offsetWidth;
  ruler.remove();
  return width;
}"""
# What is dark on paper: the drawings of labs, and of each figure's pair one.
DARK = """() => {
  const wrong = [...document.querySelectorAll("article img")]
    .filter((image) => image.checkVisibility())
    .filter((image) => image.src.endsWith("#only-dark"))
    .map((image) => `${image.src} is seen`);
  const ground = document.createElement("p");
  ground.style.backgroundColor = "light-dark(white, black)";
  document.querySelector("article").append(ground);
  if (getComputedStyle(ground).backgroundColor !== "rgb(255, 255, 255)") {
    wrong.push("its drawings are dark");
  }
  ground.remove();
  return wrong;
}"""


# What paper would cut off; a header for screen readers alone may be, and of a
# word in code the ground.
CLIPPED = """() => [...document.querySelectorAll("article *")]
  .filter((node) => node.checkVisibility() && !node.closest("math")
    && !node.closest(".symptoms thead"))
  .filter((node) => node.getBoundingClientRect().right
    > innerWidth + (node.localName === "code" ? 4 : 1)
    || (getComputedStyle(node).overflowX !== "visible"
      && node.scrollWidth > node.clientWidth + 1))
  .map((node) => `${node.tagName} ${node.className} is clipped`)"""


FOLDED = """() => [...document.querySelectorAll(
  "article details:not(#explorer *) > *")]
  .filter((node) => node.offsetHeight === 0
    || !node.checkVisibility({contentVisibilityAuto: true}))
  .map((node) => `${node.tagName} ${node.className} stays folded`)"""


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
