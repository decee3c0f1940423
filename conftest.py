"""The prose and the docstrings as tests: Sybil runs every code block.

A page runs from top to bottom in one namespace, as its reader would paste
it; `sitegen.blocks` finds the blocks, so nothing is skipped in silence.
"""

import gc
import sys
from collections.abc import Iterable
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
from sybil import Document, Example, Region, Sybil
from sybil.evaluators.doctest import NUMBER, DocTestEvaluator
from sybil.parsers.abstract.doctest import DocTestStringParser
from sybil.parsers.rest import DocTestParser

from sitegen import ROOT, SitegenError, isolation, keys, measure
from sitegen.blocks import Block, blocks

isolation.isolate()  # nothing above imports Keras
pytest_plugins = ["sitegen.green"]
SNIPPETS = ROOT / "snippets"
DOCTEST = DocTestEvaluator(NUMBER)
# What a reader downloads lies next to the program: the pages import it.
sys.path += sorted(
    {
        str(path.parent)
        for slug in keys.chapters(ROOT)
        for path in keys.downloads(ROOT, slug)
    }
)


def run_block(example: Example) -> None:
    """Run a block in the page's namespace, named by its place for errors."""
    block: Block = example.parsed
    if block.listing:
        place, above = str(block.listing), 0
    else:
        place, above = example.path, block.line - 1
    code = compile("\n" * above + block.code, place, "exec", dont_inherit=True)
    exec(code, example.namespace)


def parse_page(document: Document) -> Iterable[Region]:
    """Yield a region for each Python block, or each example of a doctest."""
    page = str(Path(document.path).relative_to(ROOT))
    for block in blocks(document.text, page, SNIPPETS):
        if not block.doctest:
            yield Region(block.start, block.end, block, run_block)
            continue
        rows = document.text.splitlines(keepends=True)
        starts = [0, *accumulate(map(len, rows))]
        for region in DocTestStringParser(DOCTEST)(block.code, page):
            # By lines: the code of an indented fence has lost its indent.
            first = block.line - 1 + block.code.count("\n", 0, region.start)
            region.end = starts[first + region.parsed.source.count("\n")]
            region.start = starts[first]
            yield region


def clear_session(namespace: dict[str, Any]) -> None:
    """Free what a page built: many nets, one process."""
    namespace.clear()
    if "keras" in sys.modules:
        sys.modules["keras"].backend.clear_session()
    gc.collect()


pytest_collect_file = (
    Sybil(
        [parse_page], patterns=["docs/**/*.md", "docs/*.md", "README.md"],
        teardown=clear_session,
    )
    + Sybil(
        [DocTestParser(NUMBER)], patterns=["snippets/**/*.py", "sitegen/*.py"]
    )
).pytest()  # fmt: skip


def _told(ask: Any, *what: Any) -> Any:
    """Return what was asked for, or fail with what the author is to mend."""
    try:
        return ask(ROOT, *what)
    except SitegenError as error:
        pytest.fail(str(error), pytrace=False)


def pytest_collection_finish() -> None:
    """Let the collector pass over what was imported: seconds at each clean-up.

    Keras looks through all of it whenever a test clears its session.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def measured() -> Any:
    """Return a function: `measured(slug, name)` is what was measured."""
    return lambda slug, name: _told(measure.data, measure.STORE, slug, name)


@pytest.fixture(scope="session")
def drawn() -> Any:
    """Return a function: `drawn(slug, name)` is what a figure shows.

    A list of `sitegen.drawn.Panel`; `drawn(slug, name, "-phone")` on phones.
    """

    def panels(slug: str, name: str, size: str = "") -> Any:
        return _told(measure.drawing, measure.STORE, slug, name)[size]

    return panels


@pytest.fixture(scope="session")
def site() -> Path:
    """Return the folder of the built site, which `make test` builds first."""
    built = ROOT / "site"
    page = built / "index.html"
    sources = [
        path
        for folder in ("docs", "snippets", "sitegen", "overrides", "tests")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    if not page.is_file() or page.stat().st_mtime < max(
        path.stat().st_mtime for path in sources
    ):
        pytest.fail("site/ is missing or stale: run `make site` first")
    return built


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say how much was checked, if all of it was."""
    is_all = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    chosen = ("keyword", "markexpr", "lf", "collectonly")
    if is_all and not any(getattr(config.option, o, None) for o in chosen):
        from sitegen.__main__ import counts, totals

        terminalreporter.line(f"Checked {totals(counts(ROOT))}.")
