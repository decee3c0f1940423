"""What a figure shows, as plain data: recorded when the build draws it.

So a test can say of the drawing what the page says of it: which line ends
where, on which scale. What is recorded is what was saved, with the labels
that `style.py` wrote, once as wide as a page and once as a phone.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from typing import Any, TypeVar

import numpy as np
from matplotlib import collections, patches
from matplotlib.axes import Axes
from matplotlib.axis import Axis as MatplotlibAxis
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from sitegen import style
from sitegen.palette import COLORS

Array = NDArray[np.float64]
Point = tuple[float, float]
T = TypeVar("T")

BESIDE, APART = 4.0, 10.0  # points between two texts
DASHES = {
    (): "solid",
    (5, 2): "dashed",
    (1.2, 1.6): "dotted",
    (5, 2, 1, 2): "dash-dotted",
    (5, 2, 1, 2, 1, 2): "dash-dot-dotted",
    (9, 2): "long-dashed",
}


@dataclass(frozen=True)
class Axis:
    """One axis of a panel.

    `limits` are those at the left and at the right, or at the bottom and at
    the top; `ticks` are place and text, empty where a neighbour says it;
    `gap` is the least distance of two tick labels in points.
    """

    scale: str
    label: str
    limits: Point
    ticks: tuple[tuple[float, str], ...]
    gap: float


@dataclass(frozen=True)
class Series:
    """A line or points: `end` is the place where its label is written."""

    label: str  # empty if it has none
    color: str
    dash: str  # of DASHES, or none
    marker: str
    x: Array
    y: Array
    end: Point | None = None
    end_color: str = ""
    rank: int = 0  # of the label among the panel's, from below


@dataclass(frozen=True)
class Band:
    """What lies between two lines over `x`."""

    color: str
    x: Array
    low: Array
    high: Array


@dataclass(frozen=True)
class Rule:
    """A straight line through the panel, or a shaded strip of it."""

    axis: str  # on which axis its place is
    low: float
    high: float  # the same for a line
    color: str


@dataclass(frozen=True)
class Steps:
    """A histogram: `values` between `edges`, above `baseline`."""

    color: str
    edges: Array
    values: Array
    baseline: float
    filled: bool


@dataclass(frozen=True)
class Boxes:
    """Rectangles of one colour: left, bottom, right and top of each."""

    color: str
    places: Array


@dataclass(frozen=True)
class Text:
    """A text and its place, in the units of the data or of the panel."""

    text: str
    color: str
    at: Point


@dataclass(frozen=True)
class Panel:
    """One axes of a figure: all that can be seen in it."""

    place: tuple[int, int]  # row and column
    titles: tuple[str, str, str]  # left, centre, right
    title_color: str
    x: Axis
    y: Axis
    has_turned_label: bool
    series: tuple[Series, ...]
    bands: tuple[Band, ...]
    rules: tuple[Rule, ...]
    steps: tuple[Steps, ...]
    boxes: tuple[Boxes, ...]
    texts: tuple[Text, ...]
    others: tuple[str, ...]  # what is not recorded
    touching: tuple[str, ...] = ()  # of the figure: texts that can run together
    cut: tuple[str, ...] = ()  # of the figure: texts that leave the drawing

    @property
    def title(self) -> str:
        """What stands above the panel: its name, or what its y axis shows."""
        return self.titles[0]

    @property
    def labels(self) -> list[str]:
        """The labels of its lines, in the order in which they are drawn."""
        return [line.label for line in self.series if line.label]

    def line(self, label: str) -> Series:
        """Return the one line of that label."""
        (line,) = (line for line in self.series if line.label == label)
        return line


def draw(
    name: str, plot: Callable[..., Figure], *data: Any
) -> tuple[dict[str, str], dict[str, list[Panel]]]:
    """Draw `<chapter>/<figure>`; return its SVGs, and by size what it shows."""
    panels: dict[str, list[Panel]] = {}

    def look(size: str, figure: Figure) -> None:
        panels[size] = record(figure)

    with style.in_style(name):
        figure = plot(*data)
        files = style.variants(figure, f"plot_{name.split('/')[1]}", look)
    return files, panels


def record(figure: Figure) -> list[Panel]:
    """Return what a figure that is laid out shows, panel by panel."""
    figure.draw_without_rendering()
    shown = [ax for ax in figure.axes if ax.get_visible()]
    if figure.legends or figure.texts or any(a.get_legend() for a in shown):
        raise ValueError("labels stand at the lines, not in a legend")
    touching = tuple(_touching(figure, shown))
    cut = tuple(_cut(figure, shown))
    return [replace(_panel(ax), touching=touching, cut=cut) for ax in shown]


def _touching(figure: Figure, shown: list[Axes]) -> Iterable[str]:
    """Yield the pairs of texts that stand too near to be told apart.

    Side by side they are `BESIDE` apart at least. What a panel is called
    stands nearer to it than what the axis above it is called.
    """
    points = 72 / figure.dpi
    above = [ax.xaxis.label for ax in shown]
    below = [ax._left_title for ax in shown]  # type: ignore[attr-defined]
    boxes = [(t, t.get_window_extent()) for t in _texts(shown)]
    for (one, here), (other, there) in combinations(boxes, 2):
        across = max(here.x0, there.x0) - min(here.x1, there.x1)
        up = max(here.y0, there.y0) - min(here.y1, there.y1)
        least = BESIDE
        if one in above and other in below and here.y0 > there.y0:
            least, up = 0.0, up - APART / points
        if across * points < least and up < -1:
            yield f"{one.get_text()!r}, {other.get_text()!r}"


def _cut(figure: Figure, shown: list[Axes]) -> Iterable[str]:
    """Yield the texts that leave the drawing, and by how many points.

    Saving cuts them off at its edge.
    """
    for text in _texts(shown):
        box = text.get_window_extent()
        inside = (box.min - figure.bbox.min, figure.bbox.max - box.max)
        beyond = -np.min(inside) * 72 / figure.dpi
        if beyond > 0:
            yield f"{text.get_text()!r} by {beyond:.1f}"


def _texts(shown: list[Axes]) -> list[Any]:
    """Return all texts that are seen in these panels."""
    every: list[Any] = []
    for ax in shown:
        title = ax._left_title  # type: ignore[attr-defined]
        every += [ax.xaxis.label, title, *ax.texts]
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            every += [
                tick.label1
                for tick in axis.get_major_ticks()
                if low <= tick.get_loc() <= high
            ]
    return [t for t in every if t.get_visible() and t.get_text()]


def _panel(ax: Axes) -> Panel:
    spec = ax.get_subplotspec()
    place = (spec.rowspan.start, spec.colspan.start) if spec else (0, 0)
    parts = [
        part
        for artist in ax.get_children()
        if artist.get_visible()
        for part in _seen(ax, artist)
    ]

    def of(kind: type[T]) -> tuple[T, ...]:
        return tuple(part for part in parts if isinstance(part, kind))

    titles = [ax.get_title(loc=loc) for loc in ("left", "center", "right")]
    return Panel(
        place,
        (titles[0], titles[1], titles[2]),
        _name(ax._left_title.get_color()),  # type: ignore[attr-defined]
        _axis(ax.xaxis, ax.get_xlim(), ax.get_xlabel(), 0),
        _axis(ax.yaxis, ax.get_ylim(), ax.get_ylabel(), 1),
        bool(ax.get_ylabel()) and ax.yaxis.label.get_visible(),
        tuple(_labelled(ax, of(Series))),
        of(Band), of(Rule), of(Steps), of(Boxes), of(Text), of(str),
    )  # fmt: skip


def _axis(axis: MatplotlibAxis, ends: Point, label: str, way: int) -> Axis:
    low, high = sorted(ends)
    ticks = axis.get_major_ticks()
    inside = [tick for tick in ticks if low <= tick.get_loc() <= high]
    shown = [t.label1 for t in inside if t.label1.get_visible()]
    boxes = sorted(
        (box.p0[way], box.p1[way])
        for text in shown
        if text.get_text() and (box := text.get_window_extent())
    )
    figure = axis.axes.get_figure(root=True)
    assert figure is not None
    gaps = [after[0] - before[1] for before, after in pairwise(boxes)]
    return Axis(
        axis.get_scale(),
        label,
        (float(ends[0]), float(ends[1])),
        tuple(
            (float(t.get_loc()), t.label1.get_text() * t.label1.get_visible())
            for t in inside
        ),
        min(gaps, default=np.inf) * 72 / figure.dpi,
    )


def _seen(ax: Axes, artist: Any) -> Iterable[Any]:
    """Yield the records of one artist; a text for one that is not known."""
    furniture = (ax.xaxis, ax.yaxis, ax.patch, *ax.spines.values())
    titles = (ax.title, ax._left_title, ax._right_title)  # type: ignore[attr-defined]
    if artist in furniture or artist in titles:
        return
    along = artist.get_transform().contains_branch_seperately(ax.transData)
    if isinstance(artist, Line2D):
        yield _line(artist, along)
    elif isinstance(artist, patches.StepPatch):
        values, edges, baseline = artist.get_data()
        face: Any = artist.get_facecolor()
        edge: Any = artist.get_edgecolor()
        for color in dict.fromkeys((face, edge)):
            if color[3]:
                yield Steps(
                    _name(color), np.asarray(edges), np.asarray(values),
                    float(np.ravel(baseline)[0]), color == face,
                )  # fmt: skip
    elif isinstance(artist, patches.Patch) and all(along):
        yield Boxes(_name(artist.get_facecolor(), "heat"), _corners(artist))
    elif isinstance(artist, patches.Rectangle) and any(along):
        way = along.index(True)
        low, high = sorted(artist.get_bbox().get_points()[:, way])
        yield Rule("xy"[way], low, high, _name(artist.get_facecolor()))
    elif isinstance(artist, collections.LineCollection):
        segments = artist.get_segments()
        colors = np.resize(artist.get_colors(), (len(segments), 4))
        for color, segment in zip(colors, segments, strict=True):
            x, y = np.asarray(segment, float).T
            yield Series("", _name(color), "solid", "", x, y)
    elif isinstance(artist, collections.FillBetweenPolyCollection):
        yield _band(artist)
    elif isinstance(artist, collections.PathCollection):
        x, y = np.asarray(artist.get_offsets(), float).T
        color = _name(np.ravel(artist.get_facecolor())[:4])
        yield Series("", color, "none", "o", x, y)
    elif hasattr(artist, "get_text"):
        if artist.get_gid() != "line-label" and artist.get_text():
            x, y = map(float, artist.get_position())
            color = _name(artist.get_color())
            yield Text(artist.get_text(), color, (x, y))
    else:
        yield type(artist).__name__


def _line(line: Line2D, along: tuple[bool, bool]) -> Series | Rule:
    x, y = (np.array(d, float) for d in (line.get_xdata(), line.get_ydata()))
    color = _name(line.get_color())
    if not all(along):
        way = along.index(True)
        at = float((x, y)[way][0])
        return Rule("xy"[way], at, at, color)
    label = str(line.get_label())
    pattern = tuple(line._unscaled_dash_pattern[1] or ())  # type: ignore[attr-defined]
    hidden = line.get_linestyle() in ("None", "none", " ", "")
    marker = str(line.get_marker())
    return Series(
        "" if label.startswith("_") else label, color,
        "none" if hidden else DASHES.get(pattern, str(pattern)),
        "" if marker in ("None", "none") else marker, x, y,
    )  # fmt: skip


def _band(band: collections.FillBetweenPolyCollection) -> Band:
    points = np.concatenate([path.vertices for path in band.get_paths()])
    x = np.unique(points[:, 0])
    over = [points[points[:, 0] == at, 1] for at in x]
    color: Any = band.get_facecolor()
    low, high = (np.array([f(y) for y in over]) for f in (np.min, np.max))
    return Band(_name(color[0]), x, low, high)


def _corners(patch: patches.Patch) -> Array:
    path = patch.get_patch_transform().transform_path(patch.get_path())
    polygons = path.to_polygons(closed_only=False)
    return np.array([[*p.min(0), *p.max(0)] for p in map(np.asarray, polygons)])


def _labelled(ax: Axes, lines: Iterable[Series]) -> list[Series]:
    """Add to the lines where their labels were written."""
    labels: list[Any] = [t for t in ax.texts if t.get_gid() == "line-label"]
    labels.sort(key=lambda label: label.get_window_extent().y0)
    of_line = {t.get_text(): (rank, t) for rank, t in enumerate(labels)}
    found = []
    for line in lines:
        if line.label in of_line:
            rank, label = of_line[line.label]
            end, color = label.xy, _name(label.get_color())
            end = (float(end[0]), float(end[1]))
            line = replace(line, end=end, end_color=color, rank=rank)
        found.append(line)
    return found


def _name(color: Any, family: str = "") -> str:
    """Return the palette's name of a colour; a family's own name first."""
    code = to_hex(color)
    names = [
        name for name, (light, _) in COLORS.items() if light.lower() == code
    ]
    own = [name for name in names if family and name.startswith(family)]
    return (own or names or [code])[0]
