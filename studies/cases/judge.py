"""Train the cases, and ask `diagnose` about them."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import keras

from studies.cases.case import SEEDS, Case, Network, cases

TABLE = Path(__file__).with_name("cases.csv")


def scores(case: Case) -> dict[str, str]:
    """Train broken and mended in each seed; return a row of the table."""
    row = {"name": case.name, "goal": f"{case.goal:g}"}
    for kind in ("broken", "mended"):
        of = [
            case.train(case.build(getattr(case, kind), seed))
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
    """What `diagnose` said: codes with their lines, notes, or a refusal."""

    found: tuple[tuple[str, str, str], ...] = ()  # code, layer, line
    notes: tuple[str, ...] = ()
    refusal: str = ""

    def names(self, case: Case) -> bool:
        """Whether the right name, and the right layer, is said."""
        if self.refusal:
            return bool(case.named) and case.named in self.refusal
        return any(
            code == case.named and layer.startswith(case.layer)
            for code, layer, _ in self.found
        ) or any(note.startswith(f"{case.named}:") for note in self.notes)

    def __str__(self) -> str:
        found = [
            f"{code} · {layer} → {line}" for code, layer, line in self.found
        ]
        quiet = ("No gradient", "No pathology")
        notes = [f"({n})" for n in self.notes if not n.startswith(quiet)]
        return "; ".join([*found, *notes]) or self.refusal or "–"


def ask(network: Network) -> Said:
    """Call `diagnose` as a reader does."""
    from snippets.diagnosis.diagnose import diagnose

    try:
        report = diagnose(*network)
    except (ValueError, TypeError) as error:
        return Said(refusal=str(error))
    found = tuple((f.code, f.layer, f.fix) for f in report.findings)
    return Said(found, tuple(report.notes))


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


def report(names: Iterable[str] = ()) -> None:
    """Print what is said of each case, and whether the lines mend it."""
    known = cases()
    right = mend = alarms = 0
    for name in names or known:
        case = known[name]
        said = look(case)
        mended = ask(case.build(case.mended))
        alarm = bool(mended.found or mended.refusal)
        right += said.names(case)
        alarms += alarm
        print(f"{'+' if said.names(case) else '-'} {name}: {said}", flush=True)
        for code, _, line in said.found:
            try:
                score, after = mends(case, line) if line else (0.0, Said())
            except Exception as error:  # the line cannot be applied
                print(f"    {code}: {line}: {type(error).__name__} {error}")
                continue
            good = score >= case.goal
            mend += good and code == case.named
            print(f"    {line}: {score:.3f} of {case.goal}; then {after}")
        if alarm:
            print(f"    mended: {mended}")
    print(f"right name {right}, right line {mend}, alarms when mended {alarms}")
    keras.backend.clear_session()
