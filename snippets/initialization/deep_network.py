"""A deep network whose initializer fits its activation."""

import keras

# activation: the initializer that was derived for it
FITTING = {
    "relu": keras.initializers.HeNormal,
    "tanh": keras.initializers.GlorotUniform,
    "selu": keras.initializers.LecunNormal,
}


def deep_network(
    inputs: int,
    classes: int,
    activation: str = "tanh",
    depth: int = 30,
    width: int = 100,
    seed: int = 0,
) -> keras.Sequential:
    """Hidden layers of one kind; every kernel has a seed of its own.

    The first layer sees raw inputs, not activations: variance 1/fan_in.
    Another `seed` gives another network.
    """
    number = (depth + 1) * seed  # of the first kernel, over all seeds
    hidden = []
    for layer in range(depth):
        kind = FITTING[activation] if layer else keras.initializers.LecunNormal
        kernel = kind(seed=number + layer)
        hidden.append(
            keras.layers.Dense(width, activation, kernel_initializer=kernel)
        )
    last = keras.initializers.GlorotUniform(seed=number + depth)
    head = keras.layers.Dense(classes, "softmax", kernel_initializer=last)
    return keras.Sequential([keras.Input((inputs,)), *hidden, head])
