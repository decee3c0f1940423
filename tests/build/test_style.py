"""The look of the figures: labelled, recoloured, told apart, repeatable."""

import re
from itertools import pairwise
from xml.etree import ElementTree

import matplotlib.pyplot as plt
import numpy as np
import pytest

from sitegen import drawn, style
from sitegen.style import COLORS, in_style, variants
from sitegen.svg import StyleError


def draw(*marks, grid=(1, 1), **axes):
    """Draw in the style; `marks` are functions of the first axes."""
    with in_style("x/a"):
        figure, every = plt.subplots(*grid, squeeze=False)
        every[-1, 0].set_xlabel("layer")
        every[0, 0].set_ylabel("size")
        for mark in marks:
            mark(every[0, 0])
        every[0, 0].set(**axes)
        return variants(figure, "plot_a")


def lines(heights, **how):
    def mark(ax):
        for at, height in enumerate(heights):
            ax.plot([0, 1], [0, height], label=f"line {at}", **how)

    return mark


def colours(svg):
    return {c.upper() for c in re.findall(r"#[0-9a-fA-F]{6}\b", svg)}


def elements(svg, name):
    return ElementTree.fromstring(svg).iter(
        "{http://www.w3.org/2000/svg}" + name
    )


def texts(svg):
    return {"".join(e.itertext()).strip(): e for e in elements(svg, "text")}


def papers(svg):
    """Return left, bottom, right and top of what each axes covers."""
    found = []
    for group in elements(svg, "g"):
        if group.get("id", "").startswith("axes_"):
            numbers = re.findall(r"-?[\d.]+", group[0][0].get("d"))
            found.append([round(float(numbers[at]), 1) for at in (0, 1, 2, 5)])
    return found


def test_every_colour_has_its_dark_one():
    def all_colours(ax):
        for at, name in enumerate(COLORS):
            ax.plot([at, at + 1], [0, 1], color=name, marker="o")
            ax.bar([at], [1], color=name, edgecolor="ink", hatch="/")
            ax.text(at, 1, name, color=name)
            ax.text(at, 2, "$10^{-8}$", color=name)
        ax.pcolormesh(np.eye(3), cmap=plt.matplotlib.colors.ListedColormap(
            ["heat0", "heat6"]))  # fmt: skip

    files = draw(all_colours)
    light, dark = ({pair[i] for pair in COLORS.values()} for i in (0, 1))
    for size in ("", "-phone"):
        assert light <= colours(files[f"{size}-light"]) <= light
        # some are the same in both palettes' lists: compare the drawings
        assert colours(files[f"{size}-dark"]) == dark
        blank = [
            re.sub(r"#[0-9a-fA-F]{6}\b", "", files[f"{size}-{palette}"])
            for palette in ("light", "dark")
        ]
        assert blank[0] == blank[1]


@pytest.mark.parametrize(
    ("mark", "colour"),
    [
        (lambda ax: ax.plot([0, 1], color="red"), "#ff0000"),
        (lambda ax: ax.fill_between([0, 1], 1, color="tab:blue"), "#1f77b4"),
        (lambda ax: ax.scatter([0], [0], fc="lime", ec="he"), "#00ff00"),
        (lambda ax: ax.text(0, 0, "a", color="black"), "#000000"),
        (lambda ax: ax.text(0, 0, "$a$", color="black"), "#000000"),
        (lambda ax: ax.bar([0], [1], color="black", lw=0), "#000000"),
        (lambda ax: ax.scatter([0], [0], fc="black", ec="he"), "#000000"),
        (lambda ax: ax.pcolormesh(np.eye(2)), "#440154"),
    ],
)
def test_a_colour_that_the_palette_does_not_know_is_named(mark, colour):
    with pytest.raises(StyleError, match=r"^plot_a draws in .*") as error:
        draw(mark)
    assert colour in str(error.value)


def test_pixels_which_cannot_be_recoloured_are_refused():
    with pytest.raises(StyleError, match=r"^plot_a draws pixels"):
        draw(lambda ax: ax.imshow(np.eye(2)))


@pytest.mark.parametrize("axis", ["x", "y"])
def test_an_axis_without_a_label_is_named(axis):
    with pytest.raises(
        StyleError, match=f"^plot_a: no axis has a {axis} label"
    ):
        draw(**{f"{axis}label": ""})


def test_the_label_of_the_y_axis_can_be_read():
    assert ">size</text>" in draw()["-light"]


def test_what_is_no_figure_is_refused():
    with pytest.raises(StyleError, match=r"^plot_a returned a list, not a"):
        variants([], "plot_a")


def test_a_line_whose_label_has_no_place_is_named():
    with pytest.raises(
        StyleError, match=r"^plot_a: the line 'line 0' is nowher"
    ):
        draw(lines([1]), xlim=(5, 6))


def dimensions(svg):
    head = re.search(r'width="([\d.]+)pt" height="([\d.]+)pt"', svg)
    return [float(length) / 72 * 96 for length in head.groups()]


def test_one_drawing_has_four_files_as_wide_as_a_page_and_as_a_phone():
    files = draw(lines([1]))
    assert list(files) == ["-light", "-dark", "-phone-light", "-phone-dark"]
    for name, svg in files.items():
        width, height = dimensions(svg)
        if "phone" in name:
            assert 320 < round(width) <= 360 - 2 * 16
            assert height >= 0.85 * width
        else:
            assert width == pytest.approx(7.3 * 96)
            assert height == pytest.approx(3.5 * 96)


def test_a_grid_that_is_wider_than_high_stands_upright_on_phones():
    files = draw(grid=(2, 3))
    for size, shape in [("", (3, 2)), ("-phone", (2, 3))]:
        left, bottom, _, _ = zip(*papers(files[f"{size}-light"]), strict=True)
        assert (len(set(left)), len(set(bottom))) == shape
    assert dimensions(files["-phone-light"])[1] > dimensions(files["-light"])[1]


def test_drawing_twice_gives_the_same_bytes():
    first = draw(lines([1, 2, 3]), lambda ax: ax.fill_between([0, 1], 1))
    second = draw(lines([1, 2, 3]), lambda ax: ax.fill_between([0, 1], 1))
    assert first == second
    assert "date" not in first["-light"].lower()


@pytest.mark.parametrize(
    "heights",
    [[0, 0, 0], [0, 0.01, 0.02, 1], [1, 1, 1, 1], [1, 0.99, 0, 0.5, 0.51]],
)
def test_labels_stand_apart_and_inside_the_height_of_their_axes(heights):
    for name, svg in draw(lines(heights), ylim=(0, 1)).items():
        at = sorted(
            float(label.get("y"))
            for text, label in texts(svg).items()
            if text.startswith("line ")
        )
        assert len(at) == len(heights)
        gaps = [after - before for before, after in pairwise(at)]
        assert min(gaps) > style.LABEL_APART - 1e-3, name
        (_, bottom, _, top) = papers(svg)[0]
        assert top < at[0], name  # y is that of the text's base line
        assert at[-1] < bottom, name


def test_a_label_that_has_room_stays_beside_its_line():
    assert style._apart([10, 40, 41, 90], 0, 100) == pytest.approx(
        [10, 34.25, 46.75, 90]
    )


def test_more_labels_than_find_room_are_refused():
    with pytest.raises(StyleError, match=r"^plot_a: 40 labels are too many"):
        draw(lines(range(40)))


def test_a_line_is_told_by_a_label_in_its_colour_at_its_end():
    svg = draw(lines([1], color="he"))["-light"]
    label = texts(svg)["line 0"]
    assert "fill: #0060a0" in label.get("style")
    left, _, right, _ = papers(svg)[0]
    margin = 0.05 / 1.1 * (right - left)
    assert float(label.get("x")) == pytest.approx(right - margin + 7, abs=0.2)


def test_text_stays_text_in_the_fonts_of_the_reader():
    svg = draw(lines([1]), yscale="log")["-light"]
    assert {"layer", "size", "line 0"} <= set(texts(svg))
    assert "DejaVu" not in svg
    assert "-apple-system" in svg
    ids = [element.get("id", "") for element in elements(svg, "path")]
    assert not [i for i in ids if re.match("DejaVu|Cmr|STIX", i)]  # outlines


@pytest.mark.parametrize(
    ("text", "at", "is_cut"),
    [
        ("short", (0, 0), False),
        ("much longer than any drawing is wide " * 9, (0, 0), True),
        ("beside", (-9, 0), True),
        ("below", (0, -9), True),
    ],
)
def test_a_text_that_leaves_the_drawing_is_told(text, at, is_cut):
    with in_style("x/a"):
        figure, ax = plt.subplots(layout="none")
        ax.text(*at, text)
        cut = drawn.record(figure)[0].cut
    assert [said.rpartition(" by ")[0] for said in cut] == is_cut * [repr(text)]
