"""Labs: executed once, away from the repository; their pages are light.

Small labs stand in for those of the guide, which every build executes.
"""

import ast
import logging
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from mkdocs_jupyter.nbconvert2 import nb2html
from mkdocs_jupyter.plugin import get_nb_toc

from sitegen import keys, labs, style, svg
from sitegen.labs import LabError
from sitegen.math import MathError
from sitegen.measure import MeasureError
from sitegen.store import Store
from sitegen.svg import StyleError

ROOT = Path(__file__).parents[2]
LAB = """\
# ---
# jupyter:
#   jupytext: {text_representation: {extension: .py, format_name: percent}}
# ---

# %% [markdown]
# # A small lab
#
# The sum is $\\sqrt{x} < 3$.
#
# ## What do you see?
#
# $$\\sum_i x_i$$

# %%
import importlib.util
import os
import sys

import matplotlib.pyplot as plt

assert os.listdir() == [], os.listdir()
for name in ("snippets", "tests", "small"):
    assert importlib.util.find_spec(name) is None, name
print("a time", file=sys.stderr)
total = sum(x < 2 for x in range(5))  # an "entity" & more
print("total", total)

# %% tags=["fold"]
# Solution: two
# %config InlineBackend.figure_formats = ["svg"]
plt.rcParams.update({"svg.hashsalt": "lab", "svg.fonttype": "none"})
plt.rcParams.update({"text.color": "#5C5850", "axes.edgecolor": "#8C877D"})
plt.rcParams.update({"xtick.color": "#5C5850", "ytick.color": "#5C5850"})

# %%
plt.plot([1, 10, 100], color="#0060A0")
plt.figure()
plt.semilogy([1, 10, 100], color="#B45F00");

# %% [markdown]
# *Two lines go up. One seed.*
#
# ## What do you see?
#
# That is `2 * 2`.
"""


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def lab(folder, text, name="small"):
    path = folder / f"{name}.py"
    path.write_text(text, "utf-8")
    return path


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Return the small lab, and the store that has its notebook."""
    folder = tmp_path_factory.mktemp("lab")
    source, store = lab(folder, LAB), Store(folder / "s")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        patch.setenv("PYTHONPATH", str(ROOT))
        labs.execute(source, store, timeout=60)
    return source, store


@pytest.fixture(scope="module")
def executed(kept):
    source, store = kept
    path = source.with_suffix(".ipynb")
    path.write_bytes(labs.execute(source, store, timeout=60))
    return path


@pytest.fixture(scope="module")
def rendered(executed):
    return nb2html(str(executed), allow_errors=False)


@pytest.fixture(scope="module")
def page(rendered):
    return labs.lighten(rendered, "labs/small.ipynb")


# Executing


def test_a_lab_becomes_an_executed_notebook(executed):
    notebook = nbformat.read(executed, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == [1, 2, 3]
    assert code[0].outputs[0].text == "total 2\n"
    assert code[1].source.splitlines()[1].startswith("%config")
    drawn = [output.data for output in code[2].outputs]
    assert len(drawn) == 2
    assert all("image/svg+xml" in data for data in drawn)


def test_what_a_lab_says_on_stderr_is_not_shown(executed):
    notebook = nbformat.read(executed, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [output.name for output in code[0].outputs] == ["stdout"]


def test_a_build_from_the_store_executes_and_imports_nothing(kept, executed):
    source, store = kept
    code = (
        "import sys; from pathlib import Path\n"
        "from sitegen import labs; from sitegen.store import Store\n"
        "labs.measure.run = None\n"
        f"found = labs.execute(Path({str(source)!r}), "
        f"Store(Path({str(store.root)!r})), timeout=1)\n"
        f"assert found == Path({str(executed)!r}).read_bytes()\n"
        "print({'nbclient', 'jupytext', 'tensorflow'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, text=True,
        stdout=subprocess.PIPE,
    )  # fmt: skip
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("changed", ["source", "version", "configuration"])
def test_a_change_executes_again(tmp_path, store, monkeypatch, changed):
    runs = []

    def run(root, store, *_):
        runs.append(1)
        store.put("labs", "small/notebook", keys.lab_key(source), b"")

    monkeypatch.setattr(labs.measure, "run", run)
    source = lab(tmp_path, "# %%\n1\n")
    labs.execute(source, store, timeout=60)
    if changed == "source":
        lab(tmp_path, "# %%\n2\n")
    elif changed == "version":
        monkeypatch.setattr(keys, "_versions", lambda names: ("new",))
    else:
        monkeypatch.setattr(keys, "_configuration", lambda: ["new"])
    labs.execute(source, store, timeout=60)
    assert len(runs) == 2


def test_a_damaged_entry_is_said_and_made_again_with_the_same_bytes(
    kept, executed, caplog
):
    source, store = kept
    (entry,) = (path for path in store.used if path.parent.name == "small")
    entry.write_bytes(entry.read_bytes()[:-9])
    while int(time.time()) == int(executed.stat().st_mtime):
        time.sleep(0.05)  # so that a time, if one is written, differs
    with caplog.at_level(logging.INFO):
        again = labs.execute(source, store, timeout=60)
    assert again == executed.read_bytes()
    assert re.search(r"labs/small/notebook.* damaged", caplog.text)


def test_an_error_names_the_cell_and_shows_the_traceback(tmp_path, store):
    text = "# %% [markdown]\n# Hello\n\n# %%\nx = 0\n\n# %%\nassert x, 'no x'\n"
    with pytest.raises(MeasureError) as caught:
        labs.execute(lab(tmp_path, text), store, timeout=60)
    message = str(caught.value)
    assert f"{tmp_path}/small.py:7: the cell raised" in message
    assert "----> 1 assert x, 'no x'" in message
    assert "AssertionError: no x" in message
    assert "\x1b" not in message
    assert not list(store.root.rglob("*-*"))


def test_a_cell_that_hangs_is_named(tmp_path, store):
    text = "# %%\nx = 0\n\n# %%\nwhile True:\n    pass\n"
    stopped = r"small\.py:4: the cell was stopped: it had .* 3 s"
    with pytest.raises(MeasureError, match=stopped):
        labs.execute(lab(tmp_path, text), store, timeout=3)


def test_a_cell_that_kills_its_process_is_named(tmp_path, store):
    text = "# %%\nx = 0\n\n# %%\nimport os\nos.kill(os.getpid(), 9)\n"
    with pytest.raises(MeasureError, match=r"(?s)small\.py:4: .*memory"):
        labs.execute(lab(tmp_path, text), store, timeout=60)


def test_a_build_that_is_killed_leaves_nothing(tmp_path, store):
    mark = tmp_path / "mark"
    source = lab(
        tmp_path,
        f"# %%\nimport os, time\nopen({str(mark)!r}, 'w').write("
        "str(os.getpid()))\ntime.sleep(300)\n",
    )
    code = (
        "from pathlib import Path\n"
        "from sitegen.labs import execute; from sitegen.store import Store\n"
        f"execute(Path({str(source)!r}), Store(Path({str(store.root)!r})),"
        " timeout=300)"
    )
    build = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    while not (mark.exists() and mark.read_text()):
        assert build.poll() is None
        time.sleep(0.05)
    build.kill()
    build.wait()
    assert not [path for path in store.root.rglob("*") if path.is_file()]
    while alive(int(mark.read_text())):
        time.sleep(0.05)


def alive(process):
    try:
        os.kill(process, signal.SIG_DFL)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{process}/stat")
    return not state.exists() or ") Z " not in state.read_text()


def test_text_outside_the_cells_is_refused(tmp_path, store):
    with pytest.raises(MeasureError, match="does not begin with a line # %%"):
        labs.execute(lab(tmp_path, "x = 1\n\n# %%\nx\n"), store, timeout=60)


# The page


def test_a_page_has_no_script_no_style_and_asks_nobody(page):
    soup = BeautifulSoup(page, "html.parser")
    assert not soup.select("script, style, link, iframe, clipboard-copy")
    assert "://" not in page
    assert "jp-" not in page
    assert len(page) < 50_000  # the plugin: more than 600,000


def test_a_page_shows_the_code_of_the_notebook(page, executed):
    soup = BeautifulSoup(page, "html.parser")
    shown = [code.get_text() for code in soup.select("pre > code")]
    notebook = nbformat.read(executed, as_version=4)
    code = [c.source for c in notebook.cells if c.cell_type == "code"]
    assert [text.rstrip("\n") for text in shown] == code
    # What the theme colours and gives a button.
    assert len(soup.select(".highlight > pre > code .nb")) > 1
    assert [p.get_text() for p in soup.select(".output")] == ["total 2"]


def test_headings_have_the_anchors_of_the_contents(page, executed):
    soup = BeautifulSoup(page, "html.parser")
    ids = [heading["id"] for heading in soup.select("h1, h2")]
    contents, title = get_nb_toc(str(executed), 6)
    (top,) = contents
    assert ids == [top.id, *(below.id for below in top.children)]
    assert ids == ["a-small-lab", "what-do-you-see", "what-do-you-see_1"]
    assert title == soup.h1.contents[0] == "A small lab"


def test_both_downloads_stand_below_the_title(page):
    soup = BeautifulSoup(page, "html.parser")
    links = soup.h1.find_next_sibling().select("a[download]")
    assert {a["href"] for a in links} == {"small.py", "small.ipynb"}


def test_math_is_rendered(page):
    soup = BeautifulSoup(page, "html.parser")
    assert len(soup.select("math")) == 2
    assert soup.select("math msqrt")
    assert "$" not in page


def test_figures_are_inline_named_and_in_both_palettes(page):
    soup = BeautifulSoup(page, "html.parser")
    (figure,) = soup.select("figure")
    assert len(figure.select("svg")) == 2
    name = figure.select_one('[role="img"]')["aria-labelledby"]
    caption = figure.select_one(f"figcaption > #{name}")
    assert caption.get_text() == "Two lines go up. One seed."
    assert caption.strong.get_text() == "Two lines go up."
    light, dark = (c.lower() for c in style.COLORS["he"])
    assert f"stroke: light-dark({light}, {dark})" in page
    exact = r' (?:d|x|y)="[^"]*\d\.\d\d'  # half of its weight
    assert not re.search(exact, str(figure))
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    used = re.findall(r'(?:url\(|href=")#([^")]+)', page)
    assert used
    assert set(used) <= set(ids)


def test_a_folded_cell_does_not_tell_its_solution(page):
    soup = BeautifulSoup(page, "html.parser")
    (folded,) = soup.select("details")
    assert folded.summary.get_text() == "Solution"
    assert folded.select("pre > code")


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ("<em>Two", "Two", "no *caption*"),
        (">What do you see?<", ">What is <code>x</code>?<", "heading"),
        (">What do you see?<", ">What is $x$?<", "heading"),
        ("\\sqrt{x}", "\\sqrrt{x}", "sqrrt"),
        ("<code>2 * 2</code>", "2 $ 2", "dollar"),
    ],
)
def test_a_broken_rule_is_named(rendered, right, wrong, says):
    assert right in rendered
    with pytest.raises((LabError, MathError)) as caught:
        labs.lighten(rendered.replace(right, wrong), "labs/small.ipynb")
    assert "labs/small.ipynb" in str(caught.value)
    assert says in str(caught.value)


def test_a_figure_at_the_end_needs_a_caption_too(rendered):
    cells = rendered.rpartition('<div class="jp-Cell jp-MarkdownCell')[0]
    with pytest.raises(LabError, match="caption"):
        labs.lighten(cells, "labs/small.ipynb")


def test_a_colour_outside_the_palette_is_named(monkeypatch, rendered):
    monkeypatch.delitem(svg.DARK, style.COLORS["he"][0].lower())
    with pytest.raises(StyleError, match=r"small\.ipynb draws in #0060a0"):
        labs.lighten(rendered, "labs/small.ipynb")


# The labs of the guide


@pytest.mark.parametrize(
    "path", sorted((ROOT / "docs/labs").glob("*.py")), ids=lambda p: p.stem
)
def test_a_lab_of_the_guide_needs_only_public_packages(path):
    tree = ast.parse(path.read_text("utf-8"))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    public = {"keras", "matplotlib", "numpy", "sklearn", "tensorflow"}
    assert imported <= public | set(sys.stdlib_module_names)
    claims = [n for n in ast.walk(tree) if isinstance(n, ast.Assert)]
    assert len(claims) >= 5
