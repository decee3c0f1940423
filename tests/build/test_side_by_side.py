"""Networks that are trained at once say what each says alone."""

import keras
import numpy as np
import pytest

from snippets.first_checks.learning_rates import learning_rates
from snippets.first_checks.one_batch import one_batch
from snippets.side_by_side import SideBySide
from snippets.unstable_gradients.loss_curve import loss_curve

SEEDS = (3, 0, 7)


def network(optimizer, seed=0):
    """Dense layers, one with batch norm: its means are no weights."""
    drawn = [keras.initializers.HeNormal(seed=10 * seed + n) for n in range(3)]
    model = keras.Sequential([
        keras.Input((6,)),
        keras.layers.Dense(8, "relu", kernel_initializer=drawn[0]),
        keras.layers.Dense(8, use_bias=False, kernel_initializer=drawn[1]),
        keras.layers.BatchNormalization(),
        keras.layers.ReLU(),
        keras.layers.Dense(4, kernel_initializer=drawn[2]),
    ])  # fmt: skip
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, metrics=["accuracy"])
    return model


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(90, 6)).astype("float32"), rng.integers(4, size=90)


def adam(rate):
    """With Keras's epsilon a gradient that is all rounding makes a step."""
    return keras.optimizers.Adam(rate, epsilon=1e-3)


@pytest.mark.parametrize("optimizer", [keras.optimizers.SGD, adam])
def test_runs_are_what_they_are_alone(data, optimizer):
    """Losses and all weights, batch norm's too, after 12 updates."""
    x, y = data
    starts = [network("sgd", seed).get_weights() for seed in SEEDS]
    labels = np.stack([np.roll(y, run) for run in range(3)])
    together = SideBySide(network(optimizer(0.5)))
    together.train(starts, x, labels[::-1], 5, seeds=SEEDS)  # leaves no trace
    losses = together.train(
        starts, x, labels, 12, batch=20, seeds=SEEDS, rate=0.1
    )
    assert losses.shape == (3, 12)
    assert np.ptp(losses[:, -1]) > 0.01
    for run, seed in enumerate(SEEDS):
        alone = network(optimizer(0.1))
        alone.set_weights(starts[run])
        told = loss_curve(alone, x, labels[run], 12, batch=20, seed=seed)
        assert losses[run] == pytest.approx(told, rel=1e-4)
        ends = zip(together.weights[run], alone.get_weights(), strict=True)
        for one, other in ends:
            assert one == pytest.approx(other, abs=1e-4)


def test_the_probes_say_the_same(data):
    """`one_batch` and `learning_rates`: their numbers are measured at once."""
    x, y = data
    model = network(keras.optimizers.SGD(0.1))
    start, together = [model.get_weights()], SideBySide(model)
    heart = together.train(start, x[:50], y[:50], 4)[0]
    rates = [0.01, 1.0]
    means = [
        together.train(start, x, y, 25, rate=rate)[0, -20:].mean()
        for rate in rates
    ]
    told = learning_rates(model, x, y, rates, updates=25)
    assert told == pytest.approx(means, rel=1e-3)
    told = one_batch(model, x[:50], y[:50], updates=4)
    assert told == pytest.approx(heart[-1], rel=1e-4)
