"""Small networks for the digits, sound or with a fault of your choice."""

from collections.abc import Callable

import keras


def build(
    activation: str = "relu",
    initializer: Callable[..., keras.Initializer] = keras.initializers.HeNormal,
    depth: int = 5,
    rate: float = 0.1,
    ending: str = "logits",
    from_logits: bool = True,
    seed: int = 0,
) -> keras.Sequential:
    """Return a compiled network with hidden layers of 100 units, SGD.

    `ending` is "logits", "softmax", or "averaged" for a softmax that is
    followed by one more layer, as in an ensemble.
    """
    glorot = keras.initializers.GlorotUniform(seed=1000 * seed + depth)
    head = [keras.layers.Dense(10, kernel_initializer=glorot)]
    if ending != "logits":
        head.append(keras.layers.Softmax())
    if ending == "averaged":
        head += [keras.layers.Reshape((1, 10))]
        head += [keras.layers.GlobalAveragePooling1D()]  # over one member
    lecun = keras.initializers.LecunNormal(seed=1000 * seed)
    hidden = [
        keras.layers.Dense(
            100,
            activation,
            kernel_initializer=(
                initializer(seed=1000 * seed + layer) if layer else lecun
            ),
        )
        for layer in range(depth)
    ]
    model = keras.Sequential([keras.Input((64,)), *hidden, *head])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits)
    model.compile(keras.optimizers.SGD(rate), loss)
    return model
