"""Healthy: optimizers and data; several inputs, nested, shared, frozen."""

from typing import Any

import keras
import numpy as np
from keras import layers
from keras.optimizers import SGD, Adam

from studies.corpus.data import digits, table
from studies.corpus.entry import SPARSE, healthy, stack

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
