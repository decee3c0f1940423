"""Show that the faults are faults; tell what the two tools say."""

import sys
import time

from snippets.first_checks.first_checks import first_checks
from studies.cases.judge import report, verify
from studies.cases.models import MODELS


def check(names: list[str]) -> None:
    """Print what `first_checks` says of networks that train, and when."""
    for name in names or MODELS:
        given = MODELS[name]()
        began = time.monotonic()
        told = first_checks(given.model, given.x, given.y, **given.fit)
        print(f"{name}: {time.monotonic() - began:.1f} s\n{told}", flush=True)


match sys.argv[1:]:
    case ["verify", *names]:
        verify(names)
    case ["report", *names]:
        report(names)
    case ["check", *names]:
        check(names)
    case _:
        sys.exit("python -m studies.cases verify|report|check [name ...]")
