"""A GAN: the discriminator is frozen before it is compiled; its loss stays.

It was frozen for the stack, and nobody thawed it. Compiling it while it is
trainable mends it.
"""

from typing import Any

import keras
import numpy as np
from keras import layers

from studies.cases.case import Case, Network, binary, digits


def parts() -> tuple[keras.Model, keras.Model]:
    """Return generator and discriminator."""
    critic = keras.Sequential(
        [
            keras.Input((64,)),
            layers.Dense(64),
            layers.LeakyReLU(),
            layers.Dense(1, "sigmoid"),
        ]
    )
    maker = keras.Sequential(
        [
            keras.Input((16,)),
            layers.Dense(64, "relu"),
            layers.Dense(64, "sigmoid"),
        ]
    )
    return maker, critic


def real_and_fake(maker: keras.Model) -> tuple[np.ndarray, np.ndarray]:
    """Return digits and what the generator makes, and which is which."""
    x, _ = digits(n=500)
    noise = np.random.default_rng(1).standard_normal((500, 16))
    both = np.concatenate([x, np.asarray(maker(noise.astype("float32")))])
    label = np.repeat([1.0, 0.0], 500).astype("float32")[:, None]
    order = np.random.default_rng(2).permutation(1000)
    return both[order], label[order]


def compiled(model: keras.Model) -> keras.Model:
    """Return it with the optimizer of the recipe."""
    adam = keras.optimizers.Adam(2e-4, beta_1=0.5)
    model.compile(adam, "binary_crossentropy")
    return model


def broken() -> Network:
    """Return the discriminator as it was asked about."""
    maker, critic = parts()
    critic.trainable = False
    z = keras.Input((16,))
    compiled(keras.Model(z, critic(maker(z))))
    return compiled(critic), *real_and_fake(maker)


def mended() -> Network:
    """Return the discriminator, compiled while it is trainable."""
    maker, critic = parts()
    return compiled(critic), *real_and_fake(maker)


def stack() -> Network:
    """Return the healthy stack, in which the discriminator rests."""
    maker, critic = parts()
    critic.trainable = False
    z = keras.Input((16,))
    gan = compiled(keras.Model(z, critic(maker(z))))
    noise = np.random.default_rng(3).standard_normal((500, 16))
    return gan, noise.astype("float32"), np.ones((500, 1), "float32")


def fixed(line: str) -> Network:
    """Return it after the line."""
    model, x, y = broken()
    exec(line, {"model": model})
    return compiled(model), x, y


def score(model: keras.Model, x: Any, y: Any) -> float:
    """Share of the pictures that are told apart."""
    return binary(model, x, y)


CASE = Case(
    source=(
        "https://github.com/0b01/SimGAN-Captcha/issues/4",
        "https://github.com/eriklindernoren/Keras-GAN/issues/91",
    ),
    broken=broken,
    mended=mended,
    fixed=fixed,
    score=score,
    goal=0.95,
    named="set model.trainable",
)
