"""Healthy networks as people compile them: the table the tools are tried on.

`MODELS` maps a name to a builder. A row is never removed: what a tool cannot
judge it has to say. Data are small and need no download.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops
from sklearn.datasets import load_digits

N = 400  # examples


class Given(NamedTuple):
    """What somebody has in hand: a compiled model, and what `fit` gets."""

    model: keras.Model
    x: Any
    y: Any = None
    fit: Mapping[str, Any] = MappingProxyType({})  # sample_weight, …


class Row(NamedTuple):
    """A builder, and what it builds, in words."""

    kind: str
    inputs: str
    labels: str
    compiled: str
    build: Callable[[], Given]

    def __call__(self, seed: int = 0) -> Given:
        """Build it from this seed, in float32."""
        keras.utils.set_random_seed(seed)
        try:
            return self.build()
        finally:
            keras.config.set_dtype_policy("float32")


MODELS: dict[str, Row] = {}


def listed(
    kind: str, inputs: str, labels: str, compiled: str
) -> Callable[[Callable[[], Given]], Callable[[], Given]]:
    """Put a builder into `MODELS`, under its own name."""

    def note(build: Callable[[], Given]) -> Callable[[], Given]:
        row = Row(kind, inputs, labels, compiled, build)
        MODELS[build.__name__] = row
        return build

    return note


# Data


def digits(*shape: int, n: int = N) -> tuple[np.ndarray, np.ndarray]:
    """Return digits of this shape within 0 and 1, and their labels."""
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(11).permutation(len(y))[:n]
    return (x[order] / 16).astype("float32").reshape(n, *(shape or (64,))), y[
        order
    ]


def columns(n: int = N) -> tuple[np.ndarray, np.ndarray]:
    """Return eight standard columns, and a standardised target (n, 1)."""
    rng = np.random.default_rng(12)
    x = rng.standard_normal((n, 8)).astype("float32")
    y = np.tanh(x[:, 0]) + 0.6 * x[:, 1] * x[:, 2] - x[:, 3]
    return x, ((y - y.mean()) / y.std()).astype("float32")[:, None]


def sentences(n: int = N, steps: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """Return words 1 to 29, padded with 0; 1 if half of them are below 15."""
    rng = np.random.default_rng(13)
    x = rng.integers(1, 30, (n, steps))
    size = rng.integers(5, steps + 1, (n, 1))
    likes = rng.integers(0, 2, n)  # what the words say, with some noise
    low = rng.random((n, steps)) < np.where(likes, 0.75, 0.25)[:, None]
    x = np.where(low, x % 14 + 1, x % 15 + 15)
    x[np.arange(steps) >= size] = 0
    return x.astype("int32"), likes.astype("float32")


def waves(n: int = N, steps: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Return noisy waves (n, steps, 1) of three frequencies, and which."""
    rng = np.random.default_rng(14)
    y = rng.integers(0, 3, n)
    t = np.arange(steps) / steps
    phase = rng.random((n, 1))
    x = np.sin(2 * np.pi * ((2 + 2 * y)[:, None] * t + phase))
    x += 0.2 * rng.standard_normal(x.shape)
    return x[:, :, None].astype("float32"), y


# Dense


def dense(
    *units: int, inputs: int = 64, out: int = 10, end: str | None = "softmax"
) -> keras.Sequential:
    """Return ReLU layers with He init and a head."""
    return keras.Sequential(
        [
            keras.Input((inputs,)),
            *[
                layers.Dense(n, "relu", kernel_initializer="he_normal")
                for n in units
            ],
            layers.Dense(out, end),
        ]
    )


@listed("dense", "array", "numbers", 'metrics=["accuracy"]')
def with_accuracy() -> Given:
    """The commonest call of all."""
    model = dense(64, 64)
    model.compile(
        "adam", "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return Given(model, *digits())


@listed("dense", "array", "one-hot", "CategoricalCrossentropy(), accuracy, AUC")
def one_hot() -> Given:
    """One-hot labels, and two metrics."""
    model = dense(64, 64)
    model.compile(
        keras.optimizers.Adam(1e-3),
        keras.losses.CategoricalCrossentropy(),
        metrics=["accuracy", keras.metrics.AUC()],
    )
    x, y = digits()
    return Given(model, x, keras.utils.to_categorical(y, 10))


@listed("dense", "array", "numbers, (n, 1)", "logits, SGD 0.1")
def labels_in_a_column() -> Given:
    """Labels as a table gives them."""
    model = dense(64, 64, end=None)
    model.compile(
        keras.optimizers.SGD(0.1),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    x, y = digits()
    return Given(model, x, y[:, None])


@listed("dense", "array", "0 or 1, (n,)", "sigmoid, binary_crossentropy")
def binary() -> Given:
    """One sigmoid."""
    model = dense(32, out=1, end="sigmoid")
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    x, y = digits()
    return Given(model, x, (y % 2).astype("float32"))


@listed("dense", "array", "0 or 1, (n, 1)", "BinaryCrossentropy(from_logits)")
def binary_logits() -> Given:
    """One logit, RMSprop."""
    model = dense(32, 32, out=1, end=None)
    model.compile(
        keras.optimizers.RMSprop(1e-3),
        keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryAccuracy(threshold=0)],
    )
    x, y = digits()
    return Given(model, x, (y % 2)[:, None])


@listed("dense", "array", "rare ones, class_weight", "binary_crossentropy")
def class_weights() -> Given:
    """One class in ten, weighted up."""
    model = dense(32, out=1, end="sigmoid")
    model.compile("adam", "binary_crossentropy", metrics=["AUC"])
    x, y = digits()
    fit = {"class_weight": {0: 1.0, 1: 9.0}}
    return Given(model, x, (y == 3).astype("float32"), fit)


@listed("dense", "array", "several of five classes", "binary_crossentropy")
def multi_label() -> Given:
    """Several classes per example."""
    model = dense(64, out=5, end="sigmoid")
    model.compile("adam", "binary_crossentropy", metrics=["binary_accuracy"])
    x, y = digits()
    asks = [y % 2 == 0, y > 4, y % 3 == 0, y == 8, y < 3]
    return Given(model, x, np.stack(asks, 1).astype("float32"))


def regression(loss: str | keras.Loss, scale: float = 1.0) -> Given:
    """Two hidden layers, one output."""
    model = dense(64, 64, inputs=8, out=1, end=None)
    model.compile(keras.optimizers.Adam(3e-3), loss, metrics=["mae"])
    x, y = columns()
    return Given(model, x, scale * y)


@listed("dense", "array", "numbers with variance 1, (n, 1)", "mse")
def regression_mse() -> Given:
    """Squared error."""
    return regression("mse")


@listed("dense", "array", "numbers with variance 1, (n,)", "mae")
def regression_mae() -> Given:
    """Absolute error, targets without a last axis."""
    model, x, y, _ = regression("mae")
    return Given(model, x, y[:, 0])


@listed("dense", "array", "numbers with variance 9", "Huber()")
def regression_huber() -> Given:
    """Huber."""
    return regression(keras.losses.Huber(), 3.0)


@listed("dense", "array", "counts", "poisson, exponential at the end")
def counts() -> Given:
    """A Poisson regression."""
    model = dense(32, inputs=8, out=1, end="exponential")
    model.compile(keras.optimizers.Adam(3e-3), "poisson")
    x, y = columns()
    rng = np.random.default_rng(15)
    return Given(model, x, rng.poisson(np.exp(0.7 * y)).astype("float32"))


@listed("dense", "array", "numbers", "no hidden layer, SGD 0.1")
def no_hidden_layer() -> Given:
    """Softmax regression."""
    model = dense()
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    return Given(model, *digits())


@listed("dense", "array", "numbers", "one hidden layer, momentum")
def one_hidden_layer() -> Given:
    """The first network of many a book."""
    model = dense(128)
    model.compile(
        keras.optimizers.SGD(0.05, momentum=0.9),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return Given(model, *digits())


@listed("dense", "array", "numbers", "Adam, exponential decay")
def schedule() -> Given:
    """A schedule instead of a rate."""
    model = dense(64, 64)
    rate = keras.optimizers.schedules.ExponentialDecay(3e-3, 100, 0.9)
    model.compile(
        keras.optimizers.Adam(rate),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return Given(model, *digits())


@listed("dense", "array", "numbers", "cosine decay with a warm-up from 0")
def warm_up() -> Given:
    """A schedule that starts at 0."""
    model = dense(64, 64)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, 2000, warmup_target=3e-3, warmup_steps=50
    )
    model.compile(
        keras.optimizers.AdamW(rate), "sparse_categorical_crossentropy"
    )
    return Given(model, *digits())


@listed("dense", "array", "numbers", "L2 on all kernels")
def l2() -> Given:
    """The loss holds a penalty that has nothing to do with the labels."""
    model = keras.Sequential([keras.Input((64,))])
    for _ in range(2):
        model.add(
            layers.Dense(128, "relu", kernel_regularizer="l2")
        )  # 0.01 · Σw²
    model.add(layers.Dense(10, "softmax", kernel_regularizer="l2"))
    model.compile(
        "adam", "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return Given(model, *digits())


@listed("dense", "array", "numbers", "Adam, gradient_accumulation_steps=4")
def accumulation() -> Given:
    """Weights that move at each fourth batch."""
    model = dense(64, 64)
    model.compile(
        keras.optimizers.Adam(3e-3, gradient_accumulation_steps=4),
        "sparse_categorical_crossentropy",
    )
    return Given(model, *digits())


@listed("dense", "array", "numbers", "mixed_float16, Adam")
def mixed_float16() -> Given:
    """Half precision, with a scaled loss."""
    keras.config.set_dtype_policy("mixed_float16")
    model = keras.Sequential(
        [
            keras.Input((64,)),
            layers.Dense(64, "relu"),
            layers.Dense(64, "relu"),
            layers.Dense(10),
            layers.Activation("softmax", dtype="float32"),
        ]
    )
    model.compile(
        "adam", "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return Given(model, *digits())


@listed("dense", "array", "numbers and weights", "sample_weight")
def sample_weights() -> Given:
    """Some examples count more."""
    model = dense(64)
    model.compile("adam", "sparse_categorical_crossentropy")
    x, y = digits()
    weight = np.random.default_rng(16).uniform(0.5, 1.5, len(x))
    return Given(model, x, y, {"sample_weight": weight})


@listed("dense", "array", "numbers", "run_eagerly=True, accuracy")
def eager() -> Given:
    """Not compiled into a graph."""
    model = dense(32)
    model.compile(
        "adam", "sparse_categorical_crossentropy", metrics=["accuracy"],
        run_eagerly=True,
    )  # fmt: skip
    return Given(model, *digits())


@listed("dense", "pandas-like float64", "numbers", "steps_per_execution=8")
def several_steps() -> Given:
    """Several updates per call."""
    model = dense(32)
    model.compile(
        "adam", "sparse_categorical_crossentropy", steps_per_execution=8
    )
    x, y = digits()
    return Given(model, x.astype("float64"), y)


@listed("dense", "array", "numbers", "labels ignored with ignore_class=-1")
def ignored_class() -> Given:
    """Some labels are unknown."""
    model = dense(64, end=None)
    model.compile(
        "adam",
        keras.losses.SparseCategoricalCrossentropy(True, ignore_class=-1),
    )
    x, y = digits()
    return Given(model, x, np.where(np.arange(len(y)) % 5, y, -1))


@listed("dense, batch norm, dropout", "array", "numbers", "not built yet")
def not_built() -> Given:
    """No Input: weights come with the first batch."""
    model = keras.Sequential()
    for _ in range(3):
        model.add(layers.Dense(64))
        model.add(layers.BatchNormalization())
        model.add(layers.Activation("relu"))
        model.add(layers.Dropout(0.2))
    model.add(layers.Dense(10, "softmax"))
    model.compile(
        "adam", "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return Given(model, *digits())


@listed("deep SELU, 12 layers", "array", "numbers", "Adam, lecun_normal")
def deep_selu() -> Given:
    """Deep, and with the pair that fits."""
    model = keras.Sequential([keras.Input((64,))])
    for _ in range(12):
        model.add(layers.Dense(64, "selu", kernel_initializer="lecun_normal"))
    model.add(layers.Dense(10))
    model.compile(
        keras.optimizers.Adam(3e-4),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return Given(model, *digits())


# Inputs and outputs of other shapes


@listed("two heads", "array", "dict", "dict of losses, weights and metrics")
def two_heads() -> Given:
    """A class and a number, which is not scaled."""
    inputs = keras.Input((64,))
    h = layers.Dense(64, "relu")(inputs)
    outputs = {
        "digit": layers.Dense(10, "softmax", name="digit")(h),
        "ink": layers.Dense(1, name="ink")(h),
    }
    model = keras.Model(inputs, outputs)
    model.compile(
        "adam",
        {"digit": "sparse_categorical_crossentropy", "ink": "mse"},
        loss_weights={"digit": 1.0, "ink": 0.05},
        metrics={"digit": ["accuracy"], "ink": ["mae"]},
    )
    x, y = digits()
    return Given(model, x, {"digit": y, "ink": x.sum(1, keepdims=True)})


@listed("two heads", "array", "list", "list of losses")
def two_heads_in_a_list() -> Given:
    """Outputs and labels in lists."""
    inputs = keras.Input((64,))
    h = layers.Dense(64, "relu")(inputs)
    outputs = [layers.Dense(10, "softmax")(h), layers.Dense(1, "sigmoid")(h)]
    model = keras.Model(inputs, outputs)
    model.compile(
        "adam", ["sparse_categorical_crossentropy", "binary_crossentropy"]
    )
    x, y = digits()
    return Given(model, x, [y, (y % 2).astype("float32")])


def two_inputs(inputs: Any, flat: list[Any]) -> keras.Model:
    """Join two halves of a digit."""
    joined = layers.Concatenate()([layers.Dense(32, "relu")(i) for i in flat])
    outputs = layers.Dense(10, "softmax")(layers.Dense(32, "relu")(joined))
    model = keras.Model(inputs, outputs)
    model.compile(
        "adam", "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model


@listed("two branches", "list", "numbers", "accuracy")
def list_inputs() -> Given:
    """Inputs in a list."""
    inputs = [keras.Input((32,)), keras.Input((32,))]
    x, y = digits()
    return Given(two_inputs(inputs, inputs), [x[:, :32], x[:, 32:]], y)


@listed("two branches", "dict", "numbers", "accuracy")
def dict_inputs() -> Given:
    """Inputs in a dict."""
    inputs = {name: keras.Input((32,), name=name) for name in ("top", "bottom")}
    x, y = digits()
    given = {"top": x[:, :32], "bottom": x[:, 32:]}
    return Given(two_inputs(inputs, list(inputs.values())), given, y)


@listed("dense", "tf.data, batches of 32", "in the dataset", "accuracy")
def dataset() -> Given:
    """A dataset, shuffled, batched and repeated for ever."""
    model = dense(64)
    model.compile(
        "adam", "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    data = tf.data.Dataset.from_tensor_slices(digits())
    return Given(model, data.shuffle(N, seed=1).batch(32).repeat())


@listed("dense", "tf.data with weights", "one-hot, in the dataset", "accuracy")
def weighted_dataset() -> Given:
    """A dataset of three."""
    model = dense(64)
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    x, y = digits()
    weight = np.where(y == 3, 2.0, 1.0).astype("float32")
    every = x, keras.utils.to_categorical(y, 10), weight
    return Given(model, tf.data.Dataset.from_tensor_slices(every).batch(40))


class Batches(keras.utils.PyDataset):
    """Digits, 40 at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.x, self.y = digits()

    def __len__(self) -> int:
        return len(self.x) // 40

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        part = slice(40 * index, 40 * index + 40)
        return self.x[part], self.y[part]


@listed("dense", "PyDataset", "in the dataset", "accuracy")
def pydataset() -> Given:
    """A PyDataset."""
    model = dense(64)
    model.compile(
        "adam", "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return Given(model, Batches())


# Own training


class OwnStep(keras.Model):
    """As in Keras's guide to `train_step`."""

    def train_step(self, data: Any) -> dict[str, Any]:
        """Train on one batch."""
        x, y = data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(y=y, y_pred=self(x, training=True))
        slopes = tape.gradient(loss, self.trainable_weights)
        self.optimizer.apply(slopes, self.trainable_weights)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
        return {m.name: m.result() for m in self.metrics if m.name == "loss"}


@listed("dense, own train_step", "array", "numbers", "Adam")
def own_train_step() -> Given:
    """A training step of its own."""
    inputs = keras.Input((64,))
    h = layers.Dense(64, "relu")(inputs)
    model = OwnStep(inputs, layers.Dense(10, "softmax")(h))
    model.compile("adam", "sparse_categorical_crossentropy")
    return Given(model, *digits())


class Perceptron(keras.Model):
    """A subclassed model with dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = [layers.Dense(64, "relu") for _ in range(2)]
        self.dropout = layers.Dropout(0.2)
        self.head = layers.Dense(10)

    def call(self, x: Any, training: bool = False) -> Any:
        """Return logits."""
        for layer in self.hidden:
            x = layer(x)
        return self.head(self.dropout(x, training=training))


@listed("subclassed, dropout", "array", "numbers", "logits, accuracy")
def subclassed() -> Given:
    """Not built before the first batch."""
    model = Perceptron()
    model.compile(
        "adam",
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return Given(model, *digits())


class Reconstruction(layers.Layer):
    """Adds the squared error of its two inputs to the loss."""

    def call(self, pair: Any) -> Any:
        """Return the second of the two."""
        wanted, made = pair
        self.add_loss(ops.mean(ops.square(wanted - made)))
        return made


@listed("autoencoder", "array", "none", 'compile("adam"), add_loss only')
def add_loss_only() -> Given:
    """The loss is in a layer."""
    inputs = keras.Input((64,))
    h = layers.Dense(16, "relu")(layers.Dense(32, "relu")(inputs))
    made = layers.Dense(64)(layers.Dense(32, "relu")(h))
    model = keras.Model(inputs, Reconstruction()([inputs, made]))
    model.compile("adam")
    return Given(model, digits()[0])


@listed("autoencoder", "array", "its inputs", "binary_crossentropy")
def autoencoder() -> Given:
    """Labels are the inputs."""
    model = dense(32, 8, 32, out=64, end="sigmoid")
    model.compile("adam", "binary_crossentropy")
    x, _ = digits()
    return Given(model, x, x)


@listed("convolutional autoencoder", "images", "its inputs", "mse")
def conv_autoencoder() -> Given:
    """Down and up again."""
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(16, 3, 2, "same", activation="relu"),
            layers.Conv2D(8, 3, 2, "same", activation="relu"),
            layers.Conv2DTranspose(16, 3, 2, "same", activation="relu"),
            layers.Conv2DTranspose(1, 3, 2, "same", activation="sigmoid"),
        ]
    )
    model.compile("adam", "mse")
    x, _ = digits(8, 8, 1)
    return Given(model, x, x)


class Sample(layers.Layer):
    """Draws from a Gaussian, and adds its divergence to the loss."""

    def __init__(self) -> None:
        super().__init__()
        self.seeds = keras.random.SeedGenerator(17)

    def call(self, pair: Any) -> Any:
        """Return a draw."""
        mean, log = pair
        inner = ops.square(mean) + ops.exp(log) - log - 1
        self.add_loss(0.5 * ops.mean(ops.sum(inner, -1)))
        noise = keras.random.normal(ops.shape(mean), seed=self.seeds)
        return mean + ops.exp(log / 2) * noise


def summed(truth: Any, guess: Any) -> Any:
    """Squared error, summed over pixels."""
    return ops.sum(ops.square(truth - guess), -1)


@listed("variational autoencoder", "array", "its inputs", "summed, add_loss")
def vae() -> Given:
    """A loss function and an added loss."""
    inputs = keras.Input((64,))
    h = layers.Dense(32, "relu")(inputs)
    z = Sample()([layers.Dense(4)(h), layers.Dense(4)(h)])
    made = layers.Dense(64, "sigmoid")(layers.Dense(32, "relu")(z))
    model = keras.Model(inputs, made)
    model.compile("adam", summed)
    x, _ = digits()
    return Given(model, x, x)


class Adversaries(keras.Model):
    """As in Keras's guide: two networks, two optimizers, no loss."""

    def __init__(self) -> None:
        super().__init__()
        self.discriminator = dense(32, out=1, end=None)
        self.generator = dense(32, inputs=8, out=64, end="sigmoid")
        self.seeds = keras.random.SeedGenerator(18)
        self.loss_fn = keras.losses.BinaryCrossentropy(from_logits=True)

    def compile(self, d_optimizer: Any, g_optimizer: Any) -> None:
        """Take two optimizers."""
        super().compile()
        self.d_optimizer, self.g_optimizer = d_optimizer, g_optimizer

    def call(self, x: Any) -> Any:
        """Judge."""
        return self.discriminator(x)

    def train_step(self, real: Any) -> dict[str, Any]:
        """Train both on one batch."""
        n = tf.shape(real)[0]
        noise = keras.random.normal((n, 8), seed=self.seeds)
        both = tf.concat([self.generator(noise), real], 0)
        truth = tf.concat([tf.ones((n, 1)), tf.zeros((n, 1))], 0)
        with tf.GradientTape() as tape:
            d_loss = self.loss_fn(truth, self.discriminator(both))
        weights = self.discriminator.trainable_weights
        self.d_optimizer.apply(tape.gradient(d_loss, weights), weights)
        with tf.GradientTape() as tape:
            fake = self.discriminator(self.generator(noise))
            g_loss = self.loss_fn(tf.zeros((n, 1)), fake)
        weights = self.generator.trainable_weights
        self.g_optimizer.apply(tape.gradient(g_loss, weights), weights)
        return {"d_loss": d_loss, "g_loss": g_loss}


@listed("GAN, own train_step", "array", "none", "two optimizers, no loss")
def gan() -> Given:
    """Two networks against each other."""
    model = Adversaries()
    model.compile(keras.optimizers.Adam(1e-3), keras.optimizers.Adam(1e-3))
    return Given(model, digits()[0])


# Images


def conv(x: Any, n: int, stride: int = 1) -> Any:
    """Convolution, batch norm, ReLU."""
    x = layers.Conv2D(n, 3, stride, "same", use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization()(x))


@listed("convnet, batch norm, dropout", "images", "numbers", "accuracy")
def convnet() -> Given:
    """Two blocks and a dense layer."""
    inputs = keras.Input((8, 8, 1))
    x = layers.MaxPooling2D()(conv(conv(inputs, 16), 16))
    x = layers.Flatten()(layers.MaxPooling2D()(conv(x, 32)))
    x = layers.Dropout(0.5)(layers.Dense(64, "relu")(x))
    model = keras.Model(inputs, layers.Dense(10, "softmax")(x))
    model.compile(
        "adam", "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return Given(model, *digits(8, 8, 1))


@listed("residual, depthwise", "images 0 to 255", "one-hot", "label_smoothing")
def residual() -> Given:
    """Shortcuts round depthwise convolutions, scaled inside."""
    inputs = keras.Input((8, 8, 1))
    x = conv(layers.Rescaling(1 / 255)(inputs), 16)
    for _ in range(3):
        h = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
        h = layers.ReLU()(layers.BatchNormalization()(h))
        h = layers.Conv2D(16, 1, use_bias=False)(h)
        x = layers.Add()([x, layers.BatchNormalization()(h)])
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(x))
    model = keras.Model(inputs, layers.Dense(10, "softmax")(x))
    model.compile(
        keras.optimizers.Adam(3e-3),
        keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
        metrics=["accuracy"],
    )
    x, y = digits(8, 8, 1)
    return Given(model, 255 * x, keras.utils.to_categorical(y, 10))


def coloured(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return digits as RGB images of 32 × 32, within -1 and 1."""
    x, y = digits(8, 8, 1, n=n)
    x = x.repeat(4, 1).repeat(4, 2).repeat(3, 3)
    return 2 * x - 1, y


@listed("MobileNetV2, alpha 0.35", "RGB images", "numbers", "weights=None")
def mobilenet() -> Given:
    """From `keras.applications`, without weights."""
    model = keras.applications.MobileNetV2(
        (32, 32, 3), 0.35, weights=None, classes=10
    )
    model.compile(
        "adam", "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return Given(model, *coloured(200))


@listed("frozen base and a head", "RGB images", "numbers", "base not trained")
def frozen_base() -> Given:
    """Transfer: a base that stays as it is, nested, in inference mode."""
    base = keras.Sequential(name="base")
    base.add(keras.Input((32, 32, 3)))
    for n in (16, 32):
        base.add(layers.Conv2D(n, 3, 2, activation="relu"))
    base.add(layers.GlobalAveragePooling2D())
    base.trainable = False
    inputs = keras.Input((32, 32, 3))
    h = layers.Dense(64, "relu")(base(inputs, training=False))
    model = keras.Model(inputs, layers.Dense(10, "softmax")(h))
    model.compile(
        keras.optimizers.Adam(1e-2),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return Given(model, *coloured(N))


@listed("nested: functional in Sequential", "images", "numbers", "accuracy")
def nested() -> Given:
    """A body within a stack."""
    inputs = keras.Input((8, 8, 1))
    body = keras.Model(inputs, layers.Flatten()(conv(conv(inputs, 8), 16, 2)))
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.RandomTranslation(0.1, 0.1),
            body,
            keras.Sequential([layers.Dense(32, "relu"), layers.Dense(10)]),
            layers.Softmax(),
        ]
    )
    model.compile(
        "adam", "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return Given(model, *digits(8, 8, 1))


@listed("segmentation", "images", "a class for each pixel", "accuracy")
def segmentation() -> Given:
    """One answer a pixel."""
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.Conv2D(3, 1, activation="softmax"),
        ]
    )
    model.compile(
        "adam", "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    x, _ = digits(8, 8, 1)
    return Given(model, x, np.digitize(x[..., 0], [0.2, 0.7]))


@listed("siamese, shared layers", "list of two", "same digit or not", "binary")
def siamese() -> Given:
    """One tower for two inputs."""
    tower = keras.Sequential([layers.Dense(64, "relu"), layers.Dense(16)])
    first, second = keras.Input((64,)), keras.Input((64,))
    apart = layers.Subtract()([tower(first), tower(second)])
    apart = layers.Lambda(ops.abs)(apart)
    model = keras.Model([first, second], layers.Dense(1, "sigmoid")(apart))
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    x, y = digits()
    order = np.random.default_rng(19).permutation(N)
    order[::2] = [np.flatnonzero(y == y[i])[-1] for i in range(0, N, 2)]
    same = (y == y[order]).astype("float32")
    return Given(model, [x, x[order]], same)


# Sequences


@listed("LSTM, Embedding with mask_zero", "padded words", "0 or 1", "accuracy")
def lstm() -> Given:
    """A classifier of sentences."""
    model = keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            layers.Embedding(30, 16, mask_zero=True),
            layers.LSTM(16),
            layers.Dense(1, "sigmoid"),
        ]
    )
    model.compile(
        keras.optimizers.Adam(1e-2),
        "binary_crossentropy",
        metrics=["accuracy"],
    )
    return Given(model, *sentences())


@listed("bidirectional GRU", "padded words", "numbers, (n, 1)", "accuracy")
def gru() -> Given:
    """Two recurrent layers."""
    model = keras.Sequential(
        [
            keras.Input((20,)),
            layers.Embedding(30, 16, mask_zero=True),
            layers.Bidirectional(layers.GRU(16, return_sequences=True)),
            layers.GRU(16),
            layers.Dense(2, "softmax"),
        ]
    )
    model.compile(
        keras.optimizers.Adam(1e-2),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    x, y = sentences()
    return Given(model, x, y.astype("int32")[:, None])


@listed("LSTM, forecast", "series (n, 40, 1)", "the next value", "mse")
def forecast() -> Given:
    """The next value of a wave."""
    model = keras.Sequential(
        [keras.Input((39, 1)), layers.LSTM(16), layers.Dense(1)]
    )
    model.compile(keras.optimizers.Adam(1e-2), "mse", metrics=["mae"])
    x, _ = waves()
    return Given(model, x[:, :-1], x[:, -1])


@listed("Conv1D", "series (n, 40, 1)", "numbers", "accuracy")
def conv1d() -> Given:
    """A classifier of waves."""
    model = keras.Sequential(
        [
            keras.Input((40, 1)),
            layers.Conv1D(16, 5, activation="relu"),
            layers.MaxPooling1D(2),
            layers.Conv1D(32, 5, activation="relu"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(3, "softmax"),
        ]
    )
    model.compile(
        keras.optimizers.Adam(3e-3),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return Given(model, *waves())


class Positions(layers.Layer):
    """Words and their places."""

    def __init__(self, words: int, places: int, width: int) -> None:
        super().__init__()
        self.words = layers.Embedding(words, width)
        self.places = layers.Embedding(places, width)

    def call(self, x: Any) -> Any:
        """Return (n, steps, width)."""
        return self.words(x) + self.places(ops.arange(ops.shape(x)[1]))


@listed("transformer, MultiHeadAttention", "words", "0 or 1", "AdamW")
def transformer() -> Given:
    """Two small blocks."""
    inputs = keras.Input((20,), dtype="int32")
    x = Positions(30, 20, 32)(inputs)
    for _ in range(2):
        h = layers.LayerNormalization()(x)
        x = layers.Add()([x, layers.MultiHeadAttention(2, 16)(h, h)])
        h = layers.LayerNormalization()(x)
        h = layers.Dense(32)(layers.Dense(64, "gelu")(h))
        x = layers.Add()([x, layers.Dropout(0.1)(h)])
    x = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(x))
    model = keras.Model(inputs, layers.Dense(1, "sigmoid")(x))
    model.compile(
        keras.optimizers.AdamW(1e-3),
        "binary_crossentropy",
        metrics=["accuracy"],
    )
    return Given(model, *sentences())


@listed(
    "language model", "words", "the next word, (n, T)", "logits, perplexity"
)
def next_word() -> Given:
    """A class for each step."""
    model = keras.Sequential(
        [
            keras.Input((19,)),
            layers.Embedding(30, 16, mask_zero=True),
            layers.GRU(32, return_sequences=True),
            layers.Dense(30),
        ]
    )
    model.compile(
        keras.optimizers.Adam(1e-2),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        weighted_metrics=["accuracy"],
    )
    x, _ = sentences()
    return Given(model, x[:, :-1], x[:, 1:])
