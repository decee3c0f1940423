"""Formulas become MathML, bad ones end the build, the font has them all."""

import base64
import html
import re
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import markdown
import pytest
from math_core import LatexError
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort
from PIL import Image, ImageOps
from playwright.sync_api import sync_playwright

from sitegen.math import MathError, html_math, to_mathml
from tests.browser.chromium import find_browser

ROOT = Path(__file__).parents[2]
FONT = ROOT / "docs/assets/fonts/stix-two-math.woff2"


def convert(text):
    converter = markdown.Markdown(
        extensions=[
            *("tables", "footnotes", "admonition", "attr_list", "md_in_html"),
            *("abbr", "toc", "pymdownx.superfences", "pymdownx.blocks.html"),
            *("sitegen.math", "pymdownx.arithmatex"),
        ],
        extension_configs={
            "pymdownx.arithmatex": {"generic": True},
            "toc": {"permalink": True},
        },
    )
    return converter.convert(text), converter


@pytest.mark.parametrize(
    ("latex", "elements", "text"),
    [
        (r"\prod_{i=1}^n x_i", "munderover msub", "∏i=1nxi"),
        (r"\lVert x \rVert_2", "msub", "‖x‖2"),
        (r"\left(\frac{a}{b}\right)^2", "msup mfrac", "(ab)2"),
        (r"\sqrt{\frac{2}{n_\text{in}}}", "msqrt mfrac msub mtext", "2nin"),
        (r"\operatorname{Var}[w] = \mathbb{E}[w^2]", "msup", "Var[w]=𝔼[w2]"),
        (r"\mathcal{N}(0, \sigma^2)", "msup", "𝒩(0,σ2)"),
        (r"W^\top \delta \odot \phi'(z)", "msup msup", "W⊤δ⊙ϕ′(z)"),
        (r"\mathbf{W} \boldsymbol{\theta}", "", "𝐖𝜽"),
        (r"\frac{\partial L}{\partial w}", "mfrac", "∂L∂w"),
        (r"\overline{x + y}", "mover", "x+y‾"),
        (r"10^{-7} < 1", "msup", "10−7<1"),
        (r"\text{a ReLU}", "mtext", "a\xa0ReLU"),
        (
            r"\underbrace{a + b}_{\text{fan in}}",
            "munder munder mtext",
            "a+b⏟fan\xa0in",
        ),
        (
            r"\begin{cases} x & x \ge 0 \\ 0 & x < 0 \end{cases}",
            "mtable mtr mtd mtd mtr mtd mtd",
            "{xx≥00x<0",
        ),
        (
            r"\begin{aligned} a &= b \\ &= c \end{aligned}",
            "mtable mtr mtd mtd mtr mtd mtd",
            "a=b=c",
        ),
    ],
)
def test_latex_becomes_the_right_elements(latex, elements, text):
    math = ElementTree.fromstring(to_mathml(latex, display=True)).find("math")
    plain = {"math", "mi", "mo", "mn", "mrow", "mspace", "mpadded"}
    assert [e.tag for e in math.iter() if e.tag not in plain] == (
        elements.split()
    )
    assert re.sub("[\u2061-\u2063]", "", "".join(math.itertext())) == text


@pytest.mark.parametrize("latex", [r"\nosuch", r"\frac{a", "a & b", "{"])
def test_what_does_not_parse_raises(latex):
    with pytest.raises(LatexError):
        to_mathml(latex)


def test_a_sized_bracket_with_a_script_is_refused():
    assert to_mathml(r"\bigl(x\bigr)").count("<mo") == 2
    with pytest.raises(LatexError, match="left"):
        to_mathml(r"\bigl(x\bigr)^2")


PLACES = {
    "paragraph": "It is $a<b$, *not $b$*.",
    "display": "Text.\n\n$$\nx_1 * y * z_1\n$$\n\nMore.",
    "list": "- one $x$\n\n    $$\n    x\n    $$\n\n- two",
    "table": "| $a$ | b |\n|---|---|\n| $\\lvert x_1 \\rvert$ | 2 |",
    "footnote": "See[^1].\n\n[^1]: Because $x$.",
    "admonition": '!!! note "On $x$"\n    Text $x$\n\n    $$ x $$',
    "block": "/// html | div.note\nText $x$\n\n$$ x $$\n///",
    "md_in_html": "<div markdown>\nText $x$\n\n$$ x $$\n</div>",
    "heading": "## The $x$ {#x}",
}


@pytest.mark.parametrize("place", PLACES)
def test_formulas_are_converted_everywhere(place):
    page, _ = convert(PLACES[place])
    source = PLACES[place].replace("$$", "$")
    assert page.count("<math") == page.count("</math>") == source.count("$") / 2
    assert page.count('<math display="block"') == PLACES[place].count("$$") / 2
    assert "arithmatex" not in page
    assert "<em>" not in page or place == "paragraph"


def test_a_display_formula_scrolls_so_it_takes_the_focus_and_has_a_name():
    page, _ = convert("$$ x $$")
    box = ElementTree.fromstring(page)
    assert box.tag == "div"
    assert box.get("class") == "math-display"
    assert (box.get("tabindex"), box.get("role")) == ("0", "group")
    assert box.get("aria-label")


def test_abbreviations_leave_formulas_alone():
    page, _ = convert("ReLU $\\text{ReLU}$\n\n*[ReLU]: Rectified")
    assert page.count("<abbr") == 1


def test_a_heading_reads_well_in_the_table_of_contents():
    page, converter = convert(
        r"## Is $\sqrt{\sigma^2} < \frac{2}{n_\text{in}}$ *so*, R&D? {#so}"
        "\n\n## Or $x$ {#or data-toc-label='Mine'}"
    )
    first, second = converter.toc_tokens
    assert first["name"] == "Is √σ^2&lt;2/n_in so, R&amp;D?"
    assert first["id"] == "so"
    assert second["name"] == "Mine"
    assert page.count("headerlink") == 2


def test_a_heading_with_math_must_have_an_id():
    with pytest.raises(MathError, match=r"id.*The x"):
        convert("## The $x$")


def test_all_bad_formulas_of_a_page_are_told_at_once():
    with pytest.raises(MathError) as caught:
        convert("Text $\\nosuch$.\n\n$$\n\\frac{a\n$$\n\n$$good$$")
    assert "\\nosuch: " in str(caught.value)
    assert "\\frac{a: " in str(caught.value)
    assert "good" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "It costs $5 more",
        "$x$ and $",
        "## At $5\n\nText",
        "Text with $$x$$ inside",
        "<div>raw HTML: $x$</div>",
        "| a |\n|---|\n| $5 |",
    ],
)
def test_a_stray_dollar_is_told(text):
    with pytest.raises(MathError, match=r"stray dollar.*\$"):
        convert(text)


def test_an_escaped_dollar_is_a_dollar():
    page, converter = convert("## At \\$5\n\nIt costs \\$5, *\\$6*, $x$.")
    text = html.unescape(re.sub("<[^>]*>", "", page))
    assert "It costs $5, $6, x." in text
    assert html.unescape(converter.toc_tokens[0]["name"]) == "At $5"


def test_code_is_left_alone():
    page, _ = convert(
        "`$HOME` and `$x$`\n\n```sh\necho $HOME $x$\n```\n\n    $a$\n\n"
        '<script>let a = "$"</script>'
    )
    assert page.count("$") == 9
    assert "<math" not in page


def make_site(folder, **pages):
    (folder / "docs").mkdir()
    for name, text in pages.items():
        (folder / "docs" / f"{name}.md").write_text(text)
    (folder / "mkdocs.yml").write_text(
        "site_name: test\nmarkdown_extensions:\n"
        "  - pymdownx.arithmatex: {generic: true}\n  - sitegen.math\n"
    )
    build(load_config(str(folder / "mkdocs.yml"), strict=False))


def test_a_bad_formula_ends_even_a_build_that_is_not_strict(tmp_path, caplog):
    with pytest.raises(Abort):
        make_site(tmp_path, index="# One", bad="Text $\\nosuch$.")
    assert "bad.md" in caplog.text
    assert "\\nosuch" in caplog.text


def test_a_stray_dollar_ends_the_build_and_names_the_page(tmp_path, caplog):
    with pytest.raises(Abort):
        make_site(tmp_path, index="# One", bad="Only $5.")
    assert "Math in 'bad.md'" in caplog.text
    assert "Only $5." in caplog.text


def test_a_good_page_is_built(tmp_path):
    make_site(tmp_path, index="# One\n\nText $x$, \\$5.")
    page = (tmp_path / "site/index.html").read_text()
    assert "Text <math><mi>x</mi></math>, &#36;5." in page


def test_the_html_of_notebooks_is_converted():
    page = html_math(
        '<h1 id="$x$">$x_1 &lt; 2$</h1><p>$$\na &lt; b\n$$</p>'
        "<ul><li>$$c$$</li></ul><pre>$d$</pre><code>$e</code>",
        "lab",
    )
    assert page.count("<math>") == 1
    assert page.count('<math display="block">') == 2
    assert '<h1 id="$x$"><math>' in page
    assert "<p>" not in page  # a block may not stand in a paragraph
    assert "<pre>$d$</pre><code>$e</code>" in page


@pytest.mark.parametrize(
    "bad", ["$5", "$5 or $6", "$\\nosuch$", "$a<em>b</em>$", "$$a"]
)
def test_bad_math_in_a_notebook_is_told(bad):
    with pytest.raises(MathError, match=r"lab[\s\S]*(\$|nosuch)"):
        html_math(f"<p>Text {bad}</p>", "lab")


# The font. What a browser draws, and with which font, only a browser knows:
# it makes the `x` of `<mi>x</mi>` an italic one, which is another character.


@pytest.fixture(scope="module")
def tab():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser())
        yield browser.new_page()
        browser.close()


def show(tab, math, font):
    data = base64.b64encode(font.read_bytes()).decode()
    tab.set_content(
        "<!doctype html><style>@font-face {font-family: cut; src: url("
        f"data:font/woff2;base64,{data})}} math {{font: 100px cut}}</style>"
        + math
    )
    tab.evaluate("document.fonts.ready")


def missing_glyphs(tab, html_files, font):
    """Return the characters of the files' formulas that the font lacks."""
    leaves = set()
    for file in html_files:
        for math in re.findall(r"<math\b.*?</math>", file.read_text(), re.S):
            for tag, rest, text in re.findall(
                r"<(mi|mo|mn|mtext)\b([^>]*)>([^<]*)<", math
            ):
                text = html.unescape(text)
                italic = tag == "mi" and len(text) == 1 and "normal" not in rest
                leaves |= {("mi" if italic else "mtext", c) for c in text}
    # Spaces and invisible operators are not drawn.
    leaves = sorted(x for x in leaves if re.match(r"[^\s\u2061-\u2063]", x[1]))
    drawn = [f"<{tag}>{html.escape(c)}</{tag}>" for tag, c in leaves]
    show(tab, f"<math>{''.join(drawn)}</math>", font)
    devtools = tab.context.new_cdp_session(tab)
    for domain in ("DOM", "CSS"):
        devtools.send(f"{domain}.enable")
    root = devtools.send("DOM.getDocument")["root"]["nodeId"]
    nodes = devtools.send(
        "DOM.querySelectorAll", {"nodeId": root, "selector": "math > *"}
    )["nodeIds"]
    missing = set()
    for (_, character), node in zip(leaves, nodes, strict=True):
        used = devtools.send("CSS.getPlatformFontsForNode", {"nodeId": node})
        if not all(f["isCustomFont"] for f in used["fonts"]):
            missing.add(character)
    devtools.detach()
    return missing


def test_a_character_that_the_font_lacks_is_found(tab, tmp_path):
    page = tmp_path / "page.html"
    page.write_text(
        to_mathml(r"\mathcal{N}(0, \sigma^2) < x' + \mathfrak{q} \leadsto 1")
        + "<p>♘</p>"
    )
    assert missing_glyphs(tab, [page], FONT) == {"𝔮", "⇝"}
    page.write_text("<math><mi>ж</mi><mtext>x</mtext></math>")
    assert missing_glyphs(tab, [page], FONT) == {"ж"}


def test_the_font_has_every_character_of_the_site(tab):
    pages = list((ROOT / "site").glob("**/*.html"))
    assert pages, "site/ is not built: make site"
    missing = missing_glyphs(tab, pages, FONT)
    assert not missing, "docs/assets/fonts/README.txt tells how to add them"


SIZE = (
    "([...document.querySelectorAll(%r)].map(e => e.getBoundingClientRect()))"
)


def boxes(tab, latex, selector, display=True):
    show(tab, to_mathml(latex, display=display), FONT)
    return tab.evaluate(SIZE % selector)


@pytest.mark.parametrize("bracket", ["(", "[", r"\{", "|", r"\lVert"])
def test_brackets_grow_with_what_they_enclose(tab, bracket):
    tall = r"\begin{matrix} a \\ b \\ c \\ d \end{matrix}"
    for inside in (tall, r"\frac{a}{b}"):
        latex = rf"\left{bracket} {inside} \right."
        left, inner = boxes(tab, latex, "mrow > mo:first-child, mo + *")
        assert 0.9 < left["height"] / inner["height"] < 1.5


def test_braces_and_sums_grow(tab):
    # The box of a brace stays small, so look: its ink is as wide as the row's.
    (row,) = boxes(tab, r"\underbrace{\text{mm}}", "mtext")
    row |= {"y": row["y"] + row["height"], "height": 60}
    ink = Image.open(BytesIO(tab.screenshot(clip=row))).convert("L")
    left, _, right, _ = ImageOps.invert(ink).getbbox()
    assert right - left > 0.9 * row["width"]
    (large,) = boxes(tab, r"\sum x", "mo")
    (small,) = boxes(tab, r"\sum x", "mo", display=False)
    assert large["height"] > 1.2 * small["height"]


@pytest.mark.parametrize("under", ["n", "2", "1 / n_i", "6 / (n_i + n_o)"])
def test_a_root_is_as_high_and_as_wide_as_what_it_holds(tab, under):
    show(tab, to_mathml(rf"\sqrt{{{under}}} = (2)"), FONT)
    right, below = tab.evaluate(
        """() => {
          const box = (what) => document.querySelector(what)
            .getBoundingClientRect();
          const root = box("msqrt");
          const inside = box("msqrt > :last-child");
          const high = box("math > mo:last-of-type").height;
          return [root.right - inside.right, root.bottom - inside.bottom]
            .map((gap) => gap / high);
        }"""
    )
    assert right < 0.05  # of a bracket's height
    assert below < 0.25
