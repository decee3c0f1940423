"""Broken: the data, the labels, the head and its loss."""

from typing import Any

import keras
import numpy as np
from keras import layers, ops
from keras.optimizers import SGD, Adam

from studies.corpus.data import digits, parity, table
from studies.corpus.entry import SPARSE, broken, stack

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
