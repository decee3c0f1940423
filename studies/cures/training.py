"""Train copies of one network at once: five seeds at several rates.

A network is a function of its weights, a dict of arrays with a leading axis
of runs. Runs share nothing but the program.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

SEEDS, EXAMPLES, BATCH, UPDATES = 5, 1500, 50, 300
Weights = dict[str, Any]


class Network(NamedTuple):
    """`draw` gives the weights of one seed, `logits` the answers.

    `logits(weights, x)` takes x (runs, batch, 64), gives (runs, batch, 10).
    `frozen` names weights that are not trained.
    """

    draw: Callable[[np.random.Generator], dict[str, np.ndarray]]
    logits: Callable[[Weights, tf.Tensor], tf.Tensor]
    frozen: tuple[str, ...] = ()


def split(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return 1,500 digits within 0 and 1, and their labels."""
    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype("float32")
    x, _, y, _ = train_test_split(
        x, y, train_size=EXAMPLES, stratify=y, random_state=seed
    )
    return x, y.astype("int32")


def batches(updates: int, batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Return x (updates, seeds, batch, 64) and y; each epoch in new order."""
    chosen = []
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        x, y = split(seed)
        epochs = -(-updates * batch // EXAMPLES)
        order = np.concatenate(
            [rng.permutation(EXAMPLES) for _ in range(epochs)]
        )[: updates * batch]
        chosen.append(
            (x[order].reshape(updates, batch, -1),
             y[order].reshape(updates, batch))
        )  # fmt: skip
    xs, ys = zip(*chosen, strict=True)
    return np.stack(xs, 1), np.stack(ys, 1)


def start(network: Network, rates: int) -> Weights:
    """Return variables of all runs: rate by rate, the seeds in each."""
    drawn = [network.draw(np.random.default_rng(s)) for s in range(SEEDS)]
    return {
        name: tf.Variable(
            np.tile(
                np.stack([w[name] for w in drawn]).astype("float32"),
                (rates, *[1] * drawn[0][name].ndim),
            )
        )
        for name in drawn[0]
    }


def train(
    network: Network,
    rates: tuple[float, ...],
    updates: int = UPDATES,
    batch: int = BATCH,
    adam: bool = False,
    warm_up: int = 0,
    watch: str = "",
) -> dict[str, np.ndarray]:
    """Return "losses" and "right" (rates, seeds, updates), before each.

    Plain SGD, or Adam as Keras has it. With `warm_up` the rate rises to its
    value over so many updates. `watch` names a weight: "step" is then the
    norm of each of its steps, as a share of its own norm.
    """
    x, y = batches(updates, batch)
    weights = start(network, len(rates))
    names = [name for name in weights if name not in network.frozen]
    runs = len(rates) * SEEDS
    rate = tf.constant(np.repeat(rates, SEEDS), tf.float32)
    means = {n: tf.Variable(tf.zeros_like(weights[n])) for n in names}
    squares = {n: tf.Variable(tf.zeros_like(weights[n])) for n in names}

    def one(x: Any, y: Any, number: Any) -> Any:
        x = tf.tile(x, (len(rates), 1, 1))
        y = tf.tile(y, (len(rates), 1))
        with tf.GradientTape() as tape:
            logits = network.logits(weights, x)
            losses = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits), 1
            )
            total = tf.reduce_sum(losses)  # each run's gradient is its own
        gradients = tape.gradient(total, [weights[n] for n in names])
        now = rate * (tf.minimum(1.0, number / warm_up) if warm_up else 1.0)
        share = tf.zeros(runs)
        for name, gradient in zip(names, gradients, strict=True):
            if gradient is None:
                continue
            step = gradient
            if adam:
                means[name].assign(0.9 * means[name] + 0.1 * gradient)
                squares[name].assign(
                    0.999 * squares[name] + 0.001 * gradient**2
                )
                unbias = tf.sqrt(1 - 0.999**number) / (1 - 0.9**number)
                root = tf.sqrt(squares[name]) + 1e-7
                step = unbias * means[name] / root
            axes = (runs, *[1] * (len(step.shape) - 1))
            step *= tf.reshape(now, axes)
            if name == watch:
                at = list(range(1, len(step.shape)))
                norm = tf.sqrt(tf.reduce_sum(weights[name] ** 2, at))
                share = tf.sqrt(tf.reduce_sum(step**2, at)) / norm
            weights[name].assign_sub(step)
        hits = tf.equal(tf.argmax(logits, -1, tf.int32), y)
        finite = tf.reduce_all(tf.math.is_finite(logits), (1, 2))
        right = tf.reduce_mean(tf.cast(hits, tf.float32), 1)
        return losses, tf.where(finite, right, 0.0), share

    update = tf.function(one, jit_compile=True)
    seen = [
        update(x[at], y[at], tf.constant(at + 1.0)) for at in range(updates)
    ]
    names_of = ("losses", "right", "step")
    return {
        what: np.stack([s.numpy() for s in values], -1).reshape(
            len(rates), SEEDS, updates
        )
        for what, values in zip(names_of, zip(*seen, strict=True), strict=True)
    }


def summary(run: dict[str, np.ndarray], batch: int = BATCH) -> dict[str, Any]:
    """Return what stays in the table, (rates, seeds) each.

    "right": share of the last 1,500 examples; "reached": updates until 90 %
    of 1,500 successive examples were right, looked at every 1,500, 0 where
    it was not; "nan": update of the first loss that is not finite, or 0.
    """
    epoch = EXAMPLES // batch
    rates, seeds, updates = run["right"].shape
    by_epoch = run["right"][..., : updates // epoch * epoch]
    by_epoch = by_epoch.reshape(rates, seeds, -1, epoch).mean(-1)
    enough, bad = by_epoch >= 0.9, ~np.isfinite(run["losses"])

    def first(flags: np.ndarray, unit: int) -> np.ndarray:
        return np.where(flags.any(-1), (flags.argmax(-1) + 1) * unit, 0)

    return {
        "right": by_epoch[..., -1].astype(float).round(3).tolist(),
        "reached": first(enough, epoch).tolist(),
        "nan": first(bad, 1).tolist(),
    }
