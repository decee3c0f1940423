"""Put faults into the figures, one at a time, and see who notices.

    python -m tests.mutate_figures [--faults 60] [--seed 0]

A fault is of one of the kinds below, in the code of a `plot_*` or in what it
drew. The figure is drawn with it from what was measured, and all tests of
that figure are run. A fault that leaves all four files of a figure as they
were, byte by byte, is none, and another is drawn in its place.
"""

import argparse
import ast
import copy
import importlib
import inspect
import pickle
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from matplotlib.figure import Figure

from sitegen import drawn, isolation, keys, style
from sitegen.store import Store
from tests.pages import test_figures as rules

ROOT = Path(__file__).parents[1]
STORE = Store(ROOT / ".cache/store")
ENOUGH = 0.95  # of the faults
Change = Callable[[], str]
DASHES = ["-", (0, (5, 2)), (0, (1.2, 1.6))]
COLORS = ["he", "glorot", "lecun", "narrow", "wide", "other"]
LABELS = ["layer", "update", "loss", "learning rate", "weight", "output"]


class Nothing(Exception):
    """A figure that offers no place for a fault of this kind."""


# Faults in what was drawn


def panel(figure: Figure, rng: random.Random, least: int = 0) -> Any:
    """Return a panel with at least so many lines that have a label."""
    some = [ax for ax in figure.axes if len(lines(ax)) >= least]
    if not some:
        raise Nothing
    return rng.choice(some)


def lines(ax: Any) -> list[Any]:
    """Return the lines of a panel that show data."""
    return [line for line in ax.lines if len(line.get_xdata()) > 2]


def scale(figure: Figure, rng: random.Random) -> str:
    ax, which = panel(figure, rng), rng.choice("xy")
    now = getattr(ax, f"get_{which}scale")()
    low = min(getattr(ax, f"get_{which}lim")())
    new = "linear" if now == "log" else "log" if low > 0 else "symlog"
    limits = getattr(ax, f"get_{which}lim")()
    for other in figure.axes:
        if other.axison:
            getattr(other, f"set_{which}scale")(new)
            getattr(other, f"set_{which}lim")(limits)
    return f"{which}: {now} to {new}"


def axis(figure: Figure, rng: random.Random) -> str:
    ax, which = panel(figure, rng), rng.choice("xy")
    getattr(ax, f"invert_{which}axis")()
    return f"{which} inverted in {ax.get_title(loc='left')!r}"


def limits(figure: Figure, rng: random.Random) -> str:
    ax, which = panel(figure, rng), rng.choice("xy")
    get = getattr(ax, f"get_{which}lim")
    is_log = getattr(ax, f"get_{which}scale")() == "log"
    low, high = np.log(get()) if is_log else np.array(get())
    part = rng.choice([0.6, 3.0])
    new = (low, low + part * (high - low))
    getattr(ax, f"set_{which}lim")(np.exp(new) if is_log else new)
    return f"{which}: {part} of the range"


def dropped(figure: Figure, rng: random.Random) -> str:
    ax = panel(figure, rng, 1)
    line = rng.choice(lines(ax))
    line.remove()
    return f"without the line {line.get_label()!r}"


def swapped(figure: Figure, rng: random.Random) -> str:
    ax = panel(figure, rng, 2)
    one, other = rng.sample(lines(ax), 2)
    data = one.get_data()
    one.set_data(*other.get_data())
    other.set_data(*data)
    return f"data of {one.get_label()!r} and {other.get_label()!r}"


def order(figure: Figure, rng: random.Random) -> str:
    ax = panel(figure, rng, 1)
    line = rng.choice(lines(ax))
    line.set_ydata(np.asarray(line.get_ydata())[::-1])
    return f"{line.get_label()!r} from its end"


def names_swapped(figure: Figure, rng: random.Random) -> str:
    ax = panel(figure, rng, 2)
    one, other = rng.sample(lines(ax), 2)
    label = one.get_label()
    one.set_label(other.get_label())
    other.set_label(label)
    return f"labels {one.get_label()!r} and {label!r}"


def colour(figure: Figure, rng: random.Random) -> str:
    ax = panel(figure, rng)
    artists = [*lines(ax), *ax.collections, *ax.patches]
    if not artists:
        raise Nothing
    artist = rng.choice(artists)
    new = rng.choice(COLORS)
    artist.set_color(new)
    return f"{type(artist).__name__} in {new}"


def dash(figure: Figure, rng: random.Random) -> str:
    line = rng.choice(lines(panel(figure, rng, 1)))
    new = rng.choice(DASHES)
    line.set_linestyle(new)
    return f"{line.get_label()!r} {new}"


def panels(figure: Figure, rng: random.Random) -> str:
    if len(figure.axes) < 2:
        raise Nothing
    one, other = rng.sample(figure.axes, 2)
    if rng.random() < 0.5:
        title = one.get_title(loc="left") or one.get_ylabel()
        one.set_title(other.get_title(loc="left") or other.get_ylabel())
        other.set_title(title)
        return "titles of two panels swapped"
    spec = one.get_subplotspec()
    one.set_subplotspec(other.get_subplotspec())
    other.set_subplotspec(spec)
    return "two panels swapped"


def y_label_as_title(figure: Figure, rng: random.Random) -> str:
    some = [ax for ax in figure.axes if ax.get_ylabel()] or figure.axes
    ax = rng.choice(some)
    ax.set_title(ax.get_ylabel() or ax.get_title(loc="left"), loc="center")
    ax.set_title(" ", loc="left")
    return "the y label in the middle"


def x_label_elsewhere(figure: Figure, rng: random.Random) -> str:
    if len(figure.axes) < 2:
        raise Nothing
    ax = next(a for a in figure.axes if a.get_xlabel())
    other = rng.choice([a for a in figure.axes if a is not ax])
    other.set_xlabel(ax.get_xlabel())
    ax.set_xlabel("")
    return f"below {other.get_title(loc='left')!r}"


# Faults in the code


def code(change: Callable[[ast.AST, random.Random], list[Change]]) -> Any:
    """Make a fault of the drawing's code from what lists its places."""

    def fault(tree: ast.AST, rng: random.Random) -> str:
        places = [
            place for node in ast.walk(tree) for place in change(node, rng)
        ]
        if not places:
            raise Nothing
        return rng.choice(places)()

    fault.of_code = True  # type: ignore[attr-defined]
    return fault


def replace(node: Any, field: str, at: int | None, new: Any) -> Change:
    """Return what puts a new thing into a field of a node, and says so."""

    def do() -> str:
        line = getattr(node, "lineno", 0)
        if at is None:
            was = getattr(node, field)
            setattr(node, field, new)
        else:
            was = getattr(node, field)[at]
            getattr(node, field)[at] = new
        ast.fix_missing_locations(node)
        said = [
            ast.unparse(thing) if isinstance(thing, ast.AST) else repr(thing)
            for thing in (was, new)
        ]
        return f"line {line}: {said[0]} to {said[1]}"

    return do


def one_seed(node: ast.AST, rng: random.Random) -> list[Change]:
    """List where one run could stand for the middle or edge of all."""
    found: list[Change] = []
    for field, value in ast.iter_fields(node):
        for at, part in enumerate(value) if isinstance(value, list) else [
            (None, value)]:  # fmt: skip
            if not (
                isinstance(part, ast.Call)
                and isinstance(part.func, ast.Attribute)
                and part.func.attr in ("median", "mean", "min", "max")
            ):
                continue
            of_numpy = ast.unparse(part.func.value) == "np"
            of = part.args[0] if of_numpy else part.func.value
            ways = [*part.args[of_numpy:], *(k.value for k in part.keywords)]
            if len(ways) == 1 and ast.unparse(ways[0]) in ("0", "1"):
                index = "[0]" if ast.unparse(ways[0]) == "0" else "[:, 0]"
                new = ast.parse(f"({ast.unparse(of)}){index}", mode="eval")
                found.append(replace(node, field, at, new.body))
    return found


def first_two_swapped(node: ast.AST, rng: random.Random) -> list[Change]:
    """List where two texts of a list, or two rows, could be swapped."""
    if isinstance(node, ast.Tuple | ast.List) and len(node.elts) > 1:
        one, other, *_ = node.elts
        if isinstance(one, ast.Constant) and isinstance(one.value, str):
            return [replace(node, "elts", None, [other, one, *node.elts[2:]])]
    if isinstance(node, ast.Dict) and len(node.keys) > 1:
        values = node.values
        if ast.dump(values[0]) != ast.dump(values[1]):
            new = [values[1], values[0], *values[2:]]
            return [replace(node, "values", None, new)]
    return []


def other_text(node: ast.AST, rng: random.Random) -> list[Change]:
    """List the labels, titles and notes."""
    if not isinstance(node, ast.Call):
        return []
    name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    new = ast.Constant(rng.choice(LABELS))
    found = []
    if name in ("set_xlabel", "set_ylabel", "set_title"):
        found.append(replace(node, "args", 0, new))
    if name == "text":
        found.append(replace(node, "args", 2, new))
    found += [
        replace(keyword, "value", None, new)
        for keyword in node.keywords
        if keyword.arg == "label"
    ]
    return found


def other_unit(node: ast.AST, rng: random.Random) -> list[Change]:
    """List the units and formats of numbers."""
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return []
    text = node.value
    new = [text.replace(old, by) for old, by in (
        (" %", ""), (" %", " ‰"), ("½", "0.05"), ("10", "100"),
        (".0%", ".1f"), (".4f", ".0f"), (" (root mean square)", ""),
        ("ln 10", "ln 2"), ("digits", "images"), (" layers", " units"),
    )]  # fmt: skip
    return [replace(node, "value", None, t) for t in new if t != text]


KINDS: dict[str, list[Any]] = {
    "scale": [scale],
    "axis": [axis],
    "limits": [limits],
    "series": [dropped, swapped],
    "order": [order, code(first_two_swapped)],
    "seed": [code(one_seed)],
    "label": [names_swapped, code(other_text)],
    "unit": [code(other_unit)],
    "colour": [colour],
    "dash": [dash],
    "panel": [panels],
    "y label as title": [y_label_as_title],
    "x label elsewhere": [x_label_elsewhere],
}


# Drawing and testing


def measured(slug: str, name: str) -> Any:
    """Return what was measured; nothing is measured here."""
    key = keys.measurement_key(ROOT, slug, name)
    return STORE.get("data", f"{slug}/{name}", key)


def draw(
    slug: str, name: str, kind: Any, rng: random.Random, save: bool = False
) -> tuple:
    """Draw a figure with a fault of a kind, or with none.

    Return its files, which are empty unless saved, what it shows, and what
    the fault is.
    """
    path = keys.figures_file(ROOT, slug)
    module = importlib.import_module(f"snippets.{slug}.figures")
    tree = copy.deepcopy(ast.parse(path.read_text("utf-8")))
    said = ""
    if hasattr(kind, "of_code"):
        reached = keys.Module(path, path.read_text("utf-8")).reached_from(
            f"plot_{name}"
        )
        wanted = {node.lineno for node in reached}
        part = ast.Module([n for n in tree.body if n.lineno in wanted], [])
        said = kind(part, rng)
    namespace = {"__name__": module.__name__, "__file__": str(path)}
    exec(compile(tree, str(path), "exec"), namespace)

    def plot(*data: Any) -> Figure:
        nonlocal said
        figure: Figure = namespace[f"plot_{name}"](*data)  # type: ignore[operator]
        if kind is not None and not hasattr(kind, "of_code"):
            said = kind(figure, rng)
        return figure

    data = [measured(slug, d) for d in keys.jobs(ROOT, slug)[1][name]]
    with nullcontext() if save else patch.object(style, "_svg", lambda _: ""):
        return *drawn.draw(f"{slug}/{name}", plot, *data), said


def tests_of(slug: str, name: str) -> Iterator[tuple[str, Callable[..., None]]]:
    """Yield the tests of a figure: the rules, and its chapter's."""
    for test, function in vars(rules).items():
        wants = inspect.signature(function).parameters if (
            test.startswith("test_")) else ()  # fmt: skip
        if "figure" in wants:
            for size in rules.SIZES if "size" in wants else [None]:
                more = {} if size is None else {"size": size}

                def run(drawn: Any, f: Any = function, m: Any = more) -> None:
                    f(drawn=drawn, figure=(slug, name), **m)

                yield test, run
    module = importlib.import_module(f"tests.claims.test_{slug}")
    for test, function in vars(module).items():
        if test.startswith("test_") and callable(function):
            wants = inspect.signature(function).parameters
            if "drawn" in wants:
                if more := {*wants} - {"drawn", "measured"}:
                    sys.exit(f"{slug}: {test} asks for {', '.join(more)}")

                def run(drawn: Any, f: Any = function, w: Any = wants) -> None:
                    both = {"drawn": drawn, "measured": measured}
                    f(**{k: both[k] for k in w})

                yield test, run


def caught_by(slug: str, name: str, shown: dict[str, Any]) -> str:
    """Return the first test that fails on what a figure shows."""

    def drawing(a: str, b: str, size: str = "") -> Any:
        if (a, b) == (slug, name):
            return shown[size]
        return original(a, b)[1][size]

    for test, run in tests_of(slug, name):
        try:
            run(drawing)
        except Exception:
            return test
    return ""


_originals: dict[tuple[str, str], tuple] = {}


def original(slug: str, name: str) -> tuple:
    """Return a figure as it is."""
    if (slug, name) not in _originals:
        _originals[slug, name] = draw(slug, name, None, random.Random(0))
        if test := caught_by(slug, name, _originals[slug, name][1]):
            sys.exit(f"{slug}/{name} fails without a fault: {test}")
    return _originals[slug, name]


def faults(
    number: int, seed: int
) -> Iterator[tuple[str, tuple[str, str], str, str]]:
    """Yield kind, figure, what was done, and what noticed it, if anything.

    The kinds take turns; each figure has its turn before one comes again.
    """
    rng = random.Random(seed)
    waiting: list[tuple[str, str]] = []
    done: set[tuple] = set()
    kinds = [*KINDS]
    while len(done) < number:
        kind = kinds[len(done) % len(kinds)]
        for _ in range(200):
            if not waiting:
                waiting = rng.sample(rules.FIGURES, len(rules.FIGURES))
            figure = waiting.pop()
            fault = rng.choice(KINDS[kind])
            before = rng.getstate()
            try:
                _, shown, said = draw(*figure, fault, rng)
            except Nothing:
                continue
            except Exception as error:
                said, caught = str(error), "the build"
            else:
                if pickle.dumps(shown) == pickle.dumps(original(*figure)[1]):
                    rng.setstate(before)
                    files = draw(*figure, fault, rng, save=True)[0]
                    if files == draw(*figure, None, rng, save=True)[0]:
                        continue  # it can be seen nowhere
                caught = caught_by(*figure, shown)
            if (kind, figure, said) not in done:
                done.add((kind, figure, said))
                yield kind, figure, said, caught
                break
        else:
            raise SystemExit(f"no figure has a place for a fault: {kind}")


def main() -> None:
    """Report what was caught; fail if it is too little."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faults", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--all", action="store_true", help="show those caught")
    options = parser.parse_args()
    isolation.isolate()  # what draws imports Keras, and nothing above does
    caught = 0
    for kind, figure, said, test in faults(options.faults, options.seed):
        caught += bool(test)
        if options.all or not test:
            sign = f"caught by {test}" if test else "SURVIVES"
            print(f"{kind}: {'/'.join(figure)}: {said[:90]}: {sign}")
    print(f"{caught} of {options.faults} faults caught (seed {options.seed})")
    sys.exit(caught < ENOUGH * options.faults)


if __name__ == "__main__":
    main()
