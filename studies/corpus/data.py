"""The data: small, offline, the same each time."""

from functools import cache

import numpy as np
from sklearn.datasets import load_digits


@cache
def _digits() -> tuple[np.ndarray, np.ndarray]:
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))[:1000]
    return (x[order] / 16).astype("float32"), y[order]


def digits(*shape: int) -> tuple[np.ndarray, np.ndarray]:
    """Return 1,000 digits, 0 to 1, as rows of 64 or of `shape`, and labels."""
    x, y = _digits()
    return x.reshape(-1, *(shape or (64,))).copy(), y.copy()


def parity(*shape: int) -> tuple[np.ndarray, np.ndarray]:
    x, y = digits(*shape)
    return x, y % 2


def table(examples: int = 1000) -> tuple[np.ndarray, np.ndarray]:
    """Eight standard normal features, a smooth target, standardised."""
    x = np.random.default_rng(1).standard_normal((examples, 8))
    y = np.sin(x[:, 0]) + 0.5 * x[:, 1] * x[:, 2] + x[:, 3]
    return x.astype("float32"), ((y - y.mean()) / y.std()).astype("float32")


def recall(steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Coin throws over time; the label is the first of them."""
    coins = np.random.default_rng(2).choice([-1.0, 1.0], (400, steps, 1))
    return coins.astype("float32"), (coins[:, 0, 0] > 0).astype(int)


def words() -> tuple[np.ndarray, np.ndarray]:
    """Sequences of 16 of 40 words; the label: is 3 or 7 among them."""
    x = np.random.default_rng(3).integers(1, 41, (1000, 16))
    return x, np.isin(x, (3, 7)).any(axis=1).astype(int)
