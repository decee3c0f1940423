"""What an entry of the corpus is, and the parts that many of them share."""

import hashlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
from keras import layers

SPARSE = "sparse_categorical_crossentropy"
Network = tuple[keras.Model, Any, Any]


@dataclass
class Entry:
    """A network of the corpus: what is wrong with it, and who met it first."""

    make: Callable[[], Network]
    faults: tuple[str, ...] = ()  # any of them names it; none: healthy
    layer: str | None = None
    source: str | None = None
    detectable: bool = True  # by a look at the initialization
    rates: tuple[float, ...] = ()  # tried besides the one that is given
    scored: tuple[str, ...] = ("classes",)  # one for each output
    goal: float = 0.9

    @property
    def name(self) -> str:  # noqa: D102
        return self.make.__name__

    @property
    def held_out(self) -> bool:
        """Whether nobody tunes on it: a coin, thrown by its name."""
        return hashlib.sha256(self.name.encode()).digest()[0] % 2 == 1

    @cached_property
    def code(self) -> str:
        """What is measured: a hash of the function and of its rule."""
        source = inspect.getsource(self.make).partition("\ndef ")[2]
        rule = (self.scored, self.goal, self.rates)
        text = "".join(f"{source}{rule}".split())
        return hashlib.sha256(text.encode()).hexdigest()[:8]

    def build(self, seed: int = 0) -> Network:
        """Return the network, its inputs and its labels."""
        keras.backend.clear_session()  # so that the first layer is `dense`
        keras.utils.set_random_seed(seed)
        try:
            return self.make()
        finally:
            keras.config.set_dtype_policy("float32")


CORPUS: dict[str, Entry] = {}


def broken(*faults: str, **about: Any) -> Callable:
    def register(make: Callable[[], Network]) -> Callable[[], Network]:
        entry = Entry(make, faults, **about)
        assert CORPUS.setdefault(entry.name, entry) is entry, entry.name
        assert entry.code  # of the file as it is imported, not as it becomes
        return make

    return register


def healthy(**about: Any) -> Callable:
    return broken(**about)


def stack(shape: tuple[int, ...], *parts: keras.Layer) -> keras.Sequential:
    return keras.Sequential([keras.Input(shape), *parts])


def transformer(
    x: Any, blocks: int, width: int, pre: bool, heads: int = 2
) -> Any:
    for _ in range(blocks):
        for part in ("attention", "feed forward"):
            branch = layers.LayerNormalization()(x) if pre else x
            if part == "attention":
                attend = layers.MultiHeadAttention(heads, width // heads)
                branch = attend(branch, branch)
            else:
                branch = layers.Dense(2 * width, "relu")(branch)
                branch = layers.Dense(width)(branch)
            x = layers.Add()([x, branch])
            if not pre:
                x = layers.LayerNormalization()(x)
    return layers.LayerNormalization()(x) if pre else x
