"""Pages as Markdown, and the archive of the site."""

import re
import zipfile

import pytest
import yaml

from sitegen import ROOT, offline, plain
from sitegen.blocks import blocks

PAGES = sorted((ROOT / "docs").rglob("*.md"))
HERE = "http://h/chapters/x.html"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_as_markdown_stands_alone(page):
    made = plain.markdown(page, ROOT, HERE)
    text = page.read_text("utf-8")
    for block in blocks(text, page.name, ROOT / "snippets"):
        assert f"```python\n{block.code.strip(chr(10))}\n```" in made
    prose = re.sub(r"^(```+).*?^\1$", "", made, flags=re.DOTALL | re.MULTILINE)
    prose = re.sub(r"(`+).*?\1", "", prose)
    for left in ("--8<--", "[table:", "[spark:", "///", "[✓]", "{ ."):
        assert left not in prose
    links = re.findall(r"\]\(([^)\s]+)\)", prose)
    assert all(re.match("https?:|mailto:", link) for link in links), links
    assert made.startswith(f"Source: {HERE}\n\n# ")
    assert made.count("\n# ") >= 1


def test_the_list_has_every_page_of_the_nav(tmp_path):
    text = (ROOT / "mkdocs.yml").read_text("utf-8").replace("!ENV", "")
    nav = yaml.safe_load(text)["nav"]
    names = [name for _, name in plain.named(nav) if name]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    plain.write(ROOT, tmp_path, "http://h/", nav, "# A")
    said = (tmp_path / "llms.txt").read_text("utf-8")
    assert said.startswith("# A\n")
    assert re.findall(r"\]\(http://h/(.*?)\)", said) == names
    pages = [name for name in names if name.endswith(".md")]
    assert all((tmp_path / name).is_file() for name in pages)
    assert len(pages) > 15
    for line in said.splitlines():
        if ".md)" in line:
            assert re.search(r"\): .{30}", line), line


def test_the_archive_holds_the_site_and_is_the_same_twice(tmp_path):
    for name in ("index.html", "a/b.css", "404.html", "sitemap.xml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    made = []
    for _ in "once", "again":
        offline.pack(tmp_path, 1_600_000_000)
        made.append((tmp_path / offline.NAME).read_bytes())
    assert made[0] == made[1]
    with zipfile.ZipFile(tmp_path / offline.NAME) as archive:
        names = archive.namelist()
        assert archive.testzip() is None
        dates = {entry.date_time for entry in archive.infolist()}
    assert dates == {(2020, 9, 13, 12, 26, 40)}  # the epoch's, not now
    folder = offline.FOLDER
    assert names == [f"{folder}/a/b.css", f"{folder}/index.html"]
