"""Train the cases, and ask `diagnose` about them."""

import csv
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from sitegen.store import write_whole
from studies.cases.case import SEEDS, Case, Network, cases
from studies.unchanged import code_hash

TABLE = Path(__file__).with_name("cases.csv")
SAID = TABLE.with_name("said.json")
REFUSED = ("model.trainable = True",)  # lines within a refusal


def scores(case: Case) -> dict[str, str]:
    """Train broken and mended in each seed; return a row of the table."""
    row = {"name": case.name, "goal": f"{case.goal:g}"}
    for kind in ("broken", "mended"):
        of = [
            case.train(
                case.build(getattr(case, kind), seed),
                **(case.fit_mended if kind == "mended" else {}),
            )
            for seed in range(SEEDS)
        ]
        row[kind] = " ".join(f"{score:.3f}" for score in of)
    return row | {"code": case.code}


def read_table() -> dict[str, dict[str, str]]:
    """Return the rows by name."""
    if not TABLE.exists():
        return {}
    with TABLE.open(encoding="utf-8", newline="") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


def is_a_fault(row: dict[str, str]) -> bool:
    """Whether the broken one fails and the mended one trains, in all seeds.

    A score that is not a number is a failure.
    """
    goal = float(row["goal"])
    broken, mended = (
        [float(score) for score in row[kind].split()]
        for kind in ("broken", "mended")
    )
    return not any(s >= goal for s in broken) and min(mended) >= goal


def verify(names: Iterable[str] = ()) -> None:
    """Train what is named, or what has changed; write the table."""
    rows, known = read_table(), cases()
    old = {name: row["code"] for name, row in rows.items()}
    stale = [n for n, c in known.items() if old.get(n) != c.code]
    for name in names or stale:
        rows[name] = scores(known[name])
        print(*rows[name].values(), sep="  ", flush=True)
        kept = [rows[n] for n in known if n in rows]
        with TABLE.open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, list(kept[0]), lineterminator="\n")
            table.writeheader()
            table.writerows(kept)


@dataclass
class Said:
    """What `diagnose` said: findings, hints, or why it refused."""

    found: tuple[tuple[str, str, str], ...] = ()  # code, layer, line
    hints: tuple[tuple[str, str, str], ...] = ()
    refusal: str = ""

    def names(self, case: Case) -> bool:
        """Whether the right name, and the right layer, is said."""
        if self.refusal:
            return bool(case.named) and case.named in self.refusal
        return any(
            code == case.named and layer.startswith(case.layer)
            for code, layer, _ in (*self.found, *self.hints)
        )

    def __str__(self) -> str:
        said = [" · ".join(parts) for parts in (*self.found, *self.hints)]
        return "; ".join(said) or self.refusal or "–"


def ask(network: Network) -> Said:
    """Call `diagnose` as a reader does."""
    from snippets.diagnosis.diagnose import diagnose

    try:
        report = diagnose(*network)
    except (ValueError, TypeError) as error:
        return Said(refusal=str(error))
    found, hints = (
        tuple((f.code, f.layer, f.fix) for f in findings)
        for findings in (report.findings, report.hints)
    )
    return Said(found, hints)


def look(case: Case, seed: int = 0) -> Said:
    """Ask about the broken network, when it is to be seen."""
    network = case.build(case.broken, seed)
    if case.when == "after":
        case.train(network)
    return ask(network)


def mends(case: Case, line: str, seed: int = 0) -> tuple[float, Said]:
    """Apply a printed line; return the score, and what is said then."""
    if case.fixed is None:
        raise ValueError(f"{case.name} does not say how a line is applied")
    fixed = case.fixed
    said = ask(case.build(lambda: fixed(line), seed))
    return case.train(case.build(lambda: fixed(line), seed)), said


def examine(case: Case, lines: bool = True) -> dict[str, Any]:
    """Return what is said of broken and mended, and what the lines do.

    With `lines`, each printed line is applied and the network trained; and
    the mended network is trained and looked at again.
    """
    said = look(case)
    told: dict[str, Any] = {
        "named": said.names(case),
        "broken": str(said),
        "mended": str(ask(case.build(case.mended))),
    }
    if not lines:
        return told
    told["lines"] = []
    printed = [line for _, _, line in (*said.found, *said.hints) if line]
    if said.refusal:
        printed = [part for part in REFUSED if part in said.refusal]
    for line in printed:
        score, after = mends(case, line)
        told["lines"].append([line, round(score, 3), str(after)])
    network = case.build(case.mended)
    case.train(network, **case.fit_mended)
    told["trained"] = str(ask(network))
    return told


def code() -> str:
    """Hash what decides what is said: `diagnose`, and the cases."""
    folder = "studies/cases"
    names = [f"{folder}/{name}.py" for name in (*cases(), "case", "judge")]
    return code_hash(["snippets/diagnosis/diagnose.py", *names])


def report(names: Iterable[str] = ()) -> None:
    """Examine what is named, or all, and write down what is said of all."""
    known, before = cases(), code()
    said = {}
    if SAID.exists():
        said = json.loads(SAID.read_text("utf-8"))["said"]
    for name in names or known:
        said[name] = told = examine(known[name])
        print("+" if told["named"] else "-", name, flush=True)
        for key, value in told.items():
            if key != "named":
                print(f"    {key}: {value}", flush=True)
        kept = {n: said[n] for n in known if n in said}
        text = json.dumps(
            {"code": before, "said": kept}, indent=1, ensure_ascii=False
        )
        write_whole(SAID, (text + "\n").encode())
    keras.backend.clear_session()
