"""Rules that every page obeys, and every listing and figure on it."""

import ast
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import markdown
import pytest
import yaml
from mkdocs.utils.yaml import yaml_load
from sybil import Document

from sitegen import keys
from sitegen.__main__ import words
from sitegen.claims import CLAIM, CODE, PICTURE, contents

ROOT = Path(__file__).parents[2]
SNIPPETS = ROOT / "snippets"
PAGES = sorted((ROOT / "docs").rglob("*.md"))
CHAPTERS = sorted((ROOT / "docs/chapters").glob("*.md"))
LISTINGS = [
    path
    for path in sorted(SNIPPETS.glob("*/*.py"))
    if path.name not in ("figures.py", "__init__.py")
]
IMAGE = re.compile(r'!\[(?P<alt>.*?)\]\((?P<src>[^ )]+)(?: "(?P<title>.*)")?\)')


def named(path):
    return path.relative_to(ROOT).as_posix()


every_page = pytest.mark.parametrize("page", PAGES, ids=named)
every_chapter = pytest.mark.parametrize("page", CHAPTERS, ids=named)
every_listing = pytest.mark.parametrize("listing", LISTINGS, ids=named)


def read(page):
    return contents(page.read_text("utf-8"), named(page), ROOT)


def prose(page):
    return CODE.sub(" ", page.read_text("utf-8"))


def section(page, title):
    """Return what stands below a headline, up to the next of its level."""
    found = re.search(
        rf"^## {title}\b.*?\n(.*?)(?=^## |\Z)",
        page.read_text("utf-8"),
        re.MULTILINE | re.DOTALL,
    )
    return found[1] if found else None


def test_there_are_pages_chapters_and_listings():
    assert len(PAGES) > len(CHAPTERS) > 0
    assert len(LISTINGS) > len(CHAPTERS)


@every_page
def test_a_page_says_what_it_is_for(page):
    text = page.read_text("utf-8")
    front = (
        yaml.safe_load(text.split("---\n")[1]) if text[:4] == "---\n" else {}
    )
    assert len(front["description"]) >= 30
    assert front["description"].endswith(".")
    assert front.get("template") == "home.html" or front["title"]
    assert len(re.findall(r"^# ", CODE.sub("", text), re.MULTILINE)) == 1


def fences(text):
    """Yield the first line and the body of each fence; a reader of its own."""
    end, head, body = "", "", []
    for line in map(str.strip, text.splitlines()):
        if end and line == end:
            yield head, body
            end = ""
        elif end:
            body.append(line)
        elif start := re.match("`{3,}|~{3,}", line):
            end, head, body = start[0], line.removeprefix(start[0]), []


@every_page
def test_every_python_fence_is_run(page):
    spec = importlib.util.spec_from_file_location("rules", ROOT / "conftest.py")
    rules = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(rules)
    text = page.read_text("utf-8")
    python = [body for head, body in fences(text) if "py" in head]
    blocks = [body for body in python if not body[0].startswith(">>>")]
    prompts = sum(line.startswith(">>>") for body in python for line in body)
    regions = list(rules.parse_page(Document(text, str(page))))
    assert len(regions) == len(blocks) + prompts
    assert len(read(page).blocks) == len(python)


@every_page
def test_nothing_but_fences_looks_like_code(page):
    settings = yaml_load((ROOT / "mkdocs.yml").read_text("utf-8"))
    configs = {}
    for extension in settings["markdown_extensions"]:
        name, config = next(iter(
            extension.items() if isinstance(extension, dict)
            else {extension: {}}.items()))  # fmt: skip
        if not name.startswith("sitegen."):
            configs[name] = config or {}
    configs["pymdownx.snippets"]["base_path"] = [str(SNIPPETS)]
    front, text = re.fullmatch(
        r"(---\n.*?\n---\n)?(.*)", page.read_text("utf-8"), re.DOTALL
    ).groups()
    assert front
    html = markdown.markdown(
        text, extensions=list(configs), extension_configs=configs
    )
    assert html.count("<pre") == len(list(fences(text)))
    assert "<img src" not in CODE.sub("", text), "MkDocs does not check it"


@every_page
def test_a_figure_says_what_it_shows(page):
    for image in IMAGE.finditer(prose(page)):
        assert len(image["alt"]) >= 20, image[0]
        assert image["title"], image[0]
    found = len(PICTURE.findall(prose(page)))
    assert found == len(IMAGE.findall(prose(page))) == read(page).figures


@every_chapter
def test_a_figures_caption_has_a_headline_and_the_protocol(page):
    for image in IMAGE.finditer(prose(page)):
        headline, _, protocol = image["title"].partition(". ")
        assert 10 < len(headline) < 120, image["title"]
        assert len(protocol) > 20, image["title"]
        assert re.search(r"\d", protocol), "how many, how wide, how deep?"


@every_chapter
def test_a_chapter_begins_in_short_with_checked_claims(page):
    first = page.read_text("utf-8").split("\n## ")[0]
    assert "**In short**" in first
    bullets = re.findall(r"^- .*", first, re.MULTILINE)
    assert 3 <= len(bullets) <= 5
    for bullet in bullets:
        assert CLAIM.match(bullet, 2), bullet
    assert PICTURE.search(first), "the key figure"


@every_chapter
def test_a_chapter_ends_with_what_to_copy_exercises_and_references(page):
    titles = re.findall(r"^## (.+?)(?: \{.*)?$", prose(page), re.MULTILINE)
    assert titles[-3:] == ["What to copy", "Exercises", "References"]
    copied = section(page, "What to copy")
    code = "\n".join(block.code for block in read(page).blocks)
    named = re.findall(r"`(\w+)(?:\.py|\()", copied)
    assert "--8<--" in copied or "#copy)" in copied or named
    for name in named:
        assert f"def {name}(" in code, f"{name} is not on the page"


@every_chapter
def test_each_exercise_has_a_folded_solution_that_is_tested(page):
    exercises = section(page, "Exercises")
    parts = re.split(r"^\*\*\d+\.\*\*", exercises, flags=re.MULTILINE)[1:]
    assert parts
    for part in parts:
        solution = re.search(
            r"^/// details \| Solution\n(.*?)^///$",
            part,
            re.MULTILINE | re.DOTALL,
        )
        assert solution, part
        assert ">>> " in solution[1] or "--8<--" in solution[1], part


@every_chapter
def test_a_chapter_has_at_most_1800_words(page):
    assert 200 < words(page.read_text("utf-8")) <= 1800


@every_chapter
def test_each_claim_is_asserted(page):
    claims = read(page).claims
    assert claims
    for name, source in claims.items():
        nodes = list(ast.walk(ast.parse(source)))
        assert any(isinstance(node, ast.Assert) for node in nodes), name
    tests = (ROOT / f"tests/claims/test_{page.stem}.py").read_text("utf-8")
    assert not re.search(r"\b(skip|skipif|xfail|importorskip)\b", tests)


@pytest.fixture(scope="module")
def shown():
    """Return the blocks that show a whole listing, on any page."""
    blocks = [block for page in PAGES for block in read(page).blocks]
    return [block for block in blocks if block.listing]


@every_listing
def test_a_listing_is_shown_whole_under_its_name(listing, shown):
    blocks = [block for block in shown if block.listing == listing]
    assert blocks
    for block in blocks:
        assert block.code.strip() == listing.read_text("utf-8").strip()
        assert block.title == listing.name


def test_what_is_shown_under_a_files_name_is_a_listing(shown):
    titled = [b for p in PAGES for b in read(p).blocks if b.title]
    assert titled == shown
    assert {block.listing for block in shown} <= set(LISTINGS)


@every_listing
def test_a_listing_imports_nothing_from_here(listing):
    mine = {"snippets", "sitegen", "tests", "conftest", "bench"}
    mine |= {path.stem for path in LISTINGS}
    for node in ast.walk(ast.parse(listing.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level
            names = [node.module]
        else:
            continue
        assert not mine & {name.split(".")[0] for name in names}


ALONE = """
import os, sys, traceback
root, *listings = sys.argv[1:]
assert not os.listdir()
assert all(root != p and not p.startswith(root + "/s") for p in sys.path)
for listing in listings:
    with open(listing, encoding="utf-8") as file:
        code = compile(file.read(), listing, "exec", dont_inherit=True)
    try:
        exec(code, {"__name__": "__main__"})
    except BaseException:
        traceback.print_exc()
    else:
        print(listing)
assert not os.listdir(), "a listing leaves files behind"
assert not {"snippets", "sitegen", "conftest"} & set(sys.modules)
"""


def test_each_listing_runs_alone_in_an_empty_folder(tmp_path):
    """One process for all, a namespace for each: TensorFlow takes seconds."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", ALONE, str(ROOT), *map(str, LISTINGS)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    ran = {line for line in done.stdout.splitlines() if line.endswith(".py")}
    assert {str(path) for path in LISTINGS} == ran, done.stderr
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("slug", keys.chapters(ROOT))
def test_nothing_is_measured_or_drawn_in_vain(slug):
    measured, drawn = keys.jobs(ROOT, slug)
    on_pages = {
        Path(image["src"]).with_suffix("").parts[-2:]
        for page in PAGES
        for image in IMAGE.finditer(prose(page))
    }
    assert {(slug, name) for name in drawn} <= on_pages
    tests = "".join(p.read_text("utf-8") for p in (ROOT / "tests").iterdir()
                    if p.name.startswith("test_"))  # fmt: skip
    asked = set(re.findall(rf'"{slug}",\s*"(\w+)"', tests))
    assert set(measured) <= {d for of in drawn.values() for d in of} | asked
