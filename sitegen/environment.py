"""Make the environment, find a browser, look at a port.

The Makefile runs this file as a plain script, with whatever ``python3`` the
machine has, before there is an environment:

    python3 -I sitegen/environment.py setup [--this-python]
    python3 -I sitegen/environment.py port 8000
    python3 -I sitegen/environment.py browser

So it imports the standard library only, and keeps to what Python 3.6 knows:
an old Python must get as far as the sentence that says it is too old.

Whatever can be foreseen is a `Trouble`: printed without a traceback, with the
mend; the exit code is 1.
"""
# Python 3.6 knows neither `list[str]` nor `str | None`.
# ruff: noqa: UP006, UP035, UP045

import collections
import hashlib
import os
import platform
import queue
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, List, Optional

ROOT = Path(__file__).resolve().parent.parent
VERSIONS = ("3.13", "3.12", "3.11")  # TensorFlow has packages for these
HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"
NEEDED_GB = 4.5  # 3.0 for the environment, the rest fetched on the way
APPLICATIONS = Path("/Applications")  # macOS's


class Trouble(Exception):
    """What the reader can mend; the text says how."""


# Which Python, which machine


def choose_python(only_this: bool = False) -> Optional[str]:
    """Return another Python to go on with, or None if this one will do.

    Raises `Trouble` if this one is too old or too new and there is no other,
    or none may be taken (``only_this``).
    """
    if HERE in VERSIONS:
        return None
    for version in () if only_this else VERSIONS:
        path = shutil.which("python" + version)
        # Ask it: version managers put names on the PATH that do not run.
        code = "import sys; print('%d.%d' % sys.version_info[:2])"
        if path and _output([path, "-I", "-c", code]).strip() == version:
            return path
    old_or_new = "old" if int(HERE.split(".")[1]) < 11 else "new"
    raise Trouble(
        f"Python {HERE} is too {old_or_new}: TensorFlow has packages for 3.11,"
        " 3.12 and 3.13. Install one of them (Debian, Ubuntu: sudo apt install"
        " python3.12-venv; macOS: brew install python@3.12), or name one:"
        " make PYTHON=/path/to/python3.12 ..."
    )


def check_machine() -> None:
    """Raise `Trouble` where TensorFlow or the ``venv`` module is missing."""
    if platform.system() == "Darwin" and platform.machine() == "x86_64":
        raise Trouble(
            "TensorFlow has no package for Macs with an Intel processor: use"
            " Linux, in a container for example. (On Apple silicon: use a"
            " Python that is not built for Intel.)"
        )
    if platform.system() == "Windows":
        raise Trouble("The set-up is for Linux and macOS: use WSL.")
    try:
        import ensurepip  # noqa: F401  (Debian packs it with venv, apart)
        import venv  # noqa: F401
    except ImportError:
        raise Trouble(
            f"Python {HERE} ({sys.executable}) has no venv module. Debian,"
            f" Ubuntu: sudo apt install python{HERE}-venv"
        ) from None


def check_disk(folder: Path) -> None:
    """Raise `Trouble` if an environment does not fit on the disk."""
    free = shutil.disk_usage(str(folder)).free / 1e9
    if free < NEEDED_GB:
        raise Trouble(
            f"Too little free disk: {free:.1f} GB, and the set-up needs"
            f" {NEEDED_GB} GB. Make room, or clone to another disk."
        )


# The environment


def mark(root: Path) -> Optional[str]:
    """Return what the mark of a complete environment has to say now.

    It is the lock's hash and the Python that ``.venv`` leads to; None if it
    leads to none any more, as after an upgrade of the system.
    """
    lock = hashlib.sha256((root / "requirements.txt").read_bytes()).hexdigest()
    python = (root / ".venv" / "bin" / "python").resolve()
    return f"{lock}\n{python}\n" if python.exists() else None


def is_complete(root: Path, this_python: bool = False) -> bool:
    """Say if ``.venv`` holds the whole lock (and is of this Python)."""
    venv = root / ".venv"
    try:
        text = (venv / "complete").read_text()
    except OSError:
        return False
    return text == mark(root) and (
        not this_python or (venv / "lib" / f"python{HERE}").is_dir()
    )


def set_up(root: Path, this_python: bool = False) -> None:
    """Make ``.venv`` from the hashed lock, unless it is there and complete.

    With ``this_python`` only the Python that runs this will do, and an
    environment of another one is made anew. Raises `Trouble` as
    `choose_python`, `check_machine` and `check_disk` do, or if pip fails.
    """
    if is_complete(root, this_python):
        return
    other = choose_python(this_python)
    if other:
        os.execv(other, [other, "-I", __file__, *sys.argv[1:]])
    check_machine()
    import fcntl  # not on Windows, which has just been turned away

    (root / ".cache").mkdir(exist_ok=True)
    with (root / ".cache" / "setup.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("Another set-up runs here: waiting for it.", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_complete(root, this_python):
            _make(root, lock)


def _make(root: Path, lock: IO[str]) -> None:
    """Make ``.venv`` from nothing; its mark comes last."""
    import venv

    begin = time.monotonic()
    folder = root / ".venv"
    if folder.is_dir():
        print("Removing the old or unfinished environment.", flush=True)
        if (folder / "complete").exists():
            (folder / "complete").unlink()  # first, should this be cut short
        shutil.rmtree(str(folder))
    check_disk(root)
    print("Making the environment, .venv: once, some minutes.", flush=True)
    venv.create(str(folder), symlinks=True, with_pip=True)
    _pip_install(folder, root / "requirements.txt", lock)
    (folder / "unmarked").write_text(mark(root) or "")
    (folder / "unmarked").replace(folder / "complete")
    print(f"The environment is ready ({_clock(begin)}).", flush=True)


def _pip_install(venv: Path, locked: Path, lock: IO[str]) -> None:
    """Install what is locked, and say how far it is; or raise `Trouble`."""
    command = [str(venv / "bin" / "python"), "-I", "-m", "pip", "install"]
    command += ["--require-hashes", "--only-binary=:all:", "--no-input"]
    command += ["--disable-pip-version-check", "--progress-bar=off"]
    # /tmp may be small and in memory; the room here has been looked at.
    temporary = venv / "tmp"
    temporary.mkdir()
    packages = re.findall(r"(?m)^\S+==", locked.read_text())
    progress = Progress(len(packages), venv)
    last: collections.deque[str] = collections.deque(maxlen=8)
    lines: queue.Queue[Optional[str]] = queue.Queue()
    process = subprocess.Popen(
        [*command, "-r", str(locked)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
        env=dict(os.environ, TMPDIR=str(temporary), PIP_USER="0"),
        # If this process is killed outright, pip goes on alone for a while:
        # it holds the lock as long, so that no other set-up starts.
        pass_fds=(lock.fileno(),),
    )

    def pump() -> None:
        for line in process.stdout or ():
            lines.put(line)
        lines.put(None)

    try:
        threading.Thread(target=pump, daemon=True).start()
        while True:
            try:
                line = lines.get(timeout=0.5)
            except queue.Empty:
                line = ""
            if line is None:
                break
            if line.strip():
                last.append(f"    {line.rstrip()[:160]}\n")
            progress.read(line)
            progress.show()
        code = process.wait()
    finally:
        process.kill()
        process.wait()
    if progress.out.isatty():
        print()
    if code:
        raise Trouble(
            "pip failed; the end of what it said:\n"
            + "".join(last)
            + "Mend that (is the network there?) and give the same command"
            " again: it starts afresh."
        )
    shutil.rmtree(str(temporary))


def _clock(begin: float) -> str:
    minutes, seconds = divmod(int(time.monotonic() - begin), 60)
    return f"{minutes}:{seconds:02}"


class Progress:
    """Says how far pip is, from the lines that it prints.

    While pip unpacks it prints nothing, so then what has arrived in the
    environment is counted. On a terminal one line is kept up to date;
    elsewhere a line is added every ten seconds.
    """

    FETCHED = re.compile(
        r"\s*(?:Downloading|Using cached|Processing) "
        r"(?:\S*/)?([\w.]+)-\S+\.whl(?:$|\s+(\(.*\))?)"
    )

    def __init__(
        self, total: int, venv: Path, out: Optional[IO[str]] = None
    ) -> None:
        self.total, self.done = total, 0
        self.step, self.now = "fetching", ""
        self.venv, self.before = venv, 0
        self.out = out or sys.stdout
        self.begin = self.shown = time.monotonic()

    def read(self, line: str) -> None:
        """Take in one line of pip's, or "" when time has passed."""
        fetched = self.FETCHED.match(line)
        if fetched:
            self.done += 1
            self.now = ", now " + " ".join(filter(None, fetched.groups()))
        elif line.startswith("Ignoring "):  # not for this machine
            self.total -= 1
        elif line.startswith("Installing collected packages:"):
            self.step, self.now, self.shown = "unpacking", "", 0.0
            self.total = line.count(",") + 1
            self.before = self._arrived()
        if self.step == "unpacking":
            self.done = self._arrived() - self.before
        self.done = max(0, min(self.done, self.total))

    def _arrived(self) -> int:
        return len(list(self.venv.glob("lib/python*/*/*.dist-info")))

    def text(self) -> str:
        """Return one line: the step, how far it is, what is left."""
        return (
            f"  {self.step}: {self.done} of {self.total} packages,"
            f" {self.total - self.done} left ({_clock(self.begin)}{self.now})"
        )

    def show(self) -> None:
        """Print the line, if it is time."""
        terminal = self.out.isatty()
        if time.monotonic() - self.shown < (0.2 if terminal else 10):
            return
        self.shown = time.monotonic()
        width = shutil.get_terminal_size().columns - 1
        line = self.text()
        self.out.write(
            "\r" + line[:width].ljust(width) if terminal else line + "\n"
        )
        self.out.flush()


# The port


def check_port(text: str) -> None:
    """Raise `Trouble` if the site cannot be served on this port."""
    port = int(text) if re.match(r"[0-9]{1,5}$", text) else 0
    if not 0 < port < 65536:
        raise Trouble(f"PORT={text} is no port: try make serve PORT=8001")
    if not _is_free(port):
        others = (p for p in range(max(port, 8000) + 1, 65536) if _is_free(p))
        raise Trouble(
            f"Port {port} is taken, or not allowed:"
            f" make serve PORT={next(others, 8001)}"
        )


def _is_free(port: int) -> bool:
    with socket.socket() as server:
        # As the real server does: a port left a moment ago counts as free.
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


# The browser


def find_browser() -> Optional[str]:
    """Return the path of a Chromium that runs, or None.

    If ``CHROMIUM`` is set, only that one is asked; else those on the PATH,
    among macOS's applications and in Playwright's folder.
    """
    wish = os.environ.get("CHROMIUM")
    names = [wish] if wish else ["chromium", "chromium-browser"]
    names += [] if wish else ["google-chrome", "google-chrome-stable"]
    found = [shutil.which(name) for name in names]
    if not wish:
        for app in ("Google Chrome", "Chromium"):
            place = APPLICATIONS / f"{app}.app" / "Contents" / "MacOS"
            found.append(str(place / app))
        own = os.environ.get("PLAYWRIGHT_BROWSERS_PATH")
        usual = (".cache/ms-playwright", "Library/Caches/ms-playwright")
        for folder in [Path(own)] if own else [Path.home() / u for u in usual]:
            for end in ("chrome-linux*/chrome", "chrome-mac*/*/*/MacOS/*"):
                found += sorted(map(str, folder.glob(f"chromium-*/{end}")))
    # Ask it: Ubuntu's `chromium-browser` may only say what to install.
    runs = (p for p in found if p and "Chrom" in _output([p, "--version"]))
    return next(runs, None)


def get_browser(root: Path) -> str:
    """Return a Chromium's path; get one if there is none.

    Raises `Trouble` if none can be had.
    """
    wish = os.environ.get("CHROMIUM")
    for get in () if wish else (_from_playwright, _from_debian):
        if not find_browser():
            get(root)
    browser = find_browser()
    if browser:
        return browser
    if wish:
        raise Trouble(f"CHROMIUM={wish} is no Chromium that runs: unset it.")
    raise Trouble(
        "The tests need a browser: install Chromium or Google Chrome (Debian:"
        " sudo apt install chromium), or set CHROMIUM to the path of one."
    )


def _from_playwright(root: Path) -> None:
    print("No Chromium here: trying Playwright's (170 MB).", flush=True)
    python = str(root / ".venv" / "bin" / "python")
    _output([python, "-I", "-m", "playwright", "install", "chromium"], 300)


def _from_debian(root: Path) -> None:
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if shutil.which("apt-get") and "yes" in _output([*sudo, "echo", "yes"]):
        print("Trying Debian's package chromium.", flush=True)
        get = [*sudo, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]
        _output([*get, "update"], 300)
        # No time-out: it would leave the package half installed.
        install = ["install", "-y", "--no-install-recommends", "chromium"]
        _output([*get, *install], None)


def _output(command: List[str], seconds: Optional[float] = 30) -> str:
    """Return what the command says, or "" if it fails or takes longer."""
    try:
        return subprocess.check_output(
            command,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
        ).decode(errors="replace")
    except (OSError, subprocess.SubprocessError):
        return ""


def main(arguments: List[str], root: Path = ROOT) -> int:
    """Run one command and return its exit code."""
    try:
        if arguments[:1] == ["setup"]:
            set_up(root, "--this-python" in arguments)
        elif arguments[:1] == ["port"] and len(arguments) == 2:
            check_port(arguments[1])
        elif arguments == ["browser"]:
            print("Browser:", get_browser(root), flush=True)
        else:
            raise Trouble("Use it as: setup [--this-python] | port N | browser")
    except Trouble as trouble:
        print(trouble, file=sys.stderr)
        return 1
    except (OSError, subprocess.SubprocessError) as error:
        print(f"This step failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. The same command starts it afresh.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main(sys.argv[1:]))
