"""The page `references`: its verdicts, and the BibTeX file beside it."""

import re
from collections import Counter
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "references.md").read_text("utf-8")
BIBTEX = (DOCS / "references.bib").read_text("utf-8")
THREAD = re.compile(r"https://github\.com/[\w.-]+/[\w.-]+/(issues|pull)/")
PAPERS = ("arxiv.org", "proceedings.mlr.press", "papers.nips.cc",
          "yann.lecun.com", "openreview.net", "jmlr.org")  # fmt: skip
VERDICTS = ("holds", "in part", "not at this size")


def entries():
    """Return the BibTeX file's entries: address → fields, "key" among them."""
    found = {}
    for entry in re.split(r"^@", BIBTEX, flags=re.M)[1:]:
        head = re.match(r"(\w+)\{(\w+),\n", entry)
        assert head, entry
        assert entry.rstrip().endswith(",\n}"), head[2]
        lines = entry[head.end() :].rstrip().splitlines()[:-1]
        fields = {"type": head[1], "key": head[2]}
        for line in lines:
            field = re.fullmatch(r"  (\w+) = \{(.+)\},", line)
            assert field, line
            assert field[1] not in fields, line
            fields[field[1]] = field[2]
        assert fields["url"] not in found, fields["url"]
        found[fields["url"]] = fields
    return found


def sources():
    """Return what the page lists: address → authors, year, title."""
    found = {}
    for block in re.findall(r"^\*\*.+?(?=\n\n|\Z)", PAGE, re.M | re.S):
        who = re.match(r"\*\*(.+?)\.\*\*", block)
        assert who, block
        links = re.findall(r"\[([^\]]+)\]\((http[^)]+)\)", block)
        for title, address in links:
            if not THREAD.match(address):
                names, _, year = who[1].rpartition(", ")
                if not year.isdigit():
                    names, year = who[1], ""
                found[address] = (names, year, title)
    return found


def plain(text):
    """Return the words of a title or a name, in small letters."""
    return " ".join(re.findall(r"\w+", text.lower()))


def test_the_bibtex_file_has_what_the_page_has_and_nothing_else():
    """Address by address: first author, year, title, and unique keys."""
    known = entries()
    listed = sources()
    assert len(listed) > 30
    assert {*known} == {*listed}
    assert max(Counter(e["key"] for e in known.values()).values()) == 1
    for address, (names, year, title) in listed.items():
        entry = known[address]
        first = entry["author"].strip("{}").split(" and ")[0].split(", ")[0]
        lead = names.split(",")[0].removesuffix(" and others")
        assert plain(lead).endswith(plain(first)), address
        assert entry.get("year", "") == year, address
        assert plain(title) in plain(entry["title"]), address
        if "others" not in names:
            count = len(entry["author"].split(" and "))
            assert count == len(names.split(", ")), address


@pytest.mark.parametrize(
    "page", sorted(DOCS.rglob("*.md")), ids=lambda page: page.stem
)
def test_each_paper_on_a_page_is_in_the_bibtex_file(page):
    """By its address; what is quoted from an issue is no paper."""
    known = entries()
    text = page.read_text("utf-8")
    links = re.findall(r"\[([^\]]+)\]\((https?://([^/)]+)[^)]*)\)", text)
    for title, address, host in links:
        if host.removeprefix("www.") in PAPERS:
            assert address in known, f"{page.name}: {address}"
            if page.name != "references.md" and "," not in title:
                assert plain(title)[:20] in plain(known[address]["title"])


def test_the_verdicts_are_counted():
    """Each leads to a section of the guide with a checked claim or output."""
    found = re.findall(rf"\[\*\*({'|'.join(VERDICTS)})\*\*\]\(([^)]+)\)", PAGE)
    counted = Counter(verdict for verdict, _ in found)
    said = re.search(
        r"Of (\d+) claims that were tried here (\d+) \*\*hold\*\*, (\d+) hold "
        r"\*\*in part\*\*, and (\d+) do \*\*not at this size\*\*",
        PAGE,
    )
    assert said
    assert int(said[1]) == len(found)
    assert [int(said[at]) for at in (2, 3, 4)] == [
        counted[verdict] for verdict in VERDICTS
    ]
    for _, target in found:
        name, _, anchor = target.partition("#")
        text = (DOCS / name).read_text("utf-8")
        section = re.split(rf"^##+ .*\{{#{anchor}\}}$", text, flags=re.M)
        if len(section) == 1:  # an anchor that the heading makes
            words = anchor.replace("-", "[ -]")
            section = re.split(rf"(?i)^##+ {words}$", text, flags=re.M)
        assert len(section) == 2, target
        shown = section[1].split("\n## ")[0]
        assert "[✓](#test_" in shown or "\n>>> " in shown, target
