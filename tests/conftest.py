"""What the tests of the built site share: its server, a browser, tabs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import pytest
from bs4 import BeautifulSoup

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.browser.browser import Server, Tab


@pytest.fixture(scope="module")
def root(site: Path) -> str:
    """Return the address at which the site was built to be published."""
    front = BeautifulSoup((site / "index.html").read_bytes(), "html.parser")
    link = front.find("link", rel="canonical")
    return urljoin(str(link["href"]), ".") if link else "http://localhost:8000/"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, BeautifulSoup]:
    """Return each page's tree, by its path from the site's root."""
    return {
        path.relative_to(site).as_posix(): BeautifulSoup(
            path.read_text("utf-8"), "html.parser"
        )
        for path in sorted(site.rglob("*.html"))
    }


@pytest.fixture(scope="module")
def server(site: Path, root: str) -> "Iterator[Server]":
    """Serve the built site at the path at which it is published."""
    from tests.browser.browser import serve

    with serve(site, urlsplit(root).path) as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """Start a browser: for one module, because its event loop blocks others."""
    from tests.browser.browser import chromium

    with chromium() as browser:
        yield browser


@pytest.fixture
def new_tab(browser: "Browser", server: "Server") -> "Iterator[Callable]":
    """Return a function that opens a tab; what else it is told goes to it."""
    with opener(browser, server) as new:
        yield new


@pytest.fixture(scope="module")
def lasting_tab(browser: "Browser", server: "Server") -> "Iterator[Callable]":
    """Return such a function for tabs that the tests of a module share."""
    with opener(browser, server) as new:
        yield new


@contextmanager
def opener(browser: "Browser", server: "Server") -> "Iterator[Callable]":
    """Yield a function that opens tabs, and close them all at the end."""
    from tests.browser.browser import PATIENCE, SIZES, Tab

    contexts = []

    def new(
        palette: str = "light", size: str = "wide", **options: Any
    ) -> "Tab":
        width, height = SIZES[size]
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=palette,  # type: ignore[arg-type]
            # of nobody's machine
            **{"locale": "en-GB", "timezone_id": "UTC", **options},
        )
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        return Tab(context, server)

    yield new
    for context in contexts:
        context.close()
