"""A Python-Markdown extension: the rows of a measurement as a table.

A paragraph `[table: atlas/best]` becomes the table that `measure_best` of the
chapter returned: `{"head": [text, …], "rows": [[text, …], …]}`. Attributes of
the paragraph become those of the table.
"""

import re
import xml.etree.ElementTree as etree

from markdown import Markdown
from markdown.extensions import Extension
from markdown.treeprocessors import Treeprocessor

from sitegen import CACHE, ROOT, SitegenError, keys, measure
from sitegen.store import Store

TABLE = re.compile(r"\[table: ([\w-]+)/(\w+)\]")
PRIORITY = 6  # attributes are read at 8


class TableError(SitegenError):
    """A table that nothing measures; names it and the mend."""


class Tables(Treeprocessor):
    """Replaces each paragraph that names a table."""

    def run(self, root: etree.Element) -> None:
        """Change the tree in place; raise `TableError`."""
        for parent in root.iter():
            for at, child in enumerate(parent):
                match = TABLE.fullmatch((child.text or "").strip())
                if child.tag == "p" and len(child) == 0 and match:
                    parent[at] = self.table(*match.groups())
                    parent[at].attrib.update(child.attrib)
                    parent[at].tail = child.tail

    def table(self, slug: str, name: str) -> etree.Element:
        """Return the `<table>` of one measurement."""
        known = slug in keys.chapters(ROOT)
        if not known or name not in keys.jobs(ROOT, slug)[0]:
            raise TableError(
                f"[table: {slug}/{name}]: there is no measure_{name} in "
                f"snippets/{slug}/figures.py: write it, or take the table out"
            )
        data = measure.data(ROOT, Store(CACHE / "store"), slug, name)
        table = etree.Element("table")
        head = etree.SubElement(etree.SubElement(table, "thead"), "tr")
        for text in data["head"]:
            etree.SubElement(head, "th", scope="col").text = text
        body = etree.SubElement(table, "tbody")
        for row in data["rows"]:
            line = etree.SubElement(body, "tr")
            for text in row:
                etree.SubElement(line, "td").text = text
        return table


class TableExtension(Extension):
    """Fills the tables when the attributes have been read."""

    def extendMarkdown(self, md: Markdown) -> None:
        """Register the tree processor."""
        md.treeprocessors.register(Tables(md), "tables", PRIORITY)


makeExtension = TableExtension  # the name that Python-Markdown looks for
