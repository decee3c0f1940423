"""Makes a notebook of a chapter: its cells are the page's blocks."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from sitegen.blocks import Block, blocks
from sitegen.claims import CLAIM, PICTURE

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
BLOCK_SYNTAX = re.compile(r"^/{3,}.*\n(?: {4}\w+:.*\n)*", re.MULTILINE)
ATTRIBUTES = re.compile(r" ?\{[:#.][^}\n]*\}")


def notebook(page: Path, snippets: Path, url: str) -> str:
    """Return the notebook (JSON, nbformat 4.5) of a chapter's Markdown.

    A listing is one cell; a doctest gives one cell an example, with the
    output that the page states. `url` is where the page is read.
    """
    text = page.read_text("utf-8")
    cells: list[dict[str, Any]] = []
    place = len(match[0]) if (match := FRONT_MATTER.match(text)) else 0
    for block in blocks(text, str(page), snippets):
        cells += _prose(text[place : block.start], url) + _code(block)
        place = block.end
    cells += _prose(text[place:], url)
    for at, cell in enumerate(cells):
        name = f"{at} {cell['source']}".encode()
        cell["id"] = hashlib.sha256(name).hexdigest()[:8]
    about = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    book = {
        "cells": cells, "metadata": about, "nbformat": 4, "nbformat_minor": 5
    }  # fmt: skip
    return json.dumps(book, indent=1, ensure_ascii=False) + "\n"


def _prose(text: str, url: str) -> list[dict[str, Any]]:
    text = PICTURE.sub(f"*(The figure is on [the page]({url}).)*", text)
    text = ATTRIBUTES.sub("", CLAIM.sub("", text))
    text = BLOCK_SYNTAX.sub("", text).strip()
    if not text:
        return []
    return [{"cell_type": "markdown", "metadata": {}, "source": text}]


def _code(block: Block) -> list[dict[str, Any]]:
    if not block.doctest:
        return [_cell(block.code.strip("\n"), "")]
    return [
        _cell(example.source.rstrip("\n"), example.want.rstrip("\n"))
        for example in block.examples()
    ]


def _cell(source: str, output: str) -> dict[str, Any]:
    shown = {
        "output_type": "execute_result",
        "execution_count": None,
        "metadata": {},
        "data": {"text/plain": output},
    }
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [shown] if output else [],
        "source": source,
    }
