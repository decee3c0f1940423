"""What a case is, the data of the cases, and how one is trained.

    python -m studies.cases verify [name ...]   train, write `cases.csv`

A case is a module of this package. It says where the question was asked, what
is wrong, and what the right answer of `diagnose` is; `verify` shows that the
fault is one: over three seeds the broken network stays below the goal, and the
mended one reaches it.
"""

import hashlib
import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np
from sklearn.datasets import load_digits

SEEDS = 3
Network = tuple[keras.Model, Any, Any]


@dataclass(frozen=True)
class Case:
    """A question that was asked in public, as a network.

    `named` is the code of the finding or the note that `diagnose` must give,
    or words of the error that it must raise; `when` says whether it is to be
    seen before training or after it. `fixed` applies the line that the
    finding prints. Without `named`, the page says in `page` why no look can
    see it and what to do instead.
    """

    source: tuple[str, ...]
    broken: Callable[[], Network]
    mended: Callable[[], Network]
    score: Callable[[keras.Model, Any, Any], float]
    goal: float
    named: str = ""
    layer: str = ""
    when: str = "before"
    fixed: Callable[[str], Network] | None = None
    page: str = ""
    fit: dict[str, Any] = field(default_factory=dict)
    fit_mended: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def name(self) -> str:
        """The name of its module."""
        return self.broken.__module__.rpartition(".")[2]

    @cached_property
    def code(self) -> str:
        """A hash of its module, the data and the rule: what was measured."""
        module = importlib.import_module(self.broken.__module__)
        parts: list[Any] = [module, digits, table, r2, accuracy, binary]
        parts.append(Case.train)
        text = "".join(map(inspect.getsource, parts))
        return hashlib.sha256(text.encode()).hexdigest()[:8]

    def build(self, make: Callable[[], Network], seed: int = 0) -> Network:
        """Return a network, its inputs and labels, the same each time."""
        keras.backend.clear_session()
        keras.config.set_dtype_policy("float32")
        keras.utils.set_random_seed(seed)
        try:
            return make()
        finally:
            keras.config.set_dtype_policy("float32")

    def train(self, network: Network, **more: Any) -> float:
        """Fit, and return the score."""
        model, x, y = network
        options = {"epochs": 10, "batch_size": 32, "verbose": 0}
        model.fit(x, y, **(options | self.fit | more))
        return float(self.score(model, x, y))


def cases() -> dict[str, Case]:
    """Return all cases by name."""
    folder = Path(__file__).parent
    found = {}
    for file in sorted(folder.glob("*.py")):
        if not file.stem.startswith("_"):
            name = f"{__package__}.{file.stem}"
            module = importlib.import_module(name)
            if hasattr(module, "CASE"):
                found[file.stem] = module.CASE
    return found


def options(line: str) -> dict[str, Any]:
    """Return the keywords of which a printed line consists."""
    found = eval(f"dict({line})", {"keras": keras, "dict": dict})
    return dict(found)


def run(line: str, x: Any, y: Any) -> tuple[Any, Any]:
    """Run a printed line that changes x or y; return both."""
    names = {"x": x, "y": y, "keras": keras, "np": np}
    exec(line, names)
    return names["x"], names["y"]


# The data: small, and there without a download.


def digits(*shape: int, n: int = 1000) -> tuple[np.ndarray, np.ndarray]:
    """Return handwritten digits, 0 to 1, as rows of 64 or of this shape."""
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(11).permutation(len(y))[:n]
    x = (x[order] / 16).astype("float32")
    return x.reshape(-1, *(shape or (64,))), y[order]


def table(n: int = 1000) -> tuple[np.ndarray, np.ndarray]:
    """Return eight columns, and a target of mean 0 and deviation 1."""
    x = np.random.default_rng(12).standard_normal((n, 8)).astype("float32")
    y = np.tanh(x[:, 0]) + 0.6 * x[:, 1] * x[:, 2] - x[:, 3]
    return x, ((y - y.mean()) / y.std()).astype("float32")


# The scores: 1 is best.


def r2(model: keras.Model, x: Any, y: Any) -> float:
    """Share of the labels' variance that is explained."""
    p = np.ravel(model.predict(x, verbose=0))
    y = np.ravel(y)
    return float(1 - np.mean((y - p) ** 2) / np.var(y))


def accuracy(model: keras.Model, x: Any, y: Any) -> float:
    """Share of the examples whose largest output is their class."""
    p = model.predict(x, verbose=0).argmax(-1)
    return float(np.mean(p == (y.argmax(-1) if y.ndim > p.ndim else y)))


def binary(model: keras.Model, x: Any, y: Any) -> float:
    """Share of the outputs on the right side of one half."""
    return float(np.mean((model.predict(x, verbose=0) > 0.5) == (y > 0.5)))
