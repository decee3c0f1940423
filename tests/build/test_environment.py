"""The set-up: what it says when it cannot, and that it is done once.

A fake Python stands for the environment's: a shell script that plays pip.
Nothing here installs anything or asks the network.
"""

import ast
import fcntl
import io
import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import venv
from collections import namedtuple
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from sitegen import environment
from sitegen.environment import Trouble, main

ROOT = environment.ROOT
SCRIPT = ROOT / "sitegen" / "environment.py"
MAKE = shutil.which("make") or "make"


def script(path: Path, *lines: str) -> Path:
    """Write a shell script that can be run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["#!/bin/sh", *lines]) + "\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """Leave a PATH with nothing on it; return its one folder."""
    folder = tmp_path / "path"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


# The Python and the machine


def test_the_script_is_read_by_python_3_6_and_needs_no_package():
    tree = ast.parse(SCRIPT.read_text(), feature_version=(3, 6))
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            names.add((node.module or "").split(".")[0])
    assert names <= sys.stdlib_module_names


@pytest.mark.parametrize(("here", "word"), [("3.9", "old"), ("3.14", "new")])
def test_a_python_too_old_or_too_new_is_said(
    bare, monkeypatch, tmp_path, capsys, here, word
):
    (tmp_path / "requirements.txt").write_text("")
    monkeypatch.setattr(environment, "HERE", here)
    assert main(["setup"], tmp_path) == 1
    out, err = capsys.readouterr()
    assert f"Python {here} is too {word}" in err
    assert "make PYTHON=" in err
    assert out + err == err.strip() + "\n"
    assert "\n" not in err.strip()
    assert not (tmp_path / ".venv").exists()


def test_another_python_on_the_path_is_taken_if_it_runs(bare, monkeypatch):
    monkeypatch.setattr(environment, "HERE", "3.9")
    script(bare / "python3.13", "echo no such version installed >&2; exit 127")
    other = script(bare / "python3.12", "echo 3.12")
    assert environment.choose_python() == str(other)
    with pytest.raises(Trouble, match="too old"):
        environment.choose_python(only_this=True)
    monkeypatch.setattr(environment, "HERE", "3.11")
    assert environment.choose_python() is None


def test_the_other_python_carries_on_with_the_same_command(bare, tmp_path):
    copy = tmp_path / "sitegen" / "environment.py"
    copy.parent.mkdir()
    text = SCRIPT.read_text()
    versions = re.search(r"VERSIONS = \(.*\)", text)
    assert versions
    copy.write_text(text.replace(versions[0], 'VERSIONS = ("3.99",)'))
    (tmp_path / "requirements.txt").write_text("")
    script(
        bare / "python3.99",
        'if [ "$2" = -c ]; then echo 3.99; else echo "ran: $*"; fi',
    )
    run = [sys.executable, "-I", str(copy), "setup"]
    assert subprocess.check_output(run, text=True) == f"ran: -I {copy} setup\n"


def test_an_intel_mac_is_told(monkeypatch):
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    environment.check_machine()
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    with pytest.raises(Trouble, match=r"Intel.* use\s+Linux"):
        environment.check_machine()


def test_windows_is_told(monkeypatch):
    monkeypatch.setattr(platform, "system", lambda: "Windows")
    with pytest.raises(Trouble, match="WSL"):
        environment.check_machine()


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_a_python_without_venv_is_told_the_package(monkeypatch, module):
    environment.check_machine()
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(Trouble, match=r"apt install python3\.\d+-venv"):
        environment.check_machine()


def test_too_little_disk_is_said_with_both_numbers(monkeypatch, tmp_path):
    usage = namedtuple("usage", "total used free")
    free = 4.6e9
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, free))
    environment.check_disk(tmp_path)
    free = 2.1e9
    with pytest.raises(Trouble, match=r"2\.1 GB, .* needs 4\.5 GB"):
        environment.check_disk(tmp_path)


# The environment, with a script that plays pip

GOOD = (
    'echo "Collecting a==1"',
    'echo "  Downloading a-1-py3-none-any.whl (1 kB)"',
    'echo "Installing collected packages: a"',
)


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """Make a clone whose pip does what ``pip.sh`` says, and counts its runs."""
    (tmp_path / "requirements.txt").write_text("a==1 \\\n    --hash=sha256:0\n")
    script(tmp_path / "pip.sh", *GOOD)

    def create(folder, **_):
        lines = (f"echo ran >> {tmp_path}/runs", f". {tmp_path}/pip.sh")
        script(Path(folder) / "bin" / "python", *lines)
        (Path(folder) / "lib" / f"python{environment.HERE}").mkdir(parents=True)

    monkeypatch.setattr(venv, "create", create)
    monkeypatch.setattr(environment, "NEEDED_GB", 0)
    return tmp_path


def runs(clone: Path) -> int:
    """Count how many times pip ran."""
    path = clone / "runs"
    return len(path.read_text().split()) if path.exists() else 0


def test_the_second_call_does_nothing_and_is_fast(clone, capsys):
    assert main(["setup"], clone) == 0
    assert "The environment is ready" in capsys.readouterr().out
    assert not (clone / ".venv" / "tmp").exists()
    begin = time.perf_counter()
    assert main(["setup"], clone) == 0
    assert time.perf_counter() - begin < 0.05
    assert runs(clone) == 1
    assert capsys.readouterr() == ("", "")


def test_what_is_complete_asks_for_nothing_more(clone, monkeypatch, capsys):
    assert main(["setup"], clone) == 0
    capsys.readouterr()
    monkeypatch.setattr(environment, "HERE", "3.9")
    monkeypatch.setattr(environment, "NEEDED_GB", 1e9)
    assert main(["setup"], clone) == 0
    assert capsys.readouterr() == ("", "")


def test_pip_checks_hashes_and_builds_nothing(clone):
    script(clone / "pip.sh", f'echo "$@" > {clone}/said')
    assert main(["setup"], clone) == 0
    said = (clone / "said").read_text()
    assert "--require-hashes" in said
    assert "--only-binary=:all:" in said
    assert f"-r {clone}/requirements.txt" in said


def test_another_lock_makes_the_environment_anew(clone):
    assert main(["setup"], clone) == 0
    left = clone / ".venv" / "lib" / "left-over"
    left.touch()
    with (clone / "requirements.txt").open("a") as lock:
        lock.write("b==1 \\\n    --hash=sha256:0\n")
    assert main(["setup"], clone) == 0
    assert runs(clone) == 2
    assert not left.exists()


def test_a_python_that_is_gone_makes_the_environment_anew(clone):
    assert main(["setup"], clone) == 0
    (clone / ".venv" / "bin" / "python").unlink()
    assert main(["setup"], clone) == 0
    assert runs(clone) == 2


def test_another_python_makes_it_anew_only_if_it_is_asked_for(
    clone, monkeypatch
):
    monkeypatch.setattr(environment, "HERE", "3.11")
    assert main(["setup", "--this-python"], clone) == 0
    monkeypatch.setattr(environment, "HERE", "3.12")
    assert main(["setup"], clone) == 0
    assert runs(clone) == 1
    assert main(["setup", "--this-python"], clone) == 0
    assert main(["setup", "--this-python"], clone) == 0
    assert runs(clone) == 2


def test_a_removal_that_is_cut_short_leaves_nothing_complete(
    clone, monkeypatch
):
    assert main(["setup"], clone) == 0
    lock = (clone / "requirements.txt").read_text()

    def interrupted(_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", interrupted)
        (clone / "requirements.txt").write_text(lock + "b==1")
        assert main(["setup"], clone) == 130
    (clone / "requirements.txt").write_text(lock)
    assert not environment.is_complete(clone)


def test_pip_that_fails_is_quoted_and_tried_again(clone, capsys):
    script(clone / "pip.sh", "seq 1 50", "echo no network >&2", "exit 2")
    assert main(["setup"], clone) == 1
    err = capsys.readouterr().err
    assert "pip failed" in err
    assert "no network" in err
    assert "same command again" in err
    assert "Traceback" not in err
    assert len(err.splitlines()) < 12
    assert not (clone / ".venv" / "complete").exists()
    script(clone / "pip.sh", *GOOD)
    assert main(["setup"], clone) == 0
    assert runs(clone) == 2


def test_what_nobody_foresaw_is_one_line_too(clone, monkeypatch, capsys):
    def broken(*_, **__):
        raise subprocess.CalledProcessError(1, ["ensurepip"])

    monkeypatch.setattr(venv, "create", broken)
    assert main(["setup"], clone) == 1
    assert capsys.readouterr().err.count("\n") == 1


def start(clone: Path) -> subprocess.Popen:
    """Start a set-up in a process, and wait until its pip hangs."""
    hang = (f"echo $$ > {clone}/pid", GOOD[-1], "exec sleep 60")
    script(clone / "pip.sh", *hang)
    code = (
        "import sys, signal; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from sitegen import environment\n"
        "import venv; clone = Path(sys.argv[2])\n"
        "def create(folder, **_):\n"
        "    path = Path(folder) / 'bin' / 'python'\n"
        "    path.parent.mkdir(parents=True)\n"
        "    path.symlink_to(clone / 'pip.sh')\n"
        "venv.create = create; environment.NEEDED_GB = 0\n"
        # Ctrl-C counts, even where the tests run in the background.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))\n"
        "sys.exit(environment.main(['setup'], clone))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(ROOT), str(clone)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert any("unpacking" in line for line in process.stdout)
    return process


def pid(clone: Path) -> int:
    """Return the number of the process that plays pip."""
    return int((clone / "pid").read_text())


def wait_for(condition) -> None:
    """Wait until it is true; fail after some seconds."""
    end = time.monotonic() + 8
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def lives(number: int) -> bool:
    """Say if a process of this number is there."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_an_interrupted_setup_ends_its_pip_and_is_done_again(
    clone, number, code
):
    process = start(clone)
    process.send_signal(number)
    _, err = process.communicate(timeout=8)
    assert process.returncode == code
    assert "Traceback" not in err
    assert not lives(pid(clone))
    assert (clone / ".venv").exists()
    assert not environment.is_complete(clone)
    script(clone / "pip.sh", *GOOD)
    assert main(["setup"], clone) == 0
    assert runs(clone) == 1
    assert environment.is_complete(clone)


def test_a_killed_setup_keeps_others_out_until_its_pip_has_ended(clone):
    process = start(clone)
    process.kill()
    process.communicate(timeout=8)

    def is_locked():
        with (clone / ".cache" / "setup.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return True
        return False

    assert is_locked()
    os.kill(pid(clone), signal.SIGKILL)
    wait_for(lambda: not is_locked())
    assert not environment.is_complete(clone)


# How far it is


def test_progress_counts_what_is_fetched_and_then_what_has_arrived(tmp_path):
    progress = environment.Progress(5, tmp_path, io.StringIO())
    for line in (
        "Ignoring appnope: markers don't match your environment",
        "Collecting a==1 (from -r requirements.txt (line 1))",
        "  Downloading a-1-py3-none-any.whl.metadata (2 kB)",
        "  Downloading a-1-py3-none-any.whl (2 kB)",
        "  Using cached b_c-1-py3-none-any.whl (572.9 MB)",
    ):
        progress.read(line + "\n")
    text = progress.text()
    assert "fetching: 2 of 4 packages, 2 left" in text
    assert "now b_c (572.9 MB)" in text

    packages = tmp_path / "lib" / "python3.12" / "site-packages"
    (packages / "pip-1.dist-info").mkdir(parents=True)
    progress.read("Installing collected packages: a, b_c, d\n")
    assert "unpacking: 0 of 3 packages, 3 left" in progress.text()
    (packages / "a-1.dist-info").mkdir()
    progress.read("")
    assert "unpacking: 1 of 3 packages, 2 left" in progress.text()


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_one_line_on_a_terminal_and_rare_elsewhere(
    tmp_path, monkeypatch, terminal
):
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    out = io.StringIO()
    monkeypatch.setattr(out, "isatty", lambda: terminal)
    progress = environment.Progress(5, tmp_path, out)
    for _ in range(60):
        now += 0.5
        progress.show()
    said = out.getvalue()
    assert said.count("\n") == (0 if terminal else 3)
    assert said.count("\r") == (60 if terminal else 0)
    assert "(0:30)" in said


# The port


@pytest.fixture
def taken():
    """Take a port of this machine."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_taken_port_is_said_with_one_that_is_free(taken, capsys):
    assert main(["port", str(taken)]) == 1
    err = capsys.readouterr().err
    assert f"Port {taken} is taken" in err
    other = re.search(r"make serve PORT=(\d+)\n$", err)
    assert other
    assert main(["port", other[1]]) == 0


@pytest.mark.parametrize("text", ["", "abc", "0", "65536", "80 80", "-1"])
def test_what_is_no_port_is_said(text, capsys):
    assert main(["port", text]) == 1
    assert "is no port" in capsys.readouterr().err


# The browser


@pytest.fixture
def no_browser(bare, tmp_path, monkeypatch):
    """Hide every Chromium; return the PATH's folder."""
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.delenv("PLAYWRIGHT_BROWSERS_PATH", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(environment, "APPLICATIONS", tmp_path / "apps")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    return bare


def test_there_may_be_no_browser(no_browser, tmp_path, capsys):
    assert environment.find_browser() is None
    assert main(["browser"], tmp_path) == 1
    err = capsys.readouterr().err
    assert "sudo apt install chromium" in err
    assert err.count("\n") == 1


def test_a_browser_is_taken_only_if_it_runs(no_browser):
    script(no_browser / "chromium", "echo install the snap; exit 1")
    script(no_browser / "chromium-browser", "echo this is a stub")
    assert environment.find_browser() is None
    good = script(no_browser / "google-chrome", "echo Google Chrome 1.2")
    assert environment.find_browser() == str(good)


def test_chromium_of_the_environment_goes_before_all(
    no_browser, tmp_path, monkeypatch, capsys
):
    script(no_browser / "chromium", "echo Chromium 1")
    mine = script(tmp_path / "mine", "echo Chromium 2")
    monkeypatch.setenv("CHROMIUM", str(mine))
    assert environment.find_browser() == str(mine)
    mine.unlink()
    assert environment.find_browser() is None
    assert main(["browser"], tmp_path) == 1
    assert f"CHROMIUM={mine}" in capsys.readouterr().err


@pytest.mark.parametrize(
    "path",
    [
        "home/.cache/ms-playwright/chromium-9/chrome-linux/chrome",
        "home/Library/Caches/ms-playwright/chromium-9/chrome-mac/Chromium.app/"
        "Contents/MacOS/Chromium",
        "apps/Google Chrome.app/Contents/MacOS/Google Chrome",
    ],
)
def test_a_browser_is_found_where_others_put_it(no_browser, tmp_path, path):
    good = script(tmp_path / path, "echo Chromium 1")
    assert environment.find_browser() == str(good)


def test_playwright_is_asked_for_a_browser_first(no_browser, tmp_path, capsys):
    home = tmp_path / "home/.cache/ms-playwright/chromium-9/chrome-linux"
    home.mkdir(parents=True)
    script(tmp_path / "new", "echo Chromium 1")
    script(
        tmp_path / ".venv" / "bin" / "python",
        'test "$*" = "-I -m playwright install chromium" || exit 1',
        f"/bin/cp {tmp_path}/new {home}/chrome",
    )
    assert main(["browser"], tmp_path) == 0
    assert f"Browser: {home}/chrome" in capsys.readouterr().out


@pytest.mark.parametrize("user", ["root", "sudo", "neither"])
def test_debian_is_asked_next_by_who_may_install(
    no_browser, tmp_path, monkeypatch, capsys, user
):
    (no_browser / "env").symlink_to(shutil.which("env", path="/usr/bin:/bin"))
    (no_browser / "echo").symlink_to(shutil.which("echo", path="/usr/bin:/bin"))
    script(tmp_path / "new", "echo Chromium 1")
    script(
        no_browser / "apt-get",
        f'echo "$1" >> {tmp_path}/apt',
        f"[ $1 = update ] || /bin/cp {tmp_path}/new {no_browser}/chromium",
    )
    monkeypatch.setattr(os, "geteuid", lambda: 0 if user == "root" else 1000)
    asks = 'test "$1" = -n || exit 9; shift; exec "$@"'
    script(no_browser / "sudo", asks if user == "sudo" else "exit 1")
    if user == "neither":
        assert main(["browser"], tmp_path) == 1
        assert not (tmp_path / "apt").exists()
        assert "Trying Debian" not in capsys.readouterr().out
    else:
        assert main(["browser"], tmp_path) == 0
        assert (tmp_path / "apt").read_text() == "update\ninstall\n"


# The Makefile and the script of CI


def make(clone: Path, *words: str) -> subprocess.CompletedProcess:
    """Run make in a clone that has only what the first step needs."""
    (clone / "sitegen").mkdir(exist_ok=True)
    shutil.copy(SCRIPT, clone / "sitegen")
    # A neighbour of the script must not stand in for Python's own module.
    (clone / "sitegen" / "math.py").write_text("raise ImportError")
    for name in ("Makefile", "requirements.txt"):
        shutil.copy(ROOT / name, clone)
    # The tests run below a make of their own: this one is not its child, and
    # must not inherit what was asked of that one.
    asked = {"PYTHON", "PORT", "WORKERS", "UPGRADE"}
    outside = {
        k: v
        for k, v in os.environ.items()
        if "MAKE" not in k and k not in asked
    }
    return subprocess.run(
        [MAKE, *words], cwd=clone, env=outside,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


TARGETS = ("serve", "site", "check", "test", "bench", "lock")


def test_make_alone_lists_the_commands(tmp_path):
    said = make(tmp_path).stdout
    for target in TARGETS:
        assert re.search(rf"^make {target} +\S", said, re.M), target


@pytest.mark.parametrize("target", TARGETS)
def test_every_command_makes_the_environment_first(tmp_path, target):
    said = make(tmp_path, "-n", target).stdout
    setup = said.find("sitegen/environment.py setup")
    assert (
        0
        < setup
        < said.find(
            ".venv/bin/python -m"
            if target != "bench"
            else ".venv/bin/python bench.py"
        )
    )


@pytest.mark.parametrize("target", TARGETS)
def test_no_python_is_one_clear_line(bare, tmp_path, target):
    done = make(tmp_path, target)
    assert done.returncode == 2
    said = done.stderr.splitlines()
    assert said[0].startswith("There is no Python here: install 3.11")
    assert len(said) == 2  # the other one is make's own


def test_the_python_that_was_asked_for_is_the_one(bare, tmp_path):
    mine = script(tmp_path / "my python", 'test "$4" = "" || echo "ran: $*"')
    done = make(tmp_path, "environment", f"PYTHON={mine}")
    assert done.stdout == (
        "ran: -I sitegen/environment.py setup --this-python\n"
    )
    done = make(tmp_path, "site", "PYTHON=python3.12")
    assert "python3.12 does not run here: install" in done.stderr


def test_a_taken_port_is_said_before_the_long_work(tmp_path, taken):
    done = make(tmp_path, "serve", f"PORT={taken}", f"PYTHON={sys.executable}")
    assert done.returncode == 2
    assert done.stderr.startswith(f"Port {taken} is taken")
    assert "Making the environment" not in done.stdout
    assert not (tmp_path / ".venv").exists()


def test_the_script_of_ci_ends_in_make_test(bare, tmp_path):
    for name in ("bash", "dirname"):
        (bare / name).symlink_to(shutil.which(name, path="/usr/bin:/bin"))
    script(bare / "id", "echo 0")
    script(bare / "apt-get", f'echo "$*" >> {tmp_path}/apt')
    script(bare / "python3", "exit 1")
    script(bare / "make", 'echo "make $*"; read line && echo "read $line"; :')
    run = [str(ROOT / ".ci" / "run")]
    said = subprocess.run(run, input="x\n", capture_output=True, text=True)
    assert (said.returncode, said.stdout) == (0, "make test\n"), said.stderr
    asked = (tmp_path / "apt").read_text()
    assert "update" in asked
    assert "chromium python3-venv" in asked

    (tmp_path / "apt").unlink()
    script(bare / "python3", "exit 0")
    script(bare / "chromium")
    script(bare / "make", "exit 3")
    said = subprocess.run(run, capture_output=True, check=False)
    assert said.returncode == 3
    assert not (tmp_path / "apt").exists()


# The workflows

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PINNED = re.compile(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")


def jobs(path: Path) -> dict:
    """Return the jobs of a workflow."""
    return yaml.safe_load(path.read_text())["jobs"]


def zizmor(folder: Path) -> subprocess.CompletedProcess:
    """Ask zizmor about a folder of workflows."""
    tool = Path(sys.executable).parent / "zizmor"
    return subprocess.run(
        [tool, "--offline", "--quiet", "--persona=auditor", folder],
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_action_is_pinned_by_its_commit():
    lines = [
        line.strip().removeprefix("- ")
        for path in WORKFLOWS
        for line in path.read_text().splitlines()
        if "uses:" in line
    ]
    assert len(lines) > 5
    assert [line for line in lines if not PINNED.match(line)] == []
    assert not PINNED.match("uses: actions/checkout@v7 # v7.0.1")


def test_zizmor_finds_nothing():
    done = zizmor(ROOT / ".github" / "workflows")
    assert done.returncode == 0, done.stdout + done.stderr


def test_zizmor_would_find_something(tmp_path):
    text = WORKFLOWS[0].read_text()
    assert "persist-credentials: false" in text
    path = tmp_path / ".github" / "workflows" / "site.yml"
    path.parent.mkdir(parents=True)
    path.write_text(text.replace("persist-credentials: false", "{}"))
    assert zizmor(path.parent).returncode != 0


def test_only_the_deployment_of_main_may_write():
    writers = []
    for path in WORKFLOWS:
        assert yaml.safe_load(path.read_text())["permissions"] == {}
        for name, job in jobs(path).items():
            if job["permissions"] != {"contents": "read"}:
                writers.append((path.name, name))
    assert writers == [("site.yml", "deploy")]
    deploy = jobs(ROOT / ".github/workflows/site.yml")["deploy"]
    assert deploy["permissions"] == {"pages": "write", "id-token": "write"}
    assert deploy["if"] == (
        "github.event_name == 'push' && github.ref == 'refs/heads/main'"
    )
    assert set(deploy["needs"]) == {"workflows", "test"}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_python_is_tested_and_nothing_is_cached(path):
    test = jobs(path)["test"]
    versions = test["strategy"]["matrix"]["python"]
    assert sorted(versions) == sorted(environment.VERSIONS)
    assert {"run": "make test"} in test["steps"]
    assert "cache" not in path.read_text()


@pytest.mark.parametrize(
    ("owner", "name", "own", "address"),
    [
        ("Ada", "guide", "", "https://ada.github.io/guide/"),
        ("Ada", "Ada.github.io", "", "https://ada.github.io/"),
        ("Ada", "guide", "https://g.org/", "https://g.org/"),
    ],
)
def test_a_fork_publishes_under_its_own_address(
    tmp_path, owner, name, own, address
):
    steps = jobs(ROOT / ".github/workflows/site.yml")["test"]["steps"]
    step = next(s for s in steps if "address" in s.get("name", ""))
    variables = {
        "GITHUB_REPOSITORY_OWNER": owner,
        "GITHUB_REPOSITORY": f"{owner}/{name}",
        "GITHUB_ENV": str(tmp_path / "env"),
        "OWN_ADDRESS": own,
    }
    command = ["bash", "-e", "-c", step["run"]]
    subprocess.run(command, env=os.environ | variables, check=True)
    assert (tmp_path / "env").read_text() == f"SITE_URL={address}\n"


# The lock

DIRECT = [
    line
    for line in (ROOT / "requirements.in").read_text().splitlines()
    if line and not line.startswith("#")
]
LOCKED = {
    canonicalize_name(entry[1]): entry
    for entry in re.finditer(
        r"^(\S+)==(\S+)[^\\\n]*((?: \\\n    --hash=sha256:[0-9a-f]{64})*)\n",
        (ROOT / "requirements.txt").read_text(),
        re.M,
    )
}


@pytest.mark.parametrize("line", DIRECT)
def test_every_direct_dependency_has_a_reason_and_is_locked(line):
    wanted, _, reason = line.partition(" # ")
    assert len(reason.split()) > 1, "write why it is here, after ' # '"
    requirement = Requirement(wanted)
    entry = LOCKED.get(canonicalize_name(requirement.name))
    assert entry, "not locked: make lock"
    assert requirement.specifier.contains(entry[2]), "make lock"


def test_every_locked_package_has_hashes_and_nothing_else_is_there():
    text = (ROOT / "requirements.txt").read_text()
    assert len(LOCKED) > len(DIRECT)
    assert [name for name, entry in LOCKED.items() if not entry[3]] == []
    assert "".join(entry[0] for entry in LOCKED.values()) == text


# Who may use it


def test_the_citation_can_be_read():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["cff-version"] == "1.2.0"
    assert {"title", "message", "authors"} <= citation.keys()
    assert citation["license"] == ["MIT", "CC-BY-4.0"]
    assert "MIT License" in (ROOT / "LICENSE").read_text()
    assert "CC-BY-4.0" in (ROOT / "LICENSE-text").read_text()
