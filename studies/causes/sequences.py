"""Networks that read sequences: broken in one way each, and mended."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import layers

from snippets.sequences.places import Places
from snippets.sequences.remembering import forget_bias

SEEDS, EXAMPLES, BATCH = 5, 1000, 50
STEPS = 60  # of padded texts, and between a symbol and the question for it
WORDS = 30
WIDTH = 64  # of the embeddings whose scale is compared
PIECES, PIECE = 4, 10  # of a sequence that is cut


class Run(NamedTuple):
    """What is trained: `make` returns a compiled model, x and y.

    `new` returns x and y that it is scored on; `fit` returns what `fit` gets
    besides; `score` is 1 for right and 0 for guessing.
    """

    make: Callable[[], tuple[keras.Model, Any, Any]]
    new: Callable[[], tuple[Any, Any]]
    epochs: int = 10
    fit: Callable[[], dict[str, Any]] = dict


# Data, none of which is fetched


@cache
def texts(
    n: int = EXAMPLES, seed: int = 0, front: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Return five to ten words, padded to 60; and whether word 1 is there."""
    draw = np.random.default_rng(seed)
    x = np.zeros((n, STEPS), "int32")
    y = draw.integers(0, 2, (n, 1))
    for row, (label,) in zip(x, y, strict=True):
        length = draw.integers(5, 11)
        said = draw.integers(2, WORDS, length)
        if label:
            said[draw.integers(length)] = 1
        row[STEPS - length if front else 0 :][:length] = said
    return x, y.astype("float32")


@cache
def recall(n: int = EXAMPLES, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return symbols, one-hot (n, 60, 8); and whether the first is below 4."""
    symbols = np.random.default_rng(seed).integers(0, 8, (n, STEPS))
    y = (symbols[:, :1] < 4).astype("float32")
    return np.eye(8, dtype="float32")[symbols], y


@cache
def orders(n: int = EXAMPLES, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return ten words; and whether word 1 stands before word 2."""
    draw = np.random.default_rng(seed)
    x = draw.integers(3, WORDS, (n, 10))
    y = draw.integers(0, 2, (n, 1))
    for row, (label,) in zip(x, y, strict=True):
        first, second = sorted(draw.choice(10, 2, replace=False))
        row[first], row[second] = (1, 2) if label else (2, 1)
    return x.astype("int32"), y.astype("float32")


@cache
def majorities(
    n: int = EXAMPLES, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Return nine words out of two; and whether the second is in majority."""
    x = np.random.default_rng(seed).integers(1, 3, (n, 9))
    y = (x == 2).sum(1, keepdims=True) > 4
    return x.astype("int32"), y.astype("float32")


@cache
def pieces(
    n: int = 500, seed: int = 0, in_a_row: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Return sequences of 40 steps, cut in four; the first step is asked for.

    A batch holds one piece of 50 sequences, the next batch their next ones;
    or, `in_a_row`, each sequence's pieces stand one below the other.
    """
    draw = np.random.default_rng(seed)
    x = draw.standard_normal((n, PIECES * PIECE, 2)).astype("float32")
    x[..., 0] = 0
    y = draw.integers(0, 2, n)
    x[:, 0, 0] = 2 * y - 1
    x = x.reshape(n, PIECES, PIECE, 2)
    y = np.repeat(y[:, None], PIECES, 1)
    if not in_a_row:
        x, y = (
            a.reshape(-1, BATCH, *a.shape[1:]).swapaxes(1, 2) for a in (x, y)
        )
    return x.reshape(-1, PIECE, 2), y.reshape(-1, 1).astype("float32")


# Networks


def compiled(inputs: Any, h: Any, optimizer: Any = 0.01) -> keras.Model:
    """Return a model with a sigmoid behind h."""
    model = keras.Model(inputs, layers.Dense(1, "sigmoid")(h))
    if isinstance(optimizer, float):
        optimizer = keras.optimizers.Adam(optimizer)
    model.compile(optimizer, "binary_crossentropy")
    return model


def mean(h: Any) -> Any:
    """Return the mean over the steps."""
    return layers.GlobalAveragePooling1D()(h)


def attention(h: Any) -> Any:
    """Return the mean over the steps of what each attends to."""
    return mean(layers.MultiHeadAttention(2, 8)(h, h))


def reader(
    body: Callable, mask: bool = False, front: bool = False
) -> tuple[keras.Model, Any, Any]:
    """Return an embedding, a body, and padded texts."""
    words = keras.Input((STEPS,), dtype="int32")
    h = layers.Embedding(WORDS, 16, mask_zero=mask)(words)
    return compiled(words, body(h)), *texts(front=front)


def recurrent(kind: type[keras.Layer], **options: Any) -> Callable:
    """Return a body: this layer, of 16 units."""
    return lambda h: kind(16, **options)(h)


def one_empty(mended: bool) -> tuple[keras.Model, Any, Any]:
    """Return a masked mean, and text 17 without a word, or with word 2."""
    model, x, y = reader(mean, mask=True)
    x = x.copy()
    x[17] = 0
    x[17, 0] = 2 * mended
    return model, x, y


def chrono(steps: int, seed: int = 0) -> Callable[..., Any]:
    """Return biases for what has to be remembered for up to so many steps.

    Each unit forgets over a time of its own, and takes in as slowly
    (Tallec and Ollivier, 2018).
    """

    def initialize(shape: Any, dtype: Any = None) -> Any:
        parts = np.zeros((4, shape[0] // 4))
        spans = np.random.default_rng(seed).uniform(
            1, steps - 1, parts[1].shape
        )
        parts[1] = np.log(spans)
        parts[0] = -parts[1]
        return keras.ops.convert_to_tensor(parts.ravel(), dtype)

    return initialize


def remembers(layer: Callable[[], Any]) -> tuple[keras.Model, Any, Any]:
    """Return a recurrent layer, and what the first of 60 symbols was."""
    x, y = recall()
    inputs = keras.Input(x.shape[1:])
    return compiled(inputs, layer()(inputs), 0.003), x, y


def block(h: Any) -> Any:
    """Return h behind a block of attention and a dense one, pre-norm."""
    normed = layers.LayerNormalization()(h)
    attended = layers.MultiHeadAttention(2, h.shape[-1] // 2)(normed, normed)
    h = layers.Add()([h, attended])
    f = layers.Dense(64, "gelu")(layers.LayerNormalization()(h))
    return layers.Add()([h, layers.Dense(h.shape[-1])(f)])


def transformer(
    data: Callable, width: int, scale: float, places: bool, optimizer: Any
) -> tuple[keras.Model, Any, Any]:
    """Return one block, or two if places are added, and a mean."""
    x, y = data()
    words = keras.Input(x.shape[1:], dtype="int32")
    h = layers.Embedding(WORDS, width)(words)
    h = layers.Rescaling(scale)(h)
    if places:
        h = Places()(h)
    h = layers.LayerNormalization()(block(block(h)))
    return compiled(words, mean(h), optimizer()), x, y


def ordered(places: bool) -> tuple[keras.Model, Any, Any]:
    """Return a transformer that is asked for the order of two words."""
    adam = partial(keras.optimizers.Adam, 0.002)
    return transformer(orders, 32, 32**0.5, places, adam)


def scaled(scale: float, optimizer: Callable) -> tuple[keras.Model, Any, Any]:
    """Return a transformer whose words are scaled, its places are not."""
    return transformer(majorities, WIDTH, scale, True, optimizer)


class Reset(keras.callbacks.Callback):  # type: ignore[misc]
    """Empties the states where new sequences begin."""

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Empty them at each fourth batch."""
        if batch % PIECES == 0:
            self.model.layers[1].reset_state()


def cut(in_a_row: bool = False) -> tuple[keras.Model, Any, Any]:
    """Return a stateful LSTM, and sequences cut in four."""
    inputs = keras.Input(batch_shape=(BATCH, PIECE, 2))
    h = layers.LSTM(16, stateful=True)(inputs)
    return compiled(inputs, h), *pieces(in_a_row=in_a_row)


# What is trained

FORGET = {"unit_forget_bias": False}
KINDS = {"LSTM": layers.LSTM, "GRU": layers.GRU, "SimpleRNN": layers.SimpleRNN}
SGD = partial(keras.optimizers.SGD, 0.05)
BEHIND, FRONT = partial(texts, 500, 1), partial(texts, 500, 1, True)


def _padded() -> dict[str, Run]:
    """Return the readers of padded texts."""
    found = {}
    for name, kind in KINDS.items():
        read = partial(reader, recurrent(kind))
        found[f"{name}, padded behind"] = Run(read, BEHIND)
        found[f"{name}, padded in front"] = Run(
            partial(read, front=True), FRONT
        )
        found[f"{name}, masked"] = Run(partial(read, mask=True), BEHIND)
    for name, body in {"mean": mean, "attention": attention}.items():
        found[f"{name}, padded"] = Run(partial(reader, body), BEHIND)
        masked = partial(reader, body, mask=True)
        found[f"{name}, masked"] = Run(masked, BEHIND)
    return found


SIMPLE, LSTM = partial(layers.SimpleRNN, 32), partial(layers.LSTM, 32)
RECALLING: dict[str, Callable[[], Any]] = {
    "SimpleRNN, Glorot": partial(
        SIMPLE, recurrent_initializer="glorot_uniform"
    ),
    "SimpleRNN, orthogonal": SIMPLE,
    "SimpleRNN, ReLU, identity": partial(
        SIMPLE, activation="relu", recurrent_initializer="identity"
    ),
    "LSTM, forget bias 0": partial(LSTM, **FORGET),
    "LSTM, forget bias 1": LSTM,
    "LSTM, forget bias 3": lambda: LSTM(
        bias_initializer=forget_bias(3), **FORGET
    ),
    "LSTM, chrono": lambda: LSTM(bias_initializer=chrono(STEPS), **FORGET),
    "GRU": partial(layers.GRU, 32),
}


FAULTS: dict[str, Run] = {
    **_padded(),
    "a mean over nothing": Run(partial(one_empty, False), BEHIND),
    "a mean over something": Run(partial(one_empty, True), BEHIND),
    **{
        name: Run(partial(remembers, layer), partial(recall, 500, 1), 12)
        for name, layer in RECALLING.items()
    },
    "no positions": Run(partial(ordered, False), partial(orders, 500, 1), 20),
    "positions": Run(partial(ordered, True), partial(orders, 500, 1), 20),
    "words ±.05, SGD": Run(
        partial(scaled, 1.0, SGD), partial(majorities, 500, 1), 20
    ),
    "stateful, shuffled": Run(
        cut, partial(pieces, 500, 1), 10, lambda: {"callbacks": [Reset()]}
    ),
    "stateful, in a row": Run(
        partial(cut, True), partial(pieces, 500, 1), 10,
        lambda: {"shuffle": False, "callbacks": [Reset()]},
    ),
    "stateful, never emptied": Run(
        cut, partial(pieces, 500, 1), 10, lambda: {"shuffle": False}
    ),
    "stateful, in order": Run(
        cut, partial(pieces, 500, 1), 10,
        lambda: {"shuffle": False, "callbacks": [Reset()]},
    ),
}  # fmt: skip


def score(model: keras.Model, x: Any, y: Any) -> float:
    """Return how much of what guessing gets wrong is right; NaN for NaN.

    Of sequences that are cut, in the pieces that do not show the answer.
    """
    if x.shape[1:] == (PIECE, 2):
        said = []
        for i in range(0, len(x), BATCH):
            if i // BATCH % PIECES == 0:
                model.layers[1].reset_state()
            said.append(keras.ops.convert_to_numpy(model(x[i : i + BATCH])))
        late = np.arange(len(x)) // BATCH % PIECES > 0
        p, y = np.concatenate(said)[late], y[late]
    else:
        p = model.predict(x, verbose=0, batch_size=250)
    if np.isnan(p).any():
        return float("nan")
    guess = max(y.mean(), 1 - y.mean())
    right = np.mean((p > 0.5) == (y > 0.5))
    return float((right - guess) / (1 - guess))


def outcome(name: str) -> list[float]:
    """Train from five seeds; return the scores on new examples."""
    keras.backend.clear_session()
    run = FAULTS[name]
    model, x, y = run.make()
    model.optimizer.build(model.trainable_variables)
    start = [v.numpy() for v in model.optimizer.variables]
    found = []
    for seed in range(SEEDS):
        keras.utils.set_random_seed(seed)
        model.set_weights(run.make()[0].get_weights())
        for variable, value in zip(
            model.optimizer.variables, start, strict=True
        ):
            variable.assign(value)
        model.fit(x, y, BATCH, run.epochs, verbose=0, **run.fit())
        found.append(round(score(model, *run.new()), 3))
    return found
