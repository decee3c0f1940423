"""A Python-Markdown extension: one image in the prose, a figure on the page.

`![what it shows](../figures/saturation/ends.svg "Caption. The protocol.")`
becomes a `<figure>` with the drawing for both palettes and for phones. The
files are those that `measure.py` drew; a missing one is an error.
"""

import re
import xml.etree.ElementTree as etree

from markdown.treeprocessors import Treeprocessor

from sitegen import CACHE, SitegenError, extension

DRAWN = CACHE / "public"
FIGURE = re.compile(r"(?:\.\./)*(figures/[\w-]+/[\w-]+)\.svg")
PHONE = "(max-width:34.9375em)"


class FigureError(SitegenError):
    """An image that cannot become a figure; names it and the mend."""


class Figures(Treeprocessor):
    """Replaces each paragraph that holds one drawn image."""

    def run(self, root: etree.Element) -> None:
        """Change the tree in place; raise `FigureError`."""
        for parent in root.iter():
            for at, child in enumerate(parent):
                image = child.find("img") if child.tag == "p" else None
                if image is None or len(child) != 1:
                    continue
                if ((child.text or "") + (image.tail or "")).strip():
                    continue
                if match := FIGURE.fullmatch(image.get("src", "")):
                    parent[at] = figure(image, match[1])
                    parent[at].tail = child.tail
        for image in root.iter("img"):
            if FIGURE.fullmatch(source := image.get("src", "")):
                raise FigureError(
                    f"{source}: a figure stands in a paragraph of its own"
                )


def figure(image: etree.Element, name: str) -> etree.Element:
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
    made = etree.Element("figure", {"class": "figure", "id": ident})
    stem = source.removesuffix(".svg")
    for palette in ("light", "dark"):
        picture = etree.SubElement(made, "picture")
        phone = {"media": PHONE, "srcset": f"{stem}-phone-{palette}.svg"}
        phone |= size(f"{name}-phone-{palette}.svg")
        etree.SubElement(picture, "source", phone)
        wide = {"src": f"{stem}-{palette}.svg#only-{palette}", "alt": alt}
        wide |= size(f"{name}-{palette}.svg") | {"loading": "lazy"}
        etree.SubElement(picture, "img", wide)
    text = etree.SubElement(made, "figcaption")
    head, stop, rest = caption.partition(". ")
    strong = etree.SubElement(text, "strong")
    strong.text = head + stop.strip()
    strong.tail = f" {rest}" if rest else ""
    text.extend(links(ident, f"{stem}-light.svg"))
    return made


def links(ident: str, drawing: str) -> list[etree.Element]:
    """Return what ends a caption: a figure's own link, and one to see it large.

    `drawing` is the address where scripts are off; where not, a dialog opens.
    """
    large = etree.Element("a", {"class": "enlarge", "href": drawing})
    large.text = "Enlarge"
    there = {"class": "headerlink", "href": f"#{ident}"}
    here = etree.Element("a", there | {"title": "Link to this figure"})
    here.text = "#"
    return [large, here]


def size(name: str) -> dict[str, str]:
    """Return a drawing's width and height in CSS pixels, as attributes."""
    path = DRAWN / name
    if not path.is_file():
        raise FigureError(
            f"{name} has not been drawn: is there a plot_* of that name "
            "in the chapter's figures.py?"
        )
    head = path.read_text("utf-8")[:400]
    points = re.findall(r' (width|height)="([\d.]+)pt"', head)
    return {side: str(round(float(n) * 96 / 72)) for side, n in points}


# Links are made relative at priority 0, headings read at 5, attributes at 8.
makeExtension = extension(Figures, 6)
