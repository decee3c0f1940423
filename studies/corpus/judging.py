"""What `diagnose` says of each network, and how often it is right."""

import gc
import json
import statistics
from dataclasses import dataclass
from pathlib import Path

import keras

from sitegen.store import write_whole
from studies.corpus.entry import Entry
from studies.corpus.networks import CORPUS, KINDS
from studies.unchanged import code_hash

SAID = Path(__file__).with_name("said.json")
CODE = (
    "snippets/diagnosis/diagnose.py",
    "studies/corpus/data.py",
    "studies/corpus/entry.py",
    "studies/corpus/judging.py",
    "studies/corpus/training.py",
    *(f"studies/corpus/networks/{kind}.py" for kind in KINDS),
)


@dataclass
class Verdict:
    """What `diagnose` said of a network."""

    entry: Entry
    found: tuple[tuple[str, str], ...] = ()  # code and layer
    refusal: str = ""

    @property
    def alarm(self) -> bool:
        """Whether it found anything, or refused the call with a reason."""
        return bool(self.found or self.refusal)

    @property
    def named(self) -> bool:
        """Whether it named the fault; bad input it may refuse instead."""
        codes = {code for code, _ in self.found}
        refused = {"labels", "nonfinite", "frozen"} & set(self.entry.faults)
        return bool(
            codes & set(self.entry.faults) or (self.refusal and refused)
        )

    @property
    def located(self) -> bool:
        """Whether it named the fault in the layer where it is."""
        return any(
            code in self.entry.faults and layer.startswith(self.entry.layer)
            for code, layer in self.found
            if self.entry.layer
        )

    def __str__(self) -> str:
        found = "; ".join(f"{code} in {layer}" for code, layer in self.found)
        known = " or ".join(self.entry.faults) or "healthy"
        return f"{self.entry.name} ({known}): {found or self.refusal or '-'}"


def examine(entry: Entry) -> Verdict:
    """Call `diagnose` as a reader does, with a batch of 128."""
    from snippets.diagnosis.diagnose import diagnose

    model, x, y = entry.build()
    x, y = keras.tree.map_structure(lambda a: a[:128], (x, y))
    try:
        report = diagnose(model, x, y)
    except (ValueError, TypeError) as error:
        return Verdict(entry, refusal=str(error))
    return Verdict(entry, tuple((f.code, f.layer) for f in report.findings))


def code() -> str:
    """Hash what decides what is said: `diagnose`, and the networks."""
    return code_hash(CODE)


def remembered() -> list[Verdict]:
    """Return what was said when `report` ran last, by the code of then."""
    said = json.loads(SAID.read_text("utf-8"))["said"]
    return [
        Verdict(
            entry,
            tuple((code, layer) for code, layer in said[name]["found"]),
            said[name]["refusal"],
        )
        for name, entry in CORPUS.items()
        if name in said
    ]


def judge() -> list[Verdict]:
    """Examine them all."""
    gc.freeze()  # or `clear_session` looks through TensorFlow each time
    try:
        return [examine(entry) for entry in CORPUS.values()]
    finally:
        gc.unfreeze()


@dataclass
class Shares:
    """Caught, named and located of the broken; alarms of the healthy."""

    verdicts: list[Verdict]

    def broken(self) -> list[Verdict]:
        """Return those with a fault that the start can show."""
        faulty = [v for v in self.verdicts if v.entry.faults]
        return [v for v in faulty if v.entry.detectable]

    def healthy(self) -> list[Verdict]:
        """Return those that train."""
        return [v for v in self.verdicts if not v.entry.faults]

    @property
    def caught(self) -> float:
        """Share of the broken with any finding."""
        return statistics.mean(v.alarm for v in self.broken())

    @property
    def named(self) -> float:
        """Share of the broken with a finding of the right kind."""
        return statistics.mean(v.named for v in self.broken())

    @property
    def alarms(self) -> float:
        """Share of the healthy with any finding."""
        return statistics.mean(v.alarm for v in self.healthy())

    def __str__(self) -> str:
        broken, healthy = self.broken(), self.healthy()
        layered = [v for v in broken if v.entry.layer]
        hidden = [v for v in self.verdicts if not v.entry.detectable]
        return (
            f"caught {sum(v.alarm for v in broken)} of {len(broken)} "
            f"({sum(v.named for v in broken)} by the right name, "
            f"{sum(v.located for v in layered)} of {len(layered)} in the "
            f"right layer), false alarms {sum(v.alarm for v in healthy)} of "
            f"{len(healthy)}; not to be seen at the start "
            f"{sum(v.alarm for v in hidden)} of {len(hidden)}"
        )


def halves(verdicts: list[Verdict]) -> dict[str, Shares]:
    """Return the shares of all, of the tuning half, of the one held out."""
    return {
        "all": Shares(verdicts),
        "tuning": Shares([v for v in verdicts if not v.entry.held_out]),
        "held out": Shares([v for v in verdicts if v.entry.held_out]),
    }


def report(held_out: bool) -> None:
    """Diagnose them all and write it down; print the shares.

    And what was missed, where looking is allowed.
    """
    before = code()
    verdicts = judge()
    said = {
        v.entry.name: {"found": v.found, "refusal": v.refusal} for v in verdicts
    }
    written = json.dumps({"code": before, "said": said}, indent=1)
    write_whole(SAID, (written + "\n").encode())
    for name, shares in halves(verdicts).items():
        print(f"{name}: {shares}")
    shown = halves(verdicts)["all" if held_out else "tuning"]
    lists = {
        "missed": [v for v in shown.broken() if not v.alarm],
        "another name": [v for v in shown.broken() if v.alarm and not v.named],
        "another layer": [
            v
            for v in shown.broken()
            if v.named and v.entry.layer and not v.located
        ],
        "false alarms": [v for v in shown.healthy() if v.alarm],
    }
    for title, listed in lists.items():
        print(f"\n{title}")
        for verdict in listed:
            print(f"- {verdict}")
