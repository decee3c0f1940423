"""A Python-Markdown extension: what a page claims, and what checks it.

`[✓](#test_name)` in the prose names a test of the page's own test file. Here
it becomes a mark that leads to that test on a page of its own, `checks/…`,
which has its protocol and its code; the line below the title counts what is
checked. A claim whose test does not exist is an error.
"""

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path

from markdown.preprocessors import Preprocessor

from sitegen import ROOT, SitegenError, extension, keys, paste
from sitegen.blocks import FENCE, Block, blocks

CODE = re.compile(
    rf"{FENCE.pattern}|(?<!`)(?P<ticks>`+)(?!`)[^\n]*?[^`\n](?P=ticks)(?!`)",
    FENCE.flags,
)
CLAIM = re.compile(r"\[✓\]\(#(test_\w+)\)")
TITLE = re.compile(r"^# .+$", re.MULTILINE)
PICTURE = re.compile(r"^!\[.*\]\((?:\.\./)*figures/.*\)$", re.MULTILINE)


class ClaimError(SitegenError):
    """A claim without a test; names page, line and mend."""


@dataclass(frozen=True)
class Contents:
    """What is to be checked on one page."""

    blocks: list[Block]
    claims: dict[str, str]  # test → its source, in the order of the page
    marks: int
    outputs: int  # doctest examples that state an output
    figures: int

    @property
    def listings(self) -> int:
        """The number of blocks that show a whole listing."""
        return sum(block.listing is not None for block in self.blocks)


def tests_of(page: str) -> str:
    """Return where the tests of a page are, from the project's folder."""
    slug = slug_of(page)
    if slug == "explorer":  # its claims need a browser
        return "tests/browser/test_explorer.py"
    return f"tests/claims/test_{slug}.py"


def slug_of(page: str) -> str:
    """Return what a page is about: `docs/explorer/index.md` the explorer."""
    place = Path(page)
    return place.parent.name if place.stem == "index" else place.stem


def contents(
    text: str, page: str, root: Path, skipped_lines: int = 0
) -> Contents:
    """Read a page; raise `BlockError` or `ClaimError`.

    `skipped_lines` is the length of the front matter if it was cut off.
    """
    found = list(blocks(text, page, root / "snippets", skipped_lines))
    tests = root / tests_of(page)
    written = _functions(tests)
    marks = list(CLAIM.finditer(prose := _prose(text)))
    for match in marks:
        if match[1] not in written:
            line = skipped_lines + text.count("\n", 0, match.start()) + 1
            raise ClaimError(
                f"{page}:{line}: there is no {match[1]} in "
                f"{tests_of(page)}: write it, or take the claim back"
            )
    return Contents(
        found,
        {match[1]: written[match[1]] for match in marks},
        len(marks),
        sum(bool(e.want) for b in found for e in b.examples()),
        len(PICTURE.findall(prose)),
    )


def dress(text: str, page: str, found: Contents, notebook: bool) -> str:
    """Return the page's Markdown with its marks, its counts and its end."""
    needs = paste.continues(found.blocks)
    for block, needy in reversed([*zip(found.blocks, needs, strict=True)]):
        # prompts and output are coloured as such
        kinds = ".pycon .doctest" if block.doctest else ".python"
        if block.doctest or needy:
            fence = re.sub(
                r"```python([^\n]*)",
                rf"``` {{{kinds}{' .continues' * needy}\1}}",
                text[block.start : block.end],
                count=1,
            )
            text = text[: block.start] + fence + text[block.end :]
    checks = found.marks + found.outputs
    if not checks:
        return text
    up = "../" * (len(Path(page).parts) - 2)  # page: docs/…
    tests = f"{up}checks/{slug_of(page)}.html"
    seen: set[str] = set()

    def mark(match: re.Match[str]) -> str:
        test = match[1]
        anchor = "" if test in seen else f' id="{test}"'
        seen.add(test)
        return (
            f'<sup class="claim"{anchor}><a href="{tests}#{test}" '
            f'aria-label="Checked: {_sentence(test)}">✓</a></sup>'
        )

    text = _outside_code(text, lambda prose: CLAIM.sub(mark, prose))
    name = Path(page).stem
    said = [f'<a href="{name}.ipynb" download>Notebook</a>'] * notebook
    said += [f'<a href="#checked">{_count(checks, "checked claim")}</a>']
    if found.figures:
        said += [f"<span>{_count(found.figures, 'figure')}</span>"]
    meta = f'<p class="page-meta">{"".join(said)}</p>'
    text = TITLE.sub(lambda m: f"{m[0]}\n\n{meta}\n", text, count=1)
    parts = {
        "test": len(found.claims),
        "printed output": found.outputs,
        "listing": found.listings,
    }
    counted = [_count(number, what) for what, number in parts.items() if number]
    read = f' <a href="{tests}">Read the tests</a>.' if found.claims else ""
    return (
        f"{text}\n\n//// html | section.checked\n\n"
        "## What checks this page {#checked}\n\n"
        f"**Checked.** {_count(checks, 'claim')}, each time the site is "
        f"published: {', '.join(counted)}.{read}\n\n"
        f"{keys.ran_with()}\n{{: .checked-with }}\n\n////\n"
    )


def checks(text: str, page: str, root: Path) -> str | None:
    """Return the Markdown of the page that shows the tests of a page.

    Each with the protocol that its docstring states; `None` if there is none.
    """
    found = contents(text, page, root)
    if not found.claims:
        return None
    title = match[0][2:] if (match := TITLE.search(_prose(text))) else page
    here = page.removeprefix("docs/").removesuffix(".md")
    made = [
        "---\ntitle: Tests\nsearch: {exclude: true}\n---\n",
        f'# The tests of "{title}"\n',
        f'<p><a href="../{here}.html">{escape(title)}</a> states what these '
        "tests assert, each time the site is published, about what was "
        f"measured. They are functions of <code>{tests_of(page)}</code>.</p>\n",
    ]
    for test, source in found.claims.items():
        (function,) = ast.parse(source).body
        assert isinstance(function, ast.FunctionDef)
        made += [f"## {_sentence(test).capitalize()} {{#{test}}}\n"]
        if protocol := ast.get_docstring(function):
            rows, first = source.split("\n"), function.body[0]
            del rows[first.lineno - 1 : first.end_lineno]
            source = "\n".join(rows)
            made += [
                f"<p>{escape(part).replace('$', '&#36;')}</p>\n"
                for part in protocol.split("\n\n")
            ]
        made += [f"````python\n{source}\n````\n"]
    return "\n".join(made)


def _sentence(test: str) -> str:
    return test.removeprefix("test_").replace("_", " ")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("s" if number != 1 else "")


def _prose(text: str) -> str:
    """Blank the code out; every place stays where it was."""
    return CODE.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)


def _outside_code(text: str, change: Callable[[str], str]) -> str:
    parts, place = [], 0
    for match in CODE.finditer(text):
        parts += [change(text[place : match.start()]), match[0]]
        place = match.end()
    return "".join([*parts, change(text[place:])])


def _functions(tests: Path) -> dict[str, str]:
    """Return the source of each test function of a file."""
    if not tests.is_file():
        return {}
    source = tests.read_text("utf-8")
    lines = source.splitlines()
    found = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef):
            begins = min(
                [node.lineno, *(d.lineno for d in node.decorator_list)]
            )
            found[node.name] = "\n".join(lines[begins - 1 : node.end_lineno])
    return found


class Dress(Preprocessor):
    """Applies `dress` to the page that MkDocs is at."""

    def run(self, lines: list[str]) -> list[str]:
        """Return the lines of the dressed page."""
        if "relpath" not in self.md.treeprocessors:  # not a page of MkDocs
            return lines
        file = self.md.treeprocessors["relpath"].file  # type: ignore[attr-defined]
        if file.src_uri.startswith("checks/"):  # shows tests; claims nothing
            return lines
        text = "\n".join(lines)
        front = file.content_string.count("\n") - text.count("\n")
        page = f"docs/{file.src_uri}"
        found = contents(text, page, ROOT, max(front, 0))
        chapter = file.src_uri.startswith("chapters/")
        return dress(text, page, found, chapter).split("\n")


# Before the includes (32) are expanded.
makeExtension = extension(Dress, 35)
