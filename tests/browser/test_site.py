"""The built site: first its files, then its pages in a real browser."""

import ast
import json
import re
import zipfile
from collections import Counter
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup

from sitegen import offline, paste
from sitegen.blocks import blocks
from sitegen.policy import digest
from tests.browser.browser import body_of

ROOT = Path(__file__).parents[2]
HERE = "http://here/"  # stands for the site's root while links are resolved
PALETTES = {"light": "default", "dark": "slate"}
NOT_A_PAGE = {"404.html"}  # built, but in no index
FETCHED = re.compile(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
RULES += ["best-practice"]
COLOUR_RULES = ["color-contrast", "link-in-text-block"]


def looked_at(pages):
    """Return the pages' names without the tests' pages, of which one will do.

    They are all made alike, and only from code.
    """
    tests = sorted(name for name in pages if name.startswith("checks/"))
    return [name for name in pages if name not in tests[1:]]


def listed(problems, what):
    """Fail with all that was found, not with the first only."""
    if problems:
        text = "\n".join(f"  {problem}" for problem in problems)
        pytest.fail(f"{len(problems)} {what}:\n{text}", pytrace=False)


# The files


def references(soup):
    """Yield what a page has the browser fetch, and what it links to."""
    for node in soup.find_all(True):
        for name in ("src", "href", "poster", "data", "action"):
            # Labels of MathML and data-* attributes are other names.
            if node.get(name):
                yield node, node[name], node.name not in ("a", "area", "base")
        for part in (node.get("srcset") or "").split(","):
            if part.strip():
                yield node, part.split()[0], True
        if style := node.get("style"):
            for match in FETCHED.finditer(style):
                yield node, match[1] or match[2], True
        if node.name == "style":
            for match in FETCHED.finditer(node.get_text()):
                yield node, match[1] or match[2], True


def test_no_page_fetches_anything_from_another_host(site, pages, root):
    problems = []
    for name, soup in pages.items():
        for node, target, fetched in references(soup):
            canonical = "canonical" in (node.get("rel") or ())
            host = urlsplit(urljoin(root + name, target)).netloc
            if fetched and host not in ("", urlsplit(root).netloc):
                problems.append(f"{name}: <{node.name}> {target}")
            if canonical and target not in (root + name, root):
                problems.append(f"{name}: its canonical address is {target}")
    for path in [*site.rglob("*.css"), *site.rglob("*.svg")]:
        for match in FETCHED.finditer(path.read_text("utf-8")):
            if re.match(r"(https?:)?//", match[1] or match[2]):
                problems.append(f"{path.relative_to(site)}: {match[0]}")
    for path in site.rglob("*.svg"):
        tree = BeautifulSoup(path.read_text("utf-8"), "html.parser")
        for node in tree.find_all(["image", "use", "script", "a"]):
            target = node.get("href") or node.get("xlink:href") or ""
            if node.name == "script" or "//" in target:
                problems.append(f"{path.relative_to(site)}: {node.name}")
    listed(problems, "addresses of others")


def test_every_page_runs_only_the_scripts_that_its_policy_names(pages):
    problems = []
    for name, soup in pages.items():
        equivalent = {"http-equiv": "Content-Security-Policy"}
        metas = soup.head.find_all("meta", attrs=equivalent)
        before = metas and metas[0].find_all_previous(["link", "script"])
        if len(metas) != 1 or before:
            problems.append(f"{name}: no policy first in its head")
            continue
        rules = metas[0]["content"]
        for script in soup.find_all("script", src=False, type=False):
            if f"'sha256-{digest(script.string)}'" not in rules:
                problems.append(f"{name}: {script.string[:60]}")
        for node in soup.find_all(True):
            handlers = [key for key in node.attrs if key.startswith("on")]
            if handlers or str(node.get("href")).startswith("javascript:"):
                problems.append(f"{name}: <{node.name}> holds a script")
    listed(problems, "scripts that no policy names")


def test_every_link_image_and_anchor_is_there(site, pages, root):
    ids = {
        name: {"", *(node["id"] for node in soup.find_all(id=True))}
        for name, soup in pages.items()
    }
    problems = []
    for name, soup in pages.items():
        for _, target, _ in references(soup):
            address = urljoin(HERE + name, target.replace(root, HERE))
            if address.startswith(urljoin(HERE, urlsplit(root).path)):
                # The page for unknown addresses names its files in full.
                address = address.replace(urlsplit(root).path, "/", 1)
            if not address.startswith(HERE):
                continue
            parts = urlsplit(address.removeprefix(HERE))
            path = unquote(parts.path) or "index.html"
            if not (site / path).is_file():
                problems.append(f"{name}: {target} leads to nothing")
            elif unquote(parts.fragment) not in ids.get(path, {parts.fragment}):
                problems.append(f"{name}: {target}: no such anchor")
    listed(problems, "broken links")


def first_load(site, name, soup):
    """Return the files that a page has the browser fetch at once.

    A lazy image is fetched at once if it is not far below the first screen:
    here, if it stands in the first characters of the text, so many that no
    window of 1440 × 900 or less fetches more.
    """
    found = {site / name}

    def add(target, base):
        parts = urlsplit(urljoin(HERE + base, target))
        if parts.scheme != "data":
            found.add(site / unquote(parts.path.lstrip("/")))

    for node in soup.find_all(["link", "script"]):
        kinds = {"stylesheet", "icon"} & {*node.get("rel", ())}
        if kinds or node.get("src"):
            add(node.get("src") or node["href"], name)
    characters = 0
    for node in (soup.article or soup).descendants:
        if isinstance(node, str):
            hidden = ["details", "noscript", "script", "style", "template"]
            if not node.find_parent(hidden):
                characters += len(node.strip())
        elif node.name == "img":
            is_late = node.get("loading") == "lazy" and characters > 2400
            if not is_late and "#only-dark" not in node["src"]:
                add(node["src"], name)
    for sheet in [path for path in found if path.suffix == ".css"]:
        for match in FETCHED.finditer(sheet.read_text("utf-8")):
            target = match[1] or match[2]
            # Fonts are fetched when a character asks for them.
            if ".woff" not in target or soup.find("math"):
                add(target, sheet.relative_to(site).as_posix())
    return found


def test_the_first_load_of_every_page_is_light(site, pages, root):
    problems = []
    for name, soup in pages.items():
        if name in NOT_A_PAGE:  # it names its files in full
            continue
        sizes = {
            path.relative_to(site).as_posix(): len(body_of(path, True))
            for path in first_load(site, name, soup)
        }
        if sum(sizes.values()) > 100_000:
            total = f"{sum(sizes.values()) / 1000:.1f} KB"
            problems.append(f"{name}: {total}: {sizes}")
        if len(sizes) > 12:
            problems.append(f"{name}: {len(sizes)} requests: {[*sizes]}")
    listed(problems, "pages above 100 KB gzipped or 12 requests")


def test_css_finds_its_fonts_and_images(site):
    problems = [
        f"{path.relative_to(site)}: {target}"
        for path in site.rglob("*.css")
        for match in FETCHED.finditer(path.read_text("utf-8"))
        if not (target := match[1] or match[2]).startswith(("data:", "#"))
        and not (path.parent / urlsplit(target).path).is_file()
    ]
    listed(problems, "files that a style sheet names and that are not there")


def test_every_page_is_well_made(pages):
    problems = []
    for name, soup in pages.items():
        described = soup.find("meta", attrs={"name": "description"})
        wanted = {
            "a title": soup.title and soup.title.get_text(strip=True),
            "a description": described and described.get("content"),
            "one h1": len(soup.find_all("h1")) == 1,
            "a language": soup.html.get("lang"),
        }
        problems += [
            f"{name}: no {what}" for what in wanted if not wanted[what]
        ]
        # Notes belong to the prose, and end where it does.
        if soup.select(".checked ~ .footnote"):
            problems.append(
                f"{name}: footnotes below the checks: add a line"
                " {footnotes} to the end of the page"
            )
        ids = Counter(node["id"] for node in soup.find_all(id=True))
        problems += [f"{name}: id {i} twice" for i in ids if ids[i] > 1]
        for image in soup.find_all("img"):
            source = image.get("src", "")[:60]
            problems += [
                f"{name}: {source} has no {attribute}"
                for attribute in ("alt", "width", "height")
                if not image.get(attribute)
            ]
        problems += [
            f"{name}: a stray dollar in: {text.strip()[:80]}"
            for text in soup.find_all(string=re.compile(r"\$"))
            if not text.find_parent(["code", "pre", "script", "style"])
        ]
    listed(problems, "faults of pages")


def test_every_section_and_every_figure_has_a_link_of_its_own(pages):
    problems, seen = [], 0
    for name, soup in pages.items():
        for node in soup.select("article :is(h2, h3, figure.figure)[id]"):
            seen += 1
            links = [a["href"] for a in node.select("a.headerlink")]
            if links != [f"#{node['id']}"]:
                problems.append(f"{name}: {node.name} {node['id']}: {links}")
        for node in soup.select("article figure:not([id])"):
            if not node.find_parent(id="explorer"):
                problems.append(f"{name}: a figure without an id")
    assert seen > 200
    listed(problems, "sections and figures without a link")


def test_search_and_sitemap_know_every_page(site, pages, root):
    index = json.loads((site / "search/search_index.json").read_text("utf-8"))
    found = {urlsplit(entry["location"]).path for entry in index["docs"]}
    shows_tests = {name for name in pages if name.startswith("checks/")}
    assert shows_tests
    assert {name or "index.html" for name in found} == (
        set(pages) - NOT_A_PAGE - shows_tests
    )
    places = re.findall("<loc>(.*?)</loc>", (site / "sitemap.xml").read_text())
    names = {place.replace(root, "") or "index.html" for place in places}
    assert names == set(pages) - NOT_A_PAGE
    assert (site / "sitemap.xml.gz").is_file()


def shown(name):
    """Return the Python blocks of a page's source; labs have none here."""
    source = ROOT / "docs" / Path(name).with_suffix(".md")
    if not source.is_file():
        return []
    text = source.read_text("utf-8")
    return list(blocks(text, str(source), ROOT / "snippets"))


def test_a_listing_on_the_page_is_its_file(pages):
    problems, seen = [], 0
    for name, soup in pages.items():
        written = soup.select("div.language-python, div.language-pycon")
        for block, node in zip(shown(name), written, strict=False):
            seen += 1
            wanted = block.listing.read_text() if block.listing else block.code
            if node.find("code").get_text().strip("\n") != wanted.strip("\n"):
                problems.append(f"{name}: {block.title or block.line}")
    assert seen, "no page shows any code"
    listed(problems, "blocks that differ from what is tested")


def test_each_listing_can_be_downloaded_where_it_is_shown(site, pages):
    problems, seen = [], 0
    for name in pages:
        links = pages[name].select(".filename a[download]")
        files = [urljoin(HERE + name, a["href"]) for a in links]
        listings = [block.listing for block in shown(name) if block.listing]
        seen += len(listings)
        if [site / f.removeprefix(HERE) for f in files] != [
            site / "snippets" / path.relative_to(ROOT / "snippets")
            for path in listings
        ]:
            problems.append(f"{name}: {files}")
    assert seen > 30
    listed(problems, "pages without the downloads of their listings")


def test_notebooks_and_labs_can_be_downloaded_and_are_valid(site, pages):
    problems = []
    for source in sorted((ROOT / "docs").glob("*/*")):
        kinds = {"chapters": [".ipynb"], "labs": [".ipynb", ".py"]}
        for suffix in kinds.get(source.parent.name, []):
            name = f"{source.parent.name}/{source.stem}"
            file = site / (name + suffix)
            links = pages[f"{name}.html"].find_all("a", href=True)
            if not any(
                link["href"] == file.name and link.has_attr("download")
                for link in links
            ):
                problems.append(f"{name}.html offers no {file.name}")
            if not file.is_file():
                problems.append(f"{file.name} is not there")
            elif suffix == ".py":
                ast.parse(file.read_text("utf-8"))
            else:
                book = nbformat.read(file, as_version=4)
                nbformat.validate(book)
                cells = [c for c in book.cells if c.cell_type == "code"]
                outputs = {o.output_type for c in cells for o in c.outputs}
                if not outputs or "error" in outputs:
                    problems.append(f"{file.name}: its outputs are {outputs}")
    listed(problems, "downloads amiss")


# The pages in a browser


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


# The palette that a page is loaded in, then the other one.
@pytest.mark.parametrize(
    ("size", "palettes"),
    [("wide", ["light", "dark"]), ("phone", ["dark", "light"])],
)
def test_every_page_works(new_tab, pages, size, palettes):
    touch = {"has_touch": size == "phone"}
    tab, problems = new_tab(palettes[0], size, **touch), []
    for name in looked_at(pages):
        found, known = [], set()
        for palette in palettes:
            tab.page.emulate_media(color_scheme=palette)
            page = tab.page if palette in palettes[1:] else tab.open(name)
            scheme = f"body[data-md-color-scheme={PALETTES[palette]}]"
            page.locator(scheme).wait_for()
            found += wrong_drawings(page, palette, size)
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
        found += page.evaluate(TOO_WIDE)
        found += tab.problems()  # before axe looks, which logs too
        page.evaluate(
            "document.querySelectorAll('details').forEach((d) => d.open = true)"
        )
        if size == "phone":
            page.evaluate(SETTLED)
            found += page.evaluate(TABLES) + page.evaluate(COPY_BUTTONS)
        for palette in reversed(palettes):
            page.emulate_media(color_scheme=palette)
            page.locator(
                f"body[data-md-color-scheme={PALETTES[palette]}]"
            ).wait_for()
            found += violations(page, palette, size)
        problems += [f"{name}: {problem}" for problem in found]
    listed(problems, f"faults, {size}")


# The other palette's colours are faded in, an opened block's button too.
SETTLED = """async () => {
  const moves = () => document.getAnimations().filter((move) =>
    move.transitionProperty && move.playState === "running");
  while (moves().length) {
    await Promise.allSettled(moves().map((move) => move.finished));
  }
}"""


def violations(page, palette="light", size="wide", part="html"):
    """Return what axe finds, by rule and element.

    Axe is slow where there is much code. So in the dark palette only what
    depends on colours is looked at again, and on phones not code's colours.
    """
    page.evaluate(SETTLED)
    only = {"type": "tag", "values": RULES}
    if palette == "dark":
        only = {"type": "rule", "values": COLOUR_RULES}
    context = {"include": [part]}
    if size == "phone":
        context["exclude"] = ["pre code span"]
    options = {"resultTypes": ["violations"], "runOnly": only}
    found = Axe().run(page, context, options).response["violations"]
    return [
        f"{rule['id']}: {node['target']} {node.get('failureSummary', '')[:300]}"
        for rule in found
        for node in rule["nodes"][:5]
    ]


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


def test_copying_gives_the_file_or_the_code_without_prompts(new_tab, pages):
    tab = new_tab(permissions=["clipboard-read", "clipboard-write"])
    problems, seen = [], 0
    for name in looked_at(pages):
        code = shown(name)
        if not code:
            continue
        page = tab.open(name)
        page.evaluate(
            "document.querySelectorAll('details').forEach((d) => d.open = true)"
        )
        written = page.locator("div.language-python, div.language-pycon")
        for at, block in enumerate(code):
            wanted = paste.copied(block)
            if block.listing:
                wanted = block.listing.read_text("utf-8")
            node = written.nth(at)
            node.hover()
            node.locator("[data-clipboard-target], [data-md-type=copy]").click()
            copied = page.evaluate("navigator.clipboard.readText()")
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


def test_the_contents_mark_the_section_that_was_clicked(new_tab, pages):
    tab, problems, seen = new_tab(), [], 0
    for name, soup in pages.items():
        if not soup.select(".md-sidebar--secondary .md-nav__link[href]"):
            continue
        count, wrong = tab.open(name).evaluate(CONTENTS)
        seen += count
        problems += [f"{name}: {section}: {at}" for section, at in wrong]
    assert seen > 60
    listed(problems, "sections that are not marked")


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


# What paper would cut off; a header for screen readers alone may be.
CLIPPED = """() => [...document.querySelectorAll("article *")]
  .filter((node) => node.checkVisibility() && !node.closest("math")
    && !node.closest(".symptoms thead"))
  .filter((node) => node.getBoundingClientRect().right > innerWidth + 1
    || (getComputedStyle(node).overflowX !== "visible"
      && node.scrollWidth > node.clientWidth + 1))
  .map((node) => `${node.tagName} ${node.className} is clipped`)"""


FOLDED = """() => [...document.querySelectorAll(
  "article details:not(#explorer *) > *")]
  .filter((node) => node.offsetHeight === 0
    || !node.checkVisibility({contentVisibilityAuto: true}))
  .map((node) => `${node.tagName} ${node.className} stays folded`)"""


def test_nothing_is_clipped_on_paper(new_tab, pages):
    tab, problems = new_tab(), []
    tab.page.set_viewport_size({"width": 718, "height": 1000})  # A4
    tab.page.emulate_media(media="print")
    for name in looked_at(pages):
        found = tab.open(name).evaluate(CLIPPED)
        found += tab.page.evaluate(FOLDED)
        problems += [f"{name}: {problem}" for problem in found[:3]]
    listed(problems, "parts that paper cuts off")


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


def test_formulas_are_set_in_the_math_font(new_tab, pages):
    tab, problems, seen = new_tab(), [], 0
    for name, soup in pages.items():
        if not soup.find("math"):
            continue
        page = tab.open(name)
        page.evaluate(
            "document.querySelectorAll('details').forEach((d) => d.open = true)"
        )
        # One element for each text: the engine tells which font drew it.
        page.evaluate(
            "const all = {}; for (const n of document.querySelectorAll("
            "'math :is(mi, mn, mo)')) all[n.tagName + n.textContent] ??= n;"
            "Object.values(all).filter((n) => n.textContent.trim())"
            ".forEach((n) => n.classList.add('asked'))"
        )
        engine = page.context.new_cdp_session(page)
        engine.send("DOM.enable")
        engine.send("CSS.enable")
        top = engine.send("DOM.getDocument")["root"]["nodeId"]
        query = {"nodeId": top, "selector": ".asked"}
        asked = engine.send("DOM.querySelectorAll", query)["nodeIds"]
        for node in asked:
            fonts = engine.send("CSS.getPlatformFontsForNode", {"nodeId": node})
            drawn = {font["familyName"] for font in fonts["fonts"]}
            seen += bool(drawn)
            if drawn - {"STIX Two Math"}:
                html = engine.send("DOM.getOuterHTML", {"nodeId": node})
                problems.append(f"{name}: {html['outerHTML']} in {drawn}")
    assert seen, "no formula is drawn anywhere"
    listed(problems, "characters in another font")
