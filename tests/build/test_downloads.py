"""What a reader takes along: listings by their names, notebooks to Colab."""

import re
from urllib.parse import urlsplit

import pytest
import yaml

from sitegen import ROOT, downloads

SHOWN = '<span class="filename">{}</span>'
NOTEBOOK = '<a href="a.ipynb" download>Notebook</a>'


@pytest.fixture
def snippets(tmp_path):
    for name in ("a/one.py", "b/one.py", "b/two.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("page", "name", "place"),
    [
        ("chapters/a.md", "one.py", "../snippets/a/one.py"),
        ("chapters/b.md", "one.py", "../snippets/b/one.py"),
        ("chapters/a.md", "two.py", "../snippets/b/two.py"),
        ("c.md", "two.py", "snippets/b/two.py"),
    ],
)
def test_a_listing_s_name_is_its_download(snippets, page, name, place):
    html = downloads.link(SHOWN.format(name), page, snippets, "")
    assert f'<a href="{place}" download' in html


def test_what_is_no_listing_is_no_download(snippets):
    html = SHOWN.format("Makefile")
    assert downloads.link(html, "c.md", snippets, "") == html
    with pytest.raises(downloads.DownloadError, match=r"docs/c\.md: one\.py"):
        downloads.link(SHOWN.format("one.py"), "c.md", snippets, "")


@pytest.mark.parametrize("end", ["", "/", ".git"])
def test_a_notebook_opens_in_colab(snippets, end):
    repo = f"https://github.com/who/what.a{end}"
    html = downloads.link(NOTEBOOK, "chapters/a.md", snippets, repo)
    place = "who/what.a/blob/notebooks/chapters/a.ipynb"
    colab = "https://colab.research.google.com/github"
    assert html == f'{NOTEBOOK}<a href="{colab}/{place}">Colab</a>'


@pytest.mark.parametrize("repo", ["", "https://example.com/who/what"])
def test_without_github_there_is_no_colab(snippets, repo):
    html = downloads.link(NOTEBOOK, "chapters/a.md", snippets, repo)
    assert html == NOTEBOOK


def test_the_publishing_job_pushes_what_colab_opens():
    text = (ROOT / ".github/workflows/site.yml").read_text("utf-8")
    job = yaml.safe_load(text)["jobs"]["notebooks"]
    (script,) = (step["run"] for step in job["steps"])
    assert f"git init -q -b {downloads.BRANCH}\n" in script
    assert re.search(rf"push .* {downloads.BRANCH}\n", script)
    (copied,) = re.findall(r"--parents (.*) \.\.", script)
    assert copied == "chapters/*.ipynb labs/*.ipynb"
    assert job["if"].endswith("== 'refs/heads/main'")


@pytest.mark.parametrize(
    ("page", "stem"),
    [("chapters/saturation.md", "saturation"), ("labs/rescue.ipynb", "rescue")],
)
def test_the_path_in_colab_is_the_one_of_the_site(page, stem):
    repo = "https://github.com/who/what"
    html = downloads.link(
        NOTEBOOK.replace("a.ipynb", f"{stem}.ipynb"), page, ROOT, repo
    )
    path = urlsplit(html.rpartition('href="')[2].partition('"')[0]).path
    folder, _, name = path.partition("/blob/notebooks/")[2].partition("/")
    assert (ROOT / "docs" / page).parent.name == folder
    assert name == f"{stem}.ipynb"
