"""A Python-Markdown extension: measured losses as a small inline drawing.

`[spark: first_checks/losses/rate 10]` in a table's cell becomes an svg of
120 × 44: the median over the seeds of that entry of `measure_losses`, on a
logarithmic scale from 0.05 to 500, over a line at ln 10. A curve that is no
number any more ends in a cross.
"""

import math
import re
import xml.etree.ElementTree as etree
from typing import Any

import numpy as np
from markdown import Markdown
from markdown.extensions import Extension
from markdown.treeprocessors import Treeprocessor

from sitegen import CACHE, ROOT, SitegenError, keys, measure
from sitegen.store import Store

SPARK = re.compile(r"\[spark: ([\w-]+)/(\w+)/([^\]]+)\] *")
PRIORITY = 6  # as the tables
WIDTH, HEIGHT, POINTS = 120, 44, 40
LOW, HIGH = math.log(0.05), math.log(500)


class SparkError(SitegenError):
    """A drawing of what is not measured; names it and the mend."""


def height(loss: float) -> float:
    """Return the y coordinate of a loss, from the top."""
    share = (math.log(loss) - LOW) / (HIGH - LOW)
    return round(HEIGHT * (1 - min(max(share, 0), 1)), 1)


def draw(losses: np.ndarray) -> etree.Element:
    """Draw the median of (seeds, updates), at most `POINTS` of its points."""
    middle = np.median(losses, 0)
    ends = np.flatnonzero(~np.isfinite(middle))
    last = ends[0] if len(ends) else len(middle)
    at = np.unique(np.linspace(0, last - 1, POINTS).astype(int))
    places = [
        (round(WIDTH * i / max(len(middle) - 1, 1), 1), height(middle[i]))
        for i in at
    ]
    size = {"viewBox": f"-7 -7 {WIDTH + 14} {HEIGHT + 14}", "class": "spark"}
    svg = etree.Element("svg", size | {"aria-hidden": "true"})
    chance = f"M0 {height(math.log(10))}H{WIDTH}"
    etree.SubElement(svg, "path", {"class": "chance", "d": chance})
    line = "M" + "L".join(f"{x:g} {y:g}" for x, y in places)
    if len(ends):
        line += "m-5 -5l10 10m0 -10l-10 10"
    etree.SubElement(svg, "path", {"d": line})
    return svg


class Sparks(Treeprocessor):
    """Puts a drawing in front of a cell's text."""

    def run(self, root: etree.Element) -> None:
        """Change the tree in place; raise `SparkError`."""
        for cell in root.iter("td"):
            match = SPARK.match(cell.text or "")
            if match:
                cell.text = (cell.text or "")[match.end() :]
                cell.insert(0, draw(self.losses(*match.groups())))
                cell[0].tail, cell.text = cell.text, ""

    def losses(self, slug: str, name: str, entry: str) -> np.ndarray:
        """Return one entry of a measurement."""
        known = slug in keys.chapters(ROOT)
        data = None
        if known and name in keys.jobs(ROOT, slug)[0]:
            store = Store(CACHE / "store")
            data = measure.data(ROOT, store, slug, name).get(entry)
        if data is None:
            raise SparkError(
                f"[spark: {slug}/{name}/{entry}]: nothing measures it in "
                f"snippets/{slug}/figures.py: write it, or take it out"
            )
        return np.asarray(data)


class SparkExtension(Extension):
    """Draws when the tables and the links are there."""

    def extendMarkdown(self, md: Markdown) -> None:
        """Register the tree processor."""
        md.treeprocessors.register(Sparks(md), "sparks", PRIORITY)


def makeExtension(**kwargs: Any) -> SparkExtension:
    """Return the extension, for Python-Markdown."""
    return SparkExtension(**kwargs)
