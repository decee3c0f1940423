"""Broken: the step; recurrent; norms, shortcuts, attention, precision."""

import keras
from keras import layers
from keras.optimizers import SGD, Adam

from studies.corpus.data import digits, parity, recall, table
from studies.corpus.entry import SPARSE, broken, stack, transformer

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
    "penalty",
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
