"""A deep classifier for 64 inputs and ten classes, ends in logits."""

from collections.abc import Callable

import keras


def deep_classifier(
    activation: str,
    initializer: Callable[..., keras.Initializer],
    depth: int = 30,
    width: int = 100,
    seed: int = 0,
) -> keras.Sequential:
    """`initializer` fills the hidden kernels; each gets a seed of its own.

    The first layer sees raw inputs and the head gives logits: their
    initializers are fixed, LeCun and Glorot.
    """
    first = keras.initializers.LecunNormal(seed=1000 * seed)
    head = keras.initializers.GlorotUniform(seed=1000 * seed + depth)
    layers = [
        keras.layers.Dense(
            width,
            activation,
            kernel_initializer=(
                initializer(seed=1000 * seed + layer) if layer else first
            ),
        )
        for layer in range(depth)
    ]
    return keras.Sequential(
        [
            keras.Input((64,)),
            *layers,
            keras.layers.Dense(10, kernel_initializer=head),
        ]
    )
