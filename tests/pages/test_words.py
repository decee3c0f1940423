"""Words that mislead: each has a better one, and stays away."""

import re
from pathlib import Path

import pytest

from sitegen.claims import CODE, PICTURE
from tests.pages.absolutes import absolutes

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [
    *(f"chapters/{slug}.md" for slug in (
        "unstable_gradients", "saturation", "initialization", "activations",
        "dead_units",
    )),
    "choosing.md", "initializers.md", "errata.md", "explorer/index.md",
    "labs/rescue.py",
]  # fmt: skip
BANNED = {
    # the initializer, not the man, and no pronoun
    r"\bHe(?!\s+init(?:ialization)?\b|,|\[| \||:|'| and Rolnick)(?=\W)": (
        "He init or he_normal"
    ),
    r"\bsoonest\b|\bsooner\b": "first to train, or fewest updates",
    r"(?:\d|%|gradient,|factor|share|loses|twice)\s+a\s+layer\b": "per layer",
}
LINKS = re.compile(r"\]\([^)]*\)|^\[\^?\w+\]:.*$|<option.*|<a .*", re.MULTILINE)


def misleading(text):
    """Yield what stands there, and what should."""
    prose = LINKS.sub("]", PICTURE.sub("", CODE.sub(" ", text)))
    for pattern, better in BANNED.items():
        for match in re.finditer(pattern, prose):
            around = prose[max(0, match.start() - 30) : match.end() + 20]
            yield " ".join(around.split()), better


@pytest.mark.parametrize("page", PAGES)
def test_a_page_says_it_in_the_words_of_the_field(page):
    text = (DOCS / page).read_text("utf-8")
    if page.endswith(".py"):
        rows = text.splitlines()
        text = "\n".join(row[2:] for row in rows if row.startswith("# "))
    assert list(misleading(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "ReLU with He is slow.",
        "He keeps the second moment.",
        "the soonest of all",
        "it loses 27 % a layer",
        "a factor of 0.71 a\nlayer",
    ],
)
def test_a_misleading_word_is_found(text):
    assert list(misleading(text))


@pytest.mark.parametrize(
    "text",
    [
        "ReLU with He init is slow.",
        "K. He, X. Zhang: a paper.",
        "`He keeps`, in code",
        "A layer keeps its size. What does a layer do?",
    ],
)
def test_what_is_meant_otherwise_is_not(text):
    assert not list(misleading(text))


def test_a_sentence_without_exception_is_found_by_its_words():
    page = (
        "---\ntitle: Never\n---\n\n# Only code\n\nIt is so.\nNo rate helps. "
        "`never`\n\n- None of them.\n- Some.\n\n```text\nalways\n```\n\n"
        '![No](figures/a.svg "Every.")\n\nSee [this](never.md).\n'
    )
    assert list(absolutes(page)) == [
        "# Only code", "No rate helps.", "- None of them.",
    ]  # fmt: skip
