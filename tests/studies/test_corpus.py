"""The corpus: its labels are measured, and `diagnose` is judged by them."""

import json

import numpy as np
import pytest

from studies.corpus import judging
from studies.corpus.judging import examine, halves, judge, remembered
from studies.corpus.networks import CORPUS
from studies.corpus.training import agrees, read_table, train
from studies.unchanged import WEEKLY, chosen

BROKEN = [name for name, entry in CORPUS.items() if entry.faults]
HEALTHY = [name for name, entry in CORPUS.items() if not entry.faults]
SAME = json.loads(judging.SAID.read_text("utf-8"))["code"] == judging.code()
ALL = WEEKLY or not SAME


def test_there_are_enough_of_both_kinds():
    assert min(len(BROKEN), len(HEALTHY)) >= 30
    assert sum(bool(CORPUS[name].source) for name in BROKEN) >= 10
    for names in (BROKEN, HEALTHY):
        held_out = np.mean([CORPUS[name].held_out for name in names])
        assert 0.35 < held_out < 0.65


def test_each_label_was_measured_on_the_network_as_it_is_now():
    rows = read_table()
    assert list(rows) == list(CORPUS)
    for name, entry in CORPUS.items():
        row = rows[name]
        assert row["code"] == entry.code, f"verify {name} again"
        assert row["label"] == ("broken" if entry.faults else "healthy")
        assert agrees(row), name


SAMPLE = ["dense", "linear_regression", "a_missing_value", "huge_binary_head"]


@pytest.mark.parametrize("name", SAMPLE if ALL else [chosen(SAMPLE)])
def test_a_sample_of_the_labels_is_measured_again(name):
    (run,) = train(CORPUS[name], [0])
    assert bool(run.updates) == (not CORPUS[name].faults)


def test_one_network_is_diagnosed_as_before():
    before = chosen(remembered())
    now = examine(before.entry)
    assert {code for code, _ in now.found} == {code for code, _ in before.found}
    assert bool(now.refusal) == bool(before.refusal)


@pytest.fixture(scope="module")
def judged():
    return halves(judge() if ALL else remembered())


def test_diagnose_catches_the_broken(judged, capsys):
    with capsys.disabled():
        for name, shares in judged.items():
            print(f"\n{name}: {shares}", end="")
    assert judged["all"].caught >= 0.9
    assert judged["held out"].caught >= 0.9  # nobody tuned on these
    assert judged["all"].named >= 0.85


def test_diagnose_is_quiet_about_the_healthy(judged):
    assert judged["all"].alarms <= 0.03
    assert judged["held out"].alarms <= 0.04
