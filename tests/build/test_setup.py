"""The set-up: what it says when it cannot, and that it is done once.

A shell script plays uv. Nothing here installs anything or asks the network.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.browser import chromium
from tests.settings import SETTINGS

ROOT = Path(__file__).parents[2]
MAKE = shutil.which("make") or "make"
TOOLS = "awk bash cat chmod cmp cp cut dirname env false git grep ls mkdir mv "
TOOLS += "ln rm sed sh sleep sort tail touch tr true"
TARGETS = ("serve", "site", "check", "test", "chapter", "format", "bench")
TARGETS += ("lock", "weekly", "atlas", "calibration", "backends")


def script(path: Path, *lines: str) -> Path:
    """Write a shell script that can be run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_text("\n".join(["#!/bin/sh", *lines]) + "\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def bare(tmp_path):
    """Make a folder for the PATH: the usual tools, but no Python and no uv."""
    folder = tmp_path / "path"
    folder.mkdir()
    for tool in TOOLS.split():
        if found := shutil.which(tool):
            (folder / tool).symlink_to(found)
    script(folder / "uname", "echo Linux x86_64")
    return folder


@pytest.fixture
def clone(bare, tmp_path):
    """Make a clone that has only what the first step needs, and a uv.

    Its lines in `uv.log` tell what it was asked for; what `pip.sh` says goes
    on when it is to install.
    """
    clone = tmp_path / "a clone"
    (clone / "docs/chapters").mkdir(parents=True)
    (clone / "docs/chapters/some.md").touch()
    for name in ("Makefile", "setup.sh", "requirements.txt"):
        shutil.copy(ROOT / name, clone)
    script(clone / "pip.sh", "exit 0")
    script(
        bare / "uv",
        f'here="{clone}"',
        'echo "$*" >> "$here/uv.log"',
        '[ "$1" != pip ] || exec "$here/pip.sh"',
        '[ "$1" = venv ] || exit 0',
        '[ ! -e "$here/no-python" ] || { echo error: none >&2; exit 2; }',
        "for last; do :; done",
        'mkdir -p "$last/bin"',
        f'ln="{sys.executable}"',
        'printf \'#!/bin/sh\\nexec "%s" "$@"\\n\' "$ln" > "$last/bin/python"',
        'chmod +x "$last/bin/python"',
    )
    return clone


def outside(clone: Path) -> dict[str, str]:
    """Return the environment: as if nobody had set anything, but the PATH.

    The tests run below a make of their own: what is run here is not its
    child, and must not inherit what was asked of that one.
    """
    return {"PATH": str(clone.parent / "path"), "HOME": str(clone.parent)}


def make(clone: Path, *words: str) -> subprocess.CompletedProcess:
    """Run make in the clone."""
    return subprocess.run(
        [MAKE, *words], cwd=clone, env=outside(clone),
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def start(clone: Path) -> subprocess.Popen:
    """Start a set-up that installs until there is a file `go`."""
    waits = "while [ ! -e go ]; do sleep 0.05; done"
    script(clone / "pip.sh", "touch installs", waits)
    process = subprocess.Popen(
        ["sh", "setup.sh"], cwd=clone, env=outside(clone),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
        # As in a terminal, even where the tests run in the background.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    wait_for((clone / "installs").exists)
    return process


def wait_for(condition) -> None:
    """Wait until it is true: for ever, if a machine is that slow."""
    while not condition():
        time.sleep(0.02)


def installs(clone: Path) -> int:
    """Return how often uv was asked to install."""
    return (clone / "uv.log").read_text().count("pip install")


def left(clone: Path) -> list[str]:
    """Return what lies in `.cache`."""
    return sorted(path.name for path in (clone / ".cache").iterdir())


# The environment


def test_the_second_call_does_nothing(clone):
    done = make(clone, "environment")
    assert done.returncode == 0, done.stderr
    asked = (clone / "uv.log").read_text()
    for word in ("--require-hashes", "--only-binary :all:", "-r requirements"):
        assert word in asked
    assert (clone / ".venv/bin/python").exists()
    done = make(clone, "environment")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (clone / "uv.log").read_text() == asked
    assert left(clone) == []


def test_another_lock_or_a_python_that_is_gone_makes_it_anew(clone):
    make(clone, "environment")
    with (clone / "requirements.txt").open("a") as lock:
        lock.write("# changed\n")
    make(clone, "environment")
    assert installs(clone) == 2
    (clone / ".venv/bin/python").unlink()
    (clone / ".venv/bin/python").symlink_to(clone / "gone")
    make(clone, "environment")
    assert installs(clone) == 3


def test_an_environment_that_others_made_is_made_anew(clone):
    (clone / "theirs/bin").mkdir(parents=True)
    (clone / "theirs/bin/python").symlink_to(sys.executable)
    (clone / ".venv").symlink_to("theirs")
    assert make(clone, "environment").returncode == 0
    assert installs(clone) == 1
    assert not (clone / ".venv").is_symlink()
    assert (clone / "theirs/bin/python").exists()


def test_the_python_that_is_asked_for_is_the_one(clone):
    make(clone, "environment")
    make(clone, "environment", "PYTHON=my python")
    assert "--python my python " in (clone / "uv.log").read_text()
    make(clone, "environment", "PYTHON=my python")
    make(clone, "environment")
    assert installs(clone) == 2


def test_a_python_that_will_not_do_is_said(clone, bare):
    (clone / "no-python").touch()
    done = make(clone, "site", "PYTHON=python9")
    assert done.stderr.startswith("python9 does not run here. The set-up needs")
    assert "(error: none): install one, or name one" in done.stderr
    done = make(clone, "site")
    assert done.stderr.startswith("The set-up needs Python 3.11, 3.12 or 3.13")
    assert done.stderr.count("\n") == 2  # the other one is make's own
    (clone / "no-python").unlink()
    uv = (
        (bare / "uv").read_text().replace(sys.executable, shutil.which("false"))
    )
    script(bare / "uv", uv)
    done = make(clone, "site", "PYTHON=python3.14")
    assert done.stderr.startswith("python3.14 will not do: TensorFlow has")
    assert not (clone / ".venv").exists()
    assert left(clone) == []


def test_what_cannot_be_installed_leaves_the_old_environment(clone):
    make(clone, "environment")
    mark = (clone / ".venv/lock.txt").read_text()
    with (clone / "requirements.txt").open("a") as lock:
        lock.write("# changed\n")
    script(clone / "pip.sh", "echo error: no network >&2", "exit 2")
    done = make(clone, "environment")
    assert done.returncode == 2
    assert "error: no network" in done.stderr
    assert "UV_DEFAULT_INDEX" in done.stderr
    assert (clone / ".venv/lock.txt").read_text() == mark
    assert left(clone) == []


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_an_interrupted_setup_leaves_nothing_and_is_done_again(
    clone, number, code
):
    process = start(clone)
    os.killpg(process.pid, number)  # as a terminal does
    assert process.wait() == code
    assert left(clone) == []
    assert not (clone / ".venv").exists()
    script(clone / "pip.sh", "exit 0")
    assert make(clone, "environment").returncode == 0
    assert (clone / ".venv").exists()


def test_what_a_killed_setup_left_is_cleared_away(clone):
    process = start(clone)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert left(clone) == [f"setup.{process.pid}"]
    script(clone / "pip.sh", "exit 0")
    assert make(clone, "environment").returncode == 0
    assert left(clone) == []


def test_two_setups_at_once_do_not_harm_each_other(clone):
    slow = start(clone)
    script(clone / "pip.sh", "exit 0")
    assert make(clone, "environment").returncode == 0
    mine = (clone / ".venv").stat().st_ino
    assert left(clone) == [f"setup.{slow.pid}"]
    (clone / "go").touch()
    assert slow.wait() == 0
    assert (clone / ".venv").stat().st_ino == mine
    assert make(clone, "environment").stdout == ""
    assert left(clone) == []


@pytest.mark.parametrize("target", TARGETS)
def test_neither_uv_nor_python_is_one_clear_line(clone, bare, target):
    (bare / "uv").unlink()
    done = make(clone, target)
    assert done.returncode == 2
    said = done.stderr.splitlines()
    assert said[0].startswith("The set-up needs uv, and no python3 here")
    assert len(said) == 2  # the other one is make's own


@pytest.mark.parametrize("has_pip", [True, False])
def test_uv_is_installed_as_the_lock_pins_it(clone, bare, has_pip):
    (bare / "uv").rename(clone / "their-uv")
    pip = script(
        bare / "pip-of-a-test",
        '[ "$4" != -q ] || shift 0',
        'case "$*" in *--version) exit 0;; esac',
        f'echo "$*" > "{clone}/asked"',
        f'cat .cache/setup.*/uv.txt > "{clone}/locked"',
        "folder=$(echo .cache/setup.*)/uv/bin",
        'mkdir -p "$folder"',
        f'cp "{clone}/their-uv" "$folder/uv"',
    )
    script(
        bare / "python3",
        '[ "$1" != -c ] || exit 0',
        f'[ "$2" != pip ] || {{ {has_pip!s} && exec "{pip}" "$@"; exit 1; }}'
        .replace("True", "true")
        .replace("False", "false"),
        '[ "$2" = venv ] || exit 1',
        'mkdir -p "$3/bin"',
        f'cp "{pip}" "$3/bin/python"',
    )  # fmt: skip
    done = make(clone, "environment")
    assert done.returncode == 0, done.stderr
    assert "--require-hashes" in (clone / "asked").read_text()
    locked = (clone / "locked").read_text().splitlines()
    assert locked[0].startswith("uv==")
    assert len(locked) > 2
    assert all(line.startswith("    --hash=") for line in locked[1:])
    assert left(clone) == ["uv"]
    assert installs(clone) == 1


@pytest.mark.parametrize(
    ("machine", "word"),
    [("Darwin x86_64", "Linux, in a container"), ("MINGW64_NT x86_64", "WSL")],
)
def test_a_machine_without_tensorflow_is_told(clone, bare, machine, word):
    script(bare / "uname", f"echo {machine}")
    done = make(clone, "environment")
    assert done.returncode == 2
    assert word in done.stderr
    assert not (clone / "uv.log").exists()


# The Makefile and the script of CI


def test_make_alone_lists_the_commands(clone):
    said = make(clone).stdout
    for target in TARGETS:
        assert re.search(rf"^make {target} +\S", said, re.M), target


@pytest.mark.parametrize("target", TARGETS)
def test_every_command_makes_the_environment_first(clone, target):
    said = make(clone, "-n", target).stdout
    assert 0 <= said.find("sh setup.sh") < said.find(".venv/bin/python ")


def test_what_a_shell_has_set_for_python_does_not_reach_it(clone):
    make(clone, "environment")
    python = clone / ".venv/bin/python"
    script(python, 'echo "<$PYTHONPATH$PYTHONOPTIMIZE>"')
    done = subprocess.run(
        [MAKE, "lock"], cwd=clone, capture_output=True, text=True,
        env=outside(clone) | {"PYTHONPATH": "a", "PYTHONOPTIMIZE": "2"},
    )  # fmt: skip
    assert done.stdout.endswith("<>\n")


def test_all_tools_check_before_it_fails(clone):
    make(clone, "environment")
    script(clone / ".venv/bin/python", 'test "$2" != ruff')
    script(clone / ".venv/bin/zizmor", "exit 0")
    done = make(clone, "check")
    assert done.returncode == 2
    for tool in ("ruff check", "ruff format --check", "mypy"):
        assert f".venv/bin/python -m {tool}\n" in done.stdout
    assert ".venv/bin/zizmor" in done.stdout
    failed = done.stderr.splitlines()[0]
    assert failed.startswith("Failed: .venv/bin/python -m ruff check;")
    assert "ruff format --check;" in failed
    assert "mypy" not in failed


@pytest.mark.parametrize("words", [(), ("SLUG=none",)])
def test_a_chapter_that_is_not_there_is_said(clone, words):
    make(clone, "environment")
    done = make(clone, "chapter", *words)
    assert done.returncode == 2
    assert "make chapter SLUG=some" in done.stderr.splitlines()[0]


@pytest.mark.parametrize("port", ["taken", "no", "65536"])
def test_a_port_that_cannot_be_had_is_said(clone, port):
    make(clone, "environment")
    with socket.create_server(("127.0.0.1", 0)) as server:
        if port == "taken":
            port = str(server.getsockname()[1])
        done = make(clone, "serve", f"PORT={port}")
    assert done.returncode == 2
    assert done.stderr.startswith(f"Port {port} is taken, or not allowed")
    assert "mkdocs" not in done.stdout


def test_the_script_of_ci_ends_in_make_test(bare, tmp_path):
    (bare / "git").unlink(missing_ok=True)
    script(bare / "id", "echo 0")
    script(bare / "apt-get", f'echo "$*" >> {tmp_path}/apt')
    script(bare / "python3", "exit 1")
    script(bare / "make", 'echo "make $*"; read line && echo "read $line"; :')
    run = [str(ROOT / ".ci" / "run")]
    there = {"env": {"PATH": str(bare)}, "capture_output": True, "text": True}
    said = subprocess.run(run, input="x\n", **there)
    assert (said.returncode, said.stdout) == (0, "make test\n"), said.stderr
    asked = (tmp_path / "apt").read_text()
    assert "update" in asked
    assert "git chromium python3-venv" in asked

    (tmp_path / "apt").unlink()
    for name in ("git", "chromium", "uv"):
        script(bare / name, "exit 0")
    script(bare / "make", "exit 3")
    said = subprocess.run(run, **there)
    assert said.returncode == 3
    assert not (tmp_path / "apt").exists()


# The browser


@pytest.fixture
def no_browser(bare, tmp_path, monkeypatch):
    """Hide every Chromium; return the PATH's folder."""
    monkeypatch.setenv("PATH", str(bare))
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.delenv("PLAYWRIGHT_BROWSERS_PATH", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(chromium, "APPLICATIONS", tmp_path / "apps")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    return bare


def test_there_may_be_no_browser(no_browser, tmp_path):
    script(tmp_path / "python", "exit 1")
    with pytest.raises(SystemExit, match=r"The tests need .*apt install chrom"):
        chromium.get_browser()


def test_a_browser_is_taken_only_if_it_runs(no_browser, tmp_path, monkeypatch):
    script(no_browser / "chromium", "echo install the snap; exit 1")
    script(no_browser / "chromium-browser", "echo this is a stub")
    assert chromium.find_browser() is None
    good = script(no_browser / "google-chrome", "echo Google Chrome 1.2")
    assert chromium.get_browser() == str(good)
    monkeypatch.setenv("CHROMIUM", str(tmp_path / "mine"))
    with pytest.raises(SystemExit, match=r"CHROMIUM=.*mine is no Chromium"):
        chromium.get_browser()
    mine = script(tmp_path / "mine", "echo Chromium 2")
    assert chromium.get_browser() == str(mine)


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
    assert chromium.find_browser() == str(good)


def test_playwright_is_asked_for_a_browser(no_browser, tmp_path):
    home = tmp_path / "home/.cache/ms-playwright/chromium-9/chrome-linux"
    home.mkdir(parents=True)
    script(tmp_path / "new", "echo Chromium 1")
    script(
        tmp_path / "python",
        'test "$*" = "-m playwright install chromium" || exit 1',
        f"cp {tmp_path}/new {home}/chrome",
    )
    assert chromium.get_browser() == f"{home}/chrome"


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


def test_only_what_main_publishes_may_write():
    writers = []
    for path in WORKFLOWS:
        assert yaml.safe_load(path.read_text())["permissions"] == {}
        for name, job in jobs(path).items():
            if job["permissions"] != {"contents": "read"}:
                writers.append((path.name, name))
    may = {
        "deploy": {"pages": "write", "id-token": "write"},
        "notebooks": {"actions": "read", "contents": "write"},
    }
    assert sorted(writers) == [("site.yml", name) for name in may]
    for name, permissions in may.items():
        job = jobs(ROOT / ".github/workflows/site.yml")[name]
        assert job["permissions"] == permissions
        assert job["if"] == (
            "github.event_name == 'push' && github.ref == 'refs/heads/main'"
        )
        assert set(job["needs"]) == {"workflows", "test"}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_python_is_tested_and_nothing_is_cached(path):
    test = jobs(path)["test"]
    matrix = test["strategy"]["matrix"]
    assert sorted(matrix["python"]) == ["3.11", "3.12", "3.13"]
    assert test["env"]["PYTHON"] == "python${{ matrix.python }}"
    assert "cache" not in path.read_text()
    if path.name == "weekly.yml":
        assert matrix["setting"] == list(SETTINGS)
        assert test["env"]["SETTING"] == "${{ matrix.setting }}"
        assert {"run": "make weekly"} in test["steps"]
    else:
        assert {"run": "make test"} in test["steps"]


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
