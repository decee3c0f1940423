"""What is left out at one commit runs at another, and weekly all of it."""

from tests import turn
from tests.browser import looks
from tests.turn import in_turn


def test_a_table_s_network_has_its_turn_at_a_third_of_the_commits(monkeypatch):
    def runs(commit):
        def trains():
            """Stand for a test."""

        monkeypatch.setattr(turn, "commit", lambda: f"{commit:040x}")
        (mark,) = in_turn(trains).pytestmark
        return not mark.args[0]

    monkeypatch.setattr(turn, "WEEKLY", False)
    assert 60 < sum(map(runs, range(300))) < 140
    monkeypatch.setattr(turn, "WEEKLY", True)
    assert all(map(runs, range(9)))


def test_axe_sees_each_page_at_each_commit_and_in_both_sizes_in_turn(
    monkeypatch,
):
    pages = {f"{at}.html": "" for at in range(7)}
    monkeypatch.setattr(looks, "WEEKLY", False)
    seen = []
    for number in range(2):
        monkeypatch.setattr(looks, "chosen", lambda _, number=number: number)
        wide, phone = looks.halves(pages)
        assert sorted(wide + phone) == sorted(pages)
        seen.append((set(wide), set(phone)))
    assert seen[0] == seen[1][::-1]
    monkeypatch.setattr(looks, "WEEKLY", True)
    assert looks.halves(pages) == (list(pages), list(pages))
