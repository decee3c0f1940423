"""What a measurement or a figure depends on, read from the sources.

Nothing is imported here: a build in which nothing changed must not load
TensorFlow to find that out.
"""

import ast
import hashlib
import re
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sitegen import SitegenError, isolation

PACKAGE = "snippets"
OWN_PACKAGES = (PACKAGE, "studies")
MEASURED_WITH = ("tensorflow", "keras", "numpy", "scikit-learn")
DRAWN_WITH = ("matplotlib",)
SPELT = {"tensorflow": "TensorFlow", "keras": "Keras", "numpy": "NumPy",
         "matplotlib": "Matplotlib"}  # fmt: skip
DATA = {".gz", ".csv", ".json"}
VERSION = re.compile(r'^VERSION = "([\w.]+)"$', re.MULTILINE)
CONFIGURATION = Path(isolation.__file__)


class SourceError(SitegenError):
    """A `figures.py` that cannot be understood; names file, line and mend."""


class Module:
    """The top-level definitions of one source file."""

    def __init__(self, path: Path, source: str) -> None:
        try:
            tree = ast.parse(source, filename=str(path))
        except SyntaxError as error:
            raise SourceError(f"{path}:{error.lineno}: {error.msg}") from error
        self.tree = _without_docstrings(tree)
        self.named: dict[str, list[ast.stmt]] = {}
        self.effects: list[ast.stmt] = []  # statements that bind no name
        for node in self.tree.body:
            names = _names_bound_by(node)
            for name in names:
                self.named.setdefault(name, []).append(node)
            if not names:
                self.effects.append(node)

    def functions(self, prefix: str) -> dict[str, ast.FunctionDef]:
        """Return the top-level functions `<prefix><name>`, by name."""
        return {
            name.removeprefix(prefix): nodes[-1]
            for name, nodes in self.named.items()
            if name.startswith(prefix)
            and isinstance(nodes[-1], ast.FunctionDef)
        }

    def reached_from(self, name: str) -> list[ast.stmt]:
        """Return the statements that the named one can use, itself included.

        They stand in the order of the file.
        """
        reached: set[ast.stmt] = set(self.effects)
        waiting = [*self.named[name], *self.effects]
        while waiting:
            node = waiting.pop()
            reached.add(node)
            for used in _uses(node):
                if isinstance(used, ast.Name):
                    for target in self.named.get(used.id, []):
                        if target not in reached:
                            waiting.append(target)
        return [node for node in self.tree.body if node in reached]


# One file, one statement is part of many keys.
_parsed = cache(Module)


@cache
def dump(node: ast.AST, movable: bool = False) -> str:
    """Return what a piece of code says, the same on every Python.

    `ast.dump` is not: each version adds fields, which are empty where code
    does not use what is new, and 3.12 alone ends some f-strings with an empty
    text. So what is empty is left out, as are the places of things; and the
    modules of this project that it imports from, if it is `movable`.
    """
    fields = [
        f"{name}={_part(value, movable)}"
        for name, value in ast.iter_fields(node)
        if value is not None and value != [] and name != "type_comment"
        and not (
            movable
            and name == "module"
            and str(value).partition(".")[0] in OWN_PACKAGES
        )
    ]  # fmt: skip
    return f"{type(node).__name__}({', '.join(fields)})"


def _part(value: Any, movable: bool) -> str:
    if isinstance(value, ast.JoinedStr):
        full = [v for v in value.values if getattr(v, "value", None) != ""]
        value = ast.JoinedStr(full)
    if isinstance(value, ast.AST):
        return dump(value, movable)
    if isinstance(value, list):
        return f"[{', '.join(_part(item, movable) for item in value)}]"
    return repr(value)


def code(path: Path) -> str:
    """Return what a whole file says; not its comments and docstrings.

    Nor where the modules of this project lie that it imports from: moving
    one does not make void what took hours.
    """
    return dump(module(path).tree, movable=True)


@cache
def _uses(node: ast.AST) -> list[ast.AST]:
    """Return the names and the imports in a node."""
    kinds = ast.Name | ast.Import | ast.ImportFrom
    return [part for part in ast.walk(node) if isinstance(part, kinds)]


def module(path: Path) -> Module:
    """Return what a source file defines."""
    return _parsed(path, path.read_text("utf-8"))


def measurement_key(root: Path, slug: str, name: str) -> str:
    """Hash what can change `measure_<name>` of a chapter.

    Its own code, what that code uses in `figures.py`, every module of
    this project that it imports, transitively, the data files next to all of
    these, the configuration and the seeds that it runs with, and the versions
    of Python and of the libraries. Comments, docstrings, other measurements
    and the way of drawing are not among them.
    """
    return _hash(
        *_code(root, figures_file(root, slug), f"measure_{name}"),
        *_configuration(),
        *_versions(MEASURED_WITH),
    )


def lab_key(source: Path) -> str:
    """Hash what can change a lab's executed notebook."""
    executes = module(Path(__file__).with_name("labs.py"))
    return _hash(
        source.read_text("utf-8"),
        *map(dump, executes.reached_from("_run")),
        *_configuration(),
        *_versions(MEASURED_WITH + DRAWN_WITH),
    )


def figure_key(
    root: Path, slug: str, name: str, style: tuple[Path, ...]
) -> str:
    """Hash what can change `plot_<name>`: its data, its code, the style."""
    plot = module(figures_file(root, slug)).functions("plot_")[name]
    return _hash(
        *_code(root, figures_file(root, slug), f"plot_{name}"),
        *(measurement_key(root, slug, data) for data in data_of(plot)),
        *(path.read_text("utf-8") for path in style),
        *_versions(DRAWN_WITH),
    )


def figures_file(root: Path, slug: str) -> Path:
    """Return the path of a chapter's `figures.py`."""
    return root / PACKAGE / slug / "figures.py"


def chapters(root: Path) -> list[str]:
    """Return the slugs that have figures."""
    found = (root / PACKAGE).glob("*/figures.py")
    return sorted(path.parent.name for path in found)


def data_files(folder: Path) -> list[Path]:
    """Return the data files of a folder, as those beside a `figures.py`."""
    return [path for path in sorted(folder.iterdir()) if path.suffix in DATA]


def downloads(root: Path, slug: str) -> dict[Path, str]:
    """Return the listings with a `VERSION`: readers take them whole."""
    found = {}
    for path in sorted(figures_file(root, slug).parent.glob("*.py")):
        version = VERSION.search(path.read_text("utf-8"))
        if version:
            found[path] = version[1]
    return found


def data_of(plot: ast.FunctionDef) -> list[str]:
    """Return the measurements that a `plot_*` asks for: its parameters."""
    return [argument.arg for argument in plot.args.args]


def jobs(root: Path, slug: str) -> tuple[list[str], dict[str, list[str]]]:
    """Return a chapter's measurements, and its figures with their data.

    Raises `SourceError` when a `plot_*` asks for what nothing measures.
    """
    path = figures_file(root, slug)
    parsed = module(path)
    measured = list(parsed.functions("measure_"))
    drawn = {}
    for name, plot in parsed.functions("plot_").items():
        drawn[name] = data_of(plot)
        for data in drawn[name]:
            if data not in measured:
                raise SourceError(
                    f"{path}:{plot.lineno}: plot_{name} asks for {data!r}, "
                    f"and there is no measure_{data}: name its parameters "
                    f"after measurements ({', '.join(measured)})"
                )
    return measured, drawn


def _code(root: Path, path: Path, name: str) -> list[str]:
    """Return the code that a function can run, and the data beside it."""
    parsed = module(path)
    seen: dict[Path, str] = {}
    reached = parsed.reached_from(name)
    for node in reached:
        _follow(root, path, node, seen)
    for folder in sorted({path.parent, *(file.parent for file in seen)}):
        for file in data_files(folder):
            seen[file] = hashlib.sha256(file.read_bytes()).hexdigest()
    return [dump(node) for node in reached] + [
        f"{file.relative_to(root).as_posix()} {seen[file]}"
        for file in sorted(seen)
    ]


def _configuration() -> list[str]:
    """Return the variables, and the code that sets them and the seeds."""
    parsed = module(CONFIGURATION)
    return [*map("=".join, sorted(isolation.FIXED.items()))] + [
        dump(node)
        for name in ("environment", "begin")
        for node in parsed.reached_from(name)
    ]


def _follow(
    root: Path, importer: Path, node: ast.AST, seen: dict[Path, str]
) -> None:
    """Collect the modules of this project that a node of a file imports."""
    package = (*importer.parent.relative_to(root).parts, "")
    for part in _uses(node):
        names: list[str] = []
        if isinstance(part, ast.Import):
            names = [alias.name for alias in part.names]
        elif isinstance(part, ast.ImportFrom):
            base = part.module or ""
            if part.level:  # `from .listing import f`
                base = ".".join(package[: -part.level]) + "." + base
            base = base.rstrip(".")
            names = [base, *(f"{base}.{alias.name}" for alias in part.names)]
        for dotted in names:
            parts = dotted.split(".")
            if parts[0] not in OWN_PACKAGES:
                continue
            for file in (
                root.joinpath(*parts).with_suffix(".py"),
                *(root.joinpath(*parts[:n], "__init__.py")
                  for n in range(1, len(parts) + 1)),
            ):  # fmt: skip
                if file.is_file() and file not in seen:
                    tree = module(file).tree
                    seen[file] = dump(tree)
                    _follow(root, file, tree, seen)


def _names_bound_by(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        names = [a.asname or a.name.split(".")[0] for a in node.names]
        return names if names != ["*"] else []
    if not isinstance(node, ast.Assign | ast.AnnAssign):
        return []
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    parts = (part for target in targets for part in ast.walk(target))
    return [part.id for part in parts if isinstance(part, ast.Name)]


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
            and ast.get_docstring(node, clean=False) is not None
        ):
            node.body = node.body[1:] or [ast.Pass()]
    return tree


@cache
def _versions(packages: tuple[str, ...]) -> tuple[str, ...]:
    python = ".".join(map(str, sys.version_info[:3]))
    return (python, *(f"{name} {version(name)}" for name in packages))


def ran_with() -> str:
    """Return the versions that a page's numbers come from, to be read."""
    python, *others = _versions(MEASURED_WITH + DRAWN_WITH)
    named = [part.partition(" ") for part in others]
    said = [f"{SPELT.get(name, name)} {number}" for name, _, number in named]
    return " · ".join([f"Python {python}", *said])


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
