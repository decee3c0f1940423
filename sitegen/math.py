r"""Formulas: LaTeX in the prose, MathML in the page, no JavaScript.

`pymdownx.arithmatex` takes the formulas out of Markdown's reach, the extension
here turns what it found into MathML. In mkdocs.yml, both, in any order:

    - pymdownx.arithmatex: {generic: true}
    - sitegen.math
"""

import html
import re
from typing import Any
from xml.etree import ElementTree

from markdown import Extension, Markdown
from markdown.postprocessors import Postprocessor
from markdown.treeprocessors import Treeprocessor
from markdown.util import ETX, STX, AtomicString
from math_core import LatexError, LatexToMathML

from sitegen import SitegenError

CONVERTER = LatexToMathML(fancy_error=False)
# Long formulas scroll on phones: what scrolls must take the focus, and what
# takes the focus must have a name.
DISPLAY = (
    '<div class="math-display" role="group" aria-label="Formula" tabindex="0">'
    "{}</div>"
)
STRUT = '<mspace width="0" height=".66em" depth=".1em"></mspace>'
ESCAPED_DOLLAR = f"{STX}{ord('$')}{ETX}"  # what `\$` is until the page's end
SKIP = (
    r"<(?P<skip>code|pre|math|script|style|textarea)\b.*?</(?P=skip)>"
    r"|<!--.*?-->|<[^>]*>"
)
# In HTML the `<` of a formula is escaped: a bare one begins a tag.
HTML_MATH = re.compile(
    r"<p>\s*\$\$(?P<paragraph>[^$<]+)\$\$\s*</p>"
    rf"|{SKIP}|\$\$(?P<block>[^$<]+)\$\$"
    r"|\$(?!\s)(?P<inline>[^$<]+)(?<!\s)\$",
    re.DOTALL,
)


class MathError(SitegenError):
    """Everything that is wrong with the math of one page."""

    def __init__(self, page: str, problems: list[str]) -> None:
        super().__init__("\n  ".join([f"Math in '{page}':", *problems]))


def to_mathml(latex: str, *, display: bool = False) -> str:
    """Return a formula as HTML that is XML too.

    Raises `LatexError` for what math-core does not know or browsers misdraw.
    """
    mathml = CONVERTER.convert_with_local_state(latex, displaystyle=display)
    if re.search(r"<m(sub|sup|subsup)><mo [^>]*minsize", mathml):
        raise LatexError(r"a \big bracket slips off its script: use \left")
    # XML does not know HTML's names for characters.
    mathml = re.sub(r"&[A-Z]\w+;", lambda name: html.unescape(name[0]), mathml)
    # The font has no variants of script letters, and math-core's overline is a
    # combining underline, which does not stretch to the right place.
    mathml = mathml.replace("\ufe00", "").replace("\u0332", "\u203e")
    # Browsers hang the root sign from its line: over a low letter, too deep.
    mathml = mathml.replace("<msqrt>", f"<msqrt>{STRUT}")
    return DISPLAY.format(mathml) if display else mathml


def html_math(page: str, name: str) -> str:
    r"""Convert the `$…$` and `$$…$$` that stand in HTML, outside code.

    For notebooks: nbconvert leaves formulas as they are, and makes `\$` a bare
    dollar, so there a dollar that belongs to no formula must stand in code.
    Raises `MathError` with the page's `name`.
    """
    problems: list[str] = []

    def convert(match: re.Match[str]) -> str:
        kind = match.lastgroup or "skip"
        if kind == "skip":
            return match[0]
        latex = html.unescape(match[kind]).strip()
        try:
            return to_mathml(latex, display=kind != "inline")
        except LatexError as error:
            problems.append(f"{latex}: {error}")
            return ""

    converted = HTML_MATH.sub(convert, page)
    if problems := problems + _stray(converted):
        raise MathError(name, problems)
    return converted


def _stray(page: str) -> list[str]:
    if "$" not in page:  # nearly every page: spare it the search
        return []
    text = re.sub(SKIP, STX, page, flags=re.DOTALL)
    near = re.findall(rf"[^\n{STX}]{{0,30}}\$[^\n{STX}]{{0,30}}", text)
    return [rf"stray dollar (a real one is \$) in: {part}" for part in near]


def _label(node: ElementTree.Element) -> str:
    """Return a heading's text on one line, for the table of contents."""
    between = {"mfrac": "/", "msub": "_", "msup": "^"}.get(node.tag, "")
    inside = between.join(_label(child) + (child.tail or "") for child in node)
    text = ("√" if node.tag == "msqrt" else "") + (node.text or "") + inside
    return re.sub("[\u2061-\u2063]", "", text).replace("<", "&lt;")


class _Convert(Treeprocessor):
    """Converts what arithmatex found; keeps what fails, for `_Check`."""

    def run(self, root: ElementTree.Element) -> None:
        self.problems: list[str] = []
        for node in list(root.iter()):
            if "arithmatex" in node.get("class", "").split():
                self.convert(node, node.text or "")
            for part in ("text", "tail"):
                # `_Check` must tell an escaped dollar from a stray one.
                if ESCAPED_DOLLAR in (text := getattr(node, part) or ""):
                    setattr(node, part, text.replace(ESCAPED_DOLLAR, "&#36;"))
        for node in root.iter():
            is_heading = re.fullmatch("h[1-6]", str(node.tag))
            if is_heading and node.find(".//math") is not None:
                node.attrib.setdefault("data-toc-label", _label(node))
                if "id" not in node.attrib:  # toc would make one of the math
                    self.problems.append(f"no {{#id}}: heading {_label(node)}")

    def convert(self, node: ElementTree.Element, text: str) -> None:
        latex = text[2:-2].strip()  # without \( \) or \[ \]
        try:
            math = to_mathml(latex, display=text.startswith(r"\["))
        except LatexError as error:
            self.problems.append(f"{latex}: {error}")
            return
        new = ElementTree.fromstring(math)
        for part in new.iter():  # out of the reach of abbreviations and such
            part.text = part.text and AtomicString(part.text)
        node.tag, node.attrib, node.text = new.tag, new.attrib, new.text
        node[:] = new[:]


class _Check(Postprocessor):
    """Ends the build if a formula failed or a dollar is left over."""

    def __init__(self, md: Markdown, converter: _Convert) -> None:
        super().__init__(md)
        self.converter = converter

    def run(self, text: str) -> str:
        if problems := self.converter.problems + _stray(text):
            # MkDocs tells the page's file to its own processor, nobody else.
            others: Any = self.md.treeprocessors
            known = "relpath" in others
            page = others["relpath"].file.src_uri if known else "a page"
            raise MathError(page, problems)
        return text


class MathExtension(Extension):
    """Converts after `attr_list` (8), before the headings are read (5)."""

    def extendMarkdown(self, md: Markdown) -> None:
        """Register with a `Markdown` instance."""
        converter = _Convert(md)
        md.treeprocessors.register(converter, "math", 7.5)
        md.postprocessors.register(_Check(md, converter), "math", 0)


makeExtension = MathExtension  # the name that Python-Markdown looks for
