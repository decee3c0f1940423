"""Measures each chapter once, draws its figures, and keeps the results.

A chapter is measured in a process of its own, as many at a time as there
are cores. TensorFlow never enters the process that asks.
"""

import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sitegen import CACHE, SitegenError, isolation, keys
from sitegen.store import Store

log = logging.getLogger("mkdocs.sitegen")

IMPORTS = 300.0  # seconds, on a busy machine
SECONDS_A_FUNCTION = float(os.environ.get("SITEGEN_SECONDS", "300"))
SAID = "\x1e"  # stands before what an author is to read
STORE = Store(CACHE / "store")
DRAW = ("drawn.py", "palette.py", "style.py", "svg.py")
STYLE = tuple(Path(__file__).with_name(n) for n in DRAW)


class MeasureError(SitegenError):
    """A `measure_*` or `plot_*` that raised, hung or died; names it."""


def data(root: Path, store: Store, slug: str, name: str) -> Any:
    """Return what `measure_<name>` of a chapter returned, measured once.

    Raises `MeasureError`, also if there is no such function.
    """
    known = slug in keys.chapters(root) and keys.jobs(root, slug)[0]
    if not known or name not in known:
        raise MeasureError(
            f"{slug}/{name}: there is no measure_{name} in snippets/{slug}/"
            f"figures.py: write it, or take one of what is measured: "
            f"{', '.join(known or keys.chapters(root))}"
        )
    key = keys.measurement_key(root, slug, name)
    if not store.has("data", f"{slug}/{name}", key):
        _run_chapter(root, store, slug, [name], [], SECONDS_A_FUNCTION)
    return store.get("data", f"{slug}/{name}", key)


def figures(
    root: Path, store: Store, seconds: float = SECONDS_A_FUNCTION
) -> dict[str, dict[str, str]]:
    """Return the SVG texts of all figures: `<slug>/<name>` → variant → SVG.

    What is missing is measured and drawn first. Raises `MeasureError`.
    """
    missing, wanted = {}, {}
    for slug in keys.chapters(root):
        measured, drawn = keys.jobs(root, slug)
        to_measure, to_draw = [], []
        for name in measured:
            key = keys.measurement_key(root, slug, name)
            store.keep("costs", f"{slug}/{name}", key)
            if not store.has("data", f"{slug}/{name}", key):
                to_measure.append(name)
        for name in drawn:
            key = keys.figure_key(root, slug, name, STYLE)
            wanted[f"{slug}/{name}"] = key
            if not store.has("figures", f"{slug}/{name}", key):
                to_draw.append(name)
        if to_measure or to_draw:
            missing[slug] = (to_measure, to_draw)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        started = [
            pool.submit(_run_chapter, root, store, slug, *names, seconds)
            for slug, names in missing.items()
        ]
        problems = [str(e) for run in started if (e := run.exception())]
    if problems:
        raise MeasureError("\n\n".join(problems))
    return {n: store.get("figures", n, key)[0] for n, key in wanted.items()}


def drawing(root: Path, store: Store, slug: str, name: str) -> Any:
    """Return what `plot_<name>` of a chapter shows, by size: `drawn.py`."""
    key = keys.figure_key(root, slug, name, STYLE)
    if not store.has("figures", f"{slug}/{name}", key):
        for needed in keys.jobs(root, slug)[1][name]:
            data(root, store, slug, needed)
        _run_chapter(root, store, slug, [], [name], SECONDS_A_FUNCTION)
    return store.get("figures", f"{slug}/{name}", key)[1]


def _run_chapter(
    root: Path,
    store: Store,
    slug: str,
    measurements: list[str],
    plots: list[str],
    seconds: float,
) -> None:
    file = keys.figures_file(root, slug).relative_to(root)
    names = [f"measure_{n}" for n in measurements]
    names += [f"plot_{n}" for n in plots]
    places = {name: f"{file}: {name}" for name in names}
    job = ("worker", slug, measurements, plots)
    run(root, store, job, str(file), places, seconds)


def run(
    root: Path,
    store: Store,
    job: tuple[Any, ...],
    file: str,
    places: dict[str, str],
    seconds: float,
) -> None:
    """Run one process and follow what it says it is doing.

    `job` is its module and what that is told; `places` says what each name
    that it prints stands for, `file` where they are. Raises `MeasureError`
    when it raises or dies, or when one place takes more than the seconds.
    """
    doing = f"{file}: the imports"
    path = os.pathsep.join([str(root), str(STYLE[0].parents[1])])
    module, *told = job
    told = [str(root), str(store.root), os.getpid(), *told]
    with tempfile.TemporaryFile("w+") as errors:
        worker = subprocess.Popen(
            [sys.executable, "-m", f"sitegen.{module}", json.dumps(told)],
            env=isolation.environment(PYTHONPATH=path), cwd=root, text=True,
            start_new_session=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=errors,
        )  # fmt: skip
        assert worker.stdout is not None
        with _watched(worker) as watch:
            for line in worker.stdout:
                if place := places.get(line.strip()):  # not a listing's print
                    watch.began, watch.limit = -1.0, seconds  # look anew
                    doing = place
                    at = [*places.values()].index(place) + 1
                    log.info("%s (%d of %d)", doing, at, len(places))
            worker.wait()
        if worker.returncode == 0:
            return
        errors.seek(0)
        # What an author is to read begins with a mark; before it stands what
        # the libraries have to say.
        noise, mark, said = errors.read().rpartition(SAID)
    if said.startswith(f"{file}:"):
        raise MeasureError(said.rstrip())
    said = said.strip() if mark else said.strip() or noise.strip()
    if watch.late:
        why = f"was stopped: {watch.late}"
    elif worker.returncode < 0:
        name = signal.Signals(-worker.returncode).name
        why = f"was killed by {name} (SIGKILL: too little memory?)"
    else:
        why = "raised"
    raise MeasureError(f"{doing} {why}\n{said[-4000:]}".rstrip())


def work(do: Callable[..., None]) -> None:
    """Do what `run` has started this process for, and end with its parent."""
    root, kept, parent, *job = json.loads(sys.argv[1])
    isolation.end_with(parent)
    try:
        do(Path(root), Store(Path(kept)), *job)
    except SitegenError as error:
        sys.exit(f"{SAID}{error}")
    except Exception as error:
        told = traceback.TracebackException.from_exception(error)
        hidden = (str(Path(__file__).parent), "<frozen")  # our own frames
        for frame in [f for f in told.stack if f.filename.startswith(hidden)]:
            told.stack.remove(frame)
        sys.exit(SAID + "".join(told.format()))


class _Watch:
    began = 0.0  # processor seconds, when the function was called
    limit = IMPORTS  # seconds
    late = ""  # why it was stopped


@contextmanager
def _watched(worker: subprocess.Popen[str]) -> Iterator[_Watch]:
    """Kill the worker's processes when one function takes too long.

    Too long is its limit on all processors, or nothing done for as long: the
    clock alone would stop what a busy machine slows down.
    """
    watch = _Watch()
    over = threading.Event()
    processors = os.cpu_count() or 1

    def look() -> None:
        moved, last = time.monotonic(), 0.0
        while not over.wait(0.2):
            used = _processor_seconds(worker.pid)
            if used > last + 0.01:
                moved, last = time.monotonic(), used
            if watch.began < 0:
                watch.began = used
            if used - watch.began > watch.limit * processors:
                watch.late = f"it had not ended after {watch.limit:g} s"
            elif time.monotonic() - moved > watch.limit:
                watch.late = f"it had done nothing for {watch.limit:g} s"
            if watch.late:
                os.killpg(worker.pid, signal.SIGKILL)
                return

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        over.set()
        thread.join()
        if worker.poll() is None:  # for instance at Ctrl-C
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()


def _processor_seconds(process: int) -> float:
    """Return what a process and those below it have used."""
    import psutil  # slow to import, and seldom needed

    used = 0.0
    with suppress(psutil.Error):
        top = psutil.Process(process)
        for one in (top, *top.children(recursive=True)):
            with suppress(psutil.Error):
                used += sum(one.cpu_times()[:4])
    return used
