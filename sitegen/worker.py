"""Measures and draws one chapter; `measure.py` starts it as a process.

Arguments: the project's folder, the store's, the chapter, and the names of
the measurements and plots to do, as JSON. It prints the name of each
function before it calls it. Unlike the rest of the package it imports what
it measures, and so TensorFlow.
"""

import importlib
import json
import random
import sys
import traceback
from pathlib import Path
from typing import Any

import numpy as np

from sitegen import sources, style
from sitegen.measure import STYLE
from sitegen.store import Store

SEED = 0


def main(root: Path, store: Store, slug: str, names: list[list[str]]) -> None:
    """Call the functions, and keep what they return."""
    measurements, plots = names
    module = importlib.import_module(f"{sources.PACKAGE}.{slug}.figures")
    for name in measurements:
        print(f"measure_{name}", flush=True)
        random.seed(SEED)  # so that one measurement cannot shift the next
        np.random.seed(SEED)
        value = getattr(module, f"measure_{name}")()
        check_plain(value, f"measure_{name}()")
        key = sources.measurement_key(root, slug, name)
        store.put("data", f"{slug}/{name}", key, value)
    drawn = sources.jobs(root, slug)[1]
    for name in plots:
        print(f"plot_{name}", flush=True)
        data = [
            store.get(
                "data", f"{slug}/{d}", sources.measurement_key(root, slug, d)
            )
            for d in drawn[name]
        ]
        figure = getattr(module, f"plot_{name}")
        with style.in_style(f"{slug}/{name}"):
            variants = style.variants(figure(*data), f"plot_{name}")
        key = sources.figure_key(root, slug, name, STYLE)
        store.put("figures", f"{slug}/{name}", key, variants)


def check_plain(value: Any, place: str) -> None:
    """Raise `TypeError` unless the value is numbers, text and arrays only."""
    if isinstance(value, dict):
        for key, item in value.items():
            check_plain(item, f"{place}[{key!r}]")
    elif isinstance(value, list | tuple):
        for item in value:
            check_plain(item, f"{place}[…]")
    elif isinstance(value, np.ndarray):
        if value.dtype == object:
            raise TypeError(f"{place} is an array of objects, not of numbers")
    elif not isinstance(value, bool | int | float | str | np.generic | None):
        raise TypeError(
            f"{place} holds a {type(value).__name__}: a measurement returns "
            "plain data (numbers, text, NumPy arrays, in dicts and lists); "
            "convert tensors with keras.ops.convert_to_numpy"
        )


if __name__ == "__main__":
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
