"""A test is passed over only where nothing that it depends on has changed."""

import pytest

from sitegen import green

FILES = {
    "README.md": "# R\n",
    "docs/a.md": "# A\n",
    "docs/b.md": "# B\n",
    "mkdocs.yml": "site_name: x\n",
    "conftest.py": "",
    "sitegen/made.py": "x = 1\n",
    "snippets/a/listing.py": "x = 1\n",
    "snippets/a/figures.py": "def measure_x():\n    return 1\n",
    "snippets/b/other.py": "x = 1\n",
    "snippets/b/rows.csv": "x\n",
    "studies/s/cell.py": "from snippets.b.other import x\n",
    "studies/s/found.py": "x = 1\n",
    "studies/__init__.py": "",
    "tests/claims/test_a.py": 'def test_x(measured):\n    measured("a", "x")\n',
    "tests/claims/test_b.py": "from studies.s import cell\n",
    "tests/claims/test_c.py": 'PAGE = "docs/b.md"\n',
    "tests/build/test_made.py": "",
    "tests/browser/test_seen.py": "",
    "site/index.html": "",
}
PAGE, CLAIMS, STUDY = "docs/a.md", *(f"tests/claims/test_{n}.py" for n in "ab")
PROSE, MADE = "tests/claims/test_c.py", "tests/build/test_made.py"
SEEN = "tests/browser/test_seen.py"
ALL = {PAGE, CLAIMS, STUDY, PROSE, MADE, SEEN}


@pytest.fixture
def project(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def keys_of(root):
    green._digest.cache_clear()
    green._measured.cache_clear()
    inputs = green.Inputs(root)
    inputs.browser = ["a browser"]
    return {name: inputs.key(root / name) for name in ALL}


@pytest.mark.parametrize(
    ("changed", "again"),
    [
        ("README.md", {PROSE, MADE}),
        ("docs/a.md", {PAGE, PROSE, MADE}),
        ("docs/b.md", {PROSE, MADE}),
        ("mkdocs.yml", {MADE}),
        ("conftest.py", ALL),
        ("sitegen/made.py", ALL),
        ("snippets/a/listing.py", {PAGE, MADE}),
        ("snippets/a/figures.py", {PAGE, CLAIMS, MADE}),
        ("snippets/b/other.py", {PAGE, STUDY, MADE}),
        ("snippets/b/rows.csv", ALL),
        ("studies/s/cell.py", {STUDY, MADE}),
        ("studies/s/found.py", {STUDY, MADE}),  # found when it runs
        (CLAIMS, {CLAIMS, MADE}),
        ("site/index.html", {SEEN}),
        (".cache/green.json", set()),
        ("site/__pycache__/x.pyc", set()),
    ],
)
def test_what_has_changed_is_run_again(project, changed, again):
    before = keys_of(project)
    assert keys_of(project) == before
    file = project / changed
    file.parent.mkdir(parents=True, exist_ok=True)
    more = "\n\ndef measure_x():\n    return 2\n"
    file.write_text(file.read_text() + more if file.exists() else more)
    now = keys_of(project)
    assert {name for name in ALL if now[name] != before[name]} == again


def test_another_version_of_anything_runs_all_again(project, monkeypatch):
    before = keys_of(project)
    for what in ("python_version", "platform"):
        with monkeypatch.context() as patch:
            patch.setattr(green.platform, what, lambda: "another")
            now = keys_of(project)
        assert all(now[name] != before[name] for name in ALL)
    monkeypatch.setattr(green.sysconfig, "get_path", lambda _: "/nowhere")
    now = keys_of(project)
    assert all(now[name] != before[name] for name in ALL)


def test_one_test_that_was_not_green_runs_its_file_again():
    files = {"a": ["a::1", "a::2"], "b": ["b::1"]}
    record = {"a::1": "k", "a::2": "k", "b::1": "k"}
    now = {"a": "k", "b": "k"}
    assert green.unchanged(files, record, now) == {"a", "b"}
    assert green.unchanged(files, record | {"a::2": "other"}, now) == {"b"}
    del record["a::1"]
    assert green.unchanged(files, record, now) == {"b"}
    assert green.unchanged(files, record, now | {"b": "l"}) == set()
    assert green.unchanged(files, {}, now) == set()
