"""Cut the math font to what the pages use; README.txt says when and how.

Usage: python cut.py STIXTwoMath-Regular.ttf stix-two-math.woff2
"""

import sys

from fontTools import subset
from fontTools.pens.transformPen import TransformPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont

CHARACTERS = (
    "0123456789 \u00a0()+,-./:<=>[]{|}"
    "CDELRUVabcdefghiklmnoprstuvwxyz"
    "𝐶𝐸𝐿𝑊𝑎𝑏𝑐𝑑𝑒𝑓𝑔ℎ𝑖𝑗𝑘𝑙𝑚𝑛𝑝𝑞𝑟𝑠𝑡𝑢𝑣𝑤𝑥𝑦𝑧"
    "𝛼𝛽𝛿𝜀𝜂𝜃𝜆𝜇𝜋𝜌𝜎𝜏𝜑𝜕"
    "𝒩𝔼±×·⋅−⊤∂∑√∞∈∼≈≠≤≥→‖⟨⟩…′⏟‾"
)
STRETCHES = set("()[]{}|‖∑⏟‾")
# Of up to thirteen sizes these do; larger brackets are built from pieces.
SIZES = (0, 1, 4)
# The root sign has one size, as high as a line with brackets. The font's own is
# higher, and hangs below a digit; and browsers leave the room of its widest
# size behind each.
ROOT = 0.85


def main(source: str, target: str) -> None:
    """Write the subset of the font file `source` to `target`."""
    font = TTFont(source, recalcTimestamp=False)
    names = dict(font.getBestCmap())
    math = font["MATH"].table
    math.MathGlyphInfo.MathKernInfo = None  # large, and browsers ignore it
    variants = math.MathVariants
    stretches = {names[ord(character)] for character in STRETCHES}
    for glyphs, shapes in (
        (variants.VertGlyphCoverage, variants.VertGlyphConstruction),
        (variants.HorizGlyphCoverage, variants.HorizGlyphConstruction),
    ):
        for glyph, shape in zip(glyphs.glyphs, shapes, strict=True):
            sizes = shape.MathGlyphVariantRecord
            if glyph in stretches:
                sizes[:] = [sizes[i] for i in SIZES if i < len(sizes)]
            else:
                sizes.clear()
                shape.GlyphAssembly = None
            shape.VariantCount = len(sizes)
    shrink(font, names[ord("√")], ROOT)
    # Primes always stand in a script. The font has larger ones for there, but
    # browsers do not ask for them (the feature `ssty`).
    for table in font["cmap"].tables:
        if table.format != 14:
            table.cmap |= {0x2032: "minute.ssty", 0x2033: "second.ssty"}

    options = subset.Options()
    options.drop_tables += ["DSIG", "GDEF", "GPOS", "GSUB"]
    options.flavor = "woff2"
    options.hinting = False
    options.legacy_cmap = False
    options.name_IDs = [0, 1, 2, 5, 13, 14]  # the licence stays in the file
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=CHARACTERS)
    subsetter.subset(font)
    subset.save_font(font, target, options)


def shrink(font: TTFont, glyph: str, factor: float) -> None:
    """Scale one glyph of a font about its origin."""
    pen = TTGlyphPen(None)
    scale = (factor, 0, 0, factor, 0, 0)
    font.getGlyphSet()[glyph].draw(TransformPen(pen, scale))
    font["glyf"][glyph] = pen.glyph()
    advance, left = font["hmtx"][glyph]
    font["hmtx"][glyph] = (round(advance * factor), round(left * factor))


if __name__ == "__main__":
    main(*sys.argv[1:])
