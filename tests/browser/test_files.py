"""The files of the built site: what they hold and where they lead."""

import ast
import json
import posixpath
import re
import zipfile
from collections import Counter
from urllib.parse import unquote, urljoin, urlsplit

import nbformat
from bs4 import BeautifulSoup

from sitegen import ROOT, offline
from sitegen.policy import digest
from tests.browser.browser import body_of
from tests.browser.looks import HERE, listed, shown

NOT_A_PAGE = {"404.html"}  # built, but in no index
FETCHED = re.compile(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)")


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


def test_a_copy_on_the_disk_leads_to_its_own_files(site):
    """Not to a folder: from file:// that is a list of files."""
    address = re.compile(r'\b(?:href|src)="([^"#?:]+)[^":]*"')
    problems, seen = [], 0
    with zipfile.ZipFile(site / offline.NAME) as archive:
        names = {*archive.namelist()}
        for name in sorted(names):
            if not name.endswith(".html"):
                continue
            html = archive.read(name).decode()
            for target in {*address.findall(html)}:
                seen += 1
                path = posixpath.join(name, "..", unquote(target))
                if posixpath.normpath(path) not in names:
                    problems.append(f"{name}: {target}")
    assert seen > 1000
    listed(problems, "addresses that a copy on the disk lacks")


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
