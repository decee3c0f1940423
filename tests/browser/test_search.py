"""The search box answers people in their own words.

Two clicks: one into the field, one on a hit. Of each page the box shows the
page and the section that fits best; one of the first three pages must show a
section that answers.
"""

import json
from urllib.parse import urlsplit

import pytest

from sitegen.search import words
from tests.browser.questions import ASKED, HELD_OUT

FIRST = 3
ENOUGH = 0.95  # 57 of 60

# The links that can be clicked, page by page.
SEEN = """() => [
  ...document.querySelectorAll(
    ".md-search-result__list > .md-search-result__item"),
].map((page) => [...page.querySelectorAll("a")]
  .filter((link) => link.checkVisibility())
  .map((link) => new URL(link.href))
  .map(({pathname, hash}) => pathname + hash))"""

# The theme shows the pages one by one, and ten at most before one scrolls.
ALL_SHOWN = """() => {
  const said = document.querySelector(".md-search-result__meta").textContent;
  const found = parseInt(said.match(/\\d+ matching/) ?? 0);
  const seen = document.querySelectorAll(
    ".md-search-result__list > .md-search-result__item");
  return said.startsWith("No ") || found && seen.length >= Math.min(found, 3);
}"""
NONE_SHOWN = """() => !document.querySelector(
  ".md-search-result__list > .md-search-result__item")
  && document.querySelector(".md-search-result__meta")
    .textContent.startsWith("Type ")"""


@pytest.fixture(scope="module")
def ask(lasting_tab):
    """Return a function: what the box shows for a phrase, page by page."""
    tab = lasting_tab()
    page = tab.open("index.html")
    field = page.locator(".md-search__input")
    field.click()

    def ask(phrase):
        field.fill("")
        field.press("Shift")  # it looks when a key comes up
        page.wait_for_function(NONE_SHOWN)
        field.fill(phrase)
        field.press("Shift")
        page.wait_for_function(ALL_SHOWN)
        prefix = urlsplit(tab.server.url).path
        return [
            [address.removeprefix(prefix) for address in found]
            for found in page.evaluate(SEEN)[:FIRST]
        ]

    return ask


def there(questions, site):
    """Return the questions whose answer is written."""
    return [
        question
        for question in questions
        if any((site / a.partition("#")[0]).is_file() for a in question[1])
    ]


def unanswered(ask, questions):
    missed = []
    for phrase, answers, _ in questions:
        hits = ask(phrase)
        links = {link for page in hits for link in page}
        # An address that ends in # is answered by any section of the page.
        if not any(
            link == answer or (answer.endswith("#") and answer in f"{link}#")
            for answer in answers
            for link in links
        ):
            missed.append(f"{phrase}: {[page[-1] for page in hits]}")
    return missed


def test_people_find_the_section_that_answers_them(ask, site):
    asked = there(ASKED, site)
    missed = unanswered(ask, asked)
    assert len(asked) - len(missed) >= ENOUGH * len(asked), missed


def test_people_it_has_not_met_find_it_too(ask, site, record_property):
    asked = there(HELD_OUT, site)
    missed = unanswered(ask, asked)
    record_property("found", f"{len(asked) - len(missed)} of {len(asked)}")
    print(f"{len(asked) - len(missed)} of {len(asked)} held out:", missed)
    assert len(missed) < len(asked) / 2, missed


def test_each_answer_is_a_section_that_is_there(pages):
    for phrase, answers, asked in ASKED + HELD_OUT:
        assert asked.startswith("https://")
        for answer in answers:
            page, _, name = answer.partition("#")
            if page in pages and name:
                assert pages[page].find(id=name), (phrase, answer)


def test_the_words_of_the_index_belong_to_sections_and_are_no_questions(site):
    index = json.loads((site / "search/search_index.json").read_text("utf-8"))
    entries = {entry["location"]: entry for entry in index["docs"]}
    assert not words()["sections"].keys() - entries.keys()
    questions = {phrase.lower() for phrase, *_ in ASKED + HELD_OUT}
    phrases = {*words()["sections"].values(), *words()["families"]}
    assert not questions & phrases
    for entry in entries.values():
        assert all(" " not in tag for tag in entry["tags"])


def test_the_index_holds_prose_and_no_code(site):
    index = json.loads((site / "search/search_index.json").read_text("utf-8"))
    texts = [entry["text"] for entry in index["docs"]]
    assert not [t for t in texts if "import " in t and " = " in t]
    assert not [t for t in texts if "Notebook" in t and "checked claims" in t]
    assert any("Glorot" in text for text in texts)
    # The cells of a table, apart.
    (table,) = [
        entry["text"]
        for entry in index["docs"]
        if entry["location"] == "choosing.html#table"
    ]
    assert "<p>activation=</p> <p>kernel_initializer=</p>" in table
