"""The claims of the chapter `first_checks`, on what was measured."""

import warnings

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits

from snippets.first_checks.build import build
from snippets.first_checks.learning_rates import learning_rates
from snippets.first_checks.one_batch import one_batch

LN10 = np.log(10)  # 2.303


def last(losses):
    """Average the last 20 losses of each of five seeds."""
    assert len(losses) == 5
    return losses[:, -20:].mean(1)


def test_the_sound_network_trains(measured):
    assert np.all(last(measured("first_checks", "losses")["sound"]) < 0.5)


def test_first_loss_far_above_ln_10_means_unscaled_inputs(measured):
    probes = measured("first_checks", "probes")
    assert np.all(np.abs(probes["first loss, sound"] - LN10) < 0.4)
    assert np.all(probes["first loss, pixels up to 255"] > 20 * LN10)
    losses = measured("first_checks", "losses")
    broken, mended = losses["pixels up to 255"], losses["sound"]
    assert not np.isfinite(broken[:, 9:]).any()
    assert np.all(last(mended) < 0.5)


def test_logits_taken_for_probabilities_do_not_train(measured):
    losses = measured("first_checks", "losses")
    assert np.all(losses["neither"][:, 0] > 1.5 * LN10)
    assert np.all(last(losses["neither"]) > LN10)
    assert np.all(last(losses["sound"]) < 0.5)


def test_a_softmax_under_from_logits_cannot_pass_1_46(measured):
    losses = measured("first_checks", "losses")
    assert np.log(np.e + 9) - 1 == pytest.approx(1.46, abs=0.005)
    assert np.all(losses["both"] > np.log(np.e + 9) - 1)
    assert np.all(last(losses["both"]) < LN10 - 0.2)  # it does learn
    assert np.all(last(losses["both"]) > 3 * last(losses["sound"]))
    assert np.all(last(losses["sound"]) < 0.5)


def test_keras_repairs_a_softmax_that_comes_last():
    x, y = load_digits(return_X_y=True)
    x, y = (x[:50] / 16).astype("float32"), y[:50]
    for seed in range(5):
        logits = build(seed=seed).test_on_batch(x, y)
        with pytest.warns(UserWarning, match="from_logits=True"):
            last = build(ending="softmax", seed=seed).test_on_batch(x, y)
        assert last == pytest.approx(logits, rel=1e-5)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        hidden = build(ending="averaged", seed=0).test_on_batch(x, y)
    assert abs(hidden - build(seed=0).test_on_batch(x, y)) > 0.03


def test_the_factor_tells_a_dead_signal(measured):
    probes = measured("first_checks", "probes")
    broken = probes["factor, ReLU, Glorot, 20 layers"]
    assert broken == pytest.approx(0.7, abs=0.05)
    assert np.all(broken**20 < 2e-3)
    mended = probes["factor, ReLU, He, 20 layers"]
    assert np.all((mended > 0.9) & (mended < 1.1))


def test_a_flat_loss_is_mended_by_the_initializer(measured):
    losses = measured("first_checks", "losses")
    assert np.abs(losses["ReLU, Glorot, 20 layers"] - LN10).max() < 0.05
    assert np.all(last(losses["ReLU, He, 20 layers"]) < 1.5)


def test_wide_weights_are_not_a_number_at_once(measured):
    probes = measured("first_checks", "probes")
    assert probes["factor, N(0, 1)"].mean() == pytest.approx(7, abs=0.4)
    losses = measured("first_checks", "losses")
    assert np.all(losses["N(0, 1)"][:, 0] > 500)
    assert not np.isfinite(losses["N(0, 1)"][:, 9:]).any()
    assert np.all(last(losses["sound"]) < 0.5)


def test_a_rate_of_10_is_not_a_number_after_some_updates(measured):
    losses = measured("first_checks", "losses")
    assert np.all(np.abs(losses["rate 10"][:, 0] - LN10) < 0.5)
    assert not np.isfinite(losses["rate 10"][:, 9:]).any()
    assert np.all(last(losses["sound"]) < 0.5)


def test_the_learning_rate_has_a_window(measured):
    window = measured("first_checks", "rates")
    rates, losses = window["rates"], window["losses"]
    assert len(losses) == 5
    assert np.all(losses[:, rates < 0.004] > 2)  # up to 10**-2.5, 0.003
    assert np.all(losses[:, (rates > 0.03) & (rates < 0.11)] < 1)
    best, next_up = losses[:, 4], losses[:, 5]
    assert rates[4:6] == pytest.approx([0.1, 0.316], rel=0.01)
    assert np.all(next_up > 1.2 * best)
    wild = losses[:, rates > 0.9]
    assert not (wild < 0.9 * LN10).any()  # NaN is not below either
    assert not np.isfinite(wild[:, -1]).any()


def test_zero_kernels_cannot_learn_one_batch(measured):
    probes = measured("first_checks", "probes")
    assert np.all(probes["one batch, zeros"] > 2)
    assert np.all(probes["one batch, sound"] < 0.1)


def test_one_batch_does_not_see_wrong_labels_and_class_means_do(measured):
    probes = measured("first_checks", "probes")
    assert np.all(probes["one batch, shuffled"] < 0.2)
    assert np.all(probes["class means, shuffled"] < 0.15)
    assert np.all(probes["class means, sound"] > 0.85)


def test_the_probes_leave_the_network_as_it_was():
    x, y = load_digits(return_X_y=True)
    x, y = (x[:50] / 16).astype("float32"), y[:50]
    model = build()
    model.compile(keras.optimizers.Adam(0.02), model.loss)
    before = model.get_weights()
    one_batch(model, x, y, updates=2)
    learning_rates(model, x, y, [0.1, 1.0], updates=2)
    for was, now in zip(before, model.get_weights(), strict=True):
        assert np.array_equal(was, now)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.02)


def test_too_many_dead_units_are_mended_by_a_lower_rate(measured):
    damage = measured("dead_units", "damage")
    killed, _ = damage["by rate"][:, 3]
    _, accuracy = damage["actions"]["all started again"]
    assert np.all(killed > 0.8)
    assert np.all(measured("first_checks", "probes")["dead, sound"] < 0.15)
    assert np.all(accuracy > 0.9)


def test_a_pinned_network_lags_behind_a_free_one(measured):
    probes = measured("first_checks", "probes")
    assert np.all(probes["pinned, tanh, N(0, 1)"] > 0.75)
    assert np.all(probes["pinned, tanh, Glorot"] < 0.01)
    losses = measured("first_checks", "losses")
    free = last(losses["tanh, Glorot"])
    assert free.max() < last(losses["tanh, N(0, 1)"]).min() / 2
    assert np.all(free < 0.5)


def test_five_layers_hide_what_twenty_show(measured):
    losses = measured("first_checks", "losses")
    assert np.all(last(losses["ReLU, Glorot, 5 layers"]) < 0.6)
    assert np.all(np.abs(last(losses["ReLU, Glorot, 20 layers"]) - LN10) < 0.05)


def test_tanh_fits_the_default_at_twenty_layers(measured):
    losses = measured("first_checks", "losses")
    tanh = last(losses["tanh, Glorot, 20 layers"])
    assert np.all(tanh < 0.7)
    assert tanh.max() < last(losses["ReLU, He, 20 layers"]).min()
    factor = measured("first_checks", "probes")[
        "factor, tanh, Glorot, 20 layers"
    ]
    assert np.all((factor > 0.9) & (factor < 1.1))


def test_a_changed_initializer_stops_tanh(measured):
    probes = measured("first_checks", "probes")
    narrow = probes["factor, tanh, N(0, 0.05²), 20 layers"]
    assert narrow == pytest.approx(0.5, abs=0.03)
    losses = measured("first_checks", "losses")
    changed = losses["tanh, N(0, 0.05²), 20 layers"]
    assert np.abs(changed - LN10).max() < 0.05
    assert np.all(last(losses["tanh, Glorot, 20 layers"]) < 0.7)


def test_two_instances_part_the_branches(measured):
    difference = measured("initialization", "branches")
    assert len(difference["two"]) == 5
    assert np.all(difference["one instance"] == 0)
    assert np.all(difference["two"] > 0.1)
