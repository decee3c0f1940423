"""Finds the code blocks of a page: one reader for all who need them.

The tests run these blocks, the notebooks hold them, the counts count them.
A fence that this reader would pass over is an error, so no code on a page
can escape its test.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from doctest import DocTestParser, Example
from pathlib import Path

import markdown
from pymdownx.snippets import SnippetMissingError, SnippetPreprocessor

from sitegen import SitegenError

FENCE = re.compile(
    r"^(?P<indent> *)(?P<fence>`{3,}|~{3,})(?P<info>[^\n]*)\n"
    r"(?P<body>.*?)^(?P=indent)(?P=fence) *$",
    re.MULTILINE | re.DOTALL,
)
PYTHON = re.compile(r'python(?: title="(?P<title>[^"]+)")?')
NOT_CODE = {"bash", "bibtex", "text", "toml", "yaml", "{.text .no-copy}"}
INCLUDE = re.compile(r'\s*--8<-- "(?P<path>[^"]+)"\s*')


class BlockError(SitegenError):
    """A code block that no test would run; names page, line and mend."""


@dataclass(frozen=True)
class Block:
    """One Python block of a page, its includes expanded."""

    start: int  # where its fence starts and ends in the page's text
    end: int
    line: int  # of its first line of code in the page, from 1
    code: str
    title: str | None
    listing: Path | None  # the file, if the block shows a whole listing

    @property
    def doctest(self) -> bool:
        """Whether the block is a session with prompts and output."""
        return self.code.lstrip().startswith(">>>")

    def examples(self) -> list[Example]:
        """Return the examples of a session; none of another block."""
        return DocTestParser().get_examples(self.code) if self.doctest else []

    @property
    def raises(self) -> bool:
        """Whether the block is a session that shows an exception."""
        return any(example.exc_msg for example in self.examples())


def blocks(
    text: str, page: str, snippets: Path, above: int = 0
) -> Iterator[Block]:
    """Yield the Python blocks of a page's Markdown, in order.

    `above` is how many lines of front matter were cut off. Raises
    `BlockError` for a fence in a form that is not collected, for prompts
    outside a fence, and for an include that is not there.
    """
    place = 0
    for match in FENCE.finditer(text):
        _check_prose(text, place, match.start(), page, above)
        place = match.end()
        line = above + text.count("\n", 0, match.start()) + 2
        info = match["info"].strip()
        python = PYTHON.fullmatch(info)
        if python is None:
            if info not in NOT_CODE:
                raise BlockError(
                    f"{page}:{line - 1}: a fence '{info}' is not run by any "
                    'test: write ```python or ```python title="name.py", or '
                    f"one of {', '.join(sorted(NOT_CODE))} for what is no code"
                )
            continue
        indent = len(match["indent"])
        body = "".join(
            row[indent:] if row[:indent].isspace() else row
            for row in match["body"].splitlines(keepends=True)
        )
        include = INCLUDE.fullmatch(body)
        yield Block(
            match.start(),
            match.end(),
            line,
            _expand(body, page, line, snippets),
            python["title"],
            snippets / include["path"] if include else None,
        )
    _check_prose(text, place, len(text), page, above)


def _check_prose(
    text: str, start: int, end: int, page: str, above: int
) -> None:
    for match in re.finditer(
        r"^[ \t>]*(>>> |`{3}|~{3})", text[start:end], re.MULTILINE
    ):
        line = above + text.count("\n", 0, start + match.start(1)) + 1
        raise BlockError(
            f"{page}:{line}: '{match[1].strip()}' outside a closed fence is "
            "not run by any test: put it between ```python and ```"
        )


def _expand(body: str, page: str, line: int, snippets: Path) -> str:
    """Expand the includes with the very code that the site uses."""
    config = {
        "base_path": [str(snippets)], "restrict_base_path": True,
        "encoding": "utf-8", "check_paths": True, "auto_append": [],
        "url_download": False, "url_max_size": 0, "url_timeout": 0,
        "url_request_headers": {}, "dedent_subsections": False,
        "max_retries": 0, "backoff_factor": 0,
    }  # fmt: skip
    reader = SnippetPreprocessor(config, markdown.Markdown())
    try:
        return "\n".join(reader.run(body.split("\n")))
    except SnippetMissingError as error:
        raise BlockError(f"{page}:{line}: {error}") from error
