"""Measures and draws chapters, in a process that `measure.run` starts.

It prints the name of each function before it calls it. Unlike the rest of
the package it imports what it measures, and so TensorFlow.
"""

import ast
import gc
import importlib
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colors

from sitegen import SitegenError, drawn, isolation, keys, measure
from sitegen.measure import STYLE
from sitegen.store import Store
from sitegen.svg import StyleError


class PlainError(TypeError):
    """A measurement that returned something else than plain data."""


class AuthorError(SitegenError):
    """What an author is to mend; says in which line."""


def main(
    root: Path,
    store: Store,
    slug: str,
    measurements: dict[str, str],
    plots: dict[str, str],
) -> None:
    """Call the functions of a chapter, and keep what they return.

    They are given with their keys, from before this process imported
    anything: an edit since then comes too late for it.
    """
    first = "keras" not in sys.modules
    module = importlib.import_module(f"{keys.PACKAGE}.{slug}.figures")
    if first:
        gc.freeze()  # Keras looks through all of it at each clean-up
    for name, key in measurements.items():
        print(f"measure_{name}", flush=True)
        isolation.begin()
        began = time.monotonic(), time.process_time()
        value = getattr(module, f"measure_{name}")()
        cost = {
            "clock": time.monotonic() - began[0],
            "processor": time.process_time() - began[1],
        }
        try:
            check_plain(value, f"measure_{name}()")
        except PlainError as error:
            raise AuthorError(_place(root, slug, name, error)) from None
        now = keys.measurement_key(root, slug, name)
        _check_unchanged(f"measure_{name}", key, now)
        store.put("costs", f"{slug}/{name}", key, cost)
        store.put("data", f"{slug}/{name}", key, value)
    wanted = keys.jobs(root, slug)[1]
    for name, key in plots.items():
        print(f"plot_{name}", flush=True)
        data = [measure.data(root, store, slug, d) for d in wanted[name]]
        plot = getattr(module, f"plot_{name}")
        try:
            drawing = drawn.draw(f"{slug}/{name}", plot, *data)
        except StyleError as error:
            raise AuthorError(_place(root, slug, name, error)) from None
        now = keys.figure_key(root, slug, name, STYLE)
        _check_unchanged(f"plot_{name}", key, now)
        store.put("figures", f"{slug}/{name}", key, drawing)


def _check_unchanged(name: str, key: str, now: str) -> None:
    if now != key:
        raise RuntimeError(f"{name} was edited while it ran: build again")


def _place(root: Path, slug: str, name: str, error: Exception) -> str:
    """Put the line before a message: of what is returned, or of a colour."""
    file = keys.figures_file(root, slug)
    module = keys.module(file)
    drawing = isinstance(error, StyleError)
    name = f"plot_{name}" if drawing else f"measure_{name}"
    at = module.named[name][-1].lineno
    for part in (p for n in module.reached_from(name) for p in ast.walk(n)):
        if drawing and isinstance(part, ast.Constant):
            said = str(part.value)
            if colors.is_color_like(said) and colors.to_hex(said) in str(error):
                at = part.lineno
        elif isinstance(part, ast.Return) and not drawing:
            at = part.lineno
    return f"{file.relative_to(root)}:{at}: {error}"


def check_plain(value: Any, place: str) -> None:
    """Raise `PlainError` unless the value is numbers, text and arrays only."""
    if isinstance(value, dict):
        for key, item in value.items():
            check_plain(item, f"{place}[{key!r}]")
    elif isinstance(value, list | tuple):
        for item in value:
            check_plain(item, f"{place}[…]")
    elif isinstance(value, np.ndarray):
        if value.dtype.hasobject:
            raise PlainError(f"{place} is an array of objects, not of numbers")
    elif not isinstance(value, bool | int | float | str | np.generic | None):
        raise PlainError(
            f"{place} holds a {type(value).__name__}: a measurement returns "
            "plain data (numbers, text, NumPy arrays, in dicts and lists); "
            "convert tensors with keras.ops.convert_to_numpy"
        )


if __name__ == "__main__":
    measure.work(main)
