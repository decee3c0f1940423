"""The look of the figures: one drawing, four files.

A `plot_*` draws with plain Matplotlib, in the colours of `COLORS`. Here the
labels of its lines are written at their ends, and the drawing is saved in
two sizes and two palettes: recoloured, not computed again.
"""

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
import numpy as np
from cycler import cycler
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sitegen.palette import COLORS
from sitegen.svg import StyleError, lean, recolour

matplotlib.use("svg")

matplotlib.colors.get_named_colors_mapping().update(
    {name: light for name, (light, _) in COLORS.items()}
)
SIZES = {"": (7.3, 3.5), "-phone": (3.42, 3.0)}  # inches; 1 in is 96 CSS px
FONTS = (
    "-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,'Noto Sans',"
    "'Helvetica Neue',Arial,sans-serif"
)
LABEL_AWAY, LABEL_APART = 7.0, 12.5  # points
SETTINGS: Any = {
    "figure.figsize": SIZES[""],
    "figure.constrained_layout.use": True,
    **dict.fromkeys(("figure.facecolor", "axes.facecolor"), "none"),
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    **dict.fromkeys(("axes.labelsize", "axes.titlesize"), 9),
    **dict.fromkeys(("xtick.labelsize", "ytick.labelsize"), 9),
    **dict.fromkeys(("axes.titlelocation", "xaxis.labellocation"), "left"),
    "lines.linewidth": 1.75,
    "lines.solid_capstyle": "round",
    **dict.fromkeys(("axes.linewidth", "grid.linewidth"), 0.75),
    **dict.fromkeys(("axes.edgecolor", "xtick.color", "ytick.color"), "axis"),
    **dict.fromkeys(("axes.labelcolor", "axes.titlecolor"), "muted"),
    **dict.fromkeys(("xtick.labelcolor", "ytick.labelcolor"), "muted"),
    "text.color": "muted",
    **{f"axes.spines.{side}": False for side in ("top", "right", "left")},
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": "grid",
    "axes.axisbelow": True,
    "xtick.major.size": 3.5,
    **{f"{ticks}.size": 0 for ticks in
       ("ytick.major", "xtick.minor", "ytick.minor")},
    "axes.prop_cycle": cycler(color=["ink"]),
    "svg.fonttype": "none",
    "path.simplify_threshold": 0.3,  # pixels: fewer bytes, the same line
}  # fmt: skip


@contextmanager
def in_style(salt: str) -> Iterator[None]:
    """Draw with these settings; the salt makes the SVG's ids repeatable."""
    try:
        with matplotlib.rc_context({**SETTINGS, "svg.hashsalt": salt}):
            yield
    finally:
        plt.close("all")


def variants(
    figure: Figure,
    name: str,
    look: Callable[[str, Figure], None] = lambda size, figure: None,
) -> dict[str, str]:
    """Return the drawing as four SVG texts, by the end of the file's name.

    `-light` and `-dark` are as wide as a page, `-phone-light` and
    `-phone-dark` as a phone. `look` is shown the drawing at each size, laid
    out and labelled. Raises `StyleError` for a colour that is not in
    `COLORS`, for an axis without a label, or for something else than a
    Matplotlib figure.
    """
    if not isinstance(figure, Figure):
        raise StyleError(
            f"{name} returned a {type(figure).__name__}, not a Figure"
        )
    for ax in figure.axes:
        if ax.get_ylabel() and not ax.get_title(loc="left"):
            ax.set_title(ax.get_ylabel(), loc="left")  # horizontal
        ax.yaxis.label.set_visible(False)
    _check_labels(figure, name)
    _label_lines(figure, name)
    height = figure.get_figheight()
    files = {}
    for size, (width, least) in SIZES.items():
        if size:
            grew = _transpose(figure)
            height = max(least, height * 0.85) * grew
        figure.set_size_inches(width, height)
        _spread_labels(figure, name)
        look(size, figure)
        files[f"{size}-light"] = light = _svg(figure)
        files[f"{size}-dark"] = recolour(light, name)
    return files


def _check_labels(figure: Figure, name: str) -> None:
    """Every axis that has ticks says what it shows, itself or a neighbour."""
    for which in ("x", "y"):
        ticked = [ax for ax in figure.axes if getattr(ax, f"{which}axis")
                  .get_visible() and ax.axison]  # fmt: skip
        said = [getattr(ax, f"get_{which}label")() for ax in ticked]
        if which == "y":  # a panel's title stands where its y label would
            said += [ax.get_title(loc="left") for ax in ticked]
        if ticked and not any(said):
            raise StyleError(f"{name}: no axis has a {which} label")


def _label_lines(figure: Figure, name: str) -> None:
    """Write the label of each line where it ends, in the line's colour."""
    for ax in figure.axes:
        for line in ax.lines:
            text = str(line.get_label())
            if text.startswith("_"):
                continue
            if not (end := _end(ax, line.get_xdata(), line.get_ydata())):
                raise StyleError(
                    f"{name}: the line {text!r} is nowhere inside its axes"
                )
            ax.annotate(
                text,
                end,
                (LABEL_AWAY, 0),
                textcoords="offset points",
                color=line.get_color(),
                va="center",
                annotation_clip=False,
                gid="line-label",
            )


def _end(ax: Axes, xdata: Any, ydata: Any) -> tuple[float, float] | None:
    """Return the rightmost point of a line inside the axes, if any is."""
    low, high = sorted(ax.get_ylim())
    left, right = sorted(ax.get_xlim())
    x, y = np.asarray(xdata, float), np.asarray(ydata, float)
    inside = (y >= low) & (y <= high) & (x >= left) & (x <= right)
    if not inside.any():
        return None
    x, y = x[inside], y[inside]
    at = int(np.argmin(x) if ax.xaxis_inverted() else np.argmax(x))
    return float(x[at]), float(y[at])


def _spread_labels(figure: Figure, name: str) -> None:
    """Push the labels of one axes apart, each as little as possible."""
    figure.draw_without_rendering()
    points = 72 / figure.dpi
    for ax in figure.axes:
        labels: list[Any] = [t for t in ax.texts if t.get_gid() == "line-label"]
        labels.sort(key=lambda t: ax.transData.transform(t.xy)[1])
        here = [ax.transData.transform(t.xy)[1] * points for t in labels]
        floor = ax.bbox.y0 * points + LABEL_APART / 2  # off the x axis
        ceiling = ax.bbox.y1 * points
        if len(labels) * LABEL_APART > ceiling - floor + LABEL_APART:
            raise StyleError(
                f"{name}: {len(labels)} labels are too many for one axes of "
                f"{ceiling - floor:.0f} points"
            )
        there = _apart(here, floor, ceiling)
        for label, was, now in zip(labels, here, there, strict=True):
            label.xyann = (LABEL_AWAY, now - was)


def _apart(heights: list[float], floor: float, ceiling: float) -> list[float]:
    """Return ascending heights, `LABEL_APART` apart, nearest to the given.

    Labels that touch move as one block, to the mean of where they want to be.
    """
    blocks: list[list[float]] = []
    for at, height in enumerate(heights):
        blocks.append([height - at * LABEL_APART])
        while len(blocks) > 1 and np.mean(blocks[-2]) > np.mean(blocks[-1]):
            last = blocks.pop()
            blocks[-1] += last
    ceiling -= (len(heights) - 1) * LABEL_APART
    wanted = [float(np.mean(block)) for block in blocks for _ in block]
    return [
        min(max(height, floor), ceiling) + at * LABEL_APART
        for at, height in enumerate(wanted)
    ]


def _transpose(figure: Figure) -> float:
    """Put a grid that is wider than high upright; return how it grew."""
    specs = [ax.get_subplotspec() for ax in figure.axes]
    grids = {spec.get_gridspec() for spec in specs if spec is not None}
    if len(grids) != 1:
        return 1.0
    (grid,) = grids
    rows, columns = grid.nrows, grid.ncols
    if columns <= rows:
        return 1.0
    upright = figure.add_gridspec(columns, rows)
    for ax, spec in zip(figure.axes, specs, strict=True):
        if spec is not None:
            row, column = spec.rowspan.start, spec.colspan.start
            ax.set_subplotspec(upright[column, row])
            beside = ax.get_shared_y_axes().joined(ax, figure.axes[0])
            ax.tick_params(labelbottom=True, labelleft=not (row and beside))
    said = {ax.get_xlabel() for ax in figure.axes} - {""}
    if len(said) == 1 and rows == 1:
        # Room, so that what an axis is called is not read as the next title.
        engine: Any = figure.get_layout_engine()
        engine.set(h_pad=0.11)
        # A lone title between two panels would be read as the upper one's.
        for ax in figure.axes:
            ax.set_xlabel(min(said))
    elif len(said) == 1:  # one label for all: below the first column again
        for ax in figure.axes:
            ax.set_xlabel("")
        below = upright.get_geometry()[0] - 1
        for ax in figure.axes:
            spec = ax.get_subplotspec()
            if spec is not None and spec.rowspan.start == below:
                ax.set_xlabel(said.pop())
                break
    return columns / rows


def _svg(figure: Figure) -> str:
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return re.sub(r"'DejaVu Sans'(, sans-serif)?", FONTS, lean(out.getvalue()))
