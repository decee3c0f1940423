"""What `python -m sitegen` does without MkDocs; it lists its commands."""

import logging
import re
import sys
from pathlib import Path

from mkdocs.utils.yaml import yaml_load

from sitegen import CACHE, ROOT, SitegenError, generate, measure, new, show
from sitegen.claims import CODE, contents
from sitegen.notebooks import FRONT_MATTER

USAGE = """\
usage: python -m sitegen build               measure and draw what is missing
                         count               how much each page has
                         new SLUG            make a chapter to be written over
                         show SLUG/NAME      print what was measured
                         show --costs [SLUG …]  and how long it took"""
COLUMNS = ("listings", "blocks", "outputs", "figures", "claims", "words")
NO_WORDS = r"(?m)^!\[.*\)$|\$\$[^$]+\$\$|\]\([^)]*\)|\{[^}]*\}|^/{3,}.*"


def words(text: str) -> int:
    """Return how many words a page has, without code and figures."""
    prose = re.sub(NO_WORDS, " ", CODE.sub(" ", FRONT_MATTER.sub("", text)))
    return len(re.findall(r"[^\W\d_][\w'’-]*", prose))


def counts(root: Path) -> dict[str, list[int]]:
    """Return how many of each of `COLUMNS` the pages have, by their path."""
    found = {}
    for path in sorted((root / "docs").rglob("*.md")):
        page, text = path.relative_to(root).as_posix(), path.read_text("utf-8")
        has = contents(text, page, root)
        found[page] = [has.listings, len(has.blocks), has.outputs,
                       has.figures, has.marks, words(text)]  # fmt: skip
    return found


def totals(pages: dict[str, list[int]]) -> str:
    """Return one line that says how much there is on all pages."""
    sums = map(sum, zip(*pages.values(), strict=True))
    said = [f"{n} {what}" for n, what in zip(sums, COLUMNS, strict=True)]
    return f"{', '.join(said)} on {len(pages)} pages"


def counted() -> None:
    """Print the counts of each page."""
    pages = counts(ROOT)
    for page, row in {"": COLUMNS, **pages}.items():
        print(f"{page:36}", *(f"{cell:>8}" for cell in row))
    print(totals(pages))


def main(arguments: list[str]) -> None:
    """Do what the command line asks for."""
    logging.basicConfig(level="INFO", stream=sys.stderr, format="%(message)s")
    match arguments:
        case ["build"]:
            site = yaml_load((ROOT / "mkdocs.yml").read_text("utf-8"))
            generate.bring_up_to_date(ROOT, CACHE, site["site_url"])
        case ["count"]:
            counted()
        case ["new", slug]:
            made = new.chapter(ROOT, slug)
            print("A chapter to be written over:", *made, sep="\n  ")
            print(f"Now `make chapter SLUG={slug}` builds and tests it.")
        case ["show", "--costs", *slugs]:
            print(*show.costs(ROOT, measure.STORE, slugs), sep="\n")
        case ["show", name]:
            print(*show.measurement(ROOT, measure.STORE, name), sep="\n")
        case _:
            sys.exit(USAGE)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except SitegenError as error:
        sys.exit(str(error))
