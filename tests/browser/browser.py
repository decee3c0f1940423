"""A web server for the built site, and a tab that keeps what a page does."""

import gzip
import mimetypes
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    Request,
    sync_playwright,
)

from tests.browser.chromium import find_browser

# Names other than our own address lead nowhere; the attempt is still seen.
ARGUMENTS = [
    "--disable-gpu",
    "--no-proxy-server",  # whatever the user's settings say
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
# width and height of the window
SIZES = {"wide": (1440, 900), "phone": (360, 740)}
# Milliseconds after which something is said to hang, on a busy machine too.
PATIENCE = 180_000
PACKED = ("text/", "image/svg", "application/json", "application/xml")


@dataclass
class Server:
    """The address of the site's root, and what was sent: path and bytes."""

    url: str
    sent: list[tuple[str, int]] = field(default_factory=list)


@contextmanager
def serve(folder: Path, prefix: str = "/") -> Iterator[Server]:
    """Serve a built site below `prefix` as its host would, compressed.

    `python -m http.server` does not compress, so it cannot tell what a page
    weighs.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            file = folder / path.removeprefix(prefix)
            if file.is_dir():
                file /= "index.html"
            found = path.startswith(prefix) and file.is_file()
            if not found:
                file = folder / "404.html"
            kind = kind_of(file)
            packs = "gzip" in self.headers.get("Accept-Encoding", "")
            if kind.startswith("text/") and kind != "text/plain":
                kind += "; charset=utf-8"
            body = body_of(file, packs)
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            if packs and kind.startswith(PACKED):
                self.send_header("Content-Encoding", "gzip")
            self.send_header("Cache-Control", "max-age=600")
            self.end_headers()
            self.wfile.write(body)
            server.sent.append((self.path, len(body)))

        def log_message(self, format: str, *arguments: object) -> None:
            """Keep quiet."""

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client: object) -> None:
            """Ignore a browser that leaves while it is being answered."""

    with Quiet(("127.0.0.1", 0), Handler) as listening:
        server = Server(f"http://127.0.0.1:{listening.server_port}{prefix}")
        Thread(target=listening.serve_forever, daemon=True).start()
        yield server
        listening.shutdown()


def kind_of(file: Path) -> str:
    """Return the type that a server names."""
    return mimetypes.guess_type(file.name)[0] or "font/woff2"


@lru_cache(maxsize=1000)
def body_of(file: Path, packs: bool) -> bytes:
    """Return what is sent of a file to a browser that takes gzip, or not."""
    content = file.read_bytes()
    if packs and kind_of(file).startswith(PACKED):
        return gzip.compress(content, 6, mtime=0)
    return content


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start a browser; `RuntimeError` if there is none."""
    path = find_browser()
    if path is None:
        raise RuntimeError("there is no Chromium here: run `make test`")
    playwright: Playwright
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=ARGUMENTS
        )
        try:
            yield browser
        finally:
            browser.close()


class Tab:
    """A page of its own, with what it logged and asked for since `open`."""

    def __init__(self, context: BrowserContext, server: Server) -> None:
        self.page: Page = context.new_page()
        self.server = server
        self.errors: list[str] = []
        self.asked: list[str] = []
        context.on("request", lambda request: self.asked.append(request.url))
        context.on("requestfailed", self._failed)
        self.page.on("pageerror", lambda e: self.errors.append(str(e)))
        self.page.on("console", self._logged)

    def _failed(self, request: Request) -> None:
        # A tab that goes elsewhere gives up on its icon: not a page's fault.
        gave_up = request.failure == "net::ERR_ABORTED"
        if not (gave_up and request.url.endswith("favicon.svg")):
            self.errors.append(f"{request.url} fails: {request.failure}")

    def _logged(self, message: ConsoleMessage) -> None:
        # A script's warning has arguments; a browser's own has none, and
        # each version warns of something else.
        if message.type == "error" or (
            message.type == "warning" and message.args
        ):
            self.errors.append(f"{message.type}: {message.text}")

    def open(self, name: str) -> Page:
        """Load a page of the site, or a whole address."""
        self.errors.clear()
        self.asked.clear()
        self.page.goto(
            name if ":" in name else self.server.url + name, wait_until="load"
        )
        return self.page

    def resize(self, width: int, height: int) -> None:
        """Give the window another size."""
        self.page.set_viewport_size({"width": width, "height": height})

    def paths(self) -> list[str]:
        """Return what the page asked our server for, below the root."""
        return [
            urlsplit(url.removeprefix(self.server.url)).path
            for url in self.asked
            if url.startswith(self.server.url)
        ]

    def problems(self) -> list[str]:
        """Return the errors, and each request to anyone else."""
        ours = (self.server.url, "data:", "blob:", "file:")
        return self.errors + [
            f"asks another host: {url}"
            for url in self.asked
            if not url.startswith(ours)
        ]
