"""Makes a notebook of a chapter: its cells are the page's blocks.

It travels alone: its figures are in it, its links lead to the site, its first
cell installs what its code imports, and what is folded on the page is folded.
"""

import ast
import base64
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from doctest import Example
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from sitegen import ROOT
from sitegen.blocks import Block, blocks
from sitegen.claims import CLAIM

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
# the beginning of a block, its options, or its end
FENCE = re.compile(r"^/{3,}(?: (?P<kind>\w+)(?: \| (?P<title>.*))?)?$")
OPTION = re.compile(r"^ {4}\w+:")
ATTRIBUTES = re.compile(r" ?\{ ?[:#.][^}\n]*\}|^\{footnotes\}$", re.MULTILINE)
FIGURE = re.compile(
    r"^!\[(?P<alt>.*)\]\((?:\.\./)*figures/(?P<name>[\w/-]+)\.svg"
    r' "(?P<title>.*)"\)$',
    re.MULTILINE,
)
TABLE = re.compile(r"^\[table: .*\]$", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:|mailto:|attachment:)(?P<to>[^)\s]+)\)")
SOURCE = re.compile(r"\.(?:md|ipynb)(?=[#?]|$)")
FOLDED = {"jupyter": {"source_hidden": True}, "cellView": "form"}
MAGIC = re.compile(r"^%.*$", re.MULTILINE)  # a line for the notebook itself
PACKAGES = {"sklearn": "scikit-learn"}  # where the names differ


def notebook(
    page: Path, snippets: Path, url: str, drawings: Mapping[str, str]
) -> str:
    """Return the notebook (JSON, nbformat 4.5) of a chapter's Markdown.

    A listing is one cell; of a session each example ends one that states an
    output. `url` is where the page is read; `drawings` has the SVG of each
    figure by its name, `saturation/ends`.
    """
    text = page.read_text("utf-8")
    cells: list[dict[str, Any]] = []
    folds: list[str] = []
    place = len(match[0]) if (match := FRONT_MATTER.match(text)) else 0
    for block in blocks(text, str(page), snippets):
        cells += _prose(text[place : block.start], url, drawings, folds)
        cells += _code(block, is_folded=any(folds))
        place = block.end
    cells += _prose(text[place:], url, drawings, folds)
    codes = [c["source"] for c in cells if c["cell_type"] == "code"]
    cells.insert(1, install(codes))
    return written(cells)


def written(cells: list[dict[str, Any]]) -> str:
    """Return cells as a notebook's text."""
    for at, cell in enumerate(cells):
        name = f"{at} {cell['source']}".encode()
        cell["id"] = hashlib.sha256(name).hexdigest()[:8]
    about = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    book = {
        "cells": cells, "metadata": about, "nbformat": 4, "nbformat_minor": 5
    }  # fmt: skip
    return json.dumps(book, indent=1, ensure_ascii=False) + "\n"


def travelling(text: str, url: str) -> str:
    """Return an executed lab's notebook so that it can be read elsewhere."""
    cells = json.loads(text)["cells"]
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            source = linked(source, url)
        elif "fold" in cell["metadata"].get("tags", ()):
            cell["metadata"] |= FOLDED
        cell["source"] = source
    codes = (c["source"] for c in cells if c["cell_type"] == "code")
    cells.insert(1, install(codes))
    return written(cells)


def install(codes: Iterable[str]) -> dict[str, Any]:
    """Return the cell that installs what code imports, as it was tested."""
    names = {
        name.partition(".")[0]
        for code in codes
        for node in ast.walk(ast.parse(MAGIC.sub("", code)))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
        )
    }
    if "keras" in names:
        names.add("tensorflow")
    wanted = [
        f'"{line}"'
        for line in _requirements()
        if re.split(r"[<>=~]", line)[0] in {PACKAGES.get(n, n) for n in names}
    ]
    return _cell(f"%pip install --quiet {' '.join(wanted)}")


def _requirements() -> list[str]:
    text = (ROOT / "requirements.in").read_text("utf-8")
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    return [line for line in lines if line]


def _prose(
    text: str, url: str, drawings: Mapping[str, str], folds: list[str]
) -> list[dict[str, Any]]:
    """Return the cells of prose; `folds` has the titles of the open blocks."""
    cells = []
    for title, part in _parts(text, folds):
        attachments = {}
        for figure in FIGURE.finditer(part):
            # What nothing draws, the build itself reports, with its page.
            svg = drawings.get(figure["name"], "").encode()
            name = f"{figure['name'].rpartition('/')[2]}.svg"
            image = base64.b64encode(svg).decode()
            attachments[name] = {"image/svg+xml": image}
        part = FIGURE.sub(
            lambda m: (
                f"![{m['alt']}](attachment:{Path(m['name']).name}.svg)\n\n"
                f"*{m['title']}*"
            ),
            part,
        )
        part = TABLE.sub(f"*(The table is on [the page]({url}).)*", part)
        part = linked(ATTRIBUTES.sub("", CLAIM.sub("", part)), url).strip()
        if part and title:
            part = (
                f"<details><summary>{title}</summary>\n\n{part}\n\n</details>"
            )
        if part:
            cell: dict[str, Any] = {"cell_type": "markdown", "metadata": {}}
            cell["source"] = part
            if attachments:
                cell["attachments"] = attachments
            cells.append(cell)
    return cells


def _parts(text: str, folds: list[str]) -> Iterator[tuple[str, str]]:
    """Yield text with the title below which it is folded, or none."""
    lines: list[str] = []
    for line in text.splitlines():
        match = FENCE.match(line)
        if not match and not (OPTION.match(line) and not lines and folds):
            lines.append(line)
        if match:
            yield next(filter(None, folds), ""), "\n".join(lines)
            lines = []
            if match["kind"]:
                is_fold = match["kind"] == "details"
                folds.append((match["title"] or "") if is_fold else "")
            elif folds:
                folds.pop()
    yield next(filter(None, folds), ""), "\n".join(lines)


def linked(text: str, url: str) -> str:
    """Return Markdown whose links lead to the site."""
    return LINK.sub(
        lambda m: f"]({urljoin(url, SOURCE.sub('.html', m['to']))})", text
    )


def _code(block: Block, *, is_folded: bool) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = []
    code: list[str] = []
    printed = ""

    def end(result: str = "") -> None:
        nonlocal printed
        if code:
            cells.append(_cell("\n".join(code), printed, result))
        code.clear()
        printed = ""

    if not block.doctest:
        code.append(block.code.strip("\n"))
    for example in block.examples():
        prints = _prints(example)
        if printed and not prints:
            end()
        code.append(example.source.rstrip("\n"))
        if prints:
            printed += example.want
        elif example.want:
            end(example.want.rstrip("\n"))
            if example.exc_msg:
                cells[-1]["metadata"] = {"tags": ["raises-exception"]}
    end()
    if is_folded:
        for cell in cells:
            cell["metadata"] |= FOLDED
    return cells


def _prints(example: Example) -> bool:
    """Whether what an example says is printed, not the value of its end."""
    last = ast.parse(example.source).body[-1]
    is_value = isinstance(last, ast.Expr) and not (
        isinstance(last.value, ast.Call)
        and isinstance(last.value.func, ast.Name)
        and last.value.func.id == "print"
    )
    return bool(example.want) and not is_value


def _cell(source: str, printed: str = "", result: str = "") -> dict[str, Any]:
    outputs: list[dict[str, Any]] = []
    if printed:
        outputs += [
            {"output_type": "stream", "name": "stdout", "text": printed}
        ]
    if result:
        outputs += [
            {
                "output_type": "execute_result",
                "execution_count": None,
                "metadata": {},
                "data": {"text/plain": result},
            }
        ]
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": outputs,
        "source": source,
    }
