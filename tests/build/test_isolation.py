"""One configuration for all that makes a number, whatever a reader has set."""

import ast
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from sitegen import isolation, keys

ROOT = Path(__file__).parents[2]
HOSTILE = {
    "CUDA_VISIBLE_DEVICES": "0",
    "KERAS_BACKEND": "jax",
    "KERAS_MAX_EPOCHS": "1",
    "LC_ALL": "tr_TR.UTF-8",
    "LC_NUMERIC": "de_DE.UTF-8",
    "OMP_NUM_THREADS": "1",
    "PYTHONHASHSEED": "7",
    "PYTHONOPTIMIZE": "2",
    "TF_ENABLE_ONEDNN_OPTS": "1",
    "TZ": "Pacific/Kiritimati",
}
ASK = """
import json, os, time
import keras, matplotlib
print(json.dumps([
    keras.backend.backend(), keras.config.floatx(), keras.config.epsilon(),
    keras.config.max_epochs(), matplotlib.rcParams["lines.linewidth"],
    hash("a"), time.tzname[0], __debug__, os.environ.get("OMP_NUM_THREADS"),
]))
"""


@pytest.fixture
def home(tmp_path):
    """Return a home as a reader of Keras may have it."""
    for name, text in {
        ".keras/keras.json": json.dumps(
            {"backend": "jax", "floatx": "float16", "epsilon": 0.1}
        ),
        ".config/matplotlib/matplotlibrc": "lines.linewidth: 9\n",
        "path/keras.py": "raise RuntimeError('the wrong Keras')\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def hostile(home):
    theirs = {"HOME": str(home), "PYTHONPATH": str(home / "path")}
    return HOSTILE | theirs


def test_what_is_set_at_home_or_in_the_shell_reaches_no_measurement(
    home, monkeypatch
):
    for name, value in hostile(home).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("MATPLOTLIBRC")
    told = subprocess.run(
        [sys.executable, "-c", ASK], env=isolation.environment(), check=True,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    *said, hashed, zone, asserts, threads = json.loads(told.stdout)
    assert said == ["tensorflow", "float32", 1e-7, None, 1.5]
    assert (zone, asserts, threads) == ("UTC", True, None)
    again = subprocess.run(
        [sys.executable, "-c", "print(hash('a'))"], check=True,
        env=isolation.environment(), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert int(again.stdout) == hashed
    assert [p.name for p in home.glob(".keras/*")] == ["keras.json"]


def test_a_process_that_isolates_itself_has_it_too(home):
    code = (
        "from sitegen.isolation import isolate; isolate()\n"
        f"import sys; assert {str(home / 'path')!r} not in sys.path{ASK}"
    )
    told = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | hostile(home) | {"PYTHONOPTIMIZE": ""},
        cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    *said, _, zone, _, threads = json.loads(told.stdout)
    assert said == ["tensorflow", "float32", 1e-7, None, 1.5]
    assert (zone, threads) == ("UTC", None)


def test_these_tests_run_in_it():
    for name, value in isolation.FIXED.items():
        assert os.environ[name] == value
    assert "PYTHONPATH" not in os.environ


def test_only_one_place_sets_what_can_change_a_number():
    """Tests and what runs other backends may, on purpose; nothing else."""
    backends = ("studies/versions.py", "studies/cures/traps.py")
    others = {keys.CONFIGURATION, *(ROOT / name for name in backends)}
    names = {*isolation.FIXED, *isolation.QUIET} - {"PYTHONDONTWRITEBYTECODE"}
    for folder in ("sitegen", "studies", "snippets", "."):
        found = (ROOT / folder).glob("*.py" if folder == "." else "**/*.py")
        for path in found:
            if path in others:
                continue
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                text = getattr(node, "value", None)
                assert not isinstance(text, str) or text not in names, path


def test_nothing_but_the_standard_library_is_needed():
    tree = ast.parse(keys.CONFIGURATION.read_text("utf-8"))
    named = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    assert named <= sys.stdlib_module_names
    assert not [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]


def test_a_measurement_begins_as_if_it_were_the_first():
    import keras

    def look():
        isolation.begin()
        layer = keras.layers.Dense(1)
        layer.build((None, 1))
        kinds = (layer.name, layer.compute_dtype, keras.config.floatx())
        drawn = (keras.random.normal(()), layer.kernel[0, 0])
        return *kinds, random.random(), np.random.random(), *map(float, drawn)

    first = look()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("mixed_bfloat16")
    keras.layers.Dense(1)
    random.random()
    np.random.random()
    keras.random.normal(())
    try:
        assert look() == first
    finally:
        isolation.begin()


def is_alive(process):
    done = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(process)], check=False,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    return bool(done.stdout.strip()) and not done.stdout.startswith("Z")


def test_a_process_ends_with_the_one_that_started_it(tmp_path):
    """And so does what it started itself, if it leads a group."""
    child = (
        "import os, subprocess, sys, time; from pathlib import Path\n"
        "from sitegen import isolation\n"
        "isolation.end_with(int(sys.argv[1]))\n"
        "below = subprocess.Popen(['sleep', '600'])\n"
        "Path(sys.argv[2] + '~').write_text(f'{os.getpid()} {below.pid}')\n"
        "Path(sys.argv[2] + '~').rename(sys.argv[2])\n"
        "time.sleep(600)"
    )
    parent = (
        "import os, subprocess, sys\n"
        f"subprocess.run([sys.executable, '-c', {child!r}, str(os.getpid()),"
        " sys.argv[1]], start_new_session=True)"
    )
    began = tmp_path / "began"
    started = subprocess.Popen(
        [sys.executable, "-c", parent, str(began)], cwd=ROOT
    )
    while not began.exists():
        assert started.poll() is None
        time.sleep(0.02)
    both = list(map(int, began.read_text().split()))
    assert all(map(is_alive, both))
    started.send_signal(signal.SIGKILL)
    started.wait()
    while any(map(is_alive, both)):  # the job's limit ends this
        time.sleep(0.05)
