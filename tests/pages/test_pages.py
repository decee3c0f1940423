"""Rules that every page obeys, and every listing and figure on it.

What they ask for is written in docs/contributing.md; a page that breaks one
is named with the line, and with what to do.
"""

import ast
import importlib.util
import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import markdown
import pytest
import yaml
from mkdocs.utils.yaml import yaml_load
from sybil import Document

from sitegen import SitegenError, keys
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
    try:
        return contents(page.read_text("utf-8"), named(page), ROOT)
    except SitegenError as error:
        pytest.fail(str(error), pytrace=False)


def prose(page):
    return CODE.sub(" ", page.read_text("utf-8"))


def refuse(page, at, mend):
    """Fail, and say where: `at` is a place in the text, or a text in it."""
    text = page.read_text("utf-8")
    if isinstance(at, str):
        at = max(text.find(at), 0)
    line = text.count("\n", 0, at) + 1
    pytest.fail(f"{named(page)}:{line}: {mend}", pytrace=False)


def section(page, title):
    """Return what stands below a headline, up to the next of its level."""
    text = page.read_text("utf-8")
    found = re.search(
        rf"^## {title}\b.*?\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL
    )
    if not found:
        refuse(page, len(text) - 1, f"there is no section `## {title}`: add it")
    return found[1]


def test_there_are_pages_chapters_and_listings():
    assert len(PAGES) > len(CHAPTERS) > 0
    assert len(LISTINGS) > len(CHAPTERS)


@every_page
def test_a_page_says_what_it_is_for(page):
    text = page.read_text("utf-8")
    if not text.startswith("---\n") or "\n---\n" not in text[4:]:
        refuse(page, 0, "begin with ---, title: …, description: …, ---")
    front = yaml.safe_load(text.split("---\n")[1])
    said = str(front.get("description", ""))
    if len(said) < 30 or not said.endswith("."):
        refuse(
            page,
            "description",
            "the description is one sentence: what "
            "the reader can do after it, 30 characters and a full stop",
        )
    if not front.get("title") and front.get("template") != "home.html":
        refuse(page, 0, "it has no title: add one to the front matter")
    titles = re.findall(r"^# .*", CODE.sub("", text), re.MULTILINE)
    if len(titles) != 1:
        refuse(
            page,
            titles[-1] if titles else 0,
            f"it has {len(titles)} headings of the first level, not one",
        )


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
    python = [body for head, body in fences(text) if re.search(r"\bpy", head)]
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
        name, config = next(
            iter(
                extension.items()
                if isinstance(extension, dict)
                else {extension: {}}.items()
            )
        )
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
        if len(image["alt"]) < 20 or not image["title"]:
            refuse(
                page,
                image["src"],
                "a figure needs a text of at least 20 "
                'characters, and a caption: ![what it shows](….svg "…")',
            )
    found = len(PICTURE.findall(prose(page)))
    if not found == len(IMAGE.findall(prose(page))) == read(page).figures:
        refuse(
            page,
            "![",
            "an image stands in a line of its own, and is one "
            "of ../figures/<slug>/<name>.svg",
        )


@every_chapter
def test_a_figures_caption_has_a_headline_and_the_protocol(page):
    for image in IMAGE.finditer(prose(page)):
        headline, _, protocol = image["title"].partition(". ")
        if not 10 < len(headline) < 120:
            refuse(
                page,
                image["src"],
                "a caption begins with a headline, a "
                "sentence of 10 to 120 characters",
            )
        if len(protocol) <= 20 or not re.search(r"\d", protocol):
            refuse(
                page,
                image["src"],
                "after its headline a caption says how "
                "many, how wide, how deep: the protocol, in numbers",
            )


@every_chapter
def test_a_chapter_begins_in_short_with_checked_claims(page):
    first = page.read_text("utf-8").split("\n## ")[0]
    if "**In short**" not in first:
        refuse(
            page,
            "\n# ",
            "below the title stands /// html | div.in-short "
            "with **In short** and three to five bullets",
        )
    bullets = re.findall(r"^- .*", first, re.MULTILINE)
    if not 3 <= len(bullets) <= 5:
        refuse(page, "**In short**", f"{len(bullets)} bullets: three to five")
    for bullet in bullets:
        if not CLAIM.match(bullet, 2):
            refuse(
                page,
                bullet,
                "a bullet of In short begins with its claim: "
                "- [✓](#test_name) …",
            )
    if not PICTURE.search(first):
        refuse(
            page,
            "\n## ",
            "the key figure is missing: it stands before the first section",
        )


LAST_SECTIONS = ["What to copy", "Exercises", "References"]


@every_chapter
def test_a_chapter_ends_with_what_to_copy_exercises_and_references(page):
    titles = re.findall(r"^## (.+?)(?: \{.*)?$", prose(page), re.MULTILINE)
    if titles[-3:] != LAST_SECTIONS:
        refuse(
            page,
            f"## {titles[-1]}" if titles else 0,
            f"the last sections are {', '.join(LAST_SECTIONS)}, not "
            f"{', '.join(titles[-3:])}",
        )
    copied = section(page, "What to copy")
    code = "\n".join(block.code for block in read(page).blocks)
    functions = re.findall(r"`(\w+)(?:\.py|\(|`)", copied)
    if not ("--8<--" in copied or "#copy)" in copied or functions):
        refuse(
            page,
            "## What to copy",
            "it names no function and no listing "
            "of this page, shows none, and leads to no #copy",
        )
    for name in re.findall(r"`(\w+)(?:\.py|\()", copied):
        if f"def {name}(" not in code:
            refuse(page, "## What to copy", f"{name} is not on the page")


@every_chapter
def test_each_exercise_has_a_folded_solution_that_is_tested(page):
    exercises = section(page, "Exercises")
    parts = re.split(r"^\*\*\d+\.\*\*", exercises, flags=re.MULTILINE)[1:]
    if not parts:
        refuse(page, "## Exercises", "an exercise begins with **1.**")
    for part in parts:
        solution = re.search(
            r"^/// details \| Solution\n(.*?)^///$",
            part,
            re.MULTILINE | re.DOTALL,
        )
        if not solution:
            refuse(
                page,
                part,
                "an exercise has a folded solution: "
                "/// details | Solution … ///",
            )
        if ">>> " not in solution[1] and "--8<--" not in solution[1]:
            refuse(
                page,
                part,
                "a solution is tested: end it with a doctest "
                "(>>> …) or a listing",
            )


@every_chapter
def test_a_chapter_has_at_most_1800_words(page):
    number = words(page.read_text("utf-8"))
    if not 200 < number <= 1800:
        refuse(page, 0, f"a chapter has 200 to 1800 words, not {number}")


@every_chapter
def test_each_claim_is_asserted(page):
    claims = read(page).claims
    if not claims:
        refuse(page, 0, "it claims nothing: [✓](#test_name) behind a sentence")
    tests = f"tests/claims/test_{page.stem}.py"
    for name, source in claims.items():
        nodes = list(ast.walk(ast.parse(source)))
        if not any(isinstance(node, ast.Assert) for node in nodes):
            refuse(page, f"#{name})", f"{name} in {tests} asserts nothing")
    text = (ROOT / tests).read_text("utf-8")
    left_out = re.search(
        r"(?<!fmt: )\b(skip|skipif|xfail|importorskip)\b", text
    )
    assert not left_out, f"{tests}: a claim is not left out ({left_out[0]})"


@pytest.fixture(scope="module")
def shown():
    """Return the blocks that show a whole listing, on any page."""
    blocks = [block for page in PAGES for block in read(page).blocks]
    return [block for block in blocks if block.listing]


DOWNLOADS = {
    path for slug in keys.chapters(ROOT) for path in keys.downloads(ROOT, slug)
}


@pytest.mark.parametrize(
    "listing", [it for it in LISTINGS if it not in DOWNLOADS], ids=named
)
def test_a_listing_is_shown_whole_under_its_name(listing, shown):
    blocks = [block for block in shown if block.listing == listing]
    assert blocks, f"{named(listing)}: no page shows it"
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
    unseen = {name for name in drawn if (slug, name) not in on_pages}
    assert not unseen, f"snippets/{slug}/figures.py: no page shows {unseen}"
    tests = "".join(
        path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py")
    )
    asked = set(re.findall(rf'"{slug}",\s*"(\w+)"', tests))
    for page in PAGES:
        asked |= set(re.findall(rf"\[table: {slug}/(\w+)\]", prose(page)))
    used = {data for of in drawn.values() for data in of} | asked
    unused = set(measured) - used
    assert not unused, f"snippets/{slug}/figures.py: nothing uses {unused}"


def test_no_folder_of_tests_is_passed_over(request):
    passed_over = request.config.getini("norecursedirs")
    folders = {
        part
        for file in ROOT.glob("tests/**/test_*.py")
        for part in file.parent.relative_to(ROOT).parts
    }
    assert "build" in folders
    assert not [
        name
        for name in folders
        if any(fnmatch(name, pattern) for pattern in passed_over)
    ]
