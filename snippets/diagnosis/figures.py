"""Judges `diagnose` on the networks of the atlas, beside published rules."""

import csv
import gzip
import hashlib
import json
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snippets.atlas import figures as atlas
from snippets.atlas.verdicts import KIND, Run, by_kind, by_rate, read_runs
from snippets.diagnosis.diagnose import RULES, VERSION

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

TABLE = Path(__file__).with_name("calibration.csv.gz")
TOOLS = {
    "autotrainer": "AUTOTRAINER",
    "deeplocalize": "DeepLocalize",
    "deepchecker": "TheDeepChecker",
}
# A number of the report: what it is called, and its limit in the file.
NUMBERS = {
    "gradient": ("gradient: first over last layer", RULES["exploding"][1]),
    "signal": ("signal: last over first layer", RULES["growth"][1]),
    "cosine": ("1 − cosine between examples", RULES["cosine"][1]),
    "first_loss": ("first loss, over that of knowing nothing",
        RULES["first loss"][1]),
    "dead": ("dead units beyond random ones", RULES["dead"][1]),
    "saturated": ("saturated outputs", RULES["saturated"][1]),
}  # fmt: skip
SPLITS = {"activation": atlas.ACTIVATIONS, "initializer": atlas.INITIALIZERS}
POPULATIONS = ("all", "plausible")


def read_diagnoses() -> list[dict[str, Any]]:
    """Return the rows: strings as they are, numbers as numbers."""
    with gzip.open(TABLE, "rt", encoding="utf-8", newline="") as file:
        rows: list[dict[str, Any]] = list(csv.DictReader(file))
    for row in rows:
        for name in ("width", "depth", "best"):
            row[name] = int(row[name])
        for name in ("rate", *NUMBERS, "step_loss", "step_change"):
            row[name] = float(row[name])
    return rows


def score(name: str, values: Array) -> Array:
    """Return how far a number is from what is good; NaN is furthest.

    A ratio counts by its decimal logarithm, in both directions.
    """
    with np.errstate(all="ignore"):
        if name in ("gradient", "signal"):
            far = np.abs(np.log10(values))
        elif name == "cosine":
            far = -np.log10(1 - values)
        elif name == "first_loss":
            far = np.log10(values)
        else:
            far = values
    return np.asarray(np.where(np.isnan(far), inf, far), float)


def limit_of(name: str) -> float:
    """Return the limit in the file, on the scale of `score`."""
    limit = NUMBERS[name][1]
    if name == "cosine":
        return float(-np.log10(limit))
    if name in ("gradient", "signal", "first_loss"):
        return float(np.log10(limit))
    return limit


def choose(far: Array, broken: Mask) -> float:
    """Return the limit with most caught less false alarms, as shares.

    Of several that are as good: the middle of the widest gap.
    """
    known = np.unique(far[np.isfinite(far)])
    gaps = [
        (
            np.mean(far[broken] > low) - np.mean(far[~broken] > low),
            high - low,
            (low + high) / 2,
        )
        for low, high in zip(known, [*known[1:], known[-1] + 0.1], strict=True)
    ]
    return float(max(gaps)[2])


def _counts(found: Mask, broken: Mask) -> dict[str, int]:
    return {
        "caught": int((found & broken).sum()),
        "missed": int((~found & broken).sum()),
        "false": int((found & ~broken).sum()),
        "healthy": int((~broken).sum()),
    }


def _area(far: Array, broken: Mask) -> float:
    most = far[np.isfinite(far)].max(initial=0) + 1
    return atlas.area(broken, np.minimum(far, most))


def _by_halves(far: Array, broken: Mask, half: Mask) -> dict[str, Any]:
    """Choose on each half of the kinds, judge on the other; add up."""
    found = np.zeros_like(broken)
    limits = []
    for judged in (half, ~half):
        limits.append(choose(far[~judged], broken[~judged]))
        found[judged] = far[judged] > limits[-1]
    return {"limits": limits, **_counts(found, broken)}


def measure_download() -> dict[str, Any]:
    """Return the file that readers take whole: version, size, checksum."""
    file = Path(__file__).with_name("diagnose.py")
    content = file.read_bytes()
    name = f"diagnose-{VERSION}.py"
    digest = hashlib.sha256(content).hexdigest()
    return {
        "head": ["File", name],
        "rows": [
            ["Lines", str(len(content.splitlines()))],
            ["Kilobytes", f"{len(content) / 1000:.0f}"],
            ["SHA-256", digest],
        ],
    }


def measure_versions() -> dict[str, Any]:
    """Return how much other versions and backends differ, in any number."""
    told = json.loads(
        Path(__file__).with_name("versions.json").read_text("utf-8")
    )
    here = f"Keras {told['keras']} on TensorFlow {told['tensorflow']}"
    return {
        "head": ["diagnose on", f"differs from {here} by at most"],
        "rows": [
            [f"Keras {name}" if name[0].isdigit() else name, share]
            for name, share in told["difference"].items()
        ],
    }


def measure_calibration() -> dict[str, Any]:
    """How `diagnose` and published rules tell what does not train.

    `judged` is population → rule → caught, missed, false, healthy, area;
    `rows` say the same as text.
    """
    kinds = atlas.measure_kinds()
    best = [row for row in read_diagnoses() if row["best"]]
    judged: dict[str, dict[str, dict[str, Any]]] = {}
    for population in POPULATIONS:
        rows = [
            row
            for row in best
            if population == "all" or row["initializer"] not in atlas.HOPELESS
        ]
        broken = np.array(
            [kinds[_kind(row)]["word"] not in atlas.GOOD for row in rows]
        )
        of: dict[str, dict[str, Any]] = {}
        for name in NUMBERS:
            far = score(name, np.array([row[name] for row in rows]))
            area = _area(far, broken)
            of[name] = _counts(far > limit_of(name), broken) | {"area": area}
            for column, order in SPLITS.items():
                places = [[*order].index(row[column]) for row in rows]
                half = np.array(places) % 2 == 0
                of[f"{name} by {column}"] = _by_halves(far, broken, half)
        any_found = np.array([bool(row["found"]) for row in rows])
        of["report"] = _counts(any_found, broken)
        for tool in TOOLS:
            any_found = np.array([bool(row[tool]) for row in rows])
            of[tool] = _counts(any_found, broken)
        judged[population] = of
    return {
        "judged": judged,
        "given": _given(),
        "head": ["Rule"]
        + [
            f"{which}: {what}"
            for which in ("Seven", "Five")
            for what in ("caught", "false alarms", "area")
        ],
        "rows": _said(judged),
    }


def _said(judged: dict[str, dict[str, dict[str, Any]]]) -> list[list[str]]:
    """Return the counts as text, a row for each rule."""
    named = {"report": "the whole report: any finding"}
    for name, (text, limit) in NUMBERS.items():
        named[name] = f"{text}, limit {limit:g}"
    for column in SPLITS:
        limits = [
            f"{10**limit:.0f}"
            for population in POPULATIONS
            for limit in judged[population][f"gradient by {column}"]["limits"]
        ]
        named[f"gradient by {column}"] = (
            f"gradient, limit chosen on other {column}s: " + ", ".join(limits)
        )
    named |= TOOLS
    order = [
        "report", "gradient", "gradient by activation",
        "gradient by initializer", *[*NUMBERS][1:], *TOOLS,
    ]  # fmt: skip
    return [
        [named[rule]]
        + [
            text
            for population in POPULATIONS
            for it in [judged[population][rule]]
            for text in (
                f"{it['caught']} of {it['caught'] + it['missed']}",
                f"{it['false']} of {it['healthy']}",
                f"{it['area']:.2f}" if "area" in it else "–",
            )
        ]
        for rule in order
    ]


def _kind(row: dict[str, Any]) -> tuple:
    return tuple(row[name] for name in KIND)


def _trains(runs: list[Run], rate: float) -> bool:
    return all(run["updates"] for run in by_rate(runs)[rate])


def _given() -> dict[str, Any]:
    """Judge the pairs that people use at each rate: is it the rate's fault?

    Only of kinds that train at their best rate. "step" is what says it: the
    loss after one step over that before, and the largest change.
    """
    runs = by_kind(read_runs(atlas.TABLE))
    kinds = atlas.measure_kinds()
    rows = [
        row
        for row in read_diagnoses()
        if (row["activation"], row["initializer"]) in atlas.PAIRS
        and kinds[_kind(row)]["word"] in atlas.GOOD
    ]
    broken = np.array(
        [not _trains(runs[_kind(row)], row["rate"]) for row in rows]
    )
    high = np.array(
        [row["rate"] > kinds[_kind(row)]["rate"] for row in rows], bool
    )
    told = {}
    for side, codes, column in (
        ("too high", {"step_too_large", "output_leaps"}, "step_loss"),
        ("too low", {"step_too_small"}, "step_change"),
    ):
        fault = broken & (high if side == "too high" else ~high)
        some = fault | ~broken
        said = [f"{row['found']} {row['seen']}".split() for row in rows]
        found = np.array([not codes.isdisjoint(words) for words in said])
        value = np.array([row[column] for row in rows])
        far = np.where(np.isnan(value), inf, value)
        told[side] = _counts(found[some], fault[some]) | {
            "area": _area(
                far[some] if side == "too high" else -far[some], fault[some]
            )
        }
    return told
