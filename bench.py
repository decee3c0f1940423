"""Measures the budgets of this guide in one run, as a table: `make bench`.

All of it happens in a temporary copy of the project, `make test` in a clone of
what is committed: the working tree and its cache stay as they are. Exit code 1
if a budget is missed. Close other programs first: the times are this
machine's, now.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from mkdocs.utils.yaml import yaml_load

from sitegen.claims import contents, dress
from sitegen.isolation import environment
from tests.browser.browser import Tab, chromium, serve
from tests.browser.chromium import find_browser
from tests.settings import fresh

ROOT = Path(__file__).parent
LEFT_OUT = (".git", ".venv", ".cache", "site", "__pycache__", ".*_cache")
ENVIRONMENT = environment(NO_MKDOCS_2_WARNING="1", CI="false")
PAGE = "chapters/initialization"  # the page to edit
LISTING = "initialization/kernel_statistics.py"  # cheap, and shown there
IMPORTERS = {"initialization/figures.py: measure_kernels"}
LIGHTHOUSE = "lighthouse@13.5.0"
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
ROUNDS = 7
CHECKED = ("with_accuracy", "residual", "lstm")  # of studies/cases/models.py

OPENER = build_opener(ProxyHandler({}))  # no proxy knows this machine's ports

Row = tuple[str, str, str, bool | None]  # what, measured, budget, met


def build(project: Path, *options: str) -> tuple[float, float]:
    """Build the site; return the seconds, on the clock and of processors."""
    began = time.monotonic(), sum(os.times()[2:4])
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", *options],
        cwd=project, env=ENVIRONMENT, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return time.monotonic() - began[0], sum(os.times()[2:4]) - began[1]


def cold(project: Path) -> list[Row]:
    """Build with no cache: everything is measured, executed and drawn."""
    seconds, _ = build(project)
    what = f"build, cold, {os.cpu_count()} cores, all figures and labs"
    return [(what, f"{seconds:.0f} s", "240 s", seconds <= 240)]


def suite(folder: Path) -> list[Row]:
    """Run `make test` in a fresh clone of what is committed, and once more."""
    run = fresh(folder)
    rows: list[Row] = []
    for which, minutes in (("cold", 10), ("nothing changed", 3)):
        began = time.monotonic()
        done = subprocess.run(
            ["make", "test"], cwd=run.clone, env=run.variables,
            capture_output=True, text=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError((done.stdout + done.stderr)[-2000:])
        took = (time.monotonic() - began) / 60
        what = f"make test, {which}, {os.cpu_count()} cores"
        rows.append(
            (what, f"{took:.1f} min", f"{minutes} min", took <= minutes)
        )
    return rows


def make_bare(project: Path) -> Path:
    """Return a configuration of the same site without `sitegen`.

    The pages are the same: what is generated, and what is written on the
    pages about their checks, is there already, as plain files.
    """
    docs = project / "bare-docs"
    shutil.copytree(project / "docs", docs)
    shutil.copytree(project / ".cache/public", docs, dirs_exist_ok=True)
    for light in docs.glob("figures/*/*-light.svg"):
        plain = light.name.replace("-light", "")
        shutil.copy(light, light.with_name(plain))
    for page in docs.rglob("*.md"):
        text, name = page.read_text("utf-8"), f"docs/{page.relative_to(docs)}"
        checks = contents(text, name, project)
        page.write_text(dress(text, name, checks, False), "utf-8")
    full = yaml_load((project / "mkdocs.yml").read_text("utf-8"))
    extensions = [
        extension
        for extension in full["markdown_extensions"]
        if not str(extension).startswith("sitegen.")
    ]
    bare = project / "bare.yml"
    settings = {
        "INHERIT": "mkdocs.yml",
        "docs_dir": "bare-docs",
        "hooks": [],
        "markdown_extensions": extensions,
    }
    # JSON is YAML too.
    bare.write_text(json.dumps(settings))
    return bare


def warm(project: Path, bare_build: list[float]) -> list[Row]:
    """Build with nothing changed, in turns with the bare configuration.

    Their ratio is one of processor time: other programs disturb it less.
    """
    bare = str(make_bare(project))
    bare_site, ours, theirs = str(project / "bare-site"), [], []
    for _ in range(ROUNDS):
        ours.append(build(project))
        theirs.append(build(project, "-f", bare, "-d", bare_site))
    bare_build += [seconds for seconds, _ in theirs]
    seconds, bare_seconds = median(s for s, _ in ours), median(bare_build)
    ratio = median(cpu for _, cpu in ours) / median(cpu for _, cpu in theirs)
    said = f"{ratio:.2f} × ({seconds:.1f} s, bare {bare_seconds:.1f} s)"
    return [("build, nothing changed", said, "1.2 × bare", ratio <= 1.2)]


@contextmanager
def served(project: Path) -> Iterator[tuple[str, Path]]:
    """Run `mkdocs serve`; yield its address and its log."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    log = project / "serve.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "mkdocs", "serve", "-a", address],
            cwd=project, env=ENVIRONMENT, stdout=out, stderr=out,
            start_new_session=True,
        )  # fmt: skip
        try:
            wait_for(f"http://{address}/index.html", "</html>")
            yield f"http://{address}/", log
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()


def wait_for(url: str, text: str) -> float:
    """Return the seconds until the page says it; fail after two minutes."""
    began = time.monotonic()
    while (passed := time.monotonic() - began) < 120:
        try:
            with OPENER.open(url, timeout=120) as answer:
                if text in answer.read().decode():
                    return time.monotonic() - began
        except URLError:  # it is not up yet
            pass
        time.sleep(0.05)
    raise TimeoutError(f"{url} did not say {text!r} in {passed:.0f} s")


def edits(project: Path, bare_build: list[float]) -> list[Row]:
    """Edit prose, then a listing, while the site is served."""
    prose = project / f"docs/{PAGE}.md"
    listing = project / "snippets" / LISTING
    with served(project) as (url, log):
        url += f"{PAGE}.html"
        time.sleep(2)  # let the watcher take its first look
        took = []
        for at in range(3):
            with prose.open("a", encoding="utf-8") as file:
                file.write(f"\nEdited by the bench: {at}.\n")
            took.append(wait_for(url, f"Edited by the bench: {at}."))
            time.sleep(2)
        before = log.stat().st_size
        with listing.open("a", encoding="utf-8") as file:
            file.write("\nedited_by_the_bench = True\n")
        seconds = wait_for(url, "edited_by_the_bench")
        idle, said = log.read_text()[:before], log.read_text()[before:]
    runs = re.compile(r"\w+/figures\.py: measure_\w+")
    measured = set(runs.findall(said))
    names = ", ".join(sorted(measured)) or "nothing"
    beyond = median(took) - median(bare_build)
    reload = f"{median(took):.1f} s, bare {beyond:+.1f} s"
    return [
        ("edit prose, to reload", reload, "bare + 1 s", beyond <= 1),
        ("edit a listing, to reload", f"{seconds:.1f} s", "8 s", seconds <= 8),
        ("measured again: prose", ", ".join(runs.findall(idle)) or "nothing",
         "nothing", not runs.search(idle)),
        ("measured again: listing", names, "what imports it",
         measured == IMPORTERS),
    ]  # fmt: skip


def first_loads(site: Path, heavy: list[str]) -> list[Row]:
    """Load each page with an empty cache; keep the heaviest one's name."""
    loads, others = [], []
    with serve(site) as server, chromium() as browser:
        for path in sorted(site.rglob("*.html")):
            name = path.relative_to(site).as_posix()
            context = browser.new_context()
            tab = Tab(context, server)
            server.sent.clear()
            tab.open(name).wait_for_load_state("networkidle")
            size = sum(size for _, size in server.sent) / 1000
            loads.append((size, len(server.sent), name))
            others += [p for p in tab.problems() if "another host" in p]
            context.close()
    size, _, heaviest = max(loads)
    requests, which = max((load[1], load[2]) for load in loads)
    heavy.append(heaviest)
    what = f"first load of {len(loads)} pages, worst"
    return [
        (what, f"{size:.1f} KB ({heaviest})", "100 KB", size <= 100),
        (what, f"{requests} requests ({which})", "12", requests <= 12),
        (what, f"{len(others)} to third parties", "0", not others),
    ]


def explorer(site: Path) -> list[Row]:
    """Let the explorer draw its largest network: until the first seed shows."""
    with serve(site) as server, chromium() as browser:
        tab = Tab(browser.new_context(), server)
        tab.page.set_default_timeout(120_000)
        page = tab.open("explorer/index.html#depth=1&width=4&seeds=1")
        page.wait_for_function(
            "() => document.querySelector('#explorer').dataset.done"
        )
        began = time.monotonic()
        page.evaluate(
            "location.hash = 'depth=100&width=512&initializer=he_normal'"
        )
        page.wait_for_function(
            """() => {
              const {dataset} = document.querySelector("#explorer");
              return /: [1-9]/.test(dataset.computing) && !("old" in dataset);
            }"""
        )
        seconds = time.monotonic() - began
    what = "explorer, 100 × 512, to its first seed"
    return [(what, f"{seconds:.1f} s", "6 s", seconds <= 6)]


def lighthouse(site: Path, heavy: list[str]) -> list[Row]:
    """Ask Lighthouse, as a phone, three times a page; take the median."""
    budgets = dict(zip(CATEGORIES, (97, 100, 100, 100), strict=True))
    if not shutil.which("npx"):
        return [("Lighthouse, mobile", "not measured: needs npx", "97", None)]
    flags = "--headless=new --no-sandbox --disable-gpu --no-first-run"
    environment = ENVIRONMENT | {
        "CHROME_PATH": find_browser() or "",
        "npm_config_cache": str(ROOT / ".cache/lighthouse"),
    }
    rows: list[Row] = []
    with serve(site) as server:
        for name in dict.fromkeys(["index.html", *heavy]):
            scores: dict[str, list[float]] = {c: [] for c in CATEGORIES}
            for _ in range(3):
                done = subprocess.run(
                    ["npx", "--yes", LIGHTHOUSE, server.url + name, "--quiet",
                     "--output=json", f"--chrome-flags={flags}",
                     "--no-enable-error-reporting"],
                    env=environment, capture_output=True, text=True,
                )  # fmt: skip
                if done.returncode:
                    raise RuntimeError(done.stderr[-500:])
                found = json.loads(done.stdout)["categories"]
                for category in CATEGORIES:
                    score = found[category]["score"] or 0
                    scores[category].append(100 * score)
            medians = {c: round(median(scores[c])) for c in CATEGORIES}
            rows.append((
                f"Lighthouse, mobile, {name}",
                " ".join(str(medians[c]) for c in CATEGORIES),
                "97 100 100 100",
                all(medians[c] >= budgets[c] for c in CATEGORIES),
            ))  # fmt: skip
    return rows


def engine() -> list[Row]:
    """Train the atlas's networks, by `fit` and many at a time."""
    done = subprocess.run(
        [sys.executable, "-m", "studies.atlas.speed"],
        cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr[-500:])
    rows: list[Row] = []
    for depth, least in (("4", 5), ("30", 2.5)):
        at = json.loads(done.stdout)[depth]
        rows += [
            (f"atlas, {depth} layers, runs a second",
             f"{at['fit']:.1f} × fit ({at['milliseconds']:.0f} ms an epoch)",
             f"{least} × fit", at["fit"] >= least),
            (f"atlas, {depth} layers, time", f"{at['bare']:.2f} × products",
             "1.5 × products", at["bare"] <= 1.5),
        ]  # fmt: skip
    return rows


def checks() -> list[Row]:
    """Let `first_checks` look at three kinds of networks."""
    done = subprocess.run(
        [sys.executable, "-m", "studies.cases", "check", *CHECKED],
        cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr[-500:])
    times = dict(re.findall(r"^(\w+): ([\d.]+) s$", done.stdout, re.M))
    return [
        (f"first_checks, {name}", f"{times[name]} s", "60 s",
         float(times[name]) <= 60)
        for name in CHECKED
    ]  # fmt: skip


def main() -> int:
    """Measure everything, print the table, return the exit code."""
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    rows: list[Row] = []
    bare_build: list[float] = []
    heavy: list[str] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        project = Path(folder) / "project"
        ignore = shutil.ignore_patterns(*LEFT_OUT)
        shutil.copytree(ROOT, project, ignore=ignore)
        site = project / "site"
        steps: dict[str, Callable[[], list[Row]]] = {
            "cold build": lambda: cold(project),
            "builds, bare and not": lambda: warm(project, bare_build),
            "first loads": lambda: first_loads(site, heavy),
            "the explorer": lambda: explorer(site),
            "Lighthouse": lambda: lighthouse(site, heavy),
            "edits while serving": lambda: edits(project, bare_build),
            "the atlas's engine": engine,
            "the first checks": checks,
            "make test, twice": lambda: suite(Path(folder)),
        }
        for at, (name, step) in enumerate(steps.items(), 1):
            print(f"{at} of {len(steps)}: {name}", file=sys.stderr, flush=True)
            try:
                rows += step()
            except Exception as error:  # the other rows are still wanted
                rows.append((name, f"failed: {error}", "", False))
    marks = {True: "yes", False: "NO", None: "–"}
    table = [("what", "measured", "budget", "ok")]
    table += [(*row[:3], marks[row[3]]) for row in rows]
    widths = [max(len(row[at]) for row in table) for at in range(4)]
    for row in table:
        print(" | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)))
    if load > cores / 4:
        print(
            f"Other programs were running (load {load:.1f} on {cores} cores):"
        )
        print("the times are too long, and those of a quiet machine count.")
    return int(any(row[3] is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())
