"""The search box answers people in their own words.

Each phrase is that of a question that somebody asked in public. Two clicks:
one into the field, one on a hit. Of each page the box shows the page and the
section that fits best; one of the first five pages must show the answer.
"""

from urllib.parse import urlsplit

import pytest

FIRST = 5
CHECKS = "chapters/first_checks.html"
DEAD = "chapters/dead_units.html"
START = "chapters/initialization.html"
GRADIENTS = "chapters/unstable_gradients.html"
# phrase, the section that answers, and who asked
QUESTIONS = [
    (
        "default initializer",
        "initializers.html#the-defaults-of-the-layers",
        "https://stackoverflow.com/questions/46883606",
    ),
    (
        "default kernel initializer",
        "initializers.html#the-defaults-of-the-layers",
        "https://stackoverflow.com/questions/46883606",
    ),
    (
        "dying relu problem",
        f"{DEAD}#what-is-a-dead-unit",
        "https://www.queryfor.com/what-is-the-dying-relu-problem-in-neural-networks/",
    ),
    (
        "dead neurons",
        f"{DEAD}#what-is-a-dead-unit",
        "https://www.queryfor.com/what-is-the-dying-relu-problem-in-neural-networks/",
    ),
    (
        "loss too high",
        f"{CHECKS}#first-loss",
        "https://datascience.stackexchange.com/q/25704",
    ),
    (
        "initializer same kernel",
        f"{START}#shared-instance",
        "https://github.com/LeelaChessZero/lc0/issues/1883",
    ),
    (
        "loss is nan",
        f"{CHECKS}#nan",
        "https://github.com/geifmany/cifar-vgg/issues/1",
    ),
    (
        "xavier vs he tanh",
        f"{START}#which",
        "https://ai.stackexchange.com/questions/45559",
    ),
    (
        "four hidden layers sigmoid not learning",
        GRADIENTS,
        "https://ai.stackexchange.com/questions/16557",
    ),
    (
        "more hidden layers",
        GRADIENTS,
        "https://datascience.stackexchange.com/questions/319",
    ),
    (
        "vanishing gradient",
        f"{GRADIENTS}#what-vanishes",
        "https://stackoverflow.com/questions/20009078",
    ),
    (
        "accuracy like random guessing",
        f"{CHECKS}#flat",
        "https://datascience.stackexchange.com/questions/38604",
    ),
    (
        "loss does not change",
        f"{CHECKS}#flat",
        "https://community.deeplearning.ai/t/loss-values-do-not-change/324182",
    ),
    (
        "loss values do not change",
        f"{CHECKS}#flat",
        "https://community.deeplearning.ai/t/loss-values-do-not-change/324182",
    ),
    (
        "loss not changing when training",
        f"{CHECKS}#flat",
        "https://github.com/keras-team/keras/issues/2711",
    ),
    (
        "model loss not improving",
        f"{CHECKS}#flat",
        "https://github.com/keras-team/keras/issues/1478",
    ),
    (
        "loss not decreasing",
        f"{CHECKS}#flat",
        "https://datascience.stackexchange.com/q/25704",
    ),
]

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
  return found && seen.length >= Math.min(found, 10);
}"""
NONE_SHOWN = """() => !document.querySelector(
  ".md-search-result__list > .md-search-result__item")"""


@pytest.fixture(scope="module")
def box(lasting_tab):
    """Return a tab whose search field has the focus."""
    tab = lasting_tab()
    tab.open("index.html").locator(".md-search__input").click()
    return tab


@pytest.fixture
def hits(box):
    """Return a function: what the box shows for a phrase, page by page."""

    def ask(phrase):
        field = box.page.locator(".md-search__input")
        field.fill("")
        field.press("Shift")  # it looks when a key comes up
        box.page.wait_for_function(NONE_SHOWN)
        field.fill(phrase)
        field.press("Shift")
        box.page.wait_for_function(ALL_SHOWN)
        return [
            [
                address.removeprefix(urlsplit(box.server.url).path)
                for address in found
            ]
            for found in box.page.evaluate(SEEN)
        ]

    return ask


@pytest.mark.parametrize(
    ("phrase", "answer", "asked"), QUESTIONS, ids=lambda value: str(value)[:40]
)
def test_the_answer_is_two_clicks_away(hits, phrase, answer, asked):
    found = hits(phrase)[:FIRST]
    assert any(answer in page for page in found), (asked, found)
