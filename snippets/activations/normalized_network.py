"""A deep network that brings every layer back to size 1 by itself."""

import keras


def normalized_network(
    inputs: int,
    classes: int,
    activation: str = "gelu",
    depth: int = 30,
    width: int = 100,
    seed: int = 0,
) -> keras.Sequential:
    """Dense, then layer normalization, then the activation; ends in logits."""
    layers: list[keras.layers.Layer] = []
    for layer in range(depth):
        kernel = keras.initializers.HeNormal(seed=1000 * seed + layer)
        layers += [
            keras.layers.Dense(width, kernel_initializer=kernel),
            keras.layers.LayerNormalization(),
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
