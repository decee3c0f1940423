"""Healthy: convolutions, norms, shortcuts, recurrent, attending."""

from typing import Any

import keras
import numpy as np
from keras import initializers, layers, ops
from keras.optimizers import SGD, Adam

from studies.corpus.data import digits, recall, words
from studies.corpus.entry import SPARSE, healthy, stack, transformer

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
