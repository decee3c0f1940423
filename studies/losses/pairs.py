"""The ends of networks: last layer, loss and labels, fitting or not.

Each is trained on data that needs no download; `studies/losses` keeps what
came out.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import layers, ops
from sklearn.datasets import load_digits

SEEDS, EXAMPLES, BATCH, EPOCHS = 5, 1000, 50, 30
RATE = 0.003  # of Adam


class Pair(NamedTuple):
    """The end of a network, its loss and its labels.

    `score(said, y)` is 1 for the labels and 0 for an answer that knows
    nothing.
    """

    last: Callable[[], list[keras.Layer]]
    loss: Any
    y: np.ndarray
    score: Callable[[np.ndarray, np.ndarray], float]
    x: str = "table"


# How good an answer is


def explained(said: np.ndarray, y: np.ndarray) -> float:
    """Return the share of the labels' variance that the answers explain."""
    y = np.reshape(y, said.shape)
    return float(1 - np.mean((y - said) ** 2) / np.mean((y - y.mean(0)) ** 2))


def above_guessing(found: np.ndarray, y: np.ndarray) -> float:
    """Return how much of what guessing the most frequent misses is right."""
    right = np.mean(found == y)
    columns = y.reshape(len(y), -1).T.astype(int)
    guess = np.mean([np.bincount(c).max() / len(c) for c in columns])
    return float((right - guess) / (1 - guess))


def said_yes(said: np.ndarray, y: np.ndarray) -> float:
    """Score yes or no: one or several outputs, as probabilities."""
    return above_guessing(said > 0.5, np.reshape(y, said.shape))


def said_yes_in_logits(said: np.ndarray, y: np.ndarray) -> float:
    """Score yes or no: outputs as logits."""
    return above_guessing(said > 0, np.reshape(y, said.shape))


def said_class(said: np.ndarray, y: np.ndarray) -> float:
    """Score the largest of several outputs; labels are one-hot or numbers."""
    y = y.argmax(-1) if y.shape == said.shape else y.ravel()
    return above_guessing(said.argmax(-1), y)


def cosine(said: np.ndarray, y: np.ndarray) -> float:
    """Return the mean cosine between answers and labels."""
    unit = [v / np.linalg.norm(v, axis=-1, keepdims=True) for v in (said, y)]
    return float(np.mean(np.sum(unit[0] * unit[1], -1)))


def peak_found(said: np.ndarray, y: np.ndarray) -> float:
    """Return the share of maps whose largest value is at the right place."""
    flat = [part.reshape(len(part), -1).argmax(1) for part in (said, y)]
    return float(np.mean(flat[0] == flat[1]))


# Data, none of which is fetched


def _data() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    draw = np.random.default_rng(0)
    table = draw.standard_normal((EXAMPLES, 8)).astype("float32")
    value = np.tanh(table[:, 0]) + table[:, 1] * table[:, 2] - table[:, 3]
    value = (value - value.mean()) / value.std()
    several = (table @ draw.standard_normal((8, 5))).argmax(1)
    at = draw.integers(2, 14, (EXAMPLES, 2))
    down, across = (np.arange(16) - at.T[..., None]) ** 2
    map_ = np.exp(-(down[:, :, None] + across[:, None]))[..., None]
    noise = 0.3 * draw.standard_normal(map_.shape)
    pixels = load_digits(return_X_y=True)[0][:EXAMPLES] / 16
    kinds = [np.flatnonzero(several == kind) for kind in range(5)]
    alike = [draw.choice(kinds[kind]) for kind in several]
    other = [
        draw.choice(kinds[(kind + draw.integers(1, 5)) % 5]) for kind in several
    ]
    xs = {
        "table": table,
        "triples": np.stack([table, table[alike], table[other]], 1),
        "image": (map_ + noise).astype("float32"),
        "pixels": pixels.astype("float32"),
    }
    ys = {
        "value": value,
        "yes": value > 0.3,
        "class": several,
        "tags": table @ draw.standard_normal((8, 6)) > -1,
        "count": draw.poisson(np.exp(0.7 * value)),
        "rank": np.digitize(value, (-1, 0, 0.7)),
        "map": map_,
        "vector": draw.standard_normal((5, 16))[several],
        "far": 10 * value,
    }
    return xs, {
        name: y if name == "class" else y.astype("float32")
        for name, y in ys.items()
    }


XS, YS = _data()
ONE_HOT = np.eye(5, dtype="float32")[YS["class"]]
ABOVE = (YS["rank"][:, None] > np.arange(3)).astype("float32")
NOTHING = np.zeros(EXAMPLES, "float32")  # a loss that asks for no labels
STANDARD = (XS["pixels"] - XS["pixels"].mean()) / XS["pixels"].std()


# The pairs


def dense(units: int, activation: str | None = None) -> Callable:
    """Return what makes a last layer of `Dense`."""
    return lambda: [layers.Dense(units, activation)]


def map_layer() -> list[keras.Layer]:
    """Return the last layer of a network that marks a place."""
    return [layers.Conv2D(1, 5, padding="same", activation="sigmoid")]


def pinball(y: Any, said: Any) -> Any:
    """Return the loss whose best constant is the nine-tenths quantile."""
    return ops.mean(ops.maximum(0.9 * (y - said), -0.1 * (y - said)), -1)


def where_it_counts(y: Any, said: Any) -> Any:
    """Return squares, a peak's pixels weighted as much as all the others."""
    return ops.mean((1 + 80 * y) * ops.square(y - said), axis=-1)


class OwnSquares(keras.losses.Loss):
    """Squared errors as people write them: no look at the shapes."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the mean over whatever broadcasting makes of it."""
        return ops.mean(ops.square(y_true - y_pred))


class ClippedError(keras.losses.Loss):
    """Squares of errors that were cut off at ±1 first."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return one loss an example."""
        error = ops.clip(y_true - y_pred, -1.0, 1.0)
        return ops.mean(ops.square(error), axis=-1)


def similarity(y: Any, said: Any) -> Any:
    """Return the cosine itself, which falls as answers get worse."""
    return ops.sum(ops.normalize(y) * ops.normalize(said), axis=-1)


def triplets(margin: float) -> Callable:
    """Return the loss of (n, 3, units): anchor, one of its kind, another."""

    def loss(y: Any, said: Any) -> Any:
        """Ask that the other is further away, by the margin."""
        anchor, alike, other = ops.unstack(said, axis=1)
        near = ops.sum(ops.square(anchor - alike), axis=-1)
        far = ops.sum(ops.square(anchor - other), axis=-1)
        return ops.maximum(near - far + margin, 0)

    return loss


def order_kept(said: np.ndarray, y: np.ndarray) -> float:
    """Score triplets: how much more often than not the other is further."""
    anchor, alike, other = np.moveaxis(said, 1, 0)
    near, far = (((anchor - it) ** 2).sum(-1) for it in (alike, other))
    return float(np.mean(near < far) - np.mean(near >= far))


class Sample(layers.Layer):
    """Means and log-variances in, a draw out; adds the KL divergence."""

    def build(self, input_shape: Any) -> None:
        """Make the generator of the noise."""
        self.noise = keras.random.SeedGenerator(5)

    def call(self, inputs: Any) -> Any:
        """Return a draw from each example's normal distribution."""
        mean, log = ops.split(inputs, 2, axis=-1)
        divergence = ops.exp(log) + ops.square(mean) - 1 - log
        self.add_loss(ops.mean(ops.sum(divergence, axis=-1)) / 2)
        noise = keras.random.normal(ops.shape(mean), seed=self.noise)
        return mean + ops.exp(log / 2) * noise


def autoencoder() -> list[keras.Layer]:
    """Return eight latent numbers, and the way back to 64 pixels."""
    return [
        layers.Dense(16),
        Sample(),
        layers.Dense(64, "relu"),
        layers.Dense(64, "sigmoid"),
    ]


def summed(y: Any, said: Any) -> Any:
    """Return the cross-entropy of a picture: the sum over its pixels."""
    each = keras.losses.binary_crossentropy(y[..., None], said[..., None])
    return ops.sum(each, axis=-1)


make = keras.losses
# task → pair, in the order of the table
FITS = {
    "two classes": Pair(
        dense(1, "sigmoid"), "binary_crossentropy", YS["yes"], said_yes
    ),
    "two classes, as logits": Pair(
        dense(1),
        make.BinaryCrossentropy(from_logits=True),
        YS["yes"],
        said_yes_in_logits,
    ),
    "several classes": Pair(
        dense(5, "softmax"),
        "sparse_categorical_crossentropy",
        YS["class"],
        said_class,
    ),
    "several classes, as logits": Pair(
        dense(5),
        make.SparseCategoricalCrossentropy(from_logits=True),
        YS["class"],
        said_class,
    ),
    "several classes, one-hot": Pair(
        dense(5, "softmax"), "categorical_crossentropy", ONE_HOT, said_class
    ),
    "several at once": Pair(
        dense(6, "sigmoid"), "binary_crossentropy", YS["tags"], said_yes
    ),
    "ordered classes": Pair(
        dense(3, "sigmoid"), "binary_crossentropy", ABOVE, said_yes
    ),
    "numbers": Pair(dense(1), "mse", YS["value"], explained),
    "numbers with outliers": Pair(dense(1), make.Huber(), YS["far"], explained),
    "counts": Pair(dense(1, "exponential"), "poisson", YS["count"], explained),
    "values from 0 to 1": Pair(
        dense(64, "sigmoid"),
        "binary_crossentropy",
        XS["pixels"],
        explained,
        "pixels",
    ),
    "a place on a map": Pair(
        map_layer, where_it_counts, YS["map"], peak_found, "image"
    ),
    "embeddings from triplets": Pair(
        dense(4), triplets(1.0), NOTHING, order_kept, "triples"
    ),
    "a variational autoencoder": Pair(
        autoencoder, summed, XS["pixels"], explained, "pixels"
    ),
    "directions": Pair(dense(16), "cosine_similarity", YS["vector"], cosine),
}
# fault → the task that it spoils, and the pair
FAULTS = {
    "one unit, categorical": Pair(
        dense(1, "sigmoid"),
        "categorical_crossentropy",
        YS["yes"][:, None],
        said_yes,
    ),
    "one unit, softmax": Pair(
        dense(1, "softmax"), "binary_crossentropy", YS["yes"][:, None], said_yes
    ),
    "standardized targets": Pair(
        dense(64, "sigmoid"),
        "binary_crossentropy",
        STANDARD,
        explained,
        "pixels",
    ),
    "softmax over tags": Pair(
        dense(6, "softmax"), "categorical_crossentropy", YS["tags"], said_yes
    ),
    "(n,) against (n, 1)": Pair(dense(1), OwnSquares(), YS["value"], explained),
    "linear counts": Pair(dense(1), "poisson", YS["count"], explained),
    "ReLU for negatives": Pair(dense(1, "relu"), "mse", YS["value"], explained),
    "tanh for large numbers": Pair(
        dense(1, "tanh"), "mse", YS["far"], explained
    ),
    "map, plain squares": Pair(
        map_layer, "mse", YS["map"], peak_found, "image"
    ),
    "cosine without minus": Pair(dense(16), similarity, YS["vector"], cosine),
    "a mean against a sum": Pair(
        autoencoder, "binary_crossentropy", XS["pixels"], explained, "pixels"
    ),
    "error cut off": Pair(
        dense(1), ClippedError(), YS["far"][:, None], explained
    ),
}


def network(pair: Pair, seed: int) -> keras.Model:
    """Return a compiled network of two hidden layers that ends so."""
    keras.utils.set_random_seed(seed)
    x = XS[pair.x]
    if pair.x == "image":
        hidden = [layers.Conv2D(8, 5, padding="same", activation="relu")]
    else:
        hidden = [layers.Dense(64, "relu") for _ in range(2)]
    model = keras.Sequential([keras.Input(x.shape[1:]), *hidden, *pair.last()])
    model.compile(
        keras.optimizers.Adam(RATE), pair.loss,
        steps_per_execution=EXAMPLES // BATCH,
    )  # fmt: skip
    return model


def train(
    pair: Pair, x: np.ndarray, seeds: int = SEEDS
) -> tuple[np.ndarray, list[float]]:
    """Train from some seeds; returns losses (seeds, epochs) and scores.

    One compiled model: `fit` is traced once.
    """
    model = network(pair, 0)
    model.optimizer.build(model.trainable_variables)
    start = [v.numpy() for v in model.optimizer.variables]
    curves, scores = [], []
    for seed in range(seeds):
        model.set_weights(network(pair, seed).get_weights())
        for variable, value in zip(
            model.optimizer.variables, start, strict=True
        ):
            variable.assign(value)
        keras.utils.set_random_seed(seed)
        run = model.fit(x, pair.y, BATCH, EPOCHS, verbose=0)
        curves.append(run.history["loss"])
        said = keras.ops.convert_to_numpy(model(x, training=False))
        scores.append(pair.score(said, pair.y))
    return np.array(curves), scores
