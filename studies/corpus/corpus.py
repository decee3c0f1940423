"""Networks whose verdict is known: broken ones, and healthy ones that train.

Each is a function, written the way people write them, that returns a
compiled model, its inputs and its labels. `corpus.csv` has what was measured.

    python -m studies.corpus.corpus verify [name ...]   train, write the table
    python -m studies.corpus.corpus report [--held-out] run `diagnose` on them

One rule for all: 40 epochs of batches of 40, five seeds; a seed has trained
if the training data reach the goal (90 % accuracy, or R² = 0.9, where the
entry says nothing else), in inference mode, after an even epoch. Healthy: at
least four of five seeds train. Broken: at most one, at the rate given, and
at every other rate that the entry names.
"""

import csv
import gc
import hashlib
import inspect
import multiprocessing
import os
import statistics
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import initializers, layers, ops
from keras.optimizers import SGD, Adam, RMSprop
from sklearn.datasets import load_digits

TABLE = Path(__file__).with_suffix(".csv")
EPOCHS, BATCH, SEEDS = 40, 40, 5
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


# The data: small, offline, the same each time.


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


def stack(shape: tuple[int, ...], *parts: keras.Layer) -> keras.Sequential:
    return keras.Sequential([keras.Input(shape), *parts])


# Broken: the gradient or the signal is lost on its way through the layers.


@broken("vanishing")
def sigmoid_stack():
    x, y = digits()
    model = keras.Sequential()
    model.add(keras.Input((64,)))
    for _ in range(10):
        model.add(layers.Dense(64, activation="sigmoid"))
    model.add(layers.Dense(10, activation="softmax"))
    model.compile(SGD(0.1), SPARSE)
    return model, x, y


@broken("vanishing")
def sigmoid_convolutions():
    x, y = digits(8, 8, 1)
    model = keras.Sequential([keras.Input((8, 8, 1))])
    for _ in range(8):
        model.add(layers.Conv2D(8, 3, padding="same", activation="sigmoid"))
    model.add(layers.GlobalAveragePooling2D())
    model.add(layers.Dense(10, activation="softmax"))
    model.compile(SGD(0.05, momentum=0.9), SPARSE)
    return model, x, y


@broken(
    "first loss",
    "vanishing",
    "step too small",
    scored=("r2",),
    source="https://ai.stackexchange.com/questions/16557",
)
def sigmoids_for_large_values():
    """Four wide sigmoid layers: binary vectors in, real values out."""
    x = np.random.default_rng(4).integers(0, 2, (1000, 20)).astype("float32")
    y = x @ np.linspace(-300, 700, 20)
    hidden = [layers.Dense(200, "sigmoid") for _ in range(4)]
    model = stack((20,), *hidden, layers.Dense(1))
    model.compile("adam", "mse")
    return model, x, y


@broken("vanishing")
def relu_with_the_default_initializer():
    x, y = digits()
    inputs = keras.Input((64,))
    hidden = inputs
    for _ in range(40):
        hidden = layers.Dense(100, activation="relu")(hidden)
    outputs = layers.Dense(10, activation="softmax")(hidden)
    model = keras.Model(inputs, outputs)
    model.compile(SGD(0.1), SPARSE)
    return model, x, y


class Deep(keras.Model):
    """A subclassed network of narrow layers in a list."""

    def __init__(self, depth: int, width: int, activation: str) -> None:
        super().__init__()
        self.hidden = [layers.Dense(width, activation) for _ in range(depth)]
        self.head = layers.Dense(10, activation="softmax")

    def call(self, x: Any) -> Any:  # noqa: D102
        for layer in self.hidden:
            x = layer(x)
        return self.head(x)


@broken("vanishing")
def subclassed_relu():
    x, y = digits()
    model = Deep(40, 64, "relu")
    model.compile(Adam(1e-4), SPARSE)
    model(x[:1])
    return model, x, y


@broken("vanishing", "collapse")
def gelu_with_he():
    x, y = digits()
    hidden = [
        layers.Dense(100, "gelu", kernel_initializer="he_normal")
        for _ in range(50)
    ]
    model = stack((64,), *hidden, layers.Dense(10, "softmax"))
    model.compile(SGD(0.05), SPARSE)
    return model, x, y


@broken("vanishing", "collapse")
def silu_with_he():
    x, y = digits()
    hidden = [
        layers.Dense(100, "silu", kernel_initializer="he_normal")
        for _ in range(40)
    ]
    model = stack((64,), *hidden, layers.Dense(10, "softmax"))
    model.compile(SGD(0.05), SPARSE)
    return model, x, y


@broken("exploding", "step too large", rates=(0.001,))
def selu_with_he():
    x, y = digits()
    hidden = [
        layers.Dense(100, "selu", kernel_initializer="he_normal")
        for _ in range(50)
    ]
    model = stack((64,), *hidden, layers.Dense(10, "softmax"))
    model.compile(SGD(0.01), SPARSE)
    return model, x, y


@broken(
    "vanishing",
    "collapse",
    source="http://pullrequest.ru/11818227",
)
def softmax_in_the_hidden_layers():
    x, y = digits()
    hidden = [layers.Dense(32, "softmax") for _ in range(4)]
    model = stack((64,), *hidden, layers.Dense(10, "softmax"))
    model.compile(SGD(0.1), SPARSE)
    return model, x, y


# Broken: the initial weights.


@broken("saturated", "exploding", "first loss")
def tanh_of_standard_normals():
    x, y = digits()
    init = initializers.RandomNormal(stddev=1.0)
    model = keras.Sequential([keras.Input((64,))])
    for _ in range(20):
        model.add(layers.Dense(100, "tanh", kernel_initializer=init))
    model.add(layers.Dense(10, "softmax"))
    model.compile(SGD(0.01), SPARSE)
    return model, x, y


@broken("growth", "exploding", "first loss", rates=(1e-4,))
def relu_of_standard_normals():
    x, y = digits()
    model = keras.Sequential([keras.Input((64,))])
    for _ in range(12):
        normal = initializers.RandomNormal(mean=0.0, stddev=1.0)
        model.add(layers.Dense(100, "relu", kernel_initializer=normal))
    model.add(layers.Dense(10, "softmax"))
    model.compile(SGD(0.01), SPARSE)
    return model, x, y


@broken("collapse", "vanishing")
def relu_of_a_hundredth():
    x, y = digits()
    model = keras.Sequential([keras.Input((64,))])
    for _ in range(8):
        small = initializers.RandomNormal(stddev=0.01)
        model.add(layers.Dense(100, "relu", kernel_initializer=small))
    model.add(layers.Dense(10, "softmax"))
    model.compile(SGD(0.1), SPARSE)
    return model, x, y


@broken(
    "collapse",
    "vanishing",
    source="https://github.com/keras-team/keras/issues/3752",
)
def convolutions_named_normal():
    """`init="normal"` then, "random_normal" now: std 0.05, whatever fits."""
    x, y = digits(8, 8, 1)
    model = keras.Sequential([keras.Input((8, 8, 1))])
    how = {"activation": "relu", "kernel_initializer": "random_normal"}
    for filters in (8, 8, 16, 16):
        model.add(layers.Conv2D(filters, 3, padding="same", **how))
    model.add(layers.MaxPooling2D(2))
    model.add(layers.Flatten())
    for _ in range(3):
        model.add(layers.Dense(64, **how))
        model.add(layers.Dropout(0.5))
    model.add(layers.Dense(10, "softmax", kernel_initializer="random_normal"))
    model.compile(SGD(0.01), SPARSE)
    return model, x, y


@broken(
    "collapse",
    "vanishing",
    source="https://github.com/keras-team/keras/issues/1013",
)
def relu_of_small_uniforms():
    """`init="uniform"`: ±0.05, whatever the layer's width."""
    x, y = digits()
    hidden = [
        layers.Dense(64, "relu", kernel_initializer="random_uniform")
        for _ in range(8)
    ]
    head = layers.Dense(10, "softmax", kernel_initializer="random_uniform")
    model = stack((64,), *hidden, head)
    model.compile(SGD(0.1), SPARSE)
    return model, x, y


@broken(
    "identical",
    "dead",
    "collapse",
    "vanishing",
    rates=(0.1,),
    scored=("r2",),
    source="https://github.com/wagonhelm/NaNmnist/issues/2",
)
def zeros():
    x, y = table()
    model = stack(
        (8,),
        layers.Dense(64, activation="relu", kernel_initializer="zeros"),
        layers.Dense(64, activation="relu", kernel_initializer="zeros"),
        layers.Dense(64, activation="relu", kernel_initializer="zeros"),
        layers.Dense(1),
    )
    model.compile(Adam(0.001), "mse")
    return model, x, y


@broken("identical", "collapse", "vanishing")
def zeros_in_convolutions():
    x, y = digits(8, 8, 1)
    model = stack(
        (8, 8, 1),
        layers.Conv2D(8, 3, activation="tanh", kernel_initializer="zeros"),
        layers.Conv2D(16, 3, activation="tanh", kernel_initializer="zeros"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(10, "softmax", kernel_initializer="zeros"),
    )
    model.compile(Adam(0.01), SPARSE)
    return model, x, y


@broken(
    "identical",
    "logits",
    layer="dense",
    source="https://github.com/keras-team/keras/issues/16539",
)
def weights_set_to_a_constant():
    """All 0.75 and 0.25, set by hand; and no softmax before the loss."""
    x, y = digits()
    model = stack((64,), layers.Dense(10), layers.Dense(10))
    model.compile("rmsprop", "categorical_crossentropy")
    model.layers[0].set_weights([np.ones((64, 10)) * 0.75, np.ones(10) * 0.25])
    return model, x, keras.utils.to_categorical(y)


@broken(
    "identical",
    source="https://github.com/keras-team/keras-hub/issues/352",
)
def experts_that_share_an_initializer():
    """One instance for all: sixteen experts, added, that stay one expert."""
    x, y = digits()
    init = initializers.GlorotUniform()
    inputs = keras.Input((64,))
    experts = [
        layers.Dense(2, "relu", kernel_initializer=init)(inputs)
        for _ in range(16)
    ]
    merged = layers.Average()(experts)
    model = keras.Model(inputs, layers.Dense(10, "softmax")(merged))
    model.compile(Adam(0.01), SPARSE)
    return model, x, y


@broken(
    "identical",
    source="https://github.com/deel-ai/deel-lip/issues/64",
)
def branches_that_share_an_initializer():
    x, y = digits(8, 8, 1)
    init = initializers.Orthogonal()
    inputs = keras.Input((8, 8, 1))
    branches = []
    for _ in range(8):
        branch = layers.Conv2D(1, 3, kernel_initializer=init)(inputs)
        branch = layers.ReLU()(branch)
        branches.append(layers.GlobalAveragePooling2D()(branch))
    merged = layers.Add()(branches)
    model = keras.Model(inputs, layers.Dense(10, "softmax")(merged))
    model.compile(Adam(0.01), SPARSE)
    return model, x, y


@broken("first loss", layer="dense_2")
def huge_head():
    x, y = digits()
    model = stack(
        (64,),
        layers.Dense(64, "relu"),
        layers.Dense(64, "relu"),
        layers.Dense(
            10, kernel_initializer=initializers.RandomNormal(stddev=50)
        ),
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(SGD(0.01), loss)
    return model, x, y


@broken("first loss", layer="dense_1", scored=("binary",))
def huge_binary_head():
    x, y = parity()
    normal = initializers.RandomNormal(stddev=1000)
    model = stack(
        (64,),
        layers.Dense(32, "tanh"),
        layers.Dense(1, "sigmoid", kernel_initializer=normal),
    )
    model.compile(SGD(0.01), "binary_crossentropy")
    return model, x, y


# Broken: units that are dead or saturated from the start.


@broken("dead", layer="dense", rates=(0.1,))
def dead_by_their_bias():
    x, y = digits()
    bias = initializers.Constant(-10.0)
    model = stack(
        (64,),
        layers.Dense(64, activation="relu", bias_initializer=bias),
        layers.Dense(64, activation="relu", bias_initializer=bias),
        layers.Dense(10, activation="softmax"),
    )
    model.compile(Adam(0.01), SPARSE)
    return model, x, y


@broken("dead", layer="conv2d", rates=(0.1,))
def dead_by_negative_kernels():
    """`RandomUniform(minval=-0.1, maxval=0)`, on pixels of 0 and more."""
    x, y = digits(8, 8, 1)
    init = initializers.RandomUniform(minval=-0.1, maxval=0.0)
    model = stack(
        (8, 8, 1),
        layers.Conv2D(16, 3, activation="relu", kernel_initializer=init),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(10, "softmax"),
    )
    model.compile(Adam(0.01), SPARSE)
    return model, x, y


@broken("dead", rates=(0.1,))
def negated_inputs():
    """Pixels −255 to 0, and kernels that may not be negative."""
    x, y = digits()
    model = stack(
        (64,),
        layers.Dense(
            64,
            "relu",
            kernel_initializer=initializers.RandomUniform(0, 0.1),
            kernel_constraint=keras.constraints.NonNeg(),
        ),
        layers.Dense(10, "softmax"),
    )
    model.compile(Adam(0.001), SPARSE)
    return model, 255 * (x - 1), y


# Broken: the data.


@broken(
    "inputs",
    "step too large",
    "first loss",
    source="https://github.com/keras-team/keras/issues/6914",
)
def pixels_to_255():
    x, y = digits()
    model = stack(
        (64,),
        layers.Dense(128, "relu"),
        layers.Dropout(0.2),
        layers.Dense(128, "relu"),
        layers.Dropout(0.2),
        layers.Dense(10, "softmax"),
    )
    model.compile(SGD(0.1, momentum=0.9), SPARSE)
    return model, np.round(255 * x), y


@broken(
    "inputs",
    "step too large",
    source="https://stats.stackexchange.com/questions/367057",
)
def convolutions_on_pixels_to_255():
    x, y = digits(8, 8, 1)
    model = stack(
        (8, 8, 1),
        layers.Conv2D(16, 3, activation="relu"),
        layers.Conv2D(32, 3, activation="relu"),
        layers.Flatten(),
        layers.Dense(128, "relu"),
        layers.Dense(10, "softmax"),
    )
    model.compile(SGD(0.01, momentum=0.9), SPARSE)
    return model, 255 * x, y


@broken("inputs", "saturated", scored=("binary",))
def income_beside_age():
    """Columns in their own units: the large one is all that is seen."""
    random = np.random.default_rng(5)
    age, rate = random.uniform(18, 90, 1000), random.uniform(0, 1, 1000)
    income = random.uniform(10_000, 200_000, 1000)
    x = np.stack([income, age, rate], axis=1)
    y = (age / 72 + rate > 1.25).astype(int)
    model = stack(
        (3,),
        layers.Dense(16, activation="sigmoid"),
        layers.Dense(16, activation="sigmoid"),
        layers.Dense(1, activation="sigmoid"),
    )
    model.compile("adam", "binary_crossentropy")
    return model, x, y


@broken(
    "inputs",
    "first loss",
    "saturated",
    scored=("r2",),
    source="https://stackoverflow.com/questions/52800582",
)
def fourth_power():
    x = np.random.default_rng(6).integers(-100, 100, (1000, 1)) * 1.0
    model = stack(
        (1,),
        layers.Dense(50, activation="sigmoid"),
        layers.Dense(50, activation="elu"),
        layers.Dense(1),
    )
    model.compile("adam", "mse")
    return model, x, x[:, 0] ** 4


@broken("nonfinite", scored=("r2",))
def a_missing_value():
    x, y = table()
    x[::50, 3] = np.nan
    model = stack((8,), layers.Dense(32, "relu"), layers.Dense(1))
    model.compile("adam", "mse")
    return model, x, y


@broken("nonfinite", source="https://github.com/keras-team/keras/issues/2001")
def divided_by_a_deviation_of_zero():
    x, y = digits()
    with np.errstate(invalid="ignore"):
        x = (x - x.mean(axis=0)) / x.std(axis=0)  # some pixels are constant
    model = stack((64,), layers.Dense(64, "relu"), layers.Dense(10, "softmax"))
    model.compile("adam", SPARSE)
    return model, x, y


# Broken: the labels.


@broken("labels")
def one_hot_labels_for_the_sparse_loss():
    x, y = digits()
    model = stack((64,), layers.Dense(64, "relu"), layers.Dense(10, "softmax"))
    model.compile("adam", SPARSE)
    return model, x, keras.utils.to_categorical(y)


@broken(
    "labels",
    source="https://getcodesolution.com/python/why-are-neural-networks-not-learning/",
)
def numbers_for_the_one_hot_loss():
    x, y = digits()
    model = stack((64,), layers.Dense(64, "relu"), layers.Dense(10, "softmax"))
    model.compile("adam", "categorical_crossentropy")
    return model, x, y


@broken("labels")
def classes_counted_from_one():
    x, y = digits()
    model = stack((64,), layers.Dense(64, "relu"), layers.Dense(10, "softmax"))
    model.compile("adam", SPARSE)
    return model, x, y + 1


@broken("labels")
def a_column_of_classes_for_mse():
    """(n, 1) against (n, 10): broadcast without a word."""
    x, y = digits()
    model = stack((64,), layers.Dense(64, "relu"), layers.Dense(10, "softmax"))
    model.compile("adam", "mse")
    return model, x, y[:, None]


@broken(
    "labels",
    scored=("rounded",),
    source="https://datascience.stackexchange.com/questions/38604",
)
def ten_classes_on_one_sigmoid():
    x, y = digits()
    model = stack(
        (64,),
        layers.Dense(64, activation="relu"),
        layers.Dense(1, activation="sigmoid"),
    )
    model.compile(optimizer="adam", loss="binary_crossentropy")
    return model, 255 * x, y


@broken("labels", detectable=False)
def shuffled_labels():
    x, y = digits()
    np.random.default_rng(7).shuffle(y)
    model = stack((64,), layers.Dense(32, "relu"), layers.Dense(10, "softmax"))
    model.compile("adam", SPARSE)
    return model, x, y


@broken("labels", detectable=False, scored=("r2",))
def rows_out_of_step():
    x, y = table()
    model = stack((8,), layers.Dense(32, "tanh"), layers.Dense(1))
    model.compile("adam", "mse")
    return model, x[:-1], y[1:]


# Broken: the head and the loss do not fit each other.


@broken("logits", source="https://github.com/mmalekzadeh/dana/issues/1")
def softmax_twice():
    """Average two softmax heads, and take that for logits."""
    x, y = digits()
    inputs = keras.Input((64,))
    heads = []
    for _ in range(2):
        hidden = layers.Dense(64, "relu")(inputs)
        hidden = layers.Dense(64, "relu")(hidden)
        heads.append(layers.Dense(10, activation="softmax")(hidden))
    model = keras.Model(inputs, layers.Average()(heads))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(SGD(0.02), loss)
    return model, x, y


@broken("logits")
def softmax_twice_behind_a_lambda():
    x, y = digits(8, 8, 1)
    model = stack(
        (8, 8, 1),
        layers.Conv2D(8, 3, activation="relu"),
        layers.Flatten(),
        layers.Dense(10, activation="softmax"),
        layers.Lambda(lambda p: ops.clip(p, 1e-7, 1.0)),
    )
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile(SGD(0.01, momentum=0.5), loss)
    return model, x, keras.utils.to_categorical(y)


@broken("logits")
def logits_taken_for_probabilities():
    x, y = digits()
    model = stack(
        (64,),
        layers.Dense(64, "relu"),
        layers.Dense(64, "relu"),
        layers.Dense(10),
    )
    model.compile("adam", SPARSE)
    return model, x, y


@broken("logits", scored=("binary",))
def a_logit_taken_for_a_probability():
    x, y = parity()
    model = stack((64,), layers.Dense(32, "tanh"), layers.Dense(1))
    model.compile(SGD(0.1), "binary_crossentropy")
    return model, x, y


@broken(
    "logits",
    rates=(0.1,),
    scored=("binary",),
    source="https://geek-questions.imtqy.com/articles/1270335/index.html",
)
def softmax_on_one_unit():
    x, y = parity(16, 4)
    model = keras.Sequential([keras.Input((16, 4))])
    model.add(layers.Conv1D(16, 4, padding="same"))
    model.add(layers.BatchNormalization())
    model.add(layers.LeakyReLU())
    model.add(layers.Dropout(0.2))
    model.add(layers.Flatten())
    model.add(layers.Dense(64))
    model.add(layers.BatchNormalization())
    model.add(layers.LeakyReLU())
    model.add(layers.Dense(1))
    model.add(layers.Activation("softmax"))
    model.compile("adam", "binary_crossentropy")
    return model, x, y


@broken(
    "logits",
    scored=("binary",),
    source="https://github.com/keras-team/keras/issues/126",
)
def softmax_on_one_unit_for_mse():
    x, y = parity()
    model = keras.Sequential([keras.Input((64,))])
    model.add(layers.Dense(64, "tanh", kernel_initializer="uniform"))
    model.add(layers.Dropout(0.5))
    model.add(layers.Dense(64, "tanh", kernel_initializer="uniform"))
    model.add(layers.Dropout(0.5))
    model.add(layers.Dense(1, "softmax", kernel_initializer="uniform"))
    model.compile(SGD(0.1, momentum=0.9, nesterov=True), "mse")
    return model, x, y


@broken(
    "head",
    "first loss",
    scored=("r2",),
    source="https://community.deeplearning.ai/t/loss-values-do-not-change/324182",
)
def relu_on_the_output():
    """Half of the targets are below zero."""
    x, y = table()
    model = stack(
        (8,),
        layers.Dense(32, activation="relu"),
        layers.Dense(16, activation="relu"),
        layers.Dense(1, activation="relu"),
    )
    model.compile(Adam(0.001), "mse")
    return model, x, y


@broken("head", "logits")
def relu_for_probabilities():
    x, y = digits()
    model = stack(
        (64,),
        layers.Dense(64, "relu"),
        layers.Dense(64, "relu"),
        layers.Dense(10, "relu"),
    )
    model.compile("adam", SPARSE)
    return model, x, y


@broken("head", "first loss", scored=("r2",))
def sigmoid_for_prices():
    x, y = table()
    model = stack(
        (8,), layers.Dense(32, "relu"), layers.Dense(1, activation="sigmoid")
    )
    model.compile("adam", "mse")
    return model, x, 50 * y + 200


@broken(
    "vanishing",
    "step too small",
    source="https://coderapp.vercel.app/answer/73462535",
)
def mse_on_a_sigmoid_and_a_softmax():
    x, y = digits(8, 8)
    model = stack(
        (8, 8),
        layers.Flatten(),
        layers.Dense(128, activation="sigmoid"),
        layers.Dense(10, activation="softmax"),
    )
    model.compile(SGD(learning_rate=0.001), "mean_squared_error")
    return model, x, keras.utils.to_categorical(y)


@broken("vanishing")
def mse_on_a_deep_stack_of_sigmoids():
    x, y = digits()
    hidden = [layers.Dense(30, activation="sigmoid") for _ in range(5)]
    model = stack((64,), *hidden, layers.Dense(10, activation="sigmoid"))
    model.compile(SGD(0.5), "mse")
    return model, x, keras.utils.to_categorical(y)


def careless_crossentropy(truth: Any, p: Any) -> Any:
    return ops.mean(-(truth * ops.log(p) + (1 - truth) * ops.log(1 - p)))


@broken(
    "nonfinite",
    scored=("binary",),
    source="https://thinbug.com/q/48951109",
)
def the_logarithm_of_zero():
    x, y = parity()
    model = stack((64,), layers.Dense(64, "relu"), layers.Dense(1, "sigmoid"))
    model.compile(Adam(0.01), careless_crossentropy)
    return model, 255 * x, y[:, None].astype("float32")


@broken("nonfinite", "dead")
def the_logarithm_of_a_relu():
    x, y = digits()
    model = stack((64,), layers.Dense(64, "relu"), layers.Dense(10, "relu"))

    def loss(truth: Any, p: Any) -> Any:
        return -ops.sum(truth * ops.log(p), axis=-1)

    model.compile("adam", loss)
    return model, x, keras.utils.to_categorical(y)


@broken("blocked", "vanishing", scored=("binary",))
def rounded_output():
    x, y = parity()
    model = stack(
        (64,),
        layers.Dense(32, "relu"),
        layers.Dense(1, "sigmoid"),
        layers.Lambda(ops.round),
    )
    model.compile("adam", "mse")
    return model, x, y


@broken("blocked", "vanishing")
def hard_gates():
    """Compare in the middle: nothing in front of it is ever trained."""
    x, y = digits()
    model = stack(
        (64,),
        layers.Dense(12),
        layers.Lambda(lambda z: ops.cast(z > 0, "float32")),
        layers.Dense(10, "softmax"),
    )
    model.compile("adam", SPARSE)
    return model, x, y


# Broken: the step.


@broken("step too large")
def rate_a_hundred_times_too_high():
    x, y = digits()
    hidden = [
        layers.Dense(64, "relu", kernel_initializer="he_normal")
        for _ in range(4)
    ]
    model = stack((64,), *hidden, layers.Dense(10, "softmax"))
    model.compile(SGD(10.0), SPARSE)
    return model, x, y


@broken("step too large")
def adam_with_a_rate_of_one():
    x, y = digits(8, 8, 1)
    model = stack(
        (8, 8, 1),
        layers.Conv2D(16, 3, activation="relu"),
        layers.Conv2D(16, 3, activation="relu"),
        layers.Flatten(),
        layers.Dense(64, "relu"),
        layers.Dense(10, "softmax"),
    )
    model.compile(Adam(learning_rate=1.0), SPARSE)
    return model, x, y


@broken("step too small")
def rate_a_hundred_times_too_low():
    x, y = digits()
    model = stack((64,), layers.Dense(64, "relu"), layers.Dense(10, "softmax"))
    model.compile(SGD(1e-4), SPARSE)
    return model, x, y


@broken(
    "step too small",
    source="https://github.com/keras-team/keras/issues/2711",
)
def adam_with_a_millionth():
    x, y = digits(8, 8)
    model = stack((8, 8), layers.GRU(32), layers.Dense(10, "softmax"))
    model.compile(Adam(1e-6), SPARSE)
    return model, x, y


@broken("step too small")
def clipped_to_nothing():
    x, y = digits()
    hidden = [layers.Dense(64, "relu") for _ in range(3)]
    model = stack((64,), *hidden, layers.Dense(10, "softmax"))
    model.compile(SGD(0.1, clipvalue=1e-5), SPARSE)
    return model, x, y


@broken("step too small")
def global_norm_clipped_to_nothing():
    x, y = digits(8, 8)
    model = stack((8, 8), layers.LSTM(32), layers.Dense(10, "softmax"))
    model.compile(SGD(0.5, global_clipnorm=1e-4), SPARSE)
    return model, x, y


@broken(
    "first loss",
    scored=("r2",),
    source="https://github.com/keras-team/keras/issues/2134",
)
def penalty_larger_than_the_loss():
    x, y = table()
    strong = {"kernel_regularizer": keras.regularizers.L2(0.5)}
    model = stack(
        (8,),
        layers.Dense(64, "relu", **strong),
        layers.Dense(64, "relu", **strong),
        layers.Dense(1),
    )
    model.compile(SGD(0.01, momentum=0.9, nesterov=True), "mse")
    return model, x, y


@broken("dropout")
def dropout_of_95_percent():
    """Give the share that is kept where the dropped one is asked for."""
    x, y = digits()
    model = keras.Sequential([keras.Input((64,))])
    for _ in range(4):
        model.add(layers.Dense(64, activation="relu"))
        model.add(layers.Dropout(0.95))
    model.add(layers.Dense(10, activation="softmax"))
    model.compile("adam", SPARSE)
    return model, x, y


@broken("dropout", scored=("binary",))
def recurrent_dropout_of_95_percent():
    x, y = parity(8, 8)
    model = stack(
        (8, 8),
        layers.SimpleRNN(16, dropout=0.95, recurrent_dropout=0.95),
        layers.Dropout(0.95),
        layers.Dense(1, "sigmoid"),
    )
    model.compile("adam", "binary_crossentropy")
    return model, x, y


@broken("frozen")
def frozen_and_forgotten():
    x, y = digits()
    model = stack((64,), layers.Dense(64, "relu"), layers.Dense(10, "softmax"))
    for layer in model.layers:
        layer.trainable = False
    model.compile("adam", SPARSE)
    return model, x, y


@broken("frozen", detectable=False)
def frozen_narrow_base():
    """Train only what stands on a base that was never trained."""
    x, y = digits()
    base = stack((64,), layers.Dense(32, "relu"), layers.Dense(4, "relu"))
    base.trainable = False
    inputs = keras.Input((64,))
    outputs = layers.Dense(10, "softmax")(base(inputs, training=False))
    model = keras.Model(inputs, outputs)
    model.compile("adam", SPARSE)
    return model, x, y


# Broken: recurrent.


@broken("vanishing over time", layer="simple_rnn", scored=("binary",))
def first_of_200_steps():
    x, y = recall(200)
    model = stack((200, 1), layers.SimpleRNN(32), layers.Dense(1, "sigmoid"))
    model.compile(Adam(0.001), "binary_crossentropy")
    return model, x, y


@broken("vanishing over time", layer="lstm", scored=("binary",))
def first_of_100_steps_by_an_lstm():
    x, y = recall(100)
    model = stack((100, 1), layers.LSTM(16), layers.Dense(1, "sigmoid"))
    model.compile(Adam(0.001), "binary_crossentropy")
    return model, x, y


@broken(
    "exploding over time",
    "nonfinite",
    "growth",
    "first loss",
    layer="lstm",
    source="https://stackoverflow.com/questions/55322991",
)
def lstm_with_relu():
    x, y = digits(64, 1)
    model = stack(
        (64, 1),
        layers.LSTM(100, activation="relu", return_sequences=True),
        layers.LSTM(10, activation="relu"),
        layers.Dense(10, "softmax"),
    )
    model.compile(Adam(0.01), SPARSE)
    return model, 16 * x[:400], y[:400]


@broken(
    "exploding over time",
    "nonfinite",
    "growth",
    "first loss",
    layer="simple_rnn",
)
def rnn_with_relu_and_he():
    x, y = digits(64, 1)
    rnn = layers.SimpleRNN(
        64, activation="relu", recurrent_initializer="he_uniform"
    )
    model = stack((64, 1), rnn, layers.Dense(10, "softmax"))
    model.compile(SGD(0.1), SPARSE)
    return model, x[:400], y[:400]


@broken(
    "nonfinite",
    layer="simple_rnn",
    scored=("binary",),
    source="https://github.com/keras-team/keras/issues/15912",
)
def rnn_with_exponential():
    x, y = parity(8, 8)
    rnn = layers.SimpleRNN(50, activation="exponential")
    model = stack((8, 8), rnn, layers.Dense(1, "sigmoid"))
    model.compile("adam", "binary_crossentropy")
    return model, x, y


# Broken: norms, residual connections, attention, precision.


@broken("growth", "exploding", "first loss")
def residual_without_norm():
    x, y = digits()
    inputs = keras.Input((64,))
    trunk = inputs
    for _ in range(60):
        branch = layers.Dense(64, "relu", kernel_initializer="he_normal")(trunk)
        branch = layers.Dense(64, kernel_initializer="he_normal")(branch)
        trunk = layers.Add()([trunk, branch])
    model = keras.Model(inputs, layers.Dense(10, "softmax")(trunk))
    model.compile(SGD(0.01), SPARSE)
    return model, x, y


@broken("growth", "exploding", "first loss")
def residual_convolutions_without_norm():
    x, y = digits(8, 8, 1)
    inputs = keras.Input((8, 8, 1))
    trunk = layers.Conv2D(8, 3, padding="same")(inputs)
    for _ in range(20):
        branch = layers.ReLU()(trunk)
        branch = layers.Conv2D(
            8, 3, padding="same", kernel_initializer="he_normal"
        )(branch)
        trunk = layers.Add()([trunk, branch])
    pooled = layers.GlobalAveragePooling2D()(trunk)
    model = keras.Model(inputs, layers.Dense(10, "softmax")(pooled))
    model.compile(SGD(0.1), SPARSE)
    return model, x, y


@broken("exploding")
def batch_norm_without_shortcuts():
    x, y = digits()
    model = keras.Sequential([keras.Input((64,))])
    for _ in range(45):
        model.add(layers.Dense(32, use_bias=False))
        model.add(layers.BatchNormalization())
        model.add(layers.ReLU())
    model.add(layers.Dense(10, "softmax"))
    model.compile(SGD(0.1), SPARSE)
    return model, x, y


@broken("vanishing")
def batch_norms_frozen_at_the_start():
    """`trainable=False` is inference mode: they divide by 1, that is all."""
    x, y = digits()
    model = keras.Sequential([keras.Input((64,))])
    for _ in range(30):
        model.add(layers.Dense(64))
        model.add(layers.BatchNormalization(trainable=False))
        model.add(layers.ReLU())
    model.add(layers.Dense(10, "softmax"))
    model.compile(SGD(0.05), SPARSE)
    return model, x, y


@broken("batch norm", detectable=False)
def batch_norm_that_never_learns_its_statistics():
    """Train well in training mode; `predict` keeps the first statistics."""
    x, y = digits()
    model = keras.Sequential([keras.Input((64,))])
    for _ in range(3):
        model.add(layers.Dense(64, activation="relu"))
        model.add(layers.BatchNormalization(momentum=0.99999))
    model.add(layers.Dense(10, "softmax"))
    model.compile(Adam(0.01), SPARSE)
    return model, 16 * x, y


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


@broken(
    "warm-up",
    "step too large",
    "vanishing",
    source="https://github.com/pytorch/pytorch/issues/55270",
)
def post_norm_without_warm_up():
    x, y = digits(8, 8)
    inputs = keras.Input((8, 8))
    trunk = transformer(layers.Dense(32)(inputs), 8, 32, pre=False)
    pooled = layers.GlobalAveragePooling1D()(trunk)
    model = keras.Model(inputs, layers.Dense(10, "softmax")(pooled))
    model.compile(Adam(0.01), SPARSE)
    return model, x, y


@broken("warm-up", "step too large", "vanishing")
def post_norm_with_sgd():
    x, y = digits(8, 8)
    inputs = keras.Input((8, 8))
    trunk = transformer(layers.Dense(32)(inputs), 4, 32, pre=False)
    pooled = layers.GlobalAveragePooling1D()(trunk)
    model = keras.Model(inputs, layers.Dense(10, "softmax")(pooled))
    model.compile(SGD(0.3, momentum=0.9), SPARSE)
    return model, x, y


@broken(
    "step too large",
    "nonfinite",
    source="https://github.com/keras-team/keras/issues/11860",
)
def adam_in_float16():
    keras.config.set_dtype_policy("float16")
    x, y = digits()
    model = stack(
        (64,),
        layers.Dense(64, "relu"),
        layers.Dense(64, "relu"),
        layers.Dense(10, "softmax"),
    )
    model.compile("adam", SPARSE)
    return model, x, y


@broken("nonfinite", "inputs", scored=("r2",))
def overflow_in_float16():
    keras.mixed_precision.set_global_policy("mixed_float16")
    x, y = table()
    model = stack(
        (8,),
        layers.Dense(64, "relu"),
        layers.Dense(64, "relu"),
        layers.Dense(1, dtype="float32"),
    )
    model.compile("adam", "mse")
    return model, 30_000 * x, y


@broken("underflow", "vanishing", "step too small", scored=("r2",))
def underflow_in_float16():
    """Targets in metres that should be microns; no loss scaling."""
    keras.mixed_precision.set_global_policy("mixed_float16")
    x, y = table()
    model = stack(
        (8,),
        layers.Dense(64, "tanh"),
        layers.Dense(64, "tanh"),
        layers.Dense(1, kernel_initializer="zeros"),
    )
    model.compile(Adam(0.01), "mse", auto_scale_loss=False)
    return model, x, 1e-6 * y


# Healthy: dense.


@healthy()
def dense():
    x, y = digits()
    model = stack(
        (64,),
        layers.Dense(64, activation="relu"),
        layers.Dense(64, activation="relu"),
        layers.Dense(10, activation="softmax"),
    )
    model.compile("adam", SPARSE)
    return model, x, y


@healthy()
def logistic_regression():
    x, y = digits()
    model = stack((64,), layers.Dense(10, "softmax"))
    model.compile(SGD(0.5), SPARSE)
    return model, x, y


@healthy(scored=("r2",))
def linear_regression():
    x, _ = table()
    model = stack((8,), layers.Dense(1))
    model.compile(SGD(0.05), "mse")
    return model, x, x @ np.linspace(-1, 1, 8).astype("float32")


@healthy()
def deep_relu_with_he():
    x, y = digits()
    hidden = [
        layers.Dense(100, "relu", kernel_initializer="he_normal")
        for _ in range(12)
    ]
    model = stack((64,), *hidden, layers.Dense(10, "softmax"))
    model.compile(SGD(0.03, momentum=0.5), SPARSE)
    return model, x, y


@healthy()
def deep_tanh_with_glorot():
    x, y = digits()
    hidden = [layers.Dense(100, "tanh") for _ in range(30)]
    model = stack((64,), *hidden, layers.Dense(10, "softmax"))
    model.compile(SGD(0.05), SPARSE)
    return model, x, y


@healthy()
def deep_tanh_with_orthogonal():
    x, y = digits()
    hidden = [
        layers.Dense(64, "tanh", kernel_initializer="orthogonal")
        for _ in range(40)
    ]
    model = stack((64,), *hidden, layers.Dense(10, "softmax"))
    model.compile(SGD(0.02), SPARSE)
    return model, x, y


@healthy()
def deep_selu_with_lecun():
    x, y = digits()
    hidden = [
        layers.Dense(100, "selu", kernel_initializer="lecun_normal")
        for _ in range(30)
    ]
    model = stack((64,), *hidden, layers.Dense(10, "softmax"))
    model.compile(SGD(0.01), SPARSE)
    return model, x, y


@healthy()
def deep_elu():
    x, y = digits()
    model = keras.Sequential([keras.Input((64,))])
    for _ in range(20):
        init = initializers.VarianceScaling(1.55)
        model.add(layers.Dense(100, "elu", kernel_initializer=init))
    model.add(layers.Dense(10, "softmax"))
    model.compile(SGD(0.01), SPARSE)
    return model, x, y


@healthy()
def gelu_with_the_default():
    x, y = digits()
    hidden = [layers.Dense(128, "gelu") for _ in range(4)]
    model = stack((64,), *hidden, layers.Dense(10))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(Adam(0.001), loss)
    return model, x, y


@healthy()
def two_sigmoid_layers():
    x, y = digits()
    model = stack(
        (64,),
        layers.Dense(64, "sigmoid"),
        layers.Dense(64, "sigmoid"),
        layers.Dense(10, "softmax"),
    )
    model.compile(Adam(0.01), SPARSE)
    return model, x, y


@healthy()
def relu_with_the_default_and_few_layers():
    x, y = digits()
    hidden = [layers.Dense(64, "relu") for _ in range(6)]
    model = stack((64,), *hidden, layers.Dense(10, "softmax"))
    model.compile(Adam(0.001), SPARSE)
    return model, x, y


@healthy()
def leaky_and_parametric_relu():
    x, y = digits()
    model = stack(
        (64,),
        layers.Dense(64, kernel_initializer="he_normal"),
        layers.LeakyReLU(negative_slope=0.1),
        layers.Dense(64, kernel_initializer="he_normal"),
        layers.PReLU(),
        layers.Dense(10, "softmax"),
    )
    model.compile(Adam(0.003), SPARSE)
    return model, x, y


@healthy()
def wide():
    x, y = digits()
    model = stack(
        (64,),
        layers.Dense(1024, "relu"),
        layers.Dense(1024, "relu"),
        layers.Dense(10, "softmax"),
    )
    model.compile(SGD(0.1), SPARSE)
    return model, x, y


@healthy()
def narrow():
    x, y = digits()
    hidden = [
        layers.Dense(16, "tanh", kernel_initializer="glorot_normal")
        for _ in range(6)
    ]
    model = stack((64,), *hidden, layers.Dense(10, "softmax"))
    model.compile(Adam(0.005), SPARSE)
    return model, x, y


@healthy()
def hourglass():
    x, y = digits()
    hidden = [layers.Dense(n, "relu") for n in (512, 128, 32, 128, 512)]
    model = stack((64,), *hidden, layers.Dense(10, "softmax"))
    model.compile(Adam(0.001), SPARSE)
    return model, x, y


@healthy()
def zeroed_head():
    x, y = digits()
    model = stack(
        (64,),
        layers.Dense(64, "relu"),
        layers.Dense(64, "relu"),
        layers.Dense(10, "softmax", kernel_initializer="zeros"),
    )
    model.compile("adam", SPARSE)
    return model, x, y


@healthy()
def one_initializer_for_layers_in_a_row():
    """Identical kernels, one behind the other: that does no harm."""
    x, y = digits()
    init = initializers.HeNormal()
    hidden = [
        layers.Dense(64, "relu", kernel_initializer=init) for _ in range(4)
    ]
    model = stack((64,), *hidden, layers.Dense(10, "softmax"))
    model.compile(Adam(0.001), SPARSE)
    return model, x, y


@healthy()
def one_initializer_for_branches_side_by_side():
    """Concatenated: the head tells the identical branches apart."""
    x, y = digits()
    init = initializers.GlorotUniform()
    inputs = keras.Input((64,))
    branches = [
        layers.Dense(32, "relu", kernel_initializer=init)(inputs)
        for _ in range(2)
    ]
    merged = layers.Concatenate()(branches)
    model = keras.Model(inputs, layers.Dense(10, "softmax")(merged))
    model.compile(Adam(0.003), SPARSE)
    return model, x, y


@healthy()
def dropout_of_one_half():
    x, y = digits()
    model = stack(
        (64,),
        layers.Dense(256, "relu"),
        layers.Dropout(0.5),
        layers.Dense(256, "relu"),
        layers.Dropout(0.5),
        layers.Dense(10, "softmax"),
    )
    model.compile("adam", SPARSE)
    return model, x, y


class Highway(layers.Layer):
    """Starts almost closed: the gate's bias is −2."""

    def build(self, shape: Any) -> None:  # noqa: D102
        self.change = layers.Dense(shape[-1], "relu")
        self.gate = layers.Dense(
            shape[-1], "sigmoid", bias_initializer=initializers.Constant(-2)
        )
        self.change.build(shape)
        self.gate.build(shape)

    def call(self, x: Any) -> Any:  # noqa: D102
        gate = self.gate(x)
        return gate * self.change(x) + (1 - gate) * x


@healthy()
def highway():
    x, y = digits()
    model = keras.Sequential([keras.Input((64,))])
    for _ in range(15):
        model.add(Highway())
    model.add(layers.Dense(10, "softmax"))
    model.compile(Adam(0.003), SPARSE)
    return model, x, y


# Healthy: heads, losses and labels of every kind.


@healthy(scored=("r2",))
def regression():
    x, y = table()
    model = stack(
        (8,),
        layers.Dense(64, "relu"),
        layers.Dense(64, "relu"),
        layers.Dense(1),
    )
    model.compile(Adam(0.003), "mse")
    return model, x, y


@healthy(scored=("r2",))
def counts_with_a_relu_head():
    """End with a ReLU; and no target is below zero."""
    x, y = table()
    model = stack(
        (8,),
        layers.Dense(64, "tanh"),
        layers.Dense(1, "relu", bias_initializer="ones"),
    )
    model.compile(Adam(0.01), "mse")
    return model, x, np.maximum(y + 2, 0)


@healthy(scored=("r2",))
def regression_with_an_absolute_error():
    x, y = table()
    model = stack((8,), layers.Dense(128, "tanh"), layers.Dense(1))
    model.compile(Adam(0.01), "mae")
    return model, x, y[:, None]


@healthy(scored=("binary",))
def binary():
    x, y = parity()
    model = stack(
        (64,), layers.Dense(64, "relu"), layers.Dense(1, activation="sigmoid")
    )
    model.compile("adam", "binary_crossentropy")
    return model, x, y


@healthy(scored=("logit",))
def binary_from_logits():
    x, y = parity()
    model = stack((64,), layers.Dense(64, "relu"), layers.Dense(1))
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(Adam(0.003), loss)
    return model, x, y


@healthy(scored=("binary",), goal=0.97)
def rare_class_with_a_fitting_bias():
    x, y = digits()
    bias = initializers.Constant(np.log(0.1 / 0.9))
    model = stack(
        (64,),
        layers.Dense(32, "relu"),
        layers.Dense(1, "sigmoid", bias_initializer=bias),
    )
    model.compile(Adam(0.003), "binary_crossentropy")
    return model, x, (y == 8).astype(int)


@healthy(scored=("logit",))
def hinge():
    x, y = parity()
    model = stack((64,), layers.Dense(64, "relu"), layers.Dense(1, "tanh"))
    model.compile(Adam(0.003), "hinge")
    return model, x, 2 * y - 1


@healthy(scored=("bits",), goal=0.95)
def several_labels_at_once():
    x, y = digits()
    labels = np.stack([y % 2 == 0, y > 4, np.isin(y, (2, 3, 5, 7))], axis=1)
    model = stack((64,), layers.Dense(64, "relu"), layers.Dense(3, "sigmoid"))
    model.compile(Adam(0.003), "binary_crossentropy")
    return model, x, labels.astype("float32")


@healthy()
def one_hot_and_smoothed():
    x, y = digits()
    model = stack((64,), layers.Dense(64, "relu"), layers.Dense(10, "softmax"))
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=0.1)
    model.compile("adam", loss)
    return model, x, keras.utils.to_categorical(y)


@healthy()
def a_column_of_classes():
    x, y = digits()
    model = stack((64,), layers.Dense(64, "relu"), layers.Dense(10))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(RMSprop(0.001), loss)
    return model, x, y[:, None]


@healthy()
def mse_on_a_softmax():
    x, y = digits()
    model = stack((64,), layers.Dense(64, "relu"), layers.Dense(10, "softmax"))
    model.compile(Adam(0.003), "mse")
    return model, x, keras.utils.to_categorical(y)


@healthy(scored=("r2",), goal=0.8)
def autoencoder():
    x, _ = digits()
    model = stack(
        (64,),
        layers.Dense(48, "relu"),
        layers.Dense(24, "relu"),
        layers.Dense(48, "relu"),
        layers.Dense(64, "sigmoid"),
    )
    model.compile(Adam(0.005), "mse")
    return model, x, x


class Tied(layers.Layer):
    """Decodes with the encoder's own kernel, transposed."""

    def __init__(self, encoder: layers.Dense) -> None:
        super().__init__()
        self.encoder = encoder

    def build(self, _: Any) -> None:  # noqa: D102
        self.bias = self.add_weight(shape=(64,), initializer="zeros")

    def call(self, code: Any) -> Any:  # noqa: D102
        kernel = ops.transpose(self.encoder.kernel)
        return ops.sigmoid(ops.matmul(code, kernel) + self.bias)


@healthy(scored=("r2",), goal=0.7)
def tied_autoencoder():
    x, _ = digits()
    inputs = keras.Input((64,))
    encoder = layers.Dense(32, "relu")
    model = keras.Model(inputs, Tied(encoder)(encoder(inputs)))
    model.compile(Adam(0.005), "binary_crossentropy")
    return model, x, x


@healthy(scored=("r2",), goal=0.8)
def convolutional_autoencoder():
    x, _ = digits(8, 8, 1)
    same = {"padding": "same", "activation": "relu"}
    model = stack(
        (8, 8, 1),
        layers.Conv2D(16, 3, strides=2, **same),
        layers.Conv2D(16, 3, strides=2, **same),
        layers.Conv2DTranspose(16, 3, strides=2, **same),
        layers.UpSampling2D(),
        layers.Conv2D(1, 3, padding="same"),
    )
    model.compile(Adam(0.005), "mse")
    return model, x, x


# Healthy: the optimizers' and the data's variety.


@healthy()
def momentum_and_clipping():
    x, y = digits()
    model = stack((64,), layers.Dense(64, "relu"), layers.Dense(10, "softmax"))
    model.compile(SGD(0.1, momentum=0.9, global_clipnorm=1.0), SPARSE)
    return model, x, y


@healthy()
def weight_decay_and_a_schedule():
    x, y = digits()
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, 1000, warmup_target=0.005, warmup_steps=50
    )
    model = stack((64,), layers.Dense(64, "relu"), layers.Dense(10, "softmax"))
    model.compile(keras.optimizers.AdamW(rate, weight_decay=0.01), SPARSE)
    return model, x, y


@healthy()
def a_small_penalty():
    x, y = digits()
    weak = {"kernel_regularizer": keras.regularizers.L2(1e-4)}
    model = stack(
        (64,), layers.Dense(64, "relu", **weak), layers.Dense(10, "softmax")
    )
    model.compile("adam", SPARSE)
    return model, x, y


@healthy()
def pixels_to_16():
    """Raw, not scaled, and it trains: Adam's step does not mind."""
    x, y = digits()
    model = stack((64,), layers.Dense(64, "relu"), layers.Dense(10, "softmax"))
    model.compile("adam", SPARSE)
    return model, 16 * x, y


@healthy()
def pixels_to_255_scaled_inside():
    x, y = digits(8, 8, 1)
    model = stack(
        (8, 8, 1),
        layers.Rescaling(1 / 255),
        layers.Conv2D(16, 3, activation="relu"),
        layers.Flatten(),
        layers.Dense(10, "softmax"),
    )
    model.compile(Adam(0.003), SPARSE)
    return model, np.round(255 * x), y


@healthy(scored=("r2",))
def units_normalized_inside():
    x, y = table()
    x = 1000 * x + 20_000
    scale = layers.Normalization()
    scale.adapt(x)
    model = stack((8,), scale, layers.Dense(64, "relu"), layers.Dense(1))
    model.compile(Adam(0.005), "mse")
    return model, x, y


@healthy()
def standardized_inputs():
    x, y = digits()
    x = (x - x.mean(axis=0)) / (x.std(axis=0) + 1e-3)
    model = stack((64,), layers.Dense(64, "relu"), layers.Dense(10, "softmax"))
    model.compile(SGD(0.05), SPARSE)
    return model, x, y


@healthy()
def mixed_precision():
    keras.mixed_precision.set_global_policy("mixed_float16")
    x, y = digits()
    model = stack(
        (64,),
        layers.Dense(64, "relu"),
        layers.Dense(64, "relu"),
        layers.Dense(10, dtype="float32", activation="softmax"),
    )
    model.compile("adam", SPARSE)
    return model, x, y


@healthy()
def mixed_precision_with_batch_norm():
    keras.mixed_precision.set_global_policy("mixed_float16")
    x, y = digits(8, 8, 1)
    model = stack(
        (8, 8, 1),
        layers.Conv2D(16, 3, use_bias=False),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.GlobalMaxPooling2D(),
        layers.Dense(10),
        layers.Activation("softmax", dtype="float32"),
    )
    model.compile(Adam(0.01), SPARSE)
    return model, x, y


# Healthy: several inputs and outputs, nested, subclassed, shared, frozen.


@healthy()
def two_inputs():
    x, y = digits(8, 8)
    top, bottom = keras.Input((32,)), keras.Input((4, 8))
    merged = layers.Concatenate()(
        [
            layers.Dense(32, "relu")(top),
            layers.Flatten()(layers.Conv1D(8, 3, activation="relu")(bottom)),
        ]
    )
    outputs = layers.Dense(10, "softmax")(layers.Dense(32, "relu")(merged))
    model = keras.Model([top, bottom], outputs)
    model.compile(Adam(0.003), SPARSE)
    return model, [x[:, :4].reshape(-1, 32), x[:, 4:]], y


@healthy(scored=("classes", "r2"), goal=0.85)
def two_outputs():
    x, y = digits()
    ink = x.sum(axis=1, keepdims=True)
    inputs = keras.Input((64,))
    trunk = layers.Dense(64, "relu")(layers.Dense(64, "relu")(inputs))
    digit = layers.Dense(10, "softmax", name="digit")(trunk)
    amount = layers.Dense(1, name="ink")(trunk)
    model = keras.Model(inputs, {"digit": digit, "ink": amount})
    model.compile(
        Adam(0.003),
        {"digit": SPARSE, "ink": "mse"},
        loss_weights={"digit": 1.0, "ink": 0.5},
    )
    return model, x, {"digit": y, "ink": (ink - ink.mean()) / ink.std()}


@healthy()
def nested():
    x, y = digits(8, 8, 1)
    eye = stack(
        (8, 8, 1),
        layers.Conv2D(16, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
    )
    mind = stack((144,), layers.Dense(32, "relu"), layers.Dense(10, "softmax"))
    inputs = keras.Input((8, 8, 1))
    model = keras.Model(inputs, mind(eye(inputs)))
    model.compile(Adam(0.003), SPARSE)
    return model, x, y


class Blocks(keras.Model):
    """Residual blocks with layer norms, in a loop."""

    def __init__(self) -> None:
        super().__init__()
        self.first = layers.Dense(64)
        self.norms = [layers.LayerNormalization() for _ in range(6)]
        self.hidden = [layers.Dense(64, "relu") for _ in range(6)]
        self.drop = layers.Dropout(0.1)
        self.head = layers.Dense(10)

    def call(self, x: Any, training: bool = False) -> Any:  # noqa: D102
        x = self.first(x)
        for norm, layer in zip(self.norms, self.hidden, strict=True):
            x = x + self.drop(layer(norm(x)), training=training)
        return self.head(x)


@healthy()
def subclassed():
    x, y = digits()
    model = Blocks()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(Adam(0.001), loss)
    model(x[:1])
    return model, x, y


@healthy(scored=("binary",))
def twins_that_share_their_layers():
    """Tell whether two digits are both even or both odd, or not."""
    x, y = digits()
    x, y = np.concatenate([x, x]), np.concatenate([y, y])
    other = np.random.default_rng(8).permutation(len(y))
    twin = stack((64,), layers.Dense(64, "relu"), layers.Dense(32, "relu"))
    left, right = keras.Input((64,)), keras.Input((64,))
    merged = layers.Concatenate()([twin(left), twin(right)])
    hidden = layers.Dense(64, "relu")(merged)
    outputs = layers.Dense(1, "sigmoid")(hidden)
    model = keras.Model([left, right], outputs)
    model.compile(Adam(0.003), "binary_crossentropy")
    return model, [x, x[other]], (y % 2 == y[other] % 2).astype(int)


@healthy()
def one_layer_used_eight_times():
    x, y = digits()
    layer = layers.Dense(64, "tanh", kernel_initializer="orthogonal")
    inputs = keras.Input((64,))
    hidden = inputs
    for _ in range(8):
        hidden = layer(hidden)
    model = keras.Model(inputs, layers.Dense(10, "softmax")(hidden))
    model.compile(Adam(0.001), SPARSE)
    return model, x, y


@healthy()
def frozen_wide_base():
    """Random features: enough of them need no training."""
    x, y = digits()
    base = stack((64,), layers.Dense(512, "relu"))
    base.trainable = False
    model = stack((64,), base, layers.Dense(10, "softmax"))
    model.compile(Adam(0.01), SPARSE)
    return model, x, y


@healthy()
def frozen_first_layers():
    x, y = digits()
    model = stack(
        (64,),
        layers.Dense(64, "relu", trainable=False),
        layers.Dense(64, "relu", trainable=False),
        layers.Dense(64, "relu"),
        layers.Dense(10, "softmax"),
    )
    model.compile(Adam(0.003), SPARSE)
    return model, x, y


# Healthy: convolutions.


@healthy()
def convolutions():
    x, y = digits(8, 8, 1)
    model = stack(
        (8, 8, 1),
        layers.Conv2D(16, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.AveragePooling2D(2),
        layers.Flatten(),
        layers.Dense(10, "softmax"),
    )
    model.compile(Adam(0.003), SPARSE)
    return model, x, y


@healthy()
def convolutions_that_widen():
    x, y = digits(8, 8, 1)
    model = keras.Sequential([keras.Input((8, 8, 1))])
    for filters, strides in ((8, 1), (16, 2), (32, 1), (64, 2), (128, 1)):
        model.add(
            layers.Conv2D(
                filters,
                3,
                strides,
                padding="same",
                activation="relu",
                kernel_initializer="he_normal",
            )
        )
    model.add(layers.GlobalAveragePooling2D())
    model.add(layers.Dense(10, "softmax"))
    model.compile(Adam(0.001), SPARSE)
    return model, x, y


@healthy()
def depthwise_convolutions():
    x, y = digits(8, 8, 1)
    model = stack(
        (8, 8, 1),
        layers.Conv2D(16, 3, padding="same", activation="relu"),
        layers.DepthwiseConv2D(3, padding="same", activation="relu"),
        layers.Conv2D(32, 1, activation="relu"),
        layers.SeparableConv2D(32, 3, activation="relu"),
        layers.Flatten(),
        layers.Dense(10, "softmax"),
    )
    model.compile(Adam(0.003), SPARSE)
    return model, x, y


@healthy()
def convolutions_over_time():
    x, y = digits(8, 8)
    model = stack(
        (8, 8),
        layers.Conv1D(32, 3, padding="causal", activation="relu"),
        layers.Conv1D(
            32, 3, padding="causal", dilation_rate=2, activation="relu"
        ),
        layers.Flatten(),
        layers.Dense(10, "softmax"),
    )
    model.compile(Adam(0.003), SPARSE)
    return model, x, y


@healthy()
def dense_connections():
    x, y = digits(8, 8, 1)
    inputs = keras.Input((8, 8, 1))
    trunk = inputs
    for _ in range(6):
        branch = layers.Conv2D(8, 3, padding="same", activation="relu")(trunk)
        trunk = layers.Concatenate()([trunk, branch])
    pooled = layers.Flatten()(layers.MaxPooling2D(4)(trunk))
    model = keras.Model(inputs, layers.Dense(10, "softmax")(pooled))
    model.compile(Adam(0.003), SPARSE)
    return model, x, y


# Healthy: norms and residual connections.


@healthy()
def batch_norm():
    x, y = digits()
    model = keras.Sequential([keras.Input((64,))])
    for _ in range(4):
        model.add(layers.Dense(64))  # its bias is of no use, as often
        model.add(layers.BatchNormalization())
        model.add(layers.ReLU())
    model.add(layers.Dense(10, "softmax"))
    model.compile(SGD(0.05), SPARSE)
    return model, x, y


@healthy()
def twenty_batch_norms():
    x, y = digits()
    model = keras.Sequential([keras.Input((64,))])
    for _ in range(20):
        model.add(layers.Dense(64, use_bias=False))
        model.add(layers.BatchNormalization(momentum=0.9))
        model.add(layers.Activation("relu"))
    model.add(layers.Dense(10, "softmax"))
    model.compile(Adam(0.001), SPARSE)
    return model, x, y


@healthy()
def large_kernels_in_front_of_norms():
    """N(0, 1), and it does not matter: the norm divides it out."""
    x, y = digits()
    model = keras.Sequential([keras.Input((64,))])
    for _ in range(4):
        normal = initializers.RandomNormal(stddev=1.0)
        model.add(layers.Dense(64, kernel_initializer=normal))
        model.add(layers.LayerNormalization())
        model.add(layers.ReLU())
    model.add(layers.Dense(10, "softmax"))
    model.compile(Adam(0.01), SPARSE)
    return model, x, y


@healthy()
def small_kernels_in_front_of_norms():
    x, y = digits()
    model = keras.Sequential([keras.Input((64,))])
    for _ in range(3):
        normal = initializers.RandomNormal(stddev=0.02)
        model.add(layers.Dense(64, kernel_initializer=normal))
        model.add(layers.BatchNormalization(momentum=0.9))
        model.add(layers.ReLU())
    model.add(layers.Dense(10, "softmax"))
    model.compile(Adam(0.003), SPARSE)
    return model, x, y


@healthy()
def group_and_rms_norm():
    x, y = digits(8, 8, 1)
    model = stack(
        (8, 8, 1),
        layers.Conv2D(16, 3, padding="same"),
        layers.GroupNormalization(4),
        layers.ReLU(),
        layers.Conv2D(32, 3, strides=2),
        layers.RMSNormalization(),
        layers.Activation("silu"),
        layers.Flatten(),
        layers.Dense(10, "softmax"),
    )
    model.compile(Adam(0.003), SPARSE)
    return model, x, y


@healthy()
def residual_convolutions():
    x, y = digits(8, 8, 1)
    inputs = keras.Input((8, 8, 1))
    trunk = layers.Conv2D(16, 3, padding="same")(inputs)
    for _ in range(5):
        branch = layers.BatchNormalization(momentum=0.9)(trunk)
        branch = layers.ReLU()(branch)
        branch = layers.Conv2D(16, 3, padding="same")(branch)
        trunk = layers.Add()([trunk, branch])
    pooled = layers.GlobalAveragePooling2D()(trunk)
    model = keras.Model(inputs, layers.Dense(10, "softmax")(pooled))
    model.compile(Adam(0.003), SPARSE)
    return model, x, y


@healthy()
def residual_with_a_zeroed_gamma():
    x, y = digits()
    inputs = keras.Input((64,))
    trunk = layers.Dense(64)(inputs)
    for _ in range(10):
        branch = layers.Dense(64, use_bias=False)(trunk)
        branch = layers.BatchNormalization(momentum=0.9)(branch)
        branch = layers.ReLU()(branch)
        branch = layers.Dense(64, use_bias=False)(branch)
        branch = layers.BatchNormalization(
            momentum=0.9, gamma_initializer="zeros"
        )(branch)
        trunk = layers.ReLU()(layers.Add()([trunk, branch]))
    model = keras.Model(inputs, layers.Dense(10, "softmax")(trunk))
    model.compile(SGD(0.05, momentum=0.9), SPARSE)
    return model, x, y


@healthy()
def residual_with_zeroed_branches():
    x, y = digits()
    inputs = keras.Input((64,))
    trunk = inputs
    for _ in range(30):
        branch = layers.Dense(64, "relu", kernel_initializer="he_normal")(trunk)
        branch = layers.Dense(64, kernel_initializer="zeros")(branch)
        trunk = layers.Add()([trunk, branch])
    model = keras.Model(inputs, layers.Dense(10, "softmax")(trunk))
    model.compile(Adam(0.001), SPARSE)
    return model, x, y


class ReZero(layers.Layer):
    """Adds α · branch, with α = 0 at the start."""

    def build(self, _: Any) -> None:  # noqa: D102
        self.alpha = self.add_weight(shape=(), initializer="zeros")

    def call(self, trunk: Any, branch: Any) -> Any:  # noqa: D102
        return trunk + self.alpha * branch


@healthy()
def rezero():
    x, y = digits()
    inputs = keras.Input((64,))
    trunk = inputs
    for _ in range(20):
        trunk = ReZero()(trunk, layers.Dense(64, "relu")(trunk))
    model = keras.Model(inputs, layers.Dense(10, "softmax")(trunk))
    model.compile(Adam(0.003), SPARSE)
    return model, x, y


# Healthy: recurrent, embedded, attending.


@healthy()
def simple_rnn():
    x, y = digits(8, 8)
    model = stack((8, 8), layers.SimpleRNN(64), layers.Dense(10, "softmax"))
    model.compile(Adam(0.003), SPARSE)
    return model, x, y


@healthy()
def gru():
    x, y = digits(8, 8)
    model = stack(
        (8, 8),
        layers.GRU(32, return_sequences=True),
        layers.GRU(32),
        layers.Dense(10, "softmax"),
    )
    model.compile(Adam(0.005), SPARSE)
    return model, x, y


@healthy()
def lstm_both_ways():
    x, y = digits(8, 8)
    model = stack(
        (8, 8),
        layers.Bidirectional(layers.LSTM(32)),
        layers.Dense(10, "softmax"),
    )
    model.compile(Adam(0.005), SPARSE)
    return model, x, y


@healthy(scored=("binary",))
def last_of_60_steps():
    """Need no gradient at the early steps, and have none."""
    x, y = recall(60)
    model = stack((60, 1), layers.SimpleRNN(16), layers.Dense(1, "sigmoid"))
    model.compile(Adam(0.01), "binary_crossentropy")
    return model, x[:, ::-1], y


@healthy(scored=("binary",))
def embedding_with_unused_rows():
    x, y = words()
    model = stack(
        (16,),
        layers.Embedding(5000, 16),
        layers.GlobalAveragePooling1D(),
        layers.Dense(16, "relu"),
        layers.Dense(1, "sigmoid"),
    )
    model.compile(Adam(0.01), "binary_crossentropy")
    return model, x, y


@healthy(scored=("binary",))
def masked_embedding():
    x, y = words()
    x = np.pad(x, ((0, 0), (0, 4)))
    model = stack(
        (20,),
        layers.Embedding(41, 16, mask_zero=True),
        layers.GRU(16),
        layers.Dense(1, "sigmoid"),
    )
    model.compile(Adam(0.01), "binary_crossentropy")
    return model, x, y


class TiedHead(layers.Layer):
    """The next word's logits, by the embedding's own rows."""

    def __init__(self, embedding: layers.Embedding) -> None:
        super().__init__()
        self.embedding = embedding

    def call(self, x: Any) -> Any:  # noqa: D102
        return ops.matmul(x, ops.transpose(self.embedding.embeddings))


@healthy()
def tied_language_model():
    """Words in a fixed order: each is followed by one other."""
    order = np.random.default_rng(9).permutation(20)
    x = np.random.default_rng(10).integers(0, 20, (1000, 1))
    for _ in range(8):
        x = np.append(x, order[x[:, -1:]], axis=1)
    inputs = keras.Input((8,), dtype="int32")
    embedding = layers.Embedding(20, 16)
    hidden = layers.GRU(16, return_sequences=True)(embedding(inputs))
    model = keras.Model(inputs, TiedHead(embedding)(hidden))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(Adam(0.01), loss)
    return model, x[:, :-1], x[:, 1:]


@healthy()
def pre_norm():
    x, y = digits(8, 8)
    inputs = keras.Input((8, 8))
    trunk = transformer(layers.Dense(32)(inputs), 4, 32, pre=True)
    pooled = layers.Flatten()(trunk)
    model = keras.Model(inputs, layers.Dense(10, "softmax")(pooled))
    model.compile(Adam(0.001), SPARSE)
    return model, x, y


@healthy()
def post_norm():
    x, y = digits(8, 8)
    inputs = keras.Input((8, 8))
    trunk = transformer(layers.Dense(32)(inputs), 2, 32, pre=False)
    pooled = layers.Flatten()(trunk)
    model = keras.Model(inputs, layers.Dense(10, "softmax")(pooled))
    model.compile(Adam(0.001), SPARSE)
    return model, x, y


@healthy()
def deep_pre_norm():
    x, y = digits(8, 8)
    inputs = keras.Input((8, 8))
    trunk = transformer(layers.Dense(16)(inputs), 8, 16, pre=True)
    pooled = layers.Flatten()(trunk)
    model = keras.Model(inputs, layers.Dense(10, "softmax")(pooled))
    model.compile(Adam(0.001), SPARSE)
    return model, x, y


@healthy(scored=("binary",))
def attention_over_words():
    x, y = words()
    inputs = keras.Input((16,), dtype="int32")
    tokens = layers.Embedding(41, 16)(inputs)
    places = layers.Embedding(16, 16)(ops.arange(16))
    trunk = transformer(tokens + places, 1, 16, pre=True)
    pooled = layers.GlobalMaxPooling1D()(trunk)
    model = keras.Model(inputs, layers.Dense(1, "sigmoid")(pooled))
    model.compile(Adam(0.005), "binary_crossentropy")
    return model, x, y


# Measuring: does it train?


def score(entry: Entry, model: keras.Model, x: Any, y: Any) -> float:
    """Return the worst output's accuracy, or R², in inference mode."""
    predictions = model.predict_on_batch(x)
    outputs = keras.tree.flatten(predictions)
    targets = keras.tree.flatten(y)
    scores = []
    for kind, p, t in zip(entry.scored, outputs, targets, strict=True):
        p = np.asarray(p, "float64").reshape(
            np.shape(t) if kind in ("r2", "bits") else (*np.shape(p),)
        )
        if kind == "r2":
            t = np.asarray(t, "float64")
            scores.append(1 - np.mean((t - p) ** 2) / np.var(t))
        elif kind == "classes":
            if np.shape(t) == p.shape:
                t = np.argmax(t, axis=-1)
            scores.append(np.mean(p.argmax(-1).ravel() == np.ravel(t)))
        elif kind == "bits":
            scores.append(np.mean((p > 0.5) == (np.asarray(t) > 0.5)))
        elif kind == "rounded":
            scores.append(np.mean(np.round(p).ravel() == np.ravel(t)))
        else:
            limit = {"binary": 0.5, "logit": 0.0}[kind]
            right = (p.ravel() > limit) == (np.ravel(t) > limit)
            scores.append(np.mean(right & np.isfinite(p.ravel())))
    return float(min(scores))


@dataclass
class Run:
    """One training: the updates to the goal, if it was reached."""

    updates: int | None = None
    score: float = float("nan")
    loss: float = float("nan")
    error: str = ""


def train(
    entry: Entry, seeds: Iterable[int], rate: float | None = None
) -> Iterator[Run]:
    """Train from several seeds; an epoch is one compiled call, for speed."""
    model, x, y = entry.build(0)
    model._symbolic_build(data_batch=keras.tree.map_structure(first, (x, y)))
    model.optimizer.build(model.trainable_variables)
    start = [variable.numpy() for variable in model.optimizer.variables]

    @tf.function(jit_compile=True)
    def epoch(x: Any, y: Any, order: tf.Tensor) -> tf.Tensor:
        model.reset_metrics()
        for batch in order:
            model.train_step(
                tf.nest.map_structure(partial(tf.gather, indices=batch), (x, y))
            )
        return model.metrics[0].result()

    for seed in seeds:
        fresh, x, y = entry.build(seed)
        data = tf.nest.map_structure(constant, (x, y))
        model.set_weights(fresh.get_weights())
        for variable, value in zip(
            model.optimizer.variables, start, strict=True
        ):
            variable.assign(value)
        if rate is not None:
            model.optimizer.learning_rate = rate
        yield run_once(entry, model, epoch, data, seed)


def first(array: Any) -> Any:
    return array[:BATCH]


def constant(array: Any) -> tf.Tensor:
    array = np.asarray(array)
    kinds = {"f": "float32", "i": "int32"}
    return tf.constant(array.astype(kinds[array.dtype.kind]))


def run_once(
    entry: Entry, model: keras.Model, epoch: Callable, data: Any, seed: int
) -> Run:
    """Train to the goal, to the last epoch, or to what is not finite."""
    run = Run()
    random = np.random.default_rng(seed)
    count = len(tf.nest.flatten(data)[0]) // BATCH * BATCH
    for number in range(1, EPOCHS + 1):
        order = random.permutation(count).astype("int32").reshape(-1, BATCH)
        run.loss = float(epoch(*data, tf.constant(order)))
        if number % 2 == 0:
            now = score(entry, model, *data)
            run.score = float(np.nanmax([run.score, now]))
            if now >= entry.goal:
                run.updates = int(model.optimizer.iterations)
                break
        if not np.isfinite(run.loss):
            break
    return run


def measure(name: str) -> dict[str, str]:
    """Return an entry's row: at the rate at which the most seeds train."""
    entry = CORPUS[name]
    rows = []
    for rate in (None, *entry.rates):
        try:
            runs = list(train(entry, range(SEEDS), rate))
        except ValueError as error:  # the labels do not fit the outputs
            runs = [Run(error=type(error).__name__)] * SEEDS
        trained = [run.updates for run in runs if run.updates]
        rows.append(
            {
                "name": name,
                "label": "broken" if entry.faults else "healthy",
                "rate": "given" if rate is None else f"{rate:g}",
                "trained": str(len(trained)),
                "seeds": str(SEEDS),
                "updates": f"{statistics.median(trained):g}" if trained else "",
                "score": f"{np.median([run.score for run in runs]):.2f}",
                "loss": f"{np.median([run.loss for run in runs]):.2g}",
                "error": runs[0].error,
                "code": entry.code,
            }
        )
    return max(rows, key=lambda row: int(row["trained"]))


def read_table() -> dict[str, dict[str, str]]:
    if not TABLE.exists():
        return {}
    with TABLE.open(encoding="utf-8", newline="") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


def write_table(rows: dict[str, dict[str, str]]) -> None:
    known = [rows[name] for name in CORPUS if name in rows]
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(known[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(known)


def verify(names: list[str]) -> None:
    """Train what is named, or what changed, two at a time; keep the rest."""
    rows = read_table()
    stale = [
        name
        for name, entry in CORPUS.items()
        if rows.get(name, {}).get("code") != entry.code
    ]
    os.environ["TF_NUM_INTRAOP_THREADS"] = "1"
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=spawn) as pool:
        jobs = [pool.submit(measure, name) for name in names or stale]
        for job in as_completed(jobs):
            row = job.result()
            rows[row["name"]] = row
            write_table(rows)
            print(*row.values(), flush=True)


def agrees(row: dict[str, str]) -> bool:
    """Whether the measured verdict is the label."""
    trained = int(row["trained"])
    return trained <= 1 if row["label"] == "broken" else trained >= SEEDS - 1


# Diagnosing: what does the tool say?


@dataclass
class Verdict:
    """What `diagnose` said of a network."""

    entry: Entry
    found: tuple[tuple[str, str], ...] = ()  # code and layer
    refusal: str = ""

    @property
    def alarm(self) -> bool:
        """Whether it found anything, or refused the call with a reason."""
        return bool(self.found or self.refusal)

    @property
    def named(self) -> bool:
        """Whether it named the fault; bad input it may refuse instead."""
        codes = {code for code, _ in self.found}
        refused = {"labels", "nonfinite", "frozen"} & set(self.entry.faults)
        return bool(
            codes & set(self.entry.faults) or (self.refusal and refused)
        )

    @property
    def located(self) -> bool:
        """Whether it named the fault in the layer where it is."""
        return any(
            code in self.entry.faults and layer.startswith(self.entry.layer)
            for code, layer in self.found
            if self.entry.layer
        )

    def __str__(self) -> str:
        found = "; ".join(f"{code} in {layer}" for code, layer in self.found)
        known = " or ".join(self.entry.faults) or "healthy"
        return f"{self.entry.name} ({known}): {found or self.refusal or '-'}"


def examine(entry: Entry) -> Verdict:
    """Call `diagnose` as a reader does, with a batch of 128."""
    from snippets.diagnosis.diagnose import diagnose

    model, x, y = entry.build()
    x, y = keras.tree.map_structure(lambda a: a[:128], (x, y))
    try:
        report = diagnose(model, x, y)
    except (ValueError, TypeError) as error:
        return Verdict(entry, refusal=str(error))
    return Verdict(entry, tuple((f.code, f.layer) for f in report.findings))


def judge() -> list[Verdict]:
    """Examine them all."""
    gc.freeze()  # or `clear_session` looks through TensorFlow each time
    try:
        return [examine(entry) for entry in CORPUS.values()]
    finally:
        gc.unfreeze()


@dataclass
class Shares:
    """Caught, named and located of the broken; alarms of the healthy."""

    verdicts: list[Verdict]

    def broken(self) -> list[Verdict]:
        """Return those with a fault that the start can show."""
        faulty = [v for v in self.verdicts if v.entry.faults]
        return [v for v in faulty if v.entry.detectable]

    def healthy(self) -> list[Verdict]:
        """Return those that train."""
        return [v for v in self.verdicts if not v.entry.faults]

    @property
    def caught(self) -> float:
        """Share of the broken with any finding."""
        return statistics.mean(v.alarm for v in self.broken())

    @property
    def named(self) -> float:
        """Share of the broken with a finding of the right kind."""
        return statistics.mean(v.named for v in self.broken())

    @property
    def alarms(self) -> float:
        """Share of the healthy with any finding."""
        return statistics.mean(v.alarm for v in self.healthy())

    def __str__(self) -> str:
        broken, healthy = self.broken(), self.healthy()
        layered = [v for v in broken if v.entry.layer]
        hidden = [v for v in self.verdicts if not v.entry.detectable]
        return (
            f"caught {sum(v.alarm for v in broken)} of {len(broken)} "
            f"({sum(v.named for v in broken)} by the right name, "
            f"{sum(v.located for v in layered)} of {len(layered)} in the "
            f"right layer), false alarms {sum(v.alarm for v in healthy)} of "
            f"{len(healthy)}; not to be seen at the start "
            f"{sum(v.alarm for v in hidden)} of {len(hidden)}"
        )


def halves(verdicts: list[Verdict]) -> dict[str, Shares]:
    """Return the shares of all, of the tuning half, of the one held out."""
    return {
        "all": Shares(verdicts),
        "tuning": Shares([v for v in verdicts if not v.entry.held_out]),
        "held out": Shares([v for v in verdicts if v.entry.held_out]),
    }


def report(held_out: bool) -> None:
    """Print the shares, and what was missed where looking is allowed."""
    verdicts = judge()
    for name, shares in halves(verdicts).items():
        print(f"{name}: {shares}")
    shown = halves(verdicts)["all" if held_out else "tuning"]
    lists = {
        "missed": [v for v in shown.broken() if not v.alarm],
        "another name": [v for v in shown.broken() if v.alarm and not v.named],
        "another layer": [
            v
            for v in shown.broken()
            if v.named and v.entry.layer and not v.located
        ],
        "false alarms": [v for v in shown.healthy() if v.alarm],
    }
    for title, listed in lists.items():
        print(f"\n{title}")
        for verdict in listed:
            print(f"- {verdict}")


if __name__ == "__main__":
    from studies.corpus import (
        corpus,  # the one copy that the workers import too
    )

    match sys.argv[1:]:
        case ["verify", *names]:
            corpus.verify(names)
        case ["report", *flags]:
            corpus.report(held_out="--held-out" in flags)
        case _:
            sys.exit(__doc__)
