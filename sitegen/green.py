"""What was green in this clone, and can say nothing else now, is not run again.

For `make test` alone, that is for a pytest that is told no files: whoever
names a test gets it run. A file of tests is passed over if all its tests
were green with the same inputs, as `Inputs` finds them. What lies outside,
such as fonts and programs of the system, is not seen: `ALL=1` runs all, as
does a fresh clone.
"""

import ast
import hashlib
import json
import os
import platform
import sysconfig
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import pytest

from sitegen import CACHE, ROOT, keys, measure
from sitegen.store import write_whole

RECORD = CACHE / "green.json"
OWN = ("snippets", "studies", "tests", "sitegen")
NOT_READ = {".git", ".venv", ".cache", "site", "__pycache__"}
HOW = ("unchanged", "kept")  # what a worker tells of an item, and of itself


class Inputs:
    """All that the tests of a file can depend on, as one hash.

    For a page: its text, the listings, all data. For what tests claims or
    studies: the folders of what it imports, the measurements of the chapters
    that it names, all data, the commit where a study chooses by it. For what
    starts processes, and all other tests: every file of the project. Where
    "docs" or "site" are named, what is in there. And for all of them the
    versions of everything that is installed.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def key(self, path: Path) -> str:
        """Return the hash of a file's inputs."""
        parts = [path.relative_to(self.root).as_posix(), *self.environment]
        first, kind, *_ = (*path.relative_to(self.root).parts, "")
        if path.suffix == ".md":
            listings = self.root.glob("snippets/*/*.py")
            files = {path, *listings, *self.data, *self.machinery}
        elif first == "tests" and kind in ("claims", "studies", "browser"):
            files = self.imported(path)
            files |= {path, *self.data, *self.machinery}
            own = path.read_text("utf-8")
            if "subprocess" in own:
                files = {*self.tree}
            if "docs" in own or "README" in own:
                files |= {*self._below("docs"), self.root / "README.md"}
            if self.root / "studies/unchanged.py" in files:
                from studies.unchanged import commit

                parts.append(commit())
            parts += self.measured(own)
            if kind == "browser":
                files |= {*self._below("site")}
                parts += self.browser
        else:
            files = {*self.tree}
        parts += [f"{_name(f, self.root)} {_digest(f)}" for f in sorted(files)]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]

    @cached_property
    def environment(self) -> list[str]:
        """The versions of all that is installed; which backends there are."""
        packages = Path(sysconfig.get_path("purelib"))
        found = [path.name for path in packages.glob("*.dist-info")]
        fetched = (path.name for path in (CACHE / "backends").glob("*"))
        of_this_machine = (platform.platform(), platform.python_version())
        return [*of_this_machine, *sorted(found), *sorted(fetched)]

    @cached_property
    def tree(self) -> list[Path]:
        """Every file of the project."""
        return self._below("")

    @cached_property
    def data(self) -> list[Path]:
        """The tables that listings, measurements and studies read."""
        folders = ("snippets", "studies")
        files = (path for name in folders for path in self._below(name))
        return [path for path in files if not _is_py(path)]

    @cached_property
    def machinery(self) -> list[Path]:
        """What runs the tests, and makes what they look at."""
        named = ("conftest.py", "tests/conftest.py", "pyproject.toml")
        files = [self.root / name for name in named]
        return [f for f in files if f.is_file()] + self._below("sitegen")

    @cached_property
    def browser(self) -> list[str]:
        """The browser that looks at the site."""
        from tests.browser.chromium import find_browser

        found = Path(find_browser() or "")
        return [str(found), str(found.stat().st_mtime_ns)]

    def imported(self, path: Path) -> set[Path]:
        """Return the folders of what a file imports of this project, and on.

        Whole folders: some of them look for their modules when they run.
        """
        files: set[Path] = set()
        waiting = {path}
        while waiting:
            file = waiting.pop()
            for name in _imports(file.read_bytes()):
                if name.split(".")[0] not in OWN:
                    continue
                place = self.root.joinpath(*name.split("."))
                folder = place if place.is_dir() else place.parent
                deep = len(folder.relative_to(self.root).parts) > 1
                found = folder.rglob("*.py") if deep else ()
                new = {*found, place.with_suffix(".py")} - files
                new = {f for f in new if f.is_file()}
                files |= new
                waiting |= new
        return files

    def measured(self, text: str) -> list[str]:
        """Return the keys of what the chapters measure that a text names."""
        named = [s for s in keys.chapters(self.root) if f'"{s}"' in text]
        return [key for slug in named for key in _measured(self.root, slug)]

    def _below(self, folder: str) -> list[Path]:
        found = []
        for at, folders, files in os.walk(self.root / folder):
            here = Path(at)
            folders[:] = [
                name
                for name in folders
                if name not in NOT_READ and not name.endswith("_cache")
            ]
            found += [here / name for name in files]
        return found


def _is_py(path: Path) -> bool:
    return path.suffix == ".py"


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


@cache
def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@cache
def _imports(source: bytes) -> tuple[str, ...]:
    """Return what a source may import, in any of its functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
            names.add(node.module)
    return tuple(sorted(names))


@cache
def _measured(root: Path, slug: str) -> tuple[str, ...]:
    names, drawn = keys.jobs(root, slug)
    style = measure.STYLE
    return (
        *(keys.measurement_key(root, slug, name) for name in names),
        *(keys.figure_key(root, slug, name, style) for name in drawn),
    )


def unchanged(
    files: dict[str, list[str]], record: dict[str, str], now: dict[str, str]
) -> set[str]:
    """Return the files all of whose tests were green with today's key."""
    return {
        file
        for file, tests in files.items()
        if all(record.get(test) == now[file] for test in tests)
    }


def read(record: Path = RECORD) -> dict[str, str]:
    """Return test → the key of its inputs when it was green the last time."""
    try:
        return dict(json.loads(record.read_text("utf-8")))
    except (OSError, ValueError):
        return {}


def _is_all(config: pytest.Config) -> bool:
    return config.args_source is pytest.Config.ArgsSource.TESTPATHS


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Tell each test the key of its inputs; take out what need not run."""
    inputs, now = Inputs(ROOT), dict[str, str]()
    files: dict[str, list[str]] = {}
    for item in items:
        file = _name(item.path, ROOT)
        if file not in now:
            now[file] = inputs.key(item.path)
        item.user_properties.append((HOW[0], now[file]))
        files.setdefault(file, []).append(item.nodeid)
    wanted = any(os.environ.get(name) for name in ("ALL", "WEEKLY"))
    kept: set[str] = set()
    if _is_all(config) and not wanted:
        kept = unchanged(files, read(), now)
    gone = [item for item in items if _name(item.path, ROOT) in kept]
    items[:] = [item for item in items if _name(item.path, ROOT) not in kept]
    if gone:
        config.hook.pytest_deselected(items=gone)
    config.stash[COUNT] = len(gone)
    if hasattr(config, "workeroutput"):
        config.workeroutput[HOW[1]] = len(gone)


COUNT = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    """Watch what becomes green, in the process that reports it."""
    config.stash[COUNT] = 0
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Watch(config), "green-watch")


class _Watch:
    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.green: dict[str, str] = {}
        self.red: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        key = dict(report.user_properties).get(HOW[0])
        if report.failed:
            self.red.add(report.nodeid)
        elif key and (report.when == "call" or report.skipped):
            self.green[report.nodeid] = str(key)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        told = getattr(node, "workeroutput", {}).get(HOW[1], 0)
        self.config.stash[COUNT] = max(self.config.stash[COUNT], told)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        record = read()
        for test in self.red:
            record.pop(test, None)
        record |= {t: k for t, k in self.green.items() if t not in self.red}
        write_whole(RECORD, json.dumps(record).encode())
        none = session.exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED
        if none and self.config.stash[COUNT]:
            session.exitstatus = pytest.ExitCode.OK

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> None:
        if kept := self.config.stash[COUNT]:
            terminalreporter.line(
                f"{kept} tests were green with the same inputs: not run again "
                "(ALL=1 runs all)."
            )
