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


@dataclass(frozen=True, order=True)
class Cell:
    """One kind of network, trained from every seed at every rate.

    `depth` counts the hidden layers. The first one and the head have fixed
    initializers: `initializer` is that of the `depth - 1` kernels between.
    """

    data: str
    optimizer: str
    width: int
    depth: int
    activation: str
    initializer: str
    rates: tuple[float, ...]


def grid() -> list[Cell]:
    """Return every cell, without the extensions of `rates_beyond`."""
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
    return found


def rates_beyond(tried: tuple[float, ...], best: float) -> tuple[float, ...]:
    """Return two more rates when the best one is at an edge, else none."""
    places = [LADDER.index(rate) for rate in tried]
    if best == max(tried):
        return LADDER[max(places) + 1 : max(places) + 3]
    if best == min(tried):
        return LADDER[max(min(places) - 2, 0) : min(places)]
    return ()
