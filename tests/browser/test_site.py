"""The built site in a real browser: what a reader does with it."""

import re
import zipfile
from urllib.parse import urljoin, urlsplit

import pytest

from sitegen import offline, paste
from tests.browser.looks import (
    FOCUS,
    HERE,
    PALETTES,
    SEEN,
    UNFOLD,
    listed,
    looked_at,
    shown,
    violations,
    wrong_drawings,
)

# Clicks the button of each block of code; returns what was copied.
COPIED = """async (nodes) => {
  const copied = [];
  for (const node of nodes) {
    await navigator.clipboard.writeText("");
    node.querySelector("[data-clipboard-target], [data-md-type=copy]").click();
    let text = "";
    for (let tries = 0; !text && tries < 9999; tries++) {  // or never
      await new Promise((resolve) => setTimeout(resolve, 5));
      text = await navigator.clipboard.readText();
    }
    copied.push(text);
  }
  return copied;
}"""

# Something grows above a section, and the page keeps its place.
LATE = """async (hash) => {
  const frames = async (count) => {
    while (count--) await new Promise(requestAnimationFrame);
  };
  await frames(5);
  document.documentElement.style.overflowAnchor = "none";
  const top = () => document.querySelector(hash).getBoundingClientRect().top;
  const before = top();
  const late = document.createElement("p");
  late.style.height = "300px";
  document.querySelector("article").prepend(late);
  scrollBy(0, top() - before);
  await frames(5);
}"""


def test_copying_gives_the_file_or_the_code_without_prompts(new_tab, pages):
    tab = new_tab(permissions=["clipboard-read", "clipboard-write"])
    problems, seen = [], 0
    for name in looked_at(pages):
        code = shown(name)
        if not code:
            continue
        page = tab.open(name)
        page.evaluate(UNFOLD)
        written = page.locator("div.language-python, div.language-pycon")
        # One by hand: the others' buttons are found to be in reach elsewhere.
        written.first.hover()
        button = "[data-clipboard-target], [data-md-type=copy]"
        written.first.locator(button).click()
        by_hand = page.evaluate("navigator.clipboard.readText()")
        copies = written.evaluate_all(COPIED)
        assert copies[0] == by_hand != ""
        for block, copied in zip(code, copies, strict=False):
            wanted = paste.copied(block)
            if block.listing:
                wanted = block.listing.read_text("utf-8")
            seen += 1
            if block.doctest:  # each line of an output leaves an empty one
                copied = re.sub("\n\n+", "\n\n", copied)
            if copied.rstrip("\n") != wanted.rstrip("\n"):
                problems.append(f"{name}:{block.line}: copied\n{copied}")
        needs = paste.continues(code)
        offers = [
            "continues" in kinds
            for kinds in written.evaluate_all(
                "(all) => all.map((n) => n.className.split(' '))"
            )
        ]
        if offers[: len(needs)] != needs:
            problems.append(f"{name}: not said of each block what it needs")
        if not any(needs):
            continue
        last = len(needs) - 1 - needs[::-1].index(True)
        button = written.nth(last).get_by_role("button", name="up to here")
        button.click()
        button.and_(page.get_by_text("Copied")).wait_for()
        copied = page.evaluate("navigator.clipboard.readText()")
        if copied.rstrip("\n") != paste.up_to(code, last).rstrip("\n"):
            problems.append(f"{name}: copied up to block {last}:\n{copied}")
    assert seen, "no page has code to copy"
    listed(problems, "blocks that copy something else")


def search(page, tab):
    """Type a name into the search field; return the results' addresses."""
    page.locator(".md-search__input").focus()
    page.locator(".md-search__input").type("he_normal")
    results = page.locator(".md-search-result__item a")
    results.first.wait_for()
    return [results.nth(at).get_attribute("href") for at in range(3)]


def test_search_finds_and_is_fetched_only_when_asked_for(new_tab):
    tab = new_tab()
    tab.page.clock.install()
    page = tab.open("index.html")
    page.clock.run_for(60_000)  # every timer of the first minute
    early = [p for p in tab.paths() if "search" in p]
    assert not early, f"fetched before anyone searches: {early}"
    results = search(page, tab)
    assert any("initialization.html" in result for result in results)
    late = [p for p, _ in tab.server.sent if "search" in p]
    assert any("search_index" in path for path in late), late
    listed(violations(page, part=".md-search"), "faults of the open search")
    page.locator(".md-search-result__item a").first.click()
    page.locator("article mark").first.wait_for(state="attached")
    listed(tab.problems(), "errors")


def test_each_claim_leads_to_its_test(new_tab, pages):
    """In the files for all of them, and in a browser for one."""
    problems, seen = [], 0
    for name, soup in pages.items():
        for link in soup.select(".claim a[href]"):
            seen += 1
            to, _, test = link["href"].rpartition("#")
            there = pages[urljoin(HERE + name, to).removeprefix(HERE)]
            heading = there.find("h2", id=test)
            code = heading and heading.find_next("code").find_parent("pre")
            if not code or f"def {test}(" not in code.get_text():
                problems.append(f"{name}: {link['href']}")
            if not soup.find(id=test):  # where it once was
                problems.append(f"{name}: nothing has the id {test}")
    page = new_tab().open("chapters/initialization.html")
    link = page.locator(".claim a:visible").last
    test = link.get_attribute("href").partition("#")[2]
    link.click()
    page.locator(f"#{test}").wait_for()
    page.wait_for_function(
        """(id) => {
          const {top} = document.getElementById(id).getBoundingClientRect();
          return top >= 0 && top < innerHeight;
        }""",
        arg=test,
    )
    assert seen, "no page claims anything"
    listed(problems, "claims that do not lead to their test")


@pytest.mark.parametrize(
    ("palette", "size"), [("light", "wide"), ("dark", "phone")]
)
def test_a_figure_opens_large_and_closes(new_tab, palette, size):
    tab = new_tab(palette, size)
    page = tab.open("chapters/saturation.html")
    link = page.locator(".enlarge").first
    small = page.locator(".figure img:visible").first.bounding_box()
    link.click()
    image = page.locator("dialog[open] img")
    image.evaluate("(image) => image.decode()")
    assert image.get_attribute("src").endswith(f"s-{palette}.svg")
    assert image.get_attribute("alt")
    assert image.bounding_box()["width"] > 1.2 * small["width"]
    listed(violations(page, part="dialog"), "faults of the large figure")
    page.keyboard.press("Escape")
    page.locator("dialog").wait_for(state="detached")
    assert link.evaluate("(link) => link === document.activeElement")
    page = tab.open("labs/rescue.html")
    drawings = page.locator("figure.figure svg").count()
    page.locator(".enlarge").first.click()
    assert page.locator("dialog[open] svg").first.is_visible()
    page.get_by_role("button", name="Close").click()
    page.locator("dialog").wait_for(state="detached")
    assert page.locator("figure.figure svg").count() == drawings
    listed(tab.problems(), "errors")


def test_what_is_drawn_late_moves_no_mark_of_the_contents(new_tab):
    tab = new_tab()
    page = tab.open("chapters/saturation.html")
    contents = ".md-sidebar--secondary .md-nav__link"
    last = page.locator(f"{contents}[href^='#']").last
    hash = last.get_attribute("href")
    marked = page.locator(f"{contents}[href='{hash}'][aria-current]")
    last.click()
    marked.wait_for()
    page.evaluate(LATE, hash)
    assert marked.count() == 1
    page.evaluate("() => scrollTo(0, 0)")
    marked.wait_for(state="detached")


@pytest.mark.parametrize("palette", PALETTES)
def test_a_first_visit_is_in_the_system_s_palette_at_once(new_tab, palette):
    tab = new_tab(palette)
    tab.page.route("**/bundle.*", lambda route: route.abort())
    page = tab.open("chapters/saturation.html")
    body = page.locator("body")
    assert body.get_attribute("data-md-color-scheme") == PALETTES[palette]
    assert not wrong_drawings(page, palette, "wide")


def test_the_palette_can_be_chosen_and_stays(new_tab):
    tab = new_tab("dark")
    page = tab.open("chapters/initialization.html")
    for palette, scheme in PALETTES.items():
        page.get_by_title(f"Switch to {palette}").click()
        for _ in "now", "after loading again":
            page.locator(f"body[data-md-color-scheme={scheme}]").wait_for()
            assert not wrong_drawings(page, palette, "wide")
            page.reload(wait_until="load")
    page.get_by_title("Switch to system").click()
    page.emulate_media(color_scheme="light")
    page.locator("body[data-md-color-scheme=default]").wait_for()
    listed(tab.problems(), "errors")


def test_the_keyboard_reaches_all(new_tab):
    tab = new_tab()
    page = tab.open("chapters/initialization.html")
    page.keyboard.press("Tab")
    assert "md-skip" in page.evaluate(FOCUS)[0], "first comes the skip link"
    page.keyboard.press("Enter")
    fragment = page.locator(".md-skip").get_attribute("href")
    assert urlsplit(page.url).fragment == fragment.removeprefix("#")
    page = tab.open("chapters/initialization.html")
    reached, problems = [], []
    for _ in range(60):
        page.keyboard.press("Tab")
        name, ring, visible = page.evaluate(FOCUS)
        reached.append(name)
        if not visible or not (ring or "search__input" in name):
            problems.append(f"step {len(reached)}, {name}: not seen in focus")
    for part in ("md-tabs__link", "md-search__input", "md-nav__link"):
        assert any(part in name for name in reached), f"{part}: {reached}"
    listed(problems, "steps that cannot be seen")
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("/")
    assert "md-search__input" in page.evaluate(FOCUS)[0]


def test_where_one_is_can_be_told_in_the_system_s_colours(new_tab):
    page = new_tab(forced_colors="active").open("chapters/saturation.html")
    page.locator(".md-sidebar--secondary .md-nav__link").nth(1).click()
    page.locator(".md-sidebar--secondary [aria-current]").wait_for()
    for links, here, side in (
        (".md-tabs__link", ".md-tabs__item--active *", "bottom"),
        (".md-sidebar--secondary .md-nav__link", "[aria-current]", "left"),
    ):
        colours = page.evaluate(
            """([links, here, side]) => [true, false].map((isHere) => [
              ...document.querySelectorAll(links)]
              .filter((link) => link.matches(here) === isHere)
              .map((link) => getComputedStyle(link)[`border-${side}-color`]))
            """,
            [links, here, side],
        )
        assert len(colours[0]) == 1
        assert not set(colours[0]) & set(colours[1]), colours


def test_it_reads_and_searches_from_the_disk(new_tab, site, tmp_path):
    tab = new_tab()
    with zipfile.ZipFile(site / offline.NAME) as archive:
        archive.extractall(tmp_path)
    root = tmp_path / offline.FOLDER
    page = tab.open((root / "explorer/index.html").as_uri())
    page.wait_for_function(
        "() => document.querySelector('#explorer').dataset.done"
    )
    page = tab.open((root / "chapters/initialization.html").as_uri())
    assert not wrong_drawings(page, "light", "wide")
    results = search(page, tab)
    assert any("initialization.html" in result for result in results)
    listed(tab.problems(), "errors")


# Tries what a page may not do; returns what was refused.
FORBIDDEN = """async () => {
  const refused = [];
  addEventListener("securitypolicyviolation", ({effectiveDirective}) =>
    refused.push(effectiveDirective));
  const script = document.createElement("script");
  script.textContent = "window.ran = true";
  const image = new Image();
  image.src = "https://example.com/a.png";
  const frame = document.createElement("iframe");
  frame.src = "https://example.com/";
  document.body.append(script, image, frame);
  await fetch("https://example.com/").catch(() => {});
  try { new Worker("https://example.com/a.js"); } catch {}
  for (let n = 0; n < 600 && new Set(refused).size < 4; n++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return [window.ran ?? false, [...new Set(refused)].sort()];
}"""


@pytest.mark.parametrize("is_served", [True, False])
def test_a_page_cannot_do_what_its_policy_forbids(new_tab, site, is_served):
    tab, name = new_tab(), "explorer/index.html"
    page = tab.open(name if is_served else (site / name).as_uri())
    page.wait_for_function(
        "() => document.querySelector('#explorer').dataset.done"
    )
    listed(tab.problems(), "errors")
    ran, refused = page.evaluate(FORBIDDEN)
    assert not ran
    assert {"connect-src", "frame-src", "img-src"} <= {*refused}
    assert any(rule.startswith("script-src") for rule in refused)


def test_it_reads_without_javascript(new_tab, pages):
    tab, problems = new_tab(java_script_enabled=False), []
    for name in looked_at(pages):
        page = tab.open(name)
        if not page.locator("h1").is_visible():
            problems.append(f"{name}: no headline")
        found = page.evaluate(SEEN)
        problems += [
            f"{name}: {path} is {'' if seen else 'not '}seen"
            for path, seen, _ in found
            if seen != path.endswith("-light.svg")
        ]
        hidden = page.locator("article :is(p, pre, table, math):not(details *)")
        problems += [
            f"{name}: hidden: {text[:80]}"
            for text in hidden.evaluate_all(
                "(all) => all.filter((n) => !n.checkVisibility())"
                ".map((n) => n.outerHTML)"
            )
        ]
        problems += [f"{name}: {problem}" for problem in tab.problems()]
    listed(problems, "faults without JavaScript")
