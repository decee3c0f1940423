"""The machinery: what is measured again, what is kept, and how.

What becomes of the prose is in test_prose.py, the look of the figures in
test_style.py, whole builds that go wrong in test_faults.py.
"""

import ast
import hashlib
import logging
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from sitegen import generate, isolation, keys, measure, search, show, worker
from sitegen.measure import MeasureError
from sitegen.store import Store, write_whole

ROOT = Path(__file__).parents[2]
PROJECT = {
    "__init__.py": "",
    "x/__init__.py": "",
    "x/deep.py": "STEP = 1\n",
    "x/near.py": "LIMIT = 1\n",
    "x/listing.py": '''"""A listing."""
from snippets.x.deep import STEP

def value():
    """Return."""
    return STEP  # a comment
''',
    "x/unrelated.py": "OTHER = 1\n",
    "x/rows.csv": "1\n",
    "y/rows.csv": "1\n",
    "y/twin.py": "def value(): return 3\n",
    "z/rows.csv": "1\n",
    "x/figures.py": '''"""Measures."""
import numpy as np
import snippets.x.listing
import snippets.x.unrelated
from snippets.y import twin
from . import near

DRAWS = 3
SCALE = {}
SCALE["a"] = 2
HUE = "he"

def helper(n):
    return n * DRAWS * SCALE["a"]

def measure_a():
    """Measure a."""
    from snippets.x.listing import value
    return helper(value()) + near.LIMIT + twin.value()  # a comment

def measure_b():
    from snippets.x.unrelated import OTHER
    return OTHER

def draw(data):
    return data, HUE

def plot_a(a):
    return draw(a)

def plot_b(b):
    return b
''',
}


@pytest.fixture
def project(tmp_path):
    """Return a function that writes files, and the folder it writes to."""

    def write(files):
        for name, text in files.items():
            path = tmp_path / "snippets" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    write(PROJECT)
    return write


def keys_of(root):
    look = root / "style.py"
    if not look.exists():
        look.write_text("COLOR = 1\n")
    return {
        **{n: keys.measurement_key(root, "x", n) for n in "ab"},
        **{f"plot {n}": keys.figure_key(root, "x", n, (look,)) for n in "ab"},
    }


def changed(before, after):
    return {name for name in before if before[name] != after[name]}


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("x/listing.py", "return STEP", "return 2 * STEP", "a"),
        ("x/deep.py", "1", "2", "a"),  # imported by what is imported
        ("x/near.py", "1", "2", "a"),  # imported relatively
        ("x/__init__.py", "", "import os", "a b"),  # runs before them
        ("x/figures.py", "+ near", "- near", "a"),
        ("x/figures.py", "n * DRAWS", "n + DRAWS", "a"),
        ("x/figures.py", "DRAWS = 3", "DRAWS = 4", "a"),
        ("x/figures.py", "SCALE = {}", "SCALE = {1: 2}", "a"),
        ("x/figures.py", '["a"] = 2', '["a"] = 3', "a"),
        ("x/figures.py", "DRAWS = 3", "DRAWS = 3\nnp.seterr()", "a b"),
        ("x/figures.py", "return OTHER", "return -OTHER", "b"),
        ("x/unrelated.py", "1", "2", "b"),
        ("x/rows.csv", None, "1,2", "a b"),
        ("y/rows.csv", None, "1,2", "a"),  # next to what is imported
        ("z/rows.csv", None, "1,2", ""),
        ("x/figures.py", "x.listing import value", "y.twin import value", "a"),
        ("x/figures.py", "Measure a", "Measure A", ""),
        ("x/figures.py", "a comment", "another", ""),
        ("x/figures.py", "\n\n", "\n\n\n", ""),
        ("x/listing.py", '"""A listing."""\n', "", ""),
        ("x/listing.py", '"""Return."""', '"""Give."""', ""),
        ("x/listing.py", "  # a comment", "", ""),
        ("x/figures.py", "return draw(a)", "return draw(-a)", "only plot a"),
        ("x/figures.py", "data, HUE", "HUE, data", "only plot a"),
        ("x/figures.py", '"he"', '"wide"', "only plot a"),
        ("x/figures.py", "return b", "return -b", "only plot b"),
    ],
)
def test_a_key_changes_when_and_only_when_its_result_can(
    project, file, old, new, expected
):
    root = project({})
    before = keys_of(root)
    text = PROJECT[file].replace(old, new) if old else new
    assert text != PROJECT[file]
    project({file: text})
    if expected.startswith("only "):
        affected = {expected.removeprefix("only ")}
    else:  # a figure of new data is drawn again
        affected = {f"{p}{n}" for n in expected.split() for p in ("", "plot ")}
    assert changed(before, keys_of(root)) == affected


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SEED = 0", "SEED = 1"),
        ('"KERAS_BACKEND": "tensorflow"', '"KERAS_BACKEND": "jax"'),
        ('"KERAS_HOME": os.devnull', '"KERAS_HOME": "/"'),
        ('"KERAS_", "KMP_"', '"KMP_"'),
        ("    random.seed(SEED)\n", ""),
    ],
)
def test_the_seed_and_the_configuration_are_part_of_a_key(
    project, tmp_path, monkeypatch, old, new
):
    """So no number is kept that another configuration would not give."""
    root = project({})
    before = keys_of(root)
    lab = root / "lab.py"
    lab.write_text("# %%\n1\n")
    lab_before = keys.lab_key(lab)
    text = keys.CONFIGURATION.read_text("utf-8")
    assert text.count(old) == 1
    other = tmp_path / "isolation.py"
    monkeypatch.setattr(keys, "CONFIGURATION", other)
    other.write_text(text.replace("time.sleep(0.2)", "time.sleep(0.1)"))
    assert other.read_text() != text
    assert (keys_of(root), keys.lab_key(lab)) == (before, lab_before)
    other.write_text(text.replace(old, new))
    assert changed(before, keys_of(root)) == set(before)
    assert keys.lab_key(lab) != lab_before


def test_what_rounds_in_another_way_has_keys_of_its_own(project, monkeypatch):
    root = project({})
    before = keys_of(root)
    monkeypatch.setitem(isolation.FIXED, "ONEDNN_MAX_CPU_ISA", "none")
    assert changed(before, keys_of(root)) == set(before)


def said_by_every_python(tree):
    """Yield the code's canonical text as each Python would have it.

    3.12 gives functions and classes `type_params`, and ends the format of an
    f-string that ends with a value with an empty text; a later one may add
    any field that is empty where it is not used.
    """

    def again(kind):
        for node in ast.walk(tree):
            if kind == "later" and isinstance(node, ast.stmt | ast.expr):
                node._fields = (*type(node)._fields, "new", "more")
                node.new, node.more = None, []
            spec = getattr(node, "format_spec", None)
            if kind == "3.12" and spec:
                spec.values.append(ast.Constant(""))
        keys.dump.cache_clear()
        return keys.dump(tree)

    return {kind: again(kind) for kind in ("this", "3.12", "later")}


def test_code_says_the_same_on_every_python():
    for path in [*ROOT.glob("snippets/*/*.py"), *ROOT.glob("studies/*/*.py")]:
        tree = ast.parse(path.read_text("utf-8"))
        assert len({*said_by_every_python(tree).values()}) == 1, path
    # What the Pythons 3.11 to 3.13 were seen to say of this.
    code = "def f(x=1):\n    return f'{x:{x}}' + f'{x!r}é' + ''\n"
    said = keys.dump(ast.parse(code)).encode()
    assert hashlib.sha256(said).hexdigest()[:8] == "c2de4a77"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = None", "x = ''"),
        ("x = []", "x = ()"),
        ("f''", "f'a'"),
        ("x = f()", "f()"),
        ("def f(*, a, b=1): pass", "def f(*, a=1, b): pass"),
        ("{**a, 'b': 1}", "{'b': 1, **a}"),
        ("x[1:]", "x[:1]"),
        ("from snippets.a import b", "from snippets.c import b"),
    ],
)
def test_two_codes_are_not_the_same(one, other):
    assert keys.dump(ast.parse(one)) != keys.dump(ast.parse(other))


def test_where_the_modules_lie_counts_for_a_key_and_not_for_a_study(tmp_path):
    one, other = tmp_path / "one.py", tmp_path / "other.py"
    one.write_text("from snippets.a import b\n")
    other.write_text("from studies.c import b\n")
    assert keys.code(one) == keys.code(other)


def test_a_star_import_is_followed(project):
    figures = "from snippets.x.deep import *\ndef measure_a(): return STEP\n"
    root = project({"x/figures.py": figures})
    before = keys.measurement_key(root, "x", "a")
    project({"x/deep.py": "STEP = 2\n"})
    assert keys.measurement_key(root, "x", "a") != before


def test_the_style_changes_figures_and_measures_nothing(project):
    root = project({})
    before = keys_of(root)
    (root / "style.py").write_text("COLOR = 2\n")
    assert changed(before, keys_of(root)) == {"plot a", "plot b"}


def test_every_file_that_shapes_a_drawing_is_part_of_its_key():
    known = {path.stem for path in measure.STYLE}
    for path in measure.STYLE:
        used = {
            alias.name
            if node.module == "sitegen"
            else node.module.split(".")[1]
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.ImportFrom)
            and (node.module or "").startswith("sitegen")
            for alias in node.names
        }
        assert used - known <= {
            "SitegenError",
            "isolation",
            "keys",
            "measure",
            "store",
        }
    assert "style" in known


@pytest.mark.parametrize(
    ("what", "measures"),
    [
        ("tensorflow", True),
        ("keras", True),
        ("numpy", True),
        ("scikit-learn", True),
        ("python", True),
        ("matplotlib", False),
        ("pytest", None),
    ],
)
def test_a_new_version_measures_or_draws_again(
    project, monkeypatch, what, measures
):
    root = project({})
    before = keys_of(root)
    real = keys.version
    keys._versions.cache_clear()
    try:
        if what == "python":
            new = SimpleNamespace(version_info=(3, 99, 0))
            monkeypatch.setattr(keys, "sys", new)
        else:
            monkeypatch.setattr(
                keys, "version", lambda n: "99" if n == what else real(n)
            )
        after = keys_of(root)
    finally:
        keys._versions.cache_clear()
    drawn, measured = {"plot a", "plot b"}, {"a", "b"}
    expected = {True: drawn | measured, False: drawn, None: set()}[measures]
    assert changed(before, after) == expected


def test_a_plot_that_asks_for_nothing_measured_is_named_with_its_line(project):
    root = project({"x/figures.py": "\n\ndef plot_a(histogram): ...\n"})
    with pytest.raises(keys.SourceError) as error:
        keys.jobs(root, "x")
    assert "figures.py:3: plot_a asks for 'histogram'" in str(error.value)


def test_a_syntax_error_is_named_with_its_line(project):
    root = project({"x/figures.py": "x = 1\ndef measure_a(:\n"})
    with pytest.raises(keys.SourceError, match=r"figures\.py:2: "):
        keys.jobs(root, "x")


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def entries(store):
    return [p for p in store.root.rglob("*") if p.is_file()]


@pytest.mark.parametrize(
    "place", [(Path, "replace"), (Path, "chmod"), (measure.os, "fdopen")]
)
def test_an_entry_is_written_whole_or_not_at_all(store, monkeypatch, place):
    def die(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(*place, die)
        with pytest.raises(KeyboardInterrupt):
            store.put("data", "x/a", "1", [1, 2])
    assert not store.has("data", "x/a", "1")
    assert entries(store) == []
    store.put("data", "x/a", "1", [1, 2])
    assert store.get("data", "x/a", "1") == [1, 2]


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: b"",
        lambda raw: raw[:-1],
        lambda raw: raw[:40] + bytes([raw[40] ^ 1]) + raw[41:],
        lambda raw: bytes([raw[0] ^ 1]) + raw[1:],
    ],
    ids=["emptied", "cut", "content", "digest"],
)
def test_a_damaged_entry_is_noticed_and_said(store, caplog, damage):
    store.put("data", "x/a", "1", np.arange(9))
    (entry,) = entries(store)
    entry.write_bytes(damage(entry.read_bytes()))
    with caplog.at_level(logging.INFO, "mkdocs.sitegen"):
        assert not store.has("data", "x/a", "1")
    assert "data/x/a-1 is damaged" in caplog.text
    with pytest.raises(KeyError):
        store.get("data", "x/a", "1")


def test_pruning_keeps_what_was_asked_for_and_nothing_else(store):
    for name in ("x/old", "x/kept", "y/old"):
        store.put("data", name, "1", name)
    (store.root / "data/x/.tmp-left-by-a-kill").write_text("half")
    again = Store(store.root)
    assert again.has("data", "x/kept", "1")
    again.prune()
    assert [p.name for p in entries(again)] == ["kept-1"]


def test_a_file_that_has_not_changed_keeps_its_time(tmp_path):
    path = tmp_path / "a.svg"
    write_whole(path, b"same")
    first = path.stat()
    write_whole(path, b"same")
    assert path.stat().st_ino == first.st_ino
    write_whole(path, b"other")
    assert path.read_bytes() == b"other"


class Variable:
    """Stands for a tensor."""


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"He": {"w": Variable()}}, "measure_a()['He']['w'] holds a Variable"),
        ([1, Variable()], "measure_a()[…] holds a Variable"),
        ({"h": np.array([None])}, "measure_a()['h'] is an array of objects"),
        (np.zeros(1, [("f", "O")]), "measure_a() is an array of objects"),
    ],
)
def test_a_measurement_that_is_not_plain_is_refused_by_its_place(value, place):
    with pytest.raises(TypeError) as error:
        worker.check_plain(value, "measure_a()")
    assert str(error.value).startswith(place)


def test_numbers_text_and_arrays_are_plain(store):
    value = {"a": [1, 2.5, None, True, ("x", np.float32(1))], 2: np.eye(2)}
    worker.check_plain(value, "measure_a()")
    store.put("data", "x/a", "1", value)
    assert repr(store.get("data", "x/a", "1")) == repr(value)


def test_a_measurement_runs_once_and_gives_back_what_it_returned(
    project, store
):
    figures = """
from pathlib import Path
import numpy as np
def measure_a():
    with Path("runs").open("a") as file:
        file.write("x")
    return {"r": np.arange(3.0)}
"""
    root = project({"x/figures.py": figures})
    for _ in range(2):
        found = measure.data(root, store, "x", "a")
        assert np.array_equal(found["r"], [0, 1, 2])
    assert (root / "runs").read_text() == "x"


def test_what_was_measured_and_what_it_cost_is_printed(project, store):
    figures = """
import numpy as np
def measure_a():
    return {"many": np.arange(99.0), "few": np.eye(1), "rows": [[1, "x"]]}
"""
    root = project({"x/figures.py": figures})
    assert list(show.measurement(root, store, "x/a")) == [
        "x/a: ",
        "  many: float64 (99,), from 0 to 98, median 49",
        "  few: [[1.]]",
        "  rows: 1 items",
        "    0: [1, 'x']",
    ]
    told = list(show.costs(root, store, ["x"]))
    assert [line.split()[-1] for line in told[1:]] == ["x/a", "these"]
    with pytest.raises(MeasureError, match=r"no measure_b in .*: a$"):
        list(show.measurement(root, store, "x/b"))


def test_the_words_of_a_section_stand_in_one_order():
    """A set's order is another in each process, and so would the site be."""
    title = "Zebra-quagga-okapi kudus"
    assert search.tags(title, "none.html") == [
        "zebra-quagga-okapi", "zebra", "quagga", "okapi", "kudus"
    ]  # fmt: skip


def test_what_was_edited_while_it_ran_is_not_kept(project, store):
    figures = """
from pathlib import Path
import snippets.x.listing
def measure_a():
    Path("snippets/x/listing.py").write_text("new = 1")
    return snippets.x.listing.value()
"""
    root = project({"x/figures.py": figures})
    with pytest.raises(MeasureError, match="measure_a was edited while it ran"):
        measure.data(root, store, "x", "a")
    assert entries(store) == []


def test_one_process_makes_chapter_after_chapter(project, store, monkeypatch):
    """TensorFlow is imported once; a fault ends only its own chapter."""
    monkeypatch.setattr(measure.os, "cpu_count", lambda: 1)
    good = "import os\ndef measure_a():\n    return os.getpid(), input\n"
    good = good.replace("input", "__import__('sys').stdin.read()")
    bad = "def measure_a():\n    1 / 0\n"
    gone = "import os\ndef measure_a():\n    os._exit(0)\n"
    texts = {"k": bad, "l": good, "m": good, "n": gone, "o": good, "x": good}
    root = project({f"{name}/figures.py": t for name, t in texts.items()})
    with pytest.raises(MeasureError) as caught:
        measure.figures(root, store, 60)
    first, second = str(caught.value).split("\n\n")
    assert first.startswith("snippets/k/figures.py: measure_a raised")
    assert "ZeroDivisionError" in first
    assert second == "snippets/n/figures.py: measure_a ended the process"
    made = [measure.data(root, store, name, "a") for name in "lmox"]
    processes, read = zip(*made, strict=True)
    assert processes[0] == processes[1] != processes[2] == processes[3]
    assert set(read) == {""}  # the jobs of this process are not theirs


def test_what_nothing_makes_any_more_leaves_the_public_folder(tmp_path):
    page = tmp_path / "docs/chapters/x.md"
    page.parent.mkdir(parents=True)
    page.write_text("# X\n")
    cache = tmp_path / "cache"
    (made,) = generate.bring_up_to_date(tmp_path, cache, "http://h/")
    assert made == cache / "public/chapters/x.ipynb"
    page.unlink()
    assert generate.bring_up_to_date(tmp_path, cache, "http://h/") == []
    assert not made.exists()
