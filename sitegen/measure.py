"""Measures each chapter once, draws its figures, and keeps the results.

In as many processes as there are cores: each takes one chapter after the
other, because what they import takes seconds. TensorFlow never enters the
process that asks.
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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sitegen import CACHE, SitegenError, isolation, keys
from sitegen.store import Store

log = logging.getLogger("mkdocs.sitegen")

IMPORTS = 300.0  # seconds, on a busy machine
SECONDS_A_FUNCTION = float(os.environ.get("SITEGEN_SECONDS", "300"))
SAID = "\x1e"  # stands before what an author is to read
DONE = "\x1edone"  # a process has done what it was told
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
        job = _chapter(root, slug, {name: key}, {})
        run(root, store, "worker", iter([job]), SECONDS_A_FUNCTION)
    return store.get("data", f"{slug}/{name}", key)


def figures(
    root: Path, store: Store, seconds: float = SECONDS_A_FUNCTION
) -> dict[str, dict[str, str]]:
    """Return the SVG texts of all figures: `<slug>/<name>` → variant → SVG.

    What is missing is measured and drawn first. Raises `MeasureError`.
    """
    missing, wanted = [], {}
    for slug in keys.chapters(root):
        measured, drawn = keys.jobs(root, slug)
        to_measure, to_draw = {}, {}
        for name in measured:
            key = keys.measurement_key(root, slug, name)
            store.keep("costs", f"{slug}/{name}", key)
            if not store.has("data", f"{slug}/{name}", key):
                to_measure[name] = key
        for name in drawn:
            key = keys.figure_key(root, slug, name, STYLE)
            wanted[f"{slug}/{name}"] = key
            if not store.has("figures", f"{slug}/{name}", key):
                to_draw[name] = key
        if to_measure or to_draw:
            missing.append(_chapter(root, slug, to_measure, to_draw))

    # Those with the most measurements first, so that all end together.
    missing.sort(key=lambda job: -len(job.told[1]))
    jobs = _Shared(missing)
    workers = min(os.cpu_count() or 1, len(missing))
    problems: list[str] = []

    def work_off() -> None:
        while jobs.left:
            try:
                run(root, store, "worker", jobs, seconds)
            except MeasureError as error:  # the others in a new process
                problems.append(str(error))

    with ThreadPoolExecutor(max(workers, 1)) as pool:
        for started in [pool.submit(work_off) for _ in range(workers)]:
            started.result()
    if problems:
        raise MeasureError("\n\n".join(problems))
    return {n: store.get("figures", n, key)[0] for n, key in wanted.items()}


def drawing(root: Path, store: Store, slug: str, name: str) -> Any:
    """Return what `plot_<name>` of a chapter shows, by size: `drawn.py`."""
    key = keys.figure_key(root, slug, name, STYLE)
    if not store.has("figures", f"{slug}/{name}", key):
        for needed in keys.jobs(root, slug)[1][name]:
            data(root, store, slug, needed)
        job = _chapter(root, slug, {}, {name: key})
        run(root, store, "worker", iter([job]), SECONDS_A_FUNCTION)
    return store.get("figures", f"{slug}/{name}", key)[1]


@dataclass(frozen=True)
class Job:
    """Something for a process to do.

    `told` is what it is told, `places` says what each name that it prints
    stands for, and `file` where they are.
    """

    told: list[Any]
    file: str
    places: dict[str, str]


class _Shared:
    """An iterator that several threads take from."""

    def __init__(self, jobs: list[Job]) -> None:
        self.left = list(reversed(jobs))

    def __iter__(self) -> "_Shared":
        return self

    def __next__(self) -> Job:
        try:
            return self.left.pop()
        except IndexError:
            raise StopIteration from None


def _chapter(
    root: Path, slug: str, measured: dict[str, str], drawn: dict[str, str]
) -> Job:
    """Return the job to make these, name → key, of a chapter."""
    file = str(keys.figures_file(root, slug).relative_to(root))
    names = [f"measure_{n}" for n in measured] + [f"plot_{n}" for n in drawn]
    places = {name: f"{file}: {name}" for name in names}
    return Job([slug, measured, drawn], file, places)


def run(
    root: Path,
    store: Store,
    module: str,
    jobs: Iterator[Job],
    seconds: float,
) -> None:
    """Let one process do the jobs, and follow what it says it is doing.

    Raises `MeasureError` when one raises or dies, or when one place takes
    more than the seconds; the other jobs are left then.
    """
    job = next(jobs, None)
    if job is None:
        return
    path = os.pathsep.join([str(root), str(STYLE[0].parents[1])])
    told = json.dumps([str(root), str(store.root), os.getpid()])
    with tempfile.TemporaryFile("w+") as errors:
        worker = subprocess.Popen(
            [sys.executable, "-m", f"sitegen.{module}", told],
            env=isolation.environment(PYTHONPATH=path), cwd=root, text=True,
            start_new_session=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=errors,
        )  # fmt: skip
        with _watched(worker) as watch:
            while job:
                errors.seek(0)
                errors.truncate()
                doing = _follow(worker, watch, job, seconds)
                if doing:
                    worker.wait()
                    errors.seek(0)
                    raise MeasureError(
                        _why(worker, watch, job, doing, errors.read())
                    )
                job = next(jobs, None)
            assert worker.stdin is not None
            worker.stdin.close()
            worker.wait()


def _follow(
    worker: subprocess.Popen[str], watch: "_Watch", job: Job, seconds: float
) -> str:
    """Follow one job; return the place where it ended, "" when it is done."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    doing = f"{job.file}: the imports"
    watch.began, watch.limit = -1.0, IMPORTS  # look anew
    with suppress(BrokenPipeError):
        worker.stdin.write(f"{json.dumps(job.told)}\n")
        worker.stdin.flush()
    for line in worker.stdout:
        if line.rstrip("\n") == DONE:
            return ""
        if place := job.places.get(line.strip()):  # not a listing's print
            watch.began, watch.limit = -1.0, seconds
            doing = place
            at = [*job.places.values()].index(place) + 1
            log.info("%s (%d of %d)", doing, at, len(job.places))
    return doing


def _why(
    worker: subprocess.Popen[str], watch: "_Watch", job: Job, doing: str,
    told: str,
) -> str:  # fmt: skip
    """Say why a process ended before it was done."""
    # What an author is to read begins with a mark; before it stands what
    # the libraries have to say.
    noise, mark, said = told.rpartition(SAID)
    if said.startswith(f"{job.file}:"):
        return said.rstrip()
    said = said.strip() if mark else said.strip() or noise.strip()
    if watch.late:
        why = f"was stopped: {watch.late}"
    elif worker.returncode < 0:
        name = signal.Signals(-worker.returncode).name
        why = f"was killed by {name} (SIGKILL: too little memory?)"
    else:
        why = "raised" if worker.returncode else "ended the process"
    return f"{doing} {why}\n{said[-4000:]}".rstrip()


def work(do: Callable[..., None]) -> None:
    """Do the jobs that `run` gives to this process, and end with its parent.

    They come in by the standard input, which is empty for what they run.
    """
    root, kept, parent = json.loads(sys.argv[1])
    isolation.end_with(parent)
    jobs = os.fdopen(os.dup(0))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    try:
        for job in jobs:
            do(Path(root), Store(Path(kept)), *json.loads(job))
            print(DONE, flush=True)
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
