"""Matplotlib's drawings as a site sends them: lean, and in both palettes."""

import re

from sitegen import SitegenError
from sitegen.palette import COLORS

DARK = {light.lower(): dark.lower() for light, dark in COLORS.values()}
COLOUR = re.compile(r'((?:fill|stroke|stop-color)(?:: ?|="))(#[0-9a-f]{6})')
# Matplotlib leaves black out, since it is what SVG fills with by default.
BLACK = re.compile(
    r"<(?:path|use|tspan|text(?= style))\b(?![^>]*\bfill: )[^>]*>"
)


# The head, the date, comments, text that is not turned, groups' names except
# the axes', and the indentation: a fifth of what is sent.
LEFT_OUT = re.compile(
    r"\A.*?(?=<svg)|<metadata>.*?</metadata>|<!--.*?-->|(?<=>)\s+(?=<)"
    r"| transform=\"rotate\(-0 [^\"]*\"|(?<=<g) id=\"(?!axes_)[^\"]*\"",
    re.DOTALL,
)
PLACES = re.compile(r' (?:d|x|y)="[^"]*"')
EXACT = re.compile(r"(-?\d+\.\d)\d+")  # a tenth of a point is enough for a line


class StyleError(SitegenError):
    """A figure that does not follow the rules; names figure and mend."""


def lean(svg: str) -> str:
    """Return a drawing without what nobody sees: half of its bytes."""
    svg = LEFT_OUT.sub("", svg)
    return PLACES.sub(lambda place: EXACT.sub(r"\1", place[0]), svg)


def recolour(svg: str, name: str, both: bool = False) -> str:
    """Return Matplotlib's drawing in the dark palette, or in `both`.

    Then each colour follows the page that the drawing is a part of. Raises
    `StyleError` for a colour that is not in `COLORS`, and for pixels.
    """
    unknown = {c for _, c in COLOUR.findall(svg)} - DARK.keys()
    if BLACK.search(re.sub(r"<defs>.*?</defs>", "", svg, flags=re.DOTALL)):
        unknown.add("#000000")
    if "<image" in svg:
        raise StyleError(
            f"{name} draws pixels, which keep their colours in the dark: use "
            "pcolormesh instead of imshow, and do not rasterize"
        )
    if unknown:
        raise StyleError(
            f"{name} draws in {', '.join(sorted(unknown))}, which the palette "
            f"does not know: use one of {', '.join(COLORS)}"
        )

    def other(match: re.Match[str]) -> str:
        start, light = match.groups()
        if not both:
            return f"{start}{DARK[light]}"
        new = f"{start}light-dark({light}, {DARK[light]})"
        return new if start[-1] == '"' else f"{match[0]}; {new}"

    return COLOUR.sub(other, svg)
