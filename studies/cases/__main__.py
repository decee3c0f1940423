"""Show that the faults are faults; tell what `diagnose` says of them."""

import sys

from studies.cases.judge import report, verify

match sys.argv[1:]:
    case ["verify", *names]:
        verify(names)
    case ["report", *names]:
        report(names)
    case _:
        sys.exit("python -m studies.cases verify|report [name ...]")
