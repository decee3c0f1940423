"""A Python-Markdown extension: the rows of a measurement as a table.

A paragraph `[table: atlas/best]` becomes the table that `measure_best` of the
chapter returned: `{"head": [text, …], "rows": [[text, …], …]}`. Attributes of
the paragraph become those of the table.
"""

import re
import xml.etree.ElementTree as etree
from typing import Any

from markdown.treeprocessors import Treeprocessor

from sitegen import ROOT, extension, measure

TABLE = re.compile(r"\[table: ([\w-]+)/(\w+)\]")


class Tables(Treeprocessor):
    """Replaces each paragraph that names a table."""

    def run(self, root: etree.Element) -> None:
        """Change the tree in place; raise `MeasureError`."""
        for parent in root.iter():
            for at, child in enumerate(parent):
                match = TABLE.fullmatch((child.text or "").strip())
                if child.tag == "p" and len(child) == 0 and match:
                    data = measure.data(ROOT, measure.STORE, *match.groups())
                    parent[at] = table(data)
                    parent[at].attrib.update(child.attrib)
                    parent[at].tail = child.tail


def table(data: dict[str, Any]) -> etree.Element:
    """Return the `<table>` of one measurement."""
    made = etree.Element("table")
    head = etree.SubElement(etree.SubElement(made, "thead"), "tr")
    for text in data["head"]:
        etree.SubElement(head, "th", scope="col").text = text
    body = etree.SubElement(made, "tbody")
    for row in data["rows"]:
        line = etree.SubElement(body, "tr")
        for text in row:
            etree.SubElement(line, "td").text = text
    return made


makeExtension = extension(Tables, 6)  # attributes are read at 8
