"""A variational autoencoder: the KL term falls to 0, all pictures are alike.

The reconstruction is a mean over the pixels, the KL term a sum over the
latents: the second rules. Summing both mends it.
"""

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from studies.cases.case import Case, Network, digits, options


class Sample(layers.Layer):
    """Draws the latents, and adds the KL term to the loss."""

    def __init__(self) -> None:
        super().__init__()
        self.seed = keras.random.SeedGenerator(5)

    def call(self, inputs: list) -> Any:
        """Return the latents."""
        mean, log_variance = inputs
        parts = ops.exp(log_variance) + ops.square(mean) - 1 - log_variance
        self.add_loss(ops.mean(0.5 * ops.sum(parts, axis=1)))
        noise = keras.random.normal(ops.shape(mean), seed=self.seed)
        return mean + ops.exp(0.5 * log_variance) * noise


def summed(y_true: Any, y_pred: Any) -> Any:
    """Return the squares, added over the pixels."""
    return 20 * ops.sum(ops.square(y_true - y_pred), axis=-1)


def network(loss: Any = "mse", **more: Any) -> Network:
    """Return an encoder, the latents and a decoder."""
    inputs = keras.Input((64,))
    h = layers.Dense(64, "relu")(inputs)
    pair = [layers.Dense(8, name=name)(h) for name in ("mean", "log_variance")]
    h = layers.Dense(64, "relu")(Sample()(pair))
    model = keras.Model(inputs, layers.Dense(64, "sigmoid")(h))
    model.compile(keras.optimizers.Adam(0.002), loss, **more)
    x, _ = digits()
    return model, x, x


def mended() -> Network:
    """Return it with both terms added up."""
    return network(summed)


def fixed(line: str) -> Network:
    """Return it after the line."""
    return network(**options(line))


def score(model: keras.Model, x: Any, y: Any) -> float:
    """Share of the variance about the mean picture that is explained."""
    p = model.predict(x, verbose=0)
    return float(1 - np.mean((x - p) ** 2) / np.mean((x - x.mean(0)) ** 2))


CASE = Case(
    source=(
        "https://github.com/AppliedDataSciencePartners/WorldModels/issues/12",
    ),
    broken=network,
    mended=mended,
    fixed=fixed,
    score=score,
    goal=0.3,
    named="penalty",
    fit={"epochs": 40},
)
