"""Executes the labs, and makes their pages as light as the others.

A lab is a Python file in jupytext's percent format. It is executed once, away
from this repository; the executed notebook is what the reader downloads and
what mkdocs-jupyter shows. Of that page `lighten` keeps the cells alone.

Two rules for authors. Below figures stands their caption, a paragraph in
italics: `*What it shows. The protocol.*` And a code cell with the tag `fold`
is folded on the page, under the text of its first comment, up to a colon.
"""

import logging
import re
import subprocess
import tempfile
from base64 import b64decode
from html import escape
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import tostring

from bs4 import BeautifulSoup, Tag
from markdown.extensions.toc import slugify, unique

from sitegen import SitegenError, isolation, keys
from sitegen.figures import links
from sitegen.math import html_math
from sitegen.palette import COLORS
from sitegen.store import Store

log = logging.getLogger("mkdocs.sitegen")
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
ANSI = re.compile(r"\x1b\[[\d;]*m")
METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)  # has the date
SVG = "data:image/svg+xml;base64,"
LEFT_OUT = re.compile(  # what is of no use in a page, or changes all of it
    r"\A.*?(?=<svg)|<defs>\s*<style.*?</style>\s*</defs>|<!--.*?-->|\s+(?=<)"
    r"|(?<=<g) id=\"[^\"]*\"| xmlns(:xlink)?=\"[^\"]*\"|xlink:(?=href)"
    r"| font-family: [^;]*;| transform=\"rotate\(-0 [^\"]*\"",
    re.DOTALL,
)
EXACT = re.compile(r"\d+\.\d{3,}")  # a tenth of a point is enough
COLOUR = re.compile(r"(fill|stroke): (#[0-9a-f]{6})")
DARK = {light.lower(): dark.lower() for light, dark in COLORS.values()}


class LabError(SitegenError):
    """A cell that raised or hung, or that breaks a rule; says which."""


def execute(source: Path, store: Store, *, timeout: float) -> bytes:
    """Return a lab's executed notebook, which the store keeps.

    `timeout` is in seconds, for each cell. Raises `LabError`.
    """
    key = keys.lab_key(source)
    name = f"{source.stem}/notebook"
    if not store.has("labs", name, key):
        store.put("labs", name, key, _run(source, timeout))
    notebook: bytes = store.get("labs", name, key)
    return notebook


def _run(source: Path, timeout: float) -> bytes:
    import jupytext  # slow to import, and seldom needed

    text = source.read_text("utf-8")
    here = Path.cwd()
    source = source.relative_to(here) if here in source.parents else source
    notebook: Any = jupytext.reads(text, fmt="py:percent")
    numbered = enumerate(text.splitlines(), 1)
    lines = [at for at, line in numbered if line.startswith("# %%")]
    if len(lines) != len(notebook.cells):
        raise LabError(f"{source}: a cell does not begin with a line # %%")
    notebook.metadata = {"kernelspec": KERNEL}
    for at, cell in enumerate(notebook.cells):
        cell.id = f"cell-{at}"
        cell.metadata.pop("lines_to_next_cell", None)  # jupytext's own
    _execute(notebook, [f"{source}:{line}" for line in lines], timeout)
    for cell in notebook.cells:
        for output in cell.get("outputs", [])[:]:
            if output.get("name") == "stderr":  # may name times and processes
                log.debug("%s said: %s", source, output.text.strip())
                cell.outputs.remove(output)
            elif svg := output.get("data", {}).get("image/svg+xml"):
                output.data["image/svg+xml"] = METADATA.sub("", svg)
    return f"{jupytext.writes(notebook, fmt='ipynb').strip()}\n".encode()


def _execute(notebook: Any, places: list[str], timeout: float) -> None:
    """Execute the cells in place, in an empty folder; `places` names them."""
    import nbclient

    place = places[0]

    def begin(cell_index: int, **_: object) -> None:
        nonlocal place
        place = places[cell_index]
        log.info("%s (cell %d of %d)", place, cell_index + 1, len(places))

    new_folder = tempfile.TemporaryDirectory
    with new_folder() as empty, new_folder() as settings:
        client = nbclient.NotebookClient(
            notebook,
            timeout=timeout,
            kernel_name=KERNEL["name"],
            on_cell_start=begin,
            coalesce_streams=True,
            record_timing=False,
            shutdown_kernel="immediate",
            resources={"metadata": {"path": empty}},
        )
        try:
            environment = isolation.environment(IPYTHONDIR=settings)
            client.execute(env=environment, stderr=subprocess.DEVNULL)
        except nbclient.exceptions.CellTimeoutError as error:
            late = f"{place}: the cell had not ended after {timeout:g} s"
            raise LabError(late) from error
        except nbclient.exceptions.CellExecutionError as error:
            _, _, said = ANSI.sub("", error.traceback).rpartition("-" * 75)
            raised = f"{place}: the cell raised\n{said.strip()}"
            raise LabError(raised) from error
        except nbclient.exceptions.DeadKernelError as error:
            raise LabError(f"{place}: {error} (too little memory?)") from error


def lighten(html: str, name: str) -> str:
    """Return the page of a notebook with nothing in it but its cells.

    `html` is what mkdocs-jupyter rendered, `name` the page's, for messages.
    Raises `LabError` and `MathError`.
    """
    cells = html[html.index('<div class="jp-Notebook"') :]
    page = BeautifulSoup(cells, "html.parser")
    made: list[str] = []
    ids: set[str] = set()
    drawings: list[str] = []  # those that wait for their caption
    for cell in page.select(".jp-Notebook > .jp-Cell"):
        if "jp-CodeCell" in cell["class"]:
            made.append(_code(cell))
            for image in cell.select(f'img[src^="{SVG}"]'):
                svg = b64decode(str(image["src"]).removeprefix(SVG)).decode()
                drawings.append(_drawing(svg, name))
            continue
        prose = _one(cell, ".jp-RenderedMarkdown")
        for heading in prose.find_all(re.compile("^h[1-6]$")):
            _one(heading, ".anchor-link").decompose()
            title = heading.get_text()
            if "$" in title or heading.find("code"):  # the contents lack them
                raise LabError(f"{name}: math or code in heading {title!r}")
            ident = unique(slugify(title, "-"), ids)
            heading.attrs = {"id": ident}
            link = page.new_tag("a", href=f"#{ident}", string="#")
            link["class"], link["title"] = "headerlink", "Link to this section"
            heading.append(link)
        if drawings:
            caption = prose.select_one("p:first-child > em:only-child")
            if caption is None:
                raise LabError(f"{name}: {prose.get_text()!r} is no *caption*")
            made.append(_figure(drawings, " ".join(caption.get_text().split())))
            _one(prose, "p").decompose()
            drawings = []
        made.append(prose.decode_contents().strip())
    if drawings:
        raise LabError(f"{name}: no *caption* below the last figure")
    stem = Path(name).stem
    links = (
        f'</h1>\n<p class="page-meta"><a href="{stem}.ipynb" download>Notebook'
        f'</a><a href="{stem}.py" download>Source</a></p>\n'
    )
    return html_math("\n".join(made).replace("</h1>", links, 1), name)


def _one(node: Tag, selector: str) -> Tag:
    found = node.select_one(selector)
    if found is None:
        raise LabError(f"mkdocs-jupyter no longer writes {selector}")
    return found


def _code(cell: Tag) -> str:
    """Return a listing as the theme writes it, and the text it printed."""
    code = _one(cell, ".highlight-ipynb pre")
    html = (
        '<div class="language-python highlight"><pre><code>'
        f"{code.decode_contents().strip()}\n</code></pre></div>"
    )
    for output in cell.select(".jp-OutputArea-output pre"):
        printed = escape(output.get_text().rstrip())
        html += f'\n<pre class="output" tabindex="0">{printed}</pre>'
    if "celltag_fold" in cell["class"]:
        comment = code.get_text().strip().partition("\n")[0].strip("# ")
        summary = escape(comment.partition(":")[0])
        html = f"<details><summary>{summary}</summary>\n{html}\n</details>"
    return html


def _figure(drawings: list[str], caption: str) -> str:
    """Return drawings with their caption, which is also their name."""
    head, stop, rest = caption.partition(". ")
    ident = slugify(head, "-")
    inside = "".join(
        re.sub(r'( id="|url\(#|href="#)', rf"\g<1>{ident}-{at}-", drawing)
        for at, drawing in enumerate(drawings)
    )
    place = f"figure-{ident}"
    ends = (tostring(link, "unicode") for link in links(place, f"#{place}"))
    return (
        f'<figure class="figure" id="{place}"><div class="panels" role="img" '
        f'aria-labelledby="{ident}">{inside}</div><figcaption>'
        f'<span id="{ident}"><strong>{escape(head + stop.strip())}</strong> '
        f"{escape(rest)}</span>{''.join(ends)}</figcaption></figure>"
    )


def _drawing(svg: str, name: str) -> str:
    """Return Matplotlib's SVG as a part of the page, in both palettes."""

    def both(match: re.Match[str]) -> str:
        what, light = match.groups()
        if light not in DARK:
            raise LabError(f"{name}: {light} is not a colour of the palette")
        return f"{match[0]}; {what}: light-dark({light}, {DARK[light]})"

    svg = EXACT.sub(lambda m: f"{float(m[0]):.1f}", LEFT_OUT.sub("", svg))
    return COLOUR.sub(both, svg)
