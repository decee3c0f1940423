"""The rows of the landing page, and the lines that each leads to."""

import re
from dataclasses import dataclass
from functools import cache

from sitegen import ROOT, paste
from sitegen.blocks import Block, blocks

DOCS = ROOT / "docs"


@dataclass(frozen=True)
class Target:
    """The section to which a row leads: where, and its text."""

    page: str  # below docs/
    start: int
    end: int

    @property
    def text(self) -> str:
        """The section, without its heading."""
        return read(self.page)[self.start : self.end]

    def mend(self) -> tuple[int, Block]:
        """Return the block behind "Mend:", and which of the page it is."""
        at = self.start + self.text.index("**Mend:**")
        found = list(blocks(read(self.page), self.page, ROOT / "snippets"))
        return next(
            (number, block)
            for number, block in enumerate(found)
            if at < block.start < self.end
        )

    def copied(self) -> str:
        """Return what the button of that block copies."""
        return paste.copied(self.mend()[1])


@cache
def read(page: str) -> str:
    """Return a page's Markdown."""
    return (DOCS / page).read_text("utf-8")


def rows() -> list[str]:
    """Return where each row leads, in their order: `first_checks.md#nan`."""
    return re.findall(
        r"^\| .*?\]\(chapters/([\w.#-]+)\)", read("index.md"), re.M
    )


def target(row: str) -> Target:
    """Return the section to which a row leads."""
    page, _, anchor = row.partition("#")
    page = f"chapters/{page}"
    found = re.search(
        rf"^## [^\n]*{{#{anchor}}}\n(.*?)(?=^## )", read(page), re.M | re.S
    )
    assert found, f"{page} has no section {{#{anchor}}}"
    return Target(page, *found.span(1))
