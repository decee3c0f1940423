"""`python -m studies.corpus`: train the networks, or diagnose them."""

import sys

import studies.corpus
from studies.corpus.judging import report
from studies.corpus.training import verify

if __name__ == "__main__":  # the workers import this file as well
    match sys.argv[1:]:
        case ["verify", *names]:
            verify(names)
        case ["report", *flags]:
            report(held_out="--held-out" in flags)
        case _:
            sys.exit(studies.corpus.__doc__)
