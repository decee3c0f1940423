"""Make the index of the search box from the built pages.

It holds prose, headings and captions, section by section, and the words that
people type (`words.toml`); not code, nor what a page says of its own checks.
The cells of tables are kept apart.
"""

import json
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup, Tag

from sitegen import SitegenError

WORDS = Path(__file__).with_name("words.toml")
LEFT_OUT = (
    "pre, script, style, template, form, svg, .page-meta, .checked, .claim,"
    ".headerlink, .enlarge, .page-source, .footnote-ref, .footnote-backref"
)
BLOCKS = ["p", "li", "td", "th", "dt", "dd", "figcaption", "summary", "caption"]
# These answer nobody's question.
NO_ANSWER = {"references", "exercises", "what to copy", "what checks this page"}
CALL = re.compile(r"(?<=\w)\((?=\d)|(?<=\de)\+(?=\d)")
TERM = re.compile(r"[\w.'²-]*\w")


class SearchError(SitegenError):
    """Words for a section that no page has."""


@cache
def words() -> dict[str, Any]:
    """Return what `words.toml` says."""
    return tomllib.loads(WORDS.read_text("utf-8"))


def tags(title: str, address: str) -> list[str]:
    """Return the words under which a section is found before all others."""
    found = dict.fromkeys(
        term.lower()
        for text in (title, words()["sections"].get(address, ""))
        for part in TERM.findall(text)
        for term in (part, *part.split("-"))
    )
    for family in words()["families"]:
        kin = family.split()
        if found.keys() & kin:
            found.update(dict.fromkeys(kin))
    common = words()["common"].split()
    return [term for term in found if term not in common]


def sections(page: str, soup: BeautifulSoup) -> Iterator[dict[str, Any]]:
    """Yield a page's entries: itself and each of its sections."""
    article = soup.find("article")
    if not isinstance(article, Tag):
        return
    for node in article.select(LEFT_OUT):
        node.decompose()
    # The box prefers whole pages, by far; a section answers better.
    entry: dict[str, Any] = {"location": page, "title": "", "text": ""}
    entry["boost"] = 0.2
    for node in article.find_all(["h1", "h2", "h3", *BLOCKS]):
        if node.name[0] == "h" and len(node.name) == 2:
            if node.name != "h1" and node.get("id"):
                yield entry
                place = f"{page}#{node['id']}"
                entry = {"location": place, "title": "", "text": ""}
            if not entry["title"]:
                # A quoted word is another word to the box.
                entry["title"] = said(node).replace('"', "")
        elif not node.find_parent(BLOCKS) and (text := said(node)):
            entry["text"] += f"<p>{escape(text, quote=False)}</p> "
    yield entry


def said(node: Tag) -> str:
    """Return the text of an element, its parts kept apart."""
    blocks = node.find_all(BLOCKS)
    parts = [part for block in blocks for part in (" ", block)]
    text = node.get_text() if not parts else node.get_text(" ")
    # The theme's search stumbles over ReluGrad(7e+31 at each word before it.
    return " ".join(CALL.sub(" ", text).split())


def index(site: Path) -> None:
    """Rewrite the index of a built site; raise `SearchError`."""
    place = site / "search/search_index.json"
    if not place.is_file():
        return
    found = json.loads(place.read_text("utf-8"))
    pages = dict.fromkeys(
        entry["location"].partition("#")[0] for entry in found["docs"]
    )
    entries = []
    for page in pages:
        html = (site / (page or "index.html")).read_text("utf-8")
        for entry in sections(page, BeautifulSoup(html, "html.parser")):
            title = entry["title"]
            if title.lower() in NO_ANSWER:
                continue
            entry["tags"] = tags(title, entry["location"])
            entries.append(entry)
    known = {entry["location"] for entry in entries}
    unknown = [
        address
        for address in words()["sections"]
        if address.partition("#")[0] in pages and address not in known
    ]
    if unknown:
        raise SearchError(
            f"sitegen/{WORDS.name}: there is no {', '.join(unknown)}: write"
            " the section's address as it is now, or take the line out"
        )
    found["docs"] = entries
    text = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
    place.write_text(text, "utf-8")
    script = place.with_suffix(".js")
    if script.is_file():  # for file://
        script.write_text(f"var __index = {text}", "utf-8")
