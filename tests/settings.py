"""`make test` in six settings: `python -m tests.settings [NAME…]`.

Each runs in a fresh clone of what is committed, with nothing measured yet,
and must be green. A setting that did not take is a failure: a locale that is
not installed is none.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.browser.chromium import get_browser

ROOT = Path(__file__).parents[1]
LOGS = ROOT / ".cache/weekly"
LOOPS = 4
FONTS = ("STIXGeneral", "cmr", "cmtt")  # those that Matplotlib has with it
HOME = {
    ".keras/keras.json": '{"backend": "jax", "floatx": "float16"}',
    ".config/matplotlib/matplotlibrc": (
        "axes.facecolor: black\naxes.grid: True\nfigure.dpi: 37\n"
        "font.size: 31\nlines.linewidth: 9\nsvg.fonttype: none\n"
    ),
    ".ipython/profile_default/startup/start.py": "raise SystemExit(1)",
    ".local/share/jupyter/kernels/python3/kernel.json": (
        '{"argv": ["false"], "display_name": "none", "language": "python"}'
    ),
    "modules/numpy.py": "raise ImportError('found on the PYTHONPATH')",
}
SHELL = {
    "CUDA_VISIBLE_DEVICES": "7",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "KERAS_BACKEND": "jax",
    "LC_ALL": "tr_TR.UTF-8",
    "LANG": "tr_TR.UTF-8",
    "MPLBACKEND": "pdf",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "PYTEST_ADDOPTS": "-k nothing --no-header",
    "PYTEST_PLUGINS": "not_installed",
    "PYTHONOPTIMIZE": "2",
    "TF_ENABLE_ONEDNN_OPTS": "1",
    "TZ": "Pacific/Kiritimati",
    "http_proxy": "http://127.0.0.1:9",
}
NOT_ASKED = ("PYTHONPATH", "PYTHONOPTIMIZE")  # they would stop the questions
# What the hostile setting is asked: each line that it prints is a failure.
QUESTIONS = """
import locale, os, time
try:
    locale.setlocale(locale.LC_ALL, "")
except locale.Error:
    print("tr_TR.UTF-8 is not installed (Debian: apt install locales;"
          " localedef -i tr_TR -f UTF-8 tr_TR.UTF-8)")
else:
    if locale.getlocale() != ("tr_TR", "UTF-8"):
        print("the locale is", *locale.getlocale())
if time.localtime().tm_gmtoff != 14 * 3600:
    print("Pacific/Kiritimati is not installed (Debian: apt install tzdata)")
if (umask := os.umask(0)) != 0o77:
    print("the umask is", oct(umask))
import matplotlib
if matplotlib.rcParams["font.size"] != 31:
    print("Matplotlib reads", matplotlib.matplotlib_fname())
keras = os.path.expanduser("~/.keras/keras.json")
if "KERAS_HOME" in os.environ or not os.path.exists(keras):
    print("Keras does not read", keras)
"""
# The bits of a product.
PRODUCT = """
from sitegen import isolation
isolation.isolate()
import tensorflow as tf
normal = tf.random.stateless_normal((100, 100), (0, 0))
print((normal @ normal).numpy().tobytes().hex())
"""


@dataclass
class Run:
    """What a setting may change: its folder, the clone, the variables."""

    folder: Path
    clone: Path
    variables: dict[str, str]
    umask: int = -1


Check = Callable[[], str]  # what did not take, or ""


@contextmanager
def alone(run: Run) -> Iterator[Check]:
    """Run it when nothing else runs."""
    bound = (os.cpu_count() or 1) / 2
    end = time.monotonic() + 300
    while (load := os.getloadavg()[0]) > bound and time.monotonic() < end:
        time.sleep(5)  # what ran before is still in the average
    yield lambda: f"something else runs: load {load}" if load > bound else ""


@contextmanager
def busy(run: Run) -> Iterator[Check]:
    """Run it beside four busy loops."""
    loop = [sys.executable, "-c", "while True: pass"]
    loops = [subprocess.Popen(loop) for _ in range(LOOPS)]

    def check() -> str:
        gone = sum(each.poll() is not None for each in loops)
        return f"{gone} loops have ended" if gone else ""

    try:
        yield check
    finally:
        for each in loops:
            each.kill()
            each.wait()


@contextmanager
def fonts(run: Run) -> Iterator[Check]:
    """Run it where no font is installed but STIX and Computer Modern."""
    import matplotlib

    there = run.folder / "fonts"
    there.mkdir()
    for font in Path(matplotlib.get_data_path()).glob("fonts/ttf/*.ttf"):
        if font.name.startswith(FONTS):
            shutil.copy(font, there)
    file = run.folder / "fonts.conf"
    file.write_text(
        "<?xml version='1.0'?><!DOCTYPE fontconfig SYSTEM 'fonts.dtd'>"
        f"<fontconfig><dir>{there}</dir>"
        f"<cachedir>{run.folder}/cache</cachedir></fontconfig>"
    )
    run.variables["FONTCONFIG_FILE"] = str(file)

    def check() -> str:
        if not shutil.which("fc-match"):
            return "there is no fc-match (Debian: apt install fontconfig)"
        for family in ("sans-serif", "monospace", "DejaVu Sans"):
            command = ["fc-match", "-f", "%{file}", family]
            found = subprocess.check_output(
                command, env=run.variables, text=True
            )
            if Path(found).parent != there:
                return f"{family} is {found}"
        return ""

    yield check


@contextmanager
def hostile(run: Run) -> Iterator[Check]:
    """Run it as somebody who has set everything in another way."""
    home = run.folder / "home"
    for name, text in HOME.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    others = ("LC_", "XDG_", "KERAS_", "MPL", "MATPLOTLIB", "JUPYTER")
    for name in [n for n in run.variables if n.startswith(others)]:
        del run.variables[name]
    run.variables |= SHELL | {"HOME": str(home)}
    run.variables["PYTHONPATH"] = str(home / "modules")
    run.umask = 0o77

    def check() -> str:
        variables = run.variables.copy()
        for name in NOT_ASKED:
            variables.pop(name, None)
        asked = subprocess.run(
            [sys.executable, "-c", QUESTIONS],
            cwd=home, env=variables, umask=run.umask,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return asked.stdout + asked.stderr * bool(asked.returncode)

    yield check


@contextmanager
def rounding(run: Run) -> Iterator[Check]:
    """Run it as on a processor whose products round in another way.

    What holds only for these five seeds, rounded just so, becomes red.
    """
    run.variables["ROUND_AS"] = "SSE41"

    def check() -> str:
        here = {k: v for k, v in run.variables.items() if k != "ROUND_AS"}
        before, now = (
            subprocess.check_output(
                [sys.executable, "-c", PRODUCT], cwd=ROOT, env=variables
            )
            for variables in (here, run.variables)
        )
        return "products round as before" if before == now else ""

    yield check


@contextmanager
def space(run: Run) -> Iterator[Check]:
    """Run it from a path with a space, in an environment made there."""
    (run.clone / ".venv").unlink()
    run.clone = run.clone.rename(run.folder / "a clone")
    yield lambda: "" if " " in str(run.clone) else f"the path is {run.clone}"


SETTINGS: dict[str, Callable[[Run], AbstractContextManager[Check]]] = {
    "alone": alone,
    "busy": busy,
    "fonts": fonts,
    "hostile": hostile,
    "rounding": rounding,
    "space": space,
}


def fresh(folder: Path) -> Run:
    """Return a clone of what is committed, and the variables for it."""
    clone = folder / "clone"
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    (clone / ".cache").mkdir()
    for name in (".venv", ".cache/backends"):
        if (ROOT / name).exists():
            (clone / name).symlink_to((ROOT / name).resolve())
    variables = {k: v for k, v in os.environ.items() if "MAKE" not in k}
    return Run(folder, clone, variables | {"CHROMIUM": get_browser()})


def try_out(name: str) -> str:
    """Run the suite in one setting; return what is wrong, or "".

    All that it says goes to a log.
    """
    with tempfile.TemporaryDirectory() as made:
        run = fresh(Path(made).resolve())
        with (
            SETTINGS[name](run) as check,
            (LOGS / f"{name}.log").open("w") as log,
        ):
            if wrong := check():
                return f"the setting did not take: {wrong.strip()}"
            done = subprocess.run(
                ["make", "test"], cwd=run.clone, env=run.variables,
                umask=run.umask, stdout=log, stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL, check=False,
            )  # fmt: skip
            if wrong := check():
                return f"the setting did not last: {wrong.strip()}"
    return "" if done.returncode == 0 else "red"


def main(names: list[str]) -> int:
    """Try the settings out, one after the other; return how many failed."""
    if unknown := set(names) - SETTINGS.keys():
        print(f"No setting {', '.join(unknown)}: {', '.join(SETTINGS)}")
        return 2
    LOGS.mkdir(parents=True, exist_ok=True)
    failed = 0
    for name in names or SETTINGS:
        begun = time.monotonic()
        wrong = try_out(name)
        minutes, seconds = divmod(int(time.monotonic() - begun), 60)
        text = (LOGS / f"{name}.log").read_text(errors="replace")
        lines = text.splitlines()
        if wrong:
            failed += 1
            print("\n".join(lines[-80:]))
        last = lines[-1].strip() if lines and not wrong else ""
        print(f"{name}: {wrong or 'green'} ({minutes}:{seconds:02}) {last}")
        sys.stdout.flush()
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
