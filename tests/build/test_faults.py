"""Faults that people make: each ends a build or a test, and says where.

A small project, with the settings and the machinery of this one, is built
once; each test copies it, breaks one thing, and builds it again.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from bs4 import BeautifulSoup
from mkdocs.utils.yaml import yaml_load

ROOT = Path(__file__).parents[2]
SAME_SETTINGS = (
    "hooks", "markdown_extensions", "strict", "use_directory_urls",
    "validation",
)  # fmt: skip
FILES = {
    "README.md": "# Small\n",
    "docs/index.md": "# Home\n\n[X](chapters/x.md)\n",
    "docs/chapters/x.md": r"""---
title: X
description: A chapter.
---

# How far does a walk get?

As far as $\sqrt{n}$.[✓](#test_far) See [below](#below).

![Ten walks.](../figures/x/walks.svg "Walks spread. Ten walks.")

```python title="walk.py"
--8<-- "x/walk.py"
```

## Below {#below}

- A list.

    ```python
    >>> round(float(np.abs(walk(seed=1)).max()), 2)
    7.69
    ```
""",
    "snippets/__init__.py": "",
    "snippets/x/__init__.py": "",
    "snippets/x/walk.py": '''"""A random walk."""

import numpy as np


def walk(seed: int) -> np.ndarray:
    """Return a hundred steps."""
    return np.random.default_rng(seed).standard_normal(100).cumsum()
''',
    "snippets/x/figures.py": '''"""Measures and draws."""

import matplotlib.pyplot as plt
import numpy as np
from snippets.x.walk import walk


def measure_walks():
    walks = [walk(seed) for seed in range(10)]
    return np.array(walks)


def plot_walks(walks):
    figure, ax = plt.subplots()
    ax.plot(walks.T, color="other")
    ax.set_xlabel("step")
    ax.set_ylabel("place")
    return figure
''',
    "tests/claims/test_x.py": """def test_far(measured):
    assert 5 < measured("x", "walks")[:, -1].std() < 15
""",
}


def run(root, *command, **environment):
    """Run a module of Python; return its exit status and all it said."""
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=root,
        env=variables(**environment),
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


def variables(**more):
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST", "SITE_URL", "SITEGEN_", "PYTHONPATH"))
        and name not in ("ALL", "WEEKLY")
    }
    fixed = {"CI": "true", "SOURCE_DATE_EPOCH": "0", "COLUMNS": "80"}
    return inherited | fixed | {"PYTHONDONTWRITEBYTECODE": "1"} | more


BUILD = ("mkdocs", "build", "--strict")
PYTEST = ("pytest", "-p", "no:cacheprovider", "-p", "no:xdist", "-o",
          "addopts=", "-q")  # fmt: skip


def tree(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def copy_machinery(root, *more):
    for name in ("sitegen", "conftest.py", "requirements.in", *more):
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, root / name, ignore=ignored)
        else:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, root / name)


def bare_text(html):
    return BeautifulSoup(html, "html.parser").get_text()


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """Return the small project, built, and what the build said."""
    root = tmp_path_factory.mktemp("good")
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    copy_machinery(root, "pyproject.toml")
    real = yaml_load((ROOT / "mkdocs.yml").read_text("utf-8"))
    config = {name: real[name] for name in SAME_SETTINGS} | {
        "site_name": "Small",
        "site_url": "http://localhost/",
        "theme": {"name": "mkdocs"},
        "plugins": [],
        "nav": ["index.md", "chapters/x.md"],
        "strict": True,
    }
    (root / "mkdocs.yml").write_text(yaml.dump(config))
    return root, run(root, *BUILD)


@pytest.fixture
def project(good, tmp_path):
    """Return a copy of it, and a function that changes one of its files."""
    root = tmp_path / "project"
    shutil.copytree(good[0], root)

    def change(file, old, new):
        path = root / file
        if old is None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(new)
        else:
            text = path.read_text()
            assert text.count(old) == 1
            path.write_text(text.replace(old, new))

    return root, change


def test_a_good_project_is_built_without_a_warning(good):
    root, (status, said) = good
    assert status == 0, said
    assert "WARNING" not in said
    assert "ERROR" not in said
    assert f"{FIGURES}: measure_walks (1 of 2)" in said
    assert f"{FIGURES}: plot_walks (2 of 2)" in said
    built = tree(root / "site")
    assert len([name for name in built if name.endswith(".svg")]) == 4
    page = built["chapters/x.html"].decode()
    for part in ("figures/x/walks-phone-dark.svg", "<math", 'id="test_far"'):
        assert part in page
    assert "def test_far(measured)" in bare_text(built["checks/x.html"])
    assert "chapters/x.ipynb" in built


def test_a_build_in_which_nothing_changed_measures_nothing(project):
    root, _ = project
    status, said = run(root, *BUILD)
    assert status == 0
    assert "measure_" not in said
    assert "plot_" not in said


PAGE = "docs/chapters/x.md"
FIGURES = "snippets/x/figures.py"
FAULTS = {
    "a plot that raises": (
        (FIGURES, "    ax.plot(", "    raise OSError('no ink')\n    ax.plot("),
        [FIGURES, "plot_walks raised", "line 15", "OSError: no ink"],
    ),
    "a measurement that raises": (
        (FIGURES, "    walks = ", "    print('x')\n    1 / 0\n    walks = "),
        [FIGURES, "measure_walks raised", "line 10", "ZeroDivisionError"],
    ),
    "a listing that raises": (
        ("snippets/x/walk.py", "    return", "    return None +"),
        [FIGURES, "measure_walks raised", "walk.py", "line 8", "TypeError"],
    ),
    "a measurement that is killed": (
        (
            FIGURES,
            "    walks = ",
            "    import os; os.kill(os.getpid(), 9)\n    w = ",
        ),
        [FIGURES, "measure_walks was killed by SIGKILL", "memory"],
    ),
    "an import that fails": (
        (FIGURES, "import walk", "import gone"),
        [f"{FIGURES}: the imports raised", "cannot import name 'gone'"],
    ),
    "data that are not plain": (
        (FIGURES, "np.array(walks)", "{'a': object()}"),
        [f"{FIGURES}:10: measure_walks()['a'] holds a object: a measurement"],
    ),
    "a measurement that returns a tensor": (
        (FIGURES, "np.array(walks)", "__import__('keras').ops.ones(2)"),
        [f"{FIGURES}:10: measure_walks() holds a EagerTensor", "_to_numpy"],
    ),
    "a colour of no palette": (
        (FIGURES, '"other"', '"red"'),
        [f"{FIGURES}:15: plot_walks draws in #ff0000", "use one of he, "],
    ),
    "a figure that nothing draws": (
        (PAGE, "x/walks.svg", "x/runs.svg"),
        ["chapters/x.md", "figures/x/runs"],
    ),
    "a missing image": (
        (PAGE, "../figures/x/walks.svg", "walks.png"),
        ["chapters/x.md", "walks.png"],
    ),
    "a formula that does not parse": (
        (PAGE, r"\sqrt{n}", r"\sqrt{n"),
        ["chapters/x.md", r"\sqrt{n"],
    ),
    "a stray dollar": (
        (PAGE, "A list.", "It costs 5 $ now."),
        ["chapters/x.md", "stray dollar", "It costs 5 $ now."],
    ),
    "a page that is not in the nav": (
        ("docs/chapters/y.md", None, "# Y\n"),
        ["chapters/y.md", "not included in the"],
    ),
    "a broken link": (
        ("docs/index.md", "chapters/x.md", "chapters/z.md"),
        ["index.md", "chapters/z.md"],
    ),
    "a broken anchor": (
        (PAGE, "(#below)", "(#beneath)"),
        ["chapters/x.md", "#beneath"],
    ),
    "a broken anchor of another page": (
        ("docs/index.md", "chapters/x.md", "chapters/x.md#beneath"),
        ["index.md", "chapters/x.md#beneath"],
    ),
    "a missing listing": (
        (PAGE, '"x/walk.py"', '"x/talk.py"'),
        [f"{PAGE}:13", "x/talk.py"],
    ),
    "a fence that is not run": (
        (PAGE, "    ```python\n", "    ```py\n"),
        [f"{PAGE}:20", "'py' is not run"],
    ),
    "a claim without a test": (
        (PAGE, "#test_far", "#test_near"),
        [f"{PAGE}:8", "test_near", "tests/claims/test_x.py"],
    ),
    "a lab cell that raises": (
        ("docs/labs/l.py", None, "# %% [markdown]\n# # L\n\n# %%\n1 / 0\n"),
        ["docs/labs/l.py:4", "ZeroDivisionError"],
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_build_ends_at_the_fault_and_names_the_place(project, fault):
    root, change = project
    where, expected = FAULTS[fault]
    change(*where)
    status, said = run(root, *BUILD)
    assert status != 0
    for part in expected:
        assert part in said, said
    for noise in ("/mkdocs/", "/sitegen/", "<frozen", "absl", "cuda"):
        assert noise not in said, "what the machinery says helps nobody"


def is_alive(process):
    stat = Path(f"/proc/{process}/stat")
    if Path("/proc/self/stat").exists():  # a zombie is dead
        return stat.exists() and stat.read_text().rpartition(")")[2][1] != "Z"
    return not subprocess.run(
        ["ps", "-p", str(process)], check=False
    ).returncode


def wait_for_its_end(process):
    """Fail after two minutes: who lives then was forgotten."""
    for _ in range(2400):
        if not is_alive(process):
            return
        time.sleep(0.05)
    os.kill(process, signal.SIGKILL)
    pytest.fail(f"process {process} outlived what started it")


def test_a_measurement_that_hangs_is_stopped_with_what_it_started(project):
    root, change = project
    change(
        FIGURES,
        "    walks = ",
        "    import subprocess, pathlib\n"
        "    child = subprocess.Popen(['sleep', '600'], stdout=-3, stderr=-3)\n"
        "    pathlib.Path('child').write_text(str(child.pid))\n"
        "    child.wait()\n"
        "    walks = ",
    )
    status, said = run(root, *BUILD, SITEGEN_SECONDS="3")
    assert status != 0
    assert f"{FIGURES}: measure_walks was stopped" in said
    assert "it had done nothing for 3 s" in said
    wait_for_its_end(int((root / "child").read_text()))


def test_a_measurement_that_never_ends_is_stopped(project):
    root, change = project
    change(
        FIGURES, "    walks = ", "    while True:\n        pass\n    walks = "
    )
    status, said = run(root, *BUILD, SITEGEN_SECONDS="3")
    assert status != 0
    assert f"{FIGURES}: measure_walks was stopped" in said
    assert "it had not ended after 3 s" in said


def test_a_build_killed_half_way_leaves_nothing_wrong(good, project):
    root, change = project
    change(
        FIGURES,
        "    walks = ",
        "    import os, pathlib, signal\n"
        "    pathlib.Path('began').write_text(str(os.getpid()))\n"
        "    pathlib.Path('again').exists() or signal.pause()\n"
        "    walks = ",
    )
    shutil.rmtree(root / "site")
    build = subprocess.Popen(
        [sys.executable, "-m", *BUILD],
        cwd=root,
        env=variables(),
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    began = root / "began"
    while not (began.exists() and began.read_text()):
        assert build.poll() is None
        time.sleep(0.05)
    os.killpg(build.pid, signal.SIGKILL)
    build.wait()
    wait_for_its_end(int(began.read_text()))
    (root / "again").touch()
    status, said = run(root, *BUILD)
    assert status == 0
    assert f"{FIGURES}: measure_walks" in said
    assert tree(root / "site") == tree(good[0] / "site")


def test_a_damaged_cache_entry_is_said_and_made_again(good, project):
    root, _ = project
    entries = sorted((root / ".cache/store").glob("*/x/*"))
    kinds = [entry.parent.parent.name for entry in entries]
    assert kinds == ["costs", "data", "figures"]
    entries = entries[1:]
    for entry in entries:
        entry.write_bytes(entry.read_bytes()[:-7])
    shutil.rmtree(root / ".cache/public")
    status, said = run(root, *BUILD)
    assert status == 0
    for entry in entries:
        kind = entry.parent.parent.name
        assert f"the cached {kind}/x/{entry.name} is damaged" in said
    assert f"{FIGURES}: measure_walks" in said
    assert tree(root / "site") == tree(good[0] / "site")


def test_two_cold_builds_give_the_same_bytes(good, project, tmp_path):
    root, _ = project
    shutil.rmtree(root / "site")
    shutil.rmtree(root / ".cache")
    status, said = run(root, *BUILD, SITEGEN_CACHE=str(tmp_path / "other"))
    assert status == 0, said
    assert f"{FIGURES}: measure_walks" in said
    first, second = tree(good[0] / "site"), tree(root / "site")
    assert len(first) > 10
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []


def test_without_mkdocs_the_same_files_are_made(good, project):
    root, _ = project
    shutil.rmtree(root / ".cache")
    status, said = run(root, "sitegen", "build")
    assert status == 0
    assert f"{FIGURES}: measure_walks" in said
    made = tree(root / ".cache/public")
    assert made == tree(good[0] / ".cache/public")
    assert "chapters/x.ipynb" in made
    status, said = run(root, "sitegen", "count")
    assert status == 0
    assert said.splitlines()[-1].startswith(
        "1 listings, 2 blocks, 1 outputs, 1 figures, 1 claims, "
    )
    status, said = run(root, "sitegen", "paint")
    assert status != 0
    assert said.startswith("usage: python -m sitegen build ")


def test_it_is_built_from_any_folder(good, project, tmp_path):
    """`setup.sh` links the package into the environment."""
    root, _ = project
    shutil.rmtree(root / "site")
    command = (*BUILD, "-f", str(root / "mkdocs.yml"))
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages/sitegen").symlink_to(root / "sitegen")
    status, said = run(
        elsewhere, *command, PYTHONPATH=str(tmp_path / "packages")
    )
    assert status == 0, said
    assert "measure_" not in said
    assert tree(root / "site") == tree(good[0] / "site")
    assert not list(elsewhere.iterdir())


CHECKED = "Checked 1 listings, 2 blocks, 1 outputs, 1 figures, 1 claims, "


def test_a_changed_number_on_the_page_is_red_and_names_its_line(project):
    """And what cannot have changed is not run again, but when one asks."""
    root, change = project
    kept = "tests were green with the same inputs"
    status, said = run(root, *PYTEST, "docs", "tests")
    assert status == 0, said
    assert CHECKED not in said, "this was not everything"
    everything = ("pytest", "-p", "no:cacheprovider", "-n", "2")
    for more in ({}, {"ALL": "1"}, {}):
        status, said = run(root, *everything, **more)
        assert status == 0, said
        assert said.count(CHECKED) == 1
    assert f"3 {kept}" in said
    status, said = run(root, *PYTEST, "tests")
    assert "1 passed" in said, "who names a test gets it run"
    change(PAGE, "7.69", "7.72")
    status, said = run(root, *everything)
    assert status != 0
    assert f"{PAGE}, line 21" in said
    assert "Expected:\n    7.72\nGot:\n    7.69" in said
    assert said.count(CHECKED) == 1
    status, said = run(root, *everything)
    assert status != 0, "what was red is run again"


def test_a_claim_that_is_no_longer_true_is_red(project):
    root, change = project
    change("snippets/x/walk.py", ".cumsum()", "")
    status, said = run(root, *PYTEST, "tests")
    assert status != 0
    assert "test_x.py::test_far" in said


def test_a_swapped_initializer_in_a_listing_is_red(tmp_path):
    chapter = "initialization"
    claims = f"tests/claims/test_{chapter}.py"
    copy_machinery(tmp_path, "snippets", claims, "tests/drawings.py")
    listing = tmp_path / f"snippets/{chapter}/deep_network.py"
    swapped = listing.read_text().replace(".HeNormal", ".GlorotNormal")
    assert swapped != listing.read_text()
    listing.write_text(swapped)
    status, said = run(tmp_path, *PYTEST, claims, "-k", "deep_network")
    assert status != 0
    assert "relu" in said
    assert "1 failed" in said
