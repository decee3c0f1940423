"""The end of a page: when it last changed, where to mend and to report it."""

import os
import subprocess
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
from bs4 import BeautifulSoup
from mkdocs.config import load_config

from sitegen import ROOT, origin

PAGE = "chapters/a.md"
REPO = "https://github.com/who/what"
HERE = "https://who.github.io/what/chapters/a.html"


def git(folder, *arguments, date="2020-01-02"):
    when = f"{date}T12:00:00+00:00"
    own = {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
    own |= dict.fromkeys(("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"), os.devnull)
    user = ("-c", "user.name=a", "-c", "user.email=a@b", "-C", str(folder))
    subprocess.run(
        ["git", *user, *arguments],
        check=True,
        capture_output=True,
        env=os.environ | own,
    )


@pytest.fixture
def project(tmp_path):
    """Return a repository whose page, listing and index changed in turn."""
    root = tmp_path / "project"
    changes = {
        "docs/index.md": "2020-01-02",
        "docs/chapters/a.md": "2020-03-04",
        "snippets/a/listing.py": "2020-05-06",
        "snippets/ab/other.py": "2020-07-08",
    }
    for path, date in changes.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("a\n")
        if path == "docs/index.md":
            git(root, "init", "-q")
        git(root, "add", ".")
        git(root, "commit", "-qm", path, date=date)
    return root


def changed(root, page=PAGE):
    return origin.origin(root, page, "", "").changed


def test_a_page_changes_with_its_prose_and_with_its_listings(project):
    assert changed(project, "index.md") == "2020-01-02"
    assert changed(project) == "2020-05-06"


def test_without_its_history_nothing_is_said(project, tmp_path):
    shallow = tmp_path / "shallow"
    clone = ("clone", "-q", "--depth", "1", project.as_uri(), str(shallow))
    git(tmp_path, *clone)
    assert (shallow / "docs/index.md").is_file()
    assert changed(shallow) is None
    bare = tmp_path / "bare"
    (bare / "docs").mkdir(parents=True)
    assert changed(bare) is None
    # A copy within somebody else's repository has no history either.
    inner = project / "docs"
    assert changed(inner) is None


def test_what_an_author_edits_is_what_the_link_opens():
    pages = ("index.md", PAGE, "labs/rescue.ipynb", "checks/atlas.md")
    found = [origin.origin(ROOT, page, "", REPO).edit for page in pages]
    assert found == [
        f"{REPO}/edit/main/{path}"
        for path in (
            "docs/index.md",
            "docs/chapters/a.md",
            "docs/labs/rescue.py",
            "tests/claims/test_atlas.py",
        )
    ]
    for address in found[:1] + found[2:]:
        assert (ROOT / address.partition("/main/")[2]).is_file()


def test_a_report_is_begun_with_the_page_that_it_is_about():
    parts = urlsplit(origin.origin(ROOT, PAGE, HERE, REPO + "/").report)
    assert parts._replace(query="").geturl() == f"{REPO}/issues/new"
    said = parse_qs(parts.query)
    assert "a.html" in said["title"][0]
    assert f"Page: {HERE}\n" in said["body"][0]


@pytest.mark.parametrize("repo", [REPO, ""])
def test_the_page_offers_what_is_known(repo):
    theme = load_config(str(ROOT / "mkdocs.yml")).theme
    template = theme.get_env().get_template("partials/source-file.html")
    known = origin.origin(ROOT, "index.md", HERE, repo)
    soup = BeautifulSoup(template.render(origin=known), "html.parser")
    links = [link["href"] for link in soup.select("a")]
    assert links == ([known.edit, known.report] if repo else [])
    nothing = SimpleNamespace(changed=None, edit=None, report=None)
    assert not template.render(origin=nothing).strip()
    dated = SimpleNamespace(changed="2020-01-02", edit=None, report=None)
    assert 'datetime="2020-01-02"' in template.render(origin=dated)
