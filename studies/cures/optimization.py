"""Bad starts and high rates, by what clipping, ε and a warm-up do to them."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

from snippets.side_by_side import SideBySide
from snippets.unstable_gradients.deep_classifier import deep_classifier
from studies.cures.normalization import stack
from studies.cures.training import SEEDS, summary, train

WIDE = partial(keras.initializers.RandomNormal, 0.0, 0.2)
GLOROT = keras.initializers.GlorotUniform
Optimizer = Callable[[], keras.optimizers.Optimizer]


class ClippedSGD(keras.optimizers.SGD):  # type: ignore[misc]
    """Keras's clipping for runs side by side: each by its own norms."""

    def _clip_gradients(self, grads: list[tf.Tensor]) -> list[tf.Tensor]:
        clipped: list[tf.Tensor] = tf.vectorized_map(
            super()._clip_gradients, grads
        )
        return clipped


@cache
def digits() -> tuple[np.ndarray, np.ndarray]:
    """Return the 1,797 digits, divided by 16, and their labels."""
    x, y = load_digits(return_X_y=True)
    return (x / 16).astype("float32"), y


def trained(
    activation: str,
    initializer: Callable[..., keras.Initializer],
    depth: int,
    optimizer: Optimizer,
    rates: tuple[float, ...],
    updates: int,
) -> dict[str, Any]:
    """Return, by rate and seed: right digits, the first NaN; (rates, seeds).

    "right" is the share of all digits after the last update, "nan" the
    update of the first loss that is not finite, or 0.
    """
    x, y = digits()
    models = [
        deep_classifier(activation, initializer, depth, seed=seed)
        for seed in range(SEEDS)
    ]
    starts, model = [m.get_weights() for m in models], models[0]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer(), loss)
    together = SideBySide(model)
    found: dict[str, Any] = {"rates": list(rates), "right": [], "nan": []}
    for rate in rates:
        bad = ~np.isfinite(together.train(starts, x, y, updates, rate=rate))
        right = []
        for weights in together.weights:
            model.set_weights(weights)
            logits = model(x).numpy()
            hits = (logits.argmax(1) == y) & np.isfinite(logits).all(1)
            right.append(round(float(hits.mean()), 3))
        found["right"].append(right)
        first = np.where(bad.any(1), bad.argmax(1) + 1, 0)
        found["nan"].append(first.tolist())
    return found


def warmed(depth: int, adam: bool, warm_up: int) -> dict[str, Any]:
    """Train layers of ReLU, He init, with or without a warm-up."""
    rates = (0.003, 0.01, 0.03) if adam else (0.03, 0.1, 0.3)
    run = train(stack("relu", "none", depth), rates, adam=adam, warm_up=warm_up)
    return {"rates": list(rates), **summary(run)}


WAYS: dict[str, Optimizer] = {
    "unclipped": ClippedSGD,
    "clipvalue": partial(ClippedSGD, clipvalue=1.0),
    "clipnorm": partial(ClippedSGD, clipnorm=1.0),
    "global_clipnorm": partial(ClippedSGD, global_clipnorm=1.0),
}
CELLS: dict[str, Callable[[], dict[str, Any]]] = {
    **{
        f"N(0, 0.2²), {way}": partial(
            trained, "relu", WIDE, 20, optimizer, (0.0003, 0.003, 0.03), 300
        )
        for way, optimizer in WAYS.items()
    },
    "N(0, 0.2²), Adam": partial(
        trained, "relu", WIDE, 20, keras.optimizers.Adam, (0.0003, 0.003), 300
    ),
    **{
        f"sigmoids, epsilon {epsilon:g}": partial(
            trained, "sigmoid", GLOROT, 10,
            partial(keras.optimizers.Adam, epsilon=epsilon),
            (0.0003, 0.001, 0.003), 600,
        )
        for epsilon in (1e-7, 1e-10)
    },
    **{
        f"{name}, {depth} layers, warm-up {warm_up}": partial(
            warmed, depth, name == "Adam", warm_up
        )
        for depth in (10, 20)
        for name in ("SGD", "Adam")
        for warm_up in (0, 60)
    },
}  # fmt: skip
