"""A deep network with batch norm in front of each activation."""

import keras


def batch_normalized(
    inputs: int,
    classes: int,
    activation: str = "relu",
    depth: int = 10,
    width: int = 100,
    seed: int = 0,
) -> keras.Sequential:
    """Dense without bias, batch norm, activation; ends in logits."""
    layers: list[keras.layers.Layer] = []
    for layer in range(depth):
        kernel = keras.initializers.HeNormal(seed=1000 * seed + layer)
        layers += [
            keras.layers.Dense(
                width, use_bias=False, kernel_initializer=kernel
            ),
            keras.layers.BatchNormalization(),
            keras.layers.Activation(activation),
        ]
    head = keras.initializers.GlorotUniform(seed=1000 * seed + depth)
    return keras.Sequential(
        [
            keras.Input((inputs,)),
            *layers,
            keras.layers.Dense(classes, kernel_initializer=head),
        ]
    )
