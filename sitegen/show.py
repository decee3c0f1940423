"""Prints what was measured, so that it can be read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sitegen import keys, measure
from sitegen.store import Store

FEW = 12  # values of an array that are all printed


def measurement(root: Path, store: Store, name: str) -> Iterator[str]:
    """Yield the lines that say what `<slug>/<name>` returned."""
    slug, _, what = name.partition("/")
    yield from _lines(name, measure.data(root, store, slug, what), 0)


def _lines(name: str, value: Any, depth: int) -> Iterator[str]:
    start = f"{'  ' * depth}{name}: "
    if isinstance(value, dict):
        yield start
        for key, item in value.items():
            yield from _lines(str(key), item, depth + 1)
    elif isinstance(value, list | tuple) and any(
        isinstance(item, dict | list | tuple | np.ndarray) for item in value
    ):
        yield f"{start}{len(value)} items"
        for at, item in enumerate(value):
            yield from _lines(str(at), item, depth + 1)
    elif isinstance(value, np.ndarray) and value.size > FEW:
        yield f"{start}{value.dtype} {value.shape}{_range(value)}"
    elif isinstance(value, np.ndarray):
        said = np.array2string(value, precision=5, separator=", ")
        yield f"{start}{' '.join(said.split())}"
    else:
        yield f"{start}{value}"


def _range(array: np.ndarray) -> str:
    if array.dtype.kind not in "iuf":
        return ""
    finite = array[np.isfinite(array)]
    if not finite.size:
        return ", nothing finite"
    low, middle, high = np.quantile(finite, (0, 0.5, 1))
    lost = array.size - finite.size
    said = f", from {low:.5g} to {high:.5g}, median {middle:.5g}"
    return said + (f", {lost} not finite" if lost else "")


def costs(root: Path, store: Store, slugs: list[str]) -> Iterator[str]:
    """Yield what each measurement took when it was made, the longest first."""
    rows = []
    for slug in slugs or keys.chapters(root):
        for name in keys.jobs(root, slug)[0]:
            key = keys.measurement_key(root, slug, name)
            try:
                cost = store.get("costs", f"{slug}/{name}", key)
            except KeyError:
                yield f"{slug}/{name}: not measured yet, or long ago"
                continue
            rows.append((cost["processor"], cost["clock"], f"{slug}/{name}"))
    yield "processor  clock (seconds)"
    for used, passed, name in sorted(rows, reverse=True):
        yield f"{used:9.1f} {passed:6.1f}  {name}"
    yield f"{sum(row[0] for row in rows):9.1f}         all of these"
