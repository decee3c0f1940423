"""A Python-Markdown extension: a term leads to the glossary where it is new.

The terms are the bold words of the list in `docs/glossary.md`; the first of a
line's has its id, and what follows the colon is its meaning. On other pages
the first place of each in the prose becomes a link with the meaning as its
tooltip: one that fingers and keys reach, as no `<abbr>` is.
"""

import posixpath
import re
import xml.etree.ElementTree as etree
from functools import cache
from typing import Any

from markdown.treeprocessors import Treeprocessor
from markdown.util import HTML_PLACEHOLDER, AtomicString

from sitegen import ROOT, SitegenError, extension

PAGE = "glossary.md"
WITHOUT = {PAGE, "changelog.md", "contributing.md", "references.md"}
LINE = re.compile(
    r"^- (?P<names>\*\*.+?\*\*\{#(?P<id>[\w-]+)\}.*?): (?P<meaning>.+?)"
    r"(?: \[[^\]]*\]\([^)]*\))?$"
)
STASHED = re.compile(HTML_PLACEHOLDER % "([0-9]+)")
NAME = re.compile(r"\*\*(.+?)\*\*")
# Text in these is another link, a name, or not prose.
SKIPPED = {"a", "code", "pre", "math", "svg", "script", "style", "summary"}
SKIPPED |= {"figure", "details", "th", *(f"h{n}" for n in range(1, 7))}


class GlossaryError(SitegenError):
    """A line of the glossary that cannot be read; names it."""


@cache
def read(text: str) -> dict[str, tuple[str, str]]:
    """Return of each term its id and its meaning in plain words."""
    terms = {}
    for at, line in enumerate(text.splitlines(), 1):
        if not line.startswith("- **"):
            continue
        if not (match := LINE.match(line)):
            raise GlossaryError(
                f"docs/{PAGE}:{at}: write `- **term**{{#id}}: its meaning."
                " [where](page.md)`"
            )
        meaning = re.sub(r"\\text|[$`*\\{}]", "", match["meaning"])
        for name in NAME.findall(match["names"]):
            terms[name] = (match["id"], meaning)
    return terms


class Glossary(Treeprocessor):
    """Links the first place of each term."""

    def run(self, root: etree.Element) -> None:
        """Change the tree in place; raise `GlossaryError`."""
        others: Any = self.md.treeprocessors
        if "relpath" not in others:  # MkDocs names the page to its own
            return
        page = others["relpath"].file.src_uri
        source = ROOT / "docs" / PAGE
        if page in WITHOUT or page.startswith("checks/"):
            return
        if not source.is_file():  # a project without a glossary
            return
        self.terms = dict(read(source.read_text("utf-8")))
        self.target = posixpath.relpath(PAGE, posixpath.dirname(page) or ".")
        self._visit(root)

    def _visit(self, node: etree.Element) -> None:
        if node.tag in SKIPPED:
            return
        node.text = self._link(node, 0, node.text)
        for child in list(node):
            at = [*node].index(child)
            if child.tag in ("code", "math"):
                self._wrap(node, at, child)
            self._visit(child)
            tail, child.tail = child.tail, None
            node[at].tail = self._link(node, at + 1, tail)

    def _wrap(
        self, parent: etree.Element, at: int, child: etree.Element
    ) -> None:
        """Link code or a formula that is a term, as `fan_in` is."""
        said = "".join(child.itertext())
        if stashed := STASHED.fullmatch(said):  # of pymdownx.inlinehilite
            said = str(self.md.htmlStash.rawHtmlBlocks[int(stashed[1])])
        name = {bare(it): it for it in self.terms}.get(bare(said))
        if name:
            parent[at] = self._to(name)
            parent[at].append(child)
            parent[at].tail = None

    def _link(
        self, parent: etree.Element, at: int, text: str | None
    ) -> str | None:
        """Put links into a parent from a place on; return what precedes."""
        if isinstance(text, AtomicString) or not (text or "").strip():
            return text
        assert text is not None
        match = self.terms and _any(frozenset(self.terms)).search(text)
        if not match:
            return text
        follows = parent[at].tag if at < len(parent) else ""
        if follows == "sup" and match.end() == len(text):
            return text  # a finger could not tell the two links apart
        name = match[0] if match[0] in self.terms else _lower(match[0])
        link = self._to(name)
        link.text = AtomicString(match[0])
        parent.insert(at, link)
        link.tail = self._link(parent, at + 1, text[match.end() :])
        return text[: match.start()]

    def _to(self, name: str) -> etree.Element:
        """Return a link to a term, which is not new any more."""
        ident, meaning = self.terms[name]
        self.terms = {k: v for k, v in self.terms.items() if v[0] != ident}
        link = {"class": "term", "href": f"{self.target}#{ident}"}
        return etree.Element("a", link | {"title": meaning})


def bare(text: str) -> str:
    """Return a term or a formula without what sets it: ln C, n_in."""
    return re.sub("[\\s\u2061_]", "", text)


def _lower(word: str) -> str:
    return word[0].lower() + word[1:]


@cache
def _any(names: frozenset[str]) -> re.Pattern[str]:
    """Return a pattern for terms, longest first, large first letters too."""
    parts = [
        f"[{name[0]}{name[0].upper()}]{re.escape(name[1:])}"
        for name in sorted(names, key=lambda name: (-len(name), name))
    ]
    return re.compile(rf"(?<![\w-])(?:{'|'.join(parts)})(?![\w-])")


makeExtension = extension(Glossary, 5.5)  # after claims, figures and math
