"""Measures and draws one chapter; `measure.py` starts it as a process.

Arguments: the project's folder, the store's, the chapter, the names of the
measurements and plots to do, as JSON, and the process to end with. It prints
the name of each function before it calls it. Unlike the rest of the package
it imports what it measures, and so TensorFlow.
"""

import importlib
import json
import sys
import traceback
from pathlib import Path
from typing import Any

import numpy as np

from sitegen import drawn, isolation, keys
from sitegen.measure import STYLE
from sitegen.store import Store


def main(root: Path, store: Store, slug: str, names: list[list[str]]) -> None:
    """Call the functions, and keep what they return."""
    measurements, plots = names
    # The keys of what is imported now; an edit comes too late for this run.
    expected = _keys(root, slug, measurements, plots)
    module = importlib.import_module(f"{keys.PACKAGE}.{slug}.figures")
    for name in measurements:
        print(f"measure_{name}", flush=True)
        isolation.begin()
        value = getattr(module, f"measure_{name}")()
        check_plain(value, f"measure_{name}()")
        _check_unchanged(expected, root, slug, [name], [])
        store.put("data", f"{slug}/{name}", expected[f"measure_{name}"], value)
    wanted = keys.jobs(root, slug)[1]
    for name in plots:
        print(f"plot_{name}", flush=True)
        data = [
            store.get(
                "data", f"{slug}/{d}", keys.measurement_key(root, slug, d)
            )
            for d in wanted[name]
        ]
        plot = getattr(module, f"plot_{name}")
        drawing = drawn.draw(f"{slug}/{name}", plot, *data)
        _check_unchanged(expected, root, slug, [], [name])
        store.put(
            "figures", f"{slug}/{name}", expected[f"plot_{name}"], drawing
        )


def _keys(
    root: Path, slug: str, measurements: list[str], plots: list[str]
) -> dict[str, str]:
    return {
        f"measure_{n}": keys.measurement_key(root, slug, n)
        for n in measurements
    } | {f"plot_{n}": keys.figure_key(root, slug, n, STYLE) for n in plots}


def _check_unchanged(expected: dict[str, str], *which: Any) -> None:
    for name, key in _keys(*which).items():
        if key != expected[name]:
            raise RuntimeError(f"{name} was edited while it ran: build again")


def check_plain(value: Any, place: str) -> None:
    """Raise `TypeError` unless the value is numbers, text and arrays only."""
    if isinstance(value, dict):
        for key, item in value.items():
            check_plain(item, f"{place}[{key!r}]")
    elif isinstance(value, list | tuple):
        for item in value:
            check_plain(item, f"{place}[…]")
    elif isinstance(value, np.ndarray):
        if value.dtype.hasobject:
            raise TypeError(f"{place} is an array of objects, not of numbers")
    elif not isinstance(value, bool | int | float | str | np.generic | None):
        raise TypeError(
            f"{place} holds a {type(value).__name__}: a measurement returns "
            "plain data (numbers, text, NumPy arrays, in dicts and lists); "
            "convert tensors with keras.ops.convert_to_numpy"
        )


if __name__ == "__main__":
    isolation.end_with(int(sys.argv[5]))
    try:
        main(
            Path(sys.argv[1]),
            Store(Path(sys.argv[2])),
            sys.argv[3],
            json.loads(sys.argv[4]),
        )
    except Exception:
        traceback.print_exc()
        sys.exit(1)
