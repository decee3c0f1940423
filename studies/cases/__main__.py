"""Show that the faults are faults; tell what the two tools say."""

import json
import sys

from studies.cases.judge import report, verify
from studies.cases.tools import measure, table

match sys.argv[1:]:
    case ["verify", *names]:
        verify(names)
    case ["report", *names]:
        report(names)
    case ["tools", *names]:
        table(names)
    case ["--", name]:
        print(json.dumps(measure(name)))
    case _:
        sys.exit("python -m studies.cases verify|report|tools [name ...]")
