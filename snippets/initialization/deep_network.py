"""A deep network whose initializer fits its activation."""

import keras

# activation: the initializer that keeps the signal's size, layer by layer
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
) -> keras.Sequential:
    """Hidden layers of one kind; every layer has an initializer of its own.

    The first layer sees raw inputs, not activations: variance 1/fan_in.
    """
    hidden = [
        keras.layers.Dense(
            width,
            activation,
            kernel_initializer=(
                FITTING[activation](seed=seed)
                if seed
                else keras.initializers.LecunNormal(seed=seed)
            ),
        )
        for seed in range(depth)
    ]
    head = keras.layers.Dense(
        classes,
        "softmax",
        kernel_initializer=keras.initializers.GlorotUniform(seed=depth),
    )
    return keras.Sequential([keras.Input((inputs,)), *hidden, head])
