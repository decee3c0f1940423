"""Which networks the atlas trains."""

from dataclasses import dataclass
from itertools import product

ACTIVATIONS = (
    "sigmoid", "tanh", "relu", "leaky_relu", "prelu",
    "elu", "selu", "gelu", "silu", "mish",
)  # fmt: skip
INITIALIZERS = ("glorot", "he", "lecun", "own", "orthogonal", "n1", "n001")
DEPTHS = (4, 10, 20, 30, 50)
RATES = {
    "sgd": (0.003, 0.01, 0.03, 0.1, 0.3),
    "momentum": (0.001, 0.003, 0.01, 0.03, 0.1),
    "adam": (0.0001, 0.0003, 0.001, 0.003, 0.01),
}
# The steps of the rates: how far a sweep of them is extended.
LADDER = (
    0.00001, 0.00003, 0.0001, 0.0003, 0.001, 0.003,
    0.01, 0.03, 0.1, 0.3, 1.0, 3.0,
)  # fmt: skip
SEEDS = 5

# The pairs that people use, or that theory recommends.
MAIN_PAIRS = (
    ("sigmoid", "glorot"), ("tanh", "glorot"), ("tanh", "orthogonal"),
    ("relu", "glorot"), ("relu", "he"), ("leaky_relu", "he"),
    ("elu", "own"), ("selu", "lecun"), ("gelu", "he"), ("silu", "he"),
)  # fmt: skip
WIDE_PAIRS = (
    ("tanh", "glorot"), ("relu", "he"), ("selu", "lecun"), ("gelu", "he"),
)  # fmt: skip
# With Adam: each activation with the initializer that is recommended for it,
# as far as it is no main pair; and the sigmoid with the one that trains it.
ADAM_PAIRS = (
    ("leaky_relu", "own"), ("prelu", "own"), ("gelu", "own"),
    ("silu", "own"), ("mish", "own"), ("sigmoid", "n1"),
)  # fmt: skip
CAREFUL = ("glorot", "he", "lecun", "own", "orthogonal")
# What the headlines of the page speak of: depth, activation, initializer.
HEADLINES = {
    *product((50,), ("tanh", "elu", "selu"), CAREFUL),
    *product((30,), ("relu", "leaky_relu"), ("he", "orthogonal")),
    *product((30,), ("tanh", "elu", "selu"), ("orthogonal", "he", "lecun")),
    (10, "sigmoid", "n1"),
}
# Kernels at the critical line: see biases.py. The variance of the biases.
CRITICAL = "critical"
CRITICAL_BIASES = {
    "sigmoid": 1.0, "tanh": 0.05, "gelu": 0.3, "silu": 1.0, "mish": 0.3,
}  # fmt: skip


@dataclass(frozen=True, order=True)
class Cell:
    """One kind of network, trained from every seed at every rate.

    `depth` counts the hidden layers. The first one and the head have fixed
    initializers: `initializer` is that of the `depth - 1` kernels between.
    `others`: from five other seeds than those of the table.
    """

    data: str
    optimizer: str
    width: int
    depth: int
    activation: str
    initializer: str
    rates: tuple[float, ...]
    others: bool = False


def grid() -> list[Cell]:
    """Return every cell, without the extensions of its rates."""
    found = []

    def add(
        pairs: object, depths: tuple[int, ...], optimizer: str = "sgd",
        width: int = 100, data: str = "digits",
    ) -> None:  # fmt: skip
        for depth, (activation, initializer) in product(depths, pairs):  # type: ignore[call-overload]
            found.append(
                Cell(
                    data, optimizer, width, depth, activation, initializer,
                    RATES[optimizer],
                )
            )  # fmt: skip

    for depth in (30, 10, 4, 50, 20):  # the most telling ones first
        add(product(ACTIVATIONS, INITIALIZERS), (depth,))
    for optimizer in ("momentum", "adam"):
        add(MAIN_PAIRS, (10, 30, 50), optimizer)
    add(MAIN_PAIRS, (4, 10, 30), data="mnist1d")
    add(WIDE_PAIRS, (30,), width=400)  # the slowest
    add(ADAM_PAIRS, (10, 30, 50), "adam")
    add([(it, CRITICAL) for it in CRITICAL_BIASES], (10, 30, 50))
    return found


def headlines() -> list[Cell]:
    """Return the cells that a headline of the page speaks of."""
    return [
        cell
        for cell in grid()
        if (cell.data, cell.optimizer, cell.width) == ("digits", "sgd", 100)
        and (cell.depth, cell.activation, cell.initializer) in HEADLINES
    ]
