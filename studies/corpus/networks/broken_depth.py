"""Broken: signal or gradient lost, weights that do not fit, dead units."""

from typing import Any

import keras
import numpy as np
from keras import initializers, layers
from keras.optimizers import SGD, Adam

from studies.corpus.data import digits, parity, table
from studies.corpus.entry import SPARSE, broken, stack

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
