"""Which of the tests that train a study's networks run at this commit."""

import hashlib

import pytest

from studies.unchanged import WEEKLY, commit


def in_turn(test):
    """Leave out, at two of three commits, a test that trains one of a table.

    The code of the tables, and of the cases, is compared at each commit.
    """
    name = f"{test.__module__}.{test.__name__} {commit()}"
    turn = int(hashlib.sha256(name.encode()).hexdigest(), 16) % 3
    return pytest.mark.skipif(
        turn > 0 and not WEEKLY,
        reason="its code is that of the table: another commit's turn",
    )(test)
