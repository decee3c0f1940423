"""Executes the labs, and makes their pages as light as the others.

A lab is a Python file in jupytext's percent format. It is executed once, away
from this repository; the executed notebook is what the reader downloads and
what mkdocs-jupyter shows. Of that page `lighten` keeps the cells alone.

Two rules for authors. Below figures stands their caption, a paragraph in
italics: `*What it shows. The protocol.*` And a code cell with the tag `fold`
is folded on the page, under the text of its first comment, up to a colon.
"""

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

from sitegen import ROOT, SitegenError, isolation, keys, measure
from sitegen.figures import links
from sitegen.math import html_math
from sitegen.notebooks import KERNEL
from sitegen.store import Store
from sitegen.svg import lean, recolour

ANSI = re.compile(r"\x1b\[[\d;]*m")
METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)  # has the date
SVG = "data:image/svg+xml;base64,"
NOT_IN_A_PAGE = re.compile(  # what would change all of it, or does nothing
    r"<defs>\s*<style.*?</style>\s*</defs>| xmlns(:xlink)?=\"[^\"]*\""
    r"|xlink:(?=href)| font-family: [^;]*;",
    re.DOTALL,
)


class LabError(SitegenError):
    """A lab that breaks a rule; says where."""


def execute(source: Path, store: Store, *, timeout: float) -> bytes:
    """Return a lab's executed notebook, which the store keeps.

    `timeout` is in seconds, for each cell. Raises `MeasureError`.
    """
    key, name = keys.lab_key(source), f"{source.stem}/notebook"
    if not store.has("labs", name, key):
        lines = source.read_text("utf-8").splitlines()
        begin = [at for at, line in enumerate(lines, 1) if line[:4] == "# %%"]
        file = str(source).removeprefix(f"{Path.cwd()}/")
        cells = {
            f"cell {at}": f"{file}:{line}: the cell"
            for at, line in enumerate(begin)
        }
        job = measure.Job([str(source.resolve()), file], file, cells)
        measure.run(ROOT, store, "labs", iter([job]), timeout)
    notebook: bytes = store.get("labs", name, key)
    return notebook


def run(root: Path, store: Store, lab: str, name: str) -> None:
    """Execute a lab, and keep the notebook: a process of its own."""
    key, source = keys.lab_key(Path(lab)), Path(lab)
    notebook = _run(source.read_text("utf-8"), name)
    store.put("labs", f"{source.stem}/notebook", key, notebook)


def _run(text: str, name: str) -> bytes:
    import jupytext
    import nbclient

    notebook: Any = jupytext.reads(text, fmt="py:percent")
    if len(re.findall("^# %%", text, re.MULTILINE)) != len(notebook.cells):
        raise LabError(f"{name}: a cell does not begin with a line # %%")
    notebook.metadata = {"kernelspec": KERNEL}
    for at, cell in enumerate(notebook.cells):
        cell.id = f"cell-{at}"
        cell.metadata.pop("lines_to_next_cell", None)  # jupytext's own

    def begin(cell_index: int, **_: object) -> None:
        print(f"cell {cell_index}", flush=True)

    new_folder = tempfile.TemporaryDirectory
    with new_folder() as empty, new_folder() as settings:
        client = nbclient.NotebookClient(
            notebook,
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
        except nbclient.exceptions.CellExecutionError as error:
            _, _, said = ANSI.sub("", error.traceback).rpartition("-" * 75)
            raise LabError(said) from None
        except nbclient.exceptions.DeadKernelError as error:
            raise LabError(f"{error} (too little memory?)") from None
    for cell in notebook.cells:
        for output in cell.get("outputs", [])[:]:
            if output.get("name") == "stderr":  # may name times and processes
                cell.outputs.remove(output)
            elif svg := output.get("data", {}).get("image/svg+xml"):
                output.data["image/svg+xml"] = METADATA.sub("", svg)
    return f"{jupytext.writes(notebook, fmt='ipynb').strip()}\n".encode()


def lighten(html: str, name: str) -> str:
    """Return the page of a notebook with nothing in it but its cells.

    `html` is what mkdocs-jupyter rendered, `name` the page's, for messages.
    Raises `LabError`, `MathError` and `StyleError`.
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
                svg = recolour(lean(svg), name, both=True)
                drawings.append(NOT_IN_A_PAGE.sub("", svg))
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


if __name__ == "__main__":
    measure.work(run)
