"""A Python-Markdown extension: one image in the prose, a figure on the page.

`![what it shows](../figures/saturation/ends.svg "Caption. The protocol.")`
becomes a `<figure>` with the drawing for both palettes and for phones. The
files are those that `measure.py` drew; a missing one is an error.
"""

import re
import xml.etree.ElementTree as etree
from pathlib import Path
from typing import Any

from markdown import Markdown
from markdown.extensions import Extension
from markdown.treeprocessors import Treeprocessor

from sitegen import CACHE, SitegenError

FIGURE = re.compile(r"(?:\.\./)*(figures/[\w-]+/[\w-]+)\.svg")
PHONE = "(max-width:34.9375em)"
# Links are made relative at priority 0, headings read at 5, attributes at 8.
PRIORITY = 6


class FigureError(SitegenError):
    """An image that cannot become a figure; names it and the mend."""


class Figures(Treeprocessor):
    """Replaces each paragraph that holds one drawn image."""

    def __init__(self, md: Markdown, drawn: Path) -> None:
        super().__init__(md)
        self.drawn = drawn

    def run(self, root: etree.Element) -> None:
        """Change the tree in place; raise `FigureError`."""
        for parent in root.iter():
            for at, child in enumerate(parent):
                image = child.find("img") if child.tag == "p" else None
                if image is None or len(child) != 1:
                    continue
                if ((child.text or "") + (image.tail or "")).strip():
                    continue
                match = FIGURE.fullmatch(image.get("src", ""))
                if match:
                    figure = self.figure(image, match[1])
                    figure.tail = child.tail
                    parent[at] = figure
        for image in root.iter("img"):
            if FIGURE.fullmatch(source := image.get("src", "")):
                raise FigureError(
                    f"{source}: a figure stands in a paragraph of its own"
                )

    def figure(self, image: etree.Element, name: str) -> etree.Element:
        """Return the `<figure>` of one image."""
        alt, caption = image.get("alt", ""), image.get("title", "")
        source = image.get("src", "")
        if not alt or not caption:
            raise FigureError(
                f"{source}: a figure needs a text for those who cannot see "
                'it and a caption: ![what it shows](….svg "caption")'
            )
        if "$" in alt + caption:
            raise FigureError(f"{source}: no formula in alt text or caption")
        ident = f"figure-{name.rpartition('/')[2]}"
        figure = etree.Element("figure", {"class": "figure", "id": ident})
        for palette in ("light", "dark"):
            picture = etree.SubElement(figure, "picture")
            phone = source.replace(".svg", f"-phone-{palette}.svg")
            width, height = self.size(f"{name}-phone-{palette}.svg")
            etree.SubElement(
                picture,
                "source",
                media=PHONE,
                srcset=phone,
                width=width,
                height=height,
            )
            width, height = self.size(f"{name}-{palette}.svg")
            attributes: dict[str, Any] = {
                "src": source.replace(".svg", f"-{palette}.svg#only-{palette}"),
                "alt": alt,
                "width": width,
                "height": height,
                "loading": "lazy",
            }
            etree.SubElement(picture, "img", attributes)
        text = etree.SubElement(figure, "figcaption")
        head, stop, rest = caption.partition(". ")
        strong = etree.SubElement(text, "strong")
        strong.text = head + stop.strip()
        strong.tail = f" {rest}" if rest else ""
        text.extend(links(ident, source.replace(".svg", "-light.svg")))
        return figure

    def size(self, name: str) -> tuple[str, str]:
        """Return a drawing's width and height in CSS pixels."""
        path = self.drawn / name
        if not path.is_file():
            raise FigureError(
                f"{name} has not been drawn: is there a plot_* of that name "
                "in the chapter's figures.py?"
            )
        head = path.read_text("utf-8")[:400]
        sizes = re.search(r'width="([\d.]+)pt" height="([\d.]+)pt"', head)
        if sizes is None:
            raise FigureError(f"{name} is not a drawing with a size")
        width, height = (round(float(s) * 96 / 72) for s in sizes.groups())
        return str(width), str(height)


def links(ident: str, drawing: str) -> list[etree.Element]:
    """Return what ends a caption: a figure's own link, and one to see it large.

    `drawing` is the address where scripts are off; where not, a dialog opens.
    """
    large = etree.Element("a", {"class": "enlarge", "href": drawing})
    large.text = "Enlarge"
    here = etree.Element(
        "a",
        {
            "class": "headerlink",
            "href": f"#{ident}",
            "title": "Link to this figure",
        },
    )
    here.text = "#"
    return [large, here]


class FigureExtension(Extension):
    """Configuration: `drawn`, the folder that holds `figures/`."""

    def __init__(self, **kwargs: Any) -> None:
        self.config = {"drawn": [str(CACHE / "public"), "where figures/ is"]}
        super().__init__(**kwargs)

    def extendMarkdown(self, md: Markdown) -> None:
        """Register the tree processor."""
        drawn = Path(str(self.getConfig("drawn")))
        md.treeprocessors.register(Figures(md, drawn), "figures", PRIORITY)


makeExtension = FigureExtension  # the name that Python-Markdown looks for
