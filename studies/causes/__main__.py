"""`python -m studies.causes SLUG`: train what a chapter shows.

Some minutes. Writes `snippets/<slug>/trained.json`: what came out, and the
hash of the code that made it.
"""

import importlib
import json
import sys

from rich.progress import track

from sitegen.store import write_whole
from studies.unchanged import ROOT, code_hash

# chapter → the code on which its table depends
CODE = {
    "not_a_number": (
        "studies/causes/not_a_number.py",
        "snippets/not_a_number/where_nan.py",
        "snippets/not_a_number/before_nan.py",
    ),
    "same_answer": (
        "studies/causes/same_answer.py",
        "snippets/same_answer/why_same.py",
    ),
    "evaluation": (
        "studies/causes/evaluation.py",
        "snippets/evaluation/why_apart.py",
    ),
    "sequences": (
        "studies/causes/sequences.py",
        "snippets/sequences/places.py",
        "snippets/sequences/remembering.py",
    ),
}
PROBES = (
    "snippets/first_checks/class_means.py",
    "snippets/losses/three_answers.py",
    "snippets/sequences/sequence_checks.py",
)
CODE["which"] = tuple(
    dict.fromkeys(
        (
            "studies/causes/which.py",
            "studies/losses/pairs.py",
            *PROBES,
            *(name for of in CODE.values() for name in of),
        )
    )
)


def main(slug: str) -> None:
    """Train all cases of a chapter; write its table, whole or not at all."""
    study = importlib.import_module(f"studies.causes.{slug}")
    outcomes = {
        name: study.outcome(name) for name in track(study.FAULTS, "faults")
    }
    table = {"code": code_hash(CODE[slug]), "outcomes": outcomes}
    path = ROOT / "snippets" / slug / "trained.json"
    write_whole(path, (json.dumps(table, indent=1) + "\n").encode())


if __name__ == "__main__":
    if sys.argv[1:2] == [] or sys.argv[1] not in CODE:
        sys.exit(f"python -m studies.causes {'|'.join(CODE)}")
    main(sys.argv[1])
