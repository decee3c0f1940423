"""Networks that public questions are about: named, and mended by the line."""

import json
import re
from pathlib import Path

import pytest

from studies.cases import judge
from studies.cases.case import cases
from studies.unchanged import WEEKLY, chosen

ROOT = Path(__file__).parents[2]
CASES = cases()
WRITTEN = json.loads(judge.SAID.read_text("utf-8"))
SAME = WRITTEN["code"] == judge.code()
SEEN = [name for name, case in CASES.items() if case.named]
FIRST = {  # none of these is ever removed, and none is given up lightly
    "broadcast", "dead_output", "decay_steps", "frozen_critic", "made_in_call",
    "masked_in_float16", "moving_averages", "no_positions", "one_pixel",
    "one_unit", "own_units", "poisson", "scaled_twice", "several_labels",
    "softmax_for_numbers", "sorted_rows", "square_root",
    "standardised_targets", "vae_terms", "vgg", "wrong_sign",
}  # fmt: skip
ADDRESS = re.compile(r"https://[\w./-]+/\d+")


def test_the_cases_are_there_and_say_where_they_come_from():
    assert set(CASES) >= FIRST
    assert len(set(CASES) - FIRST) >= 10
    for case in CASES.values():
        assert case.source
        assert all(map(ADDRESS.fullmatch, case.source)), case.name
        assert bool(case.named) != bool(case.page), case.name
    assert sum(not CASES[name].named for name in FIRST) <= 6


def test_each_fault_is_one_and_each_mend_mends():
    rows = judge.read_table()
    assert set(rows) == set(CASES)
    for name, row in rows.items():
        assert row["code"] == CASES[name].code, f"verify {name} again"
        assert judge.is_a_fault(row), row


@pytest.fixture(scope="module")
def said():
    if WEEKLY or not SAME:
        return {name: judge.examine(case) for name, case in CASES.items()}
    return WRITTEN["said"]


@pytest.mark.parametrize("name", SEEN)
def test_the_fault_is_named(said, name):
    assert said[name]["named"], said[name]["broken"]


@pytest.mark.parametrize("name", sorted(set(CASES) - set(SEEN)))
def test_what_no_look_can_see_is_told_on_the_page(said, name):
    page = (ROOT / "docs/diagnosis.md").read_text("utf-8")
    assert f"{{#{CASES[name].page}}}" in page
    assert said[name]["broken"] == "–"


@pytest.mark.parametrize("name", SEEN)
def test_each_printed_line_mends_the_network_that_caused_it(said, name):
    for line, score, then in said[name]["lines"]:
        assert score >= CASES[name].goal, line
        assert then == "–", line
    if "wrong" not in name:
        assert said[name]["lines"] or name in LINELESS


LINELESS = {"vae_terms"}  # the section says it: two terms, one sum


@pytest.mark.parametrize("name", CASES)
def test_the_mended_network_raises_no_alarm(said, name):
    assert said[name]["mended"] == "–"
    assert said[name]["trained"] == "–"


def test_one_case_is_looked_at_again():
    name = chosen(SEEN)
    told = judge.examine(CASES[name], lines=False)
    assert told["named"], told["broken"]
    assert told["mended"] == "–"
