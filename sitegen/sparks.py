"""A Python-Markdown extension: measured losses as a small inline drawing.

`[spark: first_checks/losses/rate 10]` in a table's cell becomes an svg of
120 × 44: the median over the seeds of that entry of `measure_losses`, on a
logarithmic scale from 0.05 to 500, over a line at ln 10. A curve that is no
number any more ends in a cross.
"""

import math
import re
import xml.etree.ElementTree as etree

import numpy as np
from markdown.treeprocessors import Treeprocessor

from sitegen import ROOT, extension, measure

SPARK = re.compile(r"\[spark: ([\w-]+)/(\w+)/([^\]]+)\] *")
WIDTH, HEIGHT, POINTS = 120, 44, 40
LOW, HIGH = math.log(0.05), math.log(500)


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
        """Change the tree in place; raise `MeasureError`."""
        for cell in root.iter("td"):
            if match := SPARK.match(cell.text or ""):
                slug, name, entry = match.groups()
                losses = measure.data(ROOT, measure.STORE, slug, name)
                if entry not in losses:
                    raise measure.MeasureError(
                        f"measure_{name} of {slug} has no {entry!r}: it has "
                        + ", ".join(losses)
                    )
                svg = draw(np.asarray(losses[entry]))
                svg.tail = (cell.text or "")[match.end() :]
                cell.text = ""
                cell.insert(0, svg)


makeExtension = extension(Sparks, 6)  # as the tables
