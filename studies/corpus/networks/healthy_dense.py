"""Healthy: dense layers; heads, losses and labels of every kind."""

from typing import Any

import keras
import numpy as np
from keras import initializers, layers, ops
from keras.optimizers import SGD, Adam, RMSprop

from studies.corpus.data import digits, parity, table
from studies.corpus.entry import SPARSE, healthy, stack

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
