"""The claims of the chapter `first_checks`, on what was measured."""

import json
import random
import warnings

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits

from snippets.first_checks.build import build
from snippets.first_checks.first_checks import first_checks
from snippets.first_checks.learning_rates import learning_rates
from snippets.first_checks.one_batch import one_batch
from snippets.unstable_gradients.deep_classifier import deep_classifier
from snippets.which.figures import QUESTIONS, TABLE
from studies.causes.__main__ import CODE
from studies.causes.which import FAULTS, PROBES
from studies.causes.which import outcome as ask
from studies.unchanged import WEEKLY, chosen, code_hash
from tests.claims.blinded import BROKEN, MENDED
from tests.dense import drawn_at_random
from tests.drawings import is_within, near, shows

LN10 = np.log(10)  # 2.303


def last(losses):
    """Average the last 20 losses of each of five seeds."""
    assert len(losses) == 5
    return losses[:, -20:].mean(1)


# What the figures show


def test_the_figure_of_the_symptoms_shows_six_faults(drawn, measured):
    losses = measured("first_checks", "losses")
    panels = drawn("first_checks", "symptoms")
    assert panels[0].y.label == "loss"
    assert panels[3].x.label == "update"
    faults = {
        "loss far above ln 10": ("pixels up to 255", "sound"),
        "loss soon NaN": ("rate 10", "sound"),
        "loss stays at ln 10": (
            "ReLU, Glorot, 20 layers",
            "ReLU, He, 20 layers",
        ),
        "loss above 1.46": ("both", "sound"),
        "loss above ln 10": ("neither", "sound"),
        "loss falls slowly": ("tanh, N(0, 1)", "tanh, Glorot"),
    }
    assert len(faults) == 6
    assert [panel.title for panel in panels] == [*faults]
    assert [panel.place for panel in panels[:4]] == [
        (0, 0), (0, 1), (0, 2), (1, 0)]  # fmt: skip
    middle = {}
    for panel, names in zip(panels, faults.values(), strict=True):
        assert panel.y.scale == "log"
        assert panel.x.limits == (0, 200)
        (line,) = panel.rules
        assert line.low == LN10
        mended, broken = panel.series
        assert (mended.color, broken.color) == ("muted", "wide")
        for name, drawing in zip(names, (broken, mended), strict=True):
            runs = losses[name]
            assert len(runs) == 5  # seeds
            middle[panel.title, drawing.color] = drawing.y
            if name in ("pixels up to 255", "rate 10"):
                ends = np.flatnonzero(~np.isfinite(runs).all(0))[0]
                assert np.array_equal(drawing.x, np.arange(ends))
                assert np.array_equal(drawing.y, np.median(runs[:, :ends], 0))
                (text,) = (t for t in panel.texts if "NaN" in t.text)
                assert text.text == f"NaN from\nupdate {ends + 1}"
                assert ends < 10  # soon
                continue
            assert runs.shape[1] == 200  # updates
            means = runs.reshape(5, 10, 20).mean(2)  # of 20 updates
            assert np.array_equal(drawing.x, np.arange(10, 200, 20))
            assert np.allclose(drawing.y, np.median(means, 0))
            assert is_within(panel.y, drawing.y)
            (band,) = (b for b in panel.bands if b.color == drawing.color)
            assert np.allclose(band.low, means.min(0))
            assert np.allclose(band.high, means.max(0))
        deep = panel.title == "loss stays at ln 10"
        assert mended.y[-1] < (1.5 if deep else 0.5)
    told = {
        panel.place: text.text
        for panel in panels
        for text in panel.texts
        if "NaN" not in text.text
    }
    assert told == {(0, 0): "mended", (0, 2): "broken"}
    first, wild, flat, softmax, none, pinned = (
        middle[name, "wide"] for name in faults
    )
    assert first[0] > 60
    assert near(wild[0], 2.3, factor=1.2)
    assert np.all(np.abs(flat - 2.30) < 0.02)
    assert np.all(softmax > 1.46)
    assert np.all(none > 2.3)
    assert np.all(np.diff(pinned) < 0.2)  # falls, slowly
    assert pinned[5:].mean() < pinned[:5].mean() - 0.3
    assert pinned[-1] > 2 * middle["loss falls slowly", "muted"][-1]


def test_the_figure_of_the_rates_shows_a_window(drawn, measured):
    window = measured("first_checks", "rates")
    rates, losses = window["rates"], window["losses"]
    (panel,) = drawn("first_checks", "rates")
    assert panel.title == "loss after 100 updates"
    assert panel.x.label == "learning rate"
    assert (panel.x.scale, panel.y.scale) == ("log", "linear")
    assert rates[[0, -1]] == pytest.approx([0.001, 10])
    finite = np.isfinite(losses).all(0)
    assert len(losses) == 5  # seeds
    line = shows(panel, "", rates[finite], losses[:, finite])
    assert (line.color, line.marker) == ("he", "o")
    assert line.y[0] == pytest.approx(LN10, abs=0.05)
    inside = (line.x > 0.029) & (line.x < 0.11)  # from 0.03 to 0.1
    assert np.all(line.y[inside] < 1)
    assert np.all(np.diff(line.y[line.x < 0.11]) < 0)
    assert line.x[-1] == pytest.approx(0.3, rel=0.06)
    assert line.y[-1] > line.y[-2]  # it rises at 0.3
    flat = next(rule for rule in panel.rules if rule.axis == "y")
    lost = next(rule for rule in panel.rules if rule.axis == "x")
    assert flat.low == LN10
    assert (lost.color, lost.high) == ("wide", panel.x.limits[1])
    assert line.x[-1] < lost.low < rates[~finite][0] <= 1.001  # from 1 on
    above, on_the_right = panel.texts
    assert above.text == "ln 10"
    assert above.at[1] == pytest.approx(LN10, abs=0.1)
    assert on_the_right.text == "NaN, or never\nbelow ln 10"
    assert on_the_right.at[0] > lost.low


# What the page claims


def test_the_sound_network_trains(measured):
    """Five ReLU layers of 100, He init, digits, SGD 0.1, 200 updates.

    Five seeds.
    """
    assert np.all(last(measured("first_checks", "losses")["sound"]) < 0.5)


def test_first_loss_far_above_ln_10_means_unscaled_inputs(measured):
    """The sound network, pixels up to 1 and up to 255; 20 updates.

    Five seeds.
    """
    assert round(LN10, 3) == 2.303
    probes = measured("first_checks", "probes")
    assert np.all(np.abs(probes["first loss, sound"] - LN10) < 0.4)
    assert np.all(probes["first loss, pixels up to 255"] > 20 * LN10)
    losses = measured("first_checks", "losses")
    broken, mended = losses["pixels up to 255"], losses["sound"]
    assert not np.isfinite(broken[:, 9:]).any()
    assert np.all(last(mended) < 0.5)


def test_the_final_bias_brings_the_first_loss_to_the_entropy(measured):
    """All zeros, a twentieth of other digits; 50 updates of SGD 0.03.

    Five seeds.
    """
    unequal = measured("first_checks", "unequal")
    entropy = unequal["entropy"]
    assert np.all(unequal["first loss, zero"] > entropy + 0.6)
    assert np.all(np.abs(unequal["first loss, set"] - entropy) < 0.2)
    assert np.all(last(unequal["losses, set"]) < 1)


def test_logits_taken_for_probabilities_do_not_train(measured):
    """The sound network, loss without from_logits; 200 updates; five seeds."""
    losses = measured("first_checks", "losses")
    assert np.all(losses["neither"][:, 0] > 1.5 * LN10)
    assert np.all(last(losses["neither"]) > LN10)
    assert np.all(last(losses["sound"]) < 0.5)


def test_a_softmax_under_from_logits_cannot_pass_1_46(measured):
    """A softmax and an average before a loss from logits; 200 updates.

    Five seeds.
    """
    losses = measured("first_checks", "losses")
    assert np.log(np.e + 9) - 1 == pytest.approx(1.46, abs=0.005)
    assert np.all(losses["both"] > np.log(np.e + 9) - 1)
    assert np.all(last(losses["both"]) < LN10 - 0.2)  # it does learn
    assert np.all(last(losses["both"]) > 3 * last(losses["sound"]))
    assert np.all(last(losses["sound"]) < 0.5)


def test_keras_repairs_a_softmax_that_comes_last():
    """Keras 3.15 on TensorFlow; 50 digits, no training, five seeds."""
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
    """20 ReLU layers of 100, Glorot or He, all digits, no training.

    Five seeds.
    """
    probes = measured("first_checks", "probes")
    broken = probes["factor, ReLU, Glorot, 20 layers"]
    assert broken == pytest.approx(0.7, abs=0.05)
    assert np.all(broken**20 < 2e-3)
    mended = probes["factor, ReLU, He, 20 layers"]
    assert np.all((mended > 0.9) & (mended < 1.1))


def test_the_factor_tells_sigmoids(measured):
    """8 layers of 100, Glorot, sigmoid or tanh, digits, no training.

    Five seeds.
    """
    probes = measured("first_checks", "probes")
    assert np.all(probes["factor, eight sigmoids"] > 0.9)  # the size stays
    assert np.all(probes["apart, eight sigmoids"] < 0.4)
    assert np.all(probes["apart, eight tanh"] > 0.6)


def test_eight_sigmoids_are_mended_by_tanh(measured):
    """8 layers of 100, Glorot, digits, SGD 0.1, 100 updates; five seeds."""
    losses = measured("first_checks", "losses")
    assert losses["eight sigmoids"].shape == (5, 100)
    assert np.all(np.abs(last(losses["eight sigmoids"]) - LN10) < 0.1)
    assert np.all(last(losses["eight tanh"]) < 0.7)


def test_a_flat_loss_is_mended_by_the_initializer(measured):
    """20 ReLU layers of 100, digits, SGD 0.02, 200 updates; five seeds."""
    losses = measured("first_checks", "losses")
    assert np.abs(losses["ReLU, Glorot, 20 layers"] - LN10).max() < 0.05
    assert np.all(last(losses["ReLU, He, 20 layers"]) < 1.5)


def test_labels_of_other_inputs_keep_the_loss_at_ln_10(measured):
    """The sound network on permuted labels, 100 updates; five seeds."""
    losses = measured("first_checks", "losses")
    assert np.all(last(losses["shuffled labels"]) > 2.2)
    at_the_same_time = losses["sound"][:, : losses["shuffled labels"].shape[1]]
    assert np.all(last(at_the_same_time) < 0.6)


def test_shuffled_labels_are_learned_by_heart_in_the_end():
    """Five ReLU layers of 100, He init, SGD 0.1; 2,880 updates."""
    x, y = load_digits(return_X_y=True)
    network = drawn_at_random("relu", 5, lambda ins, _: 2 / ins)
    network.fit(x / 16, np.random.default_rng(0).permutation(y), 0.1, 2880)
    shuffled = np.random.default_rng(0).permutation(y)
    assert network.loss(x / 16, shuffled) < 1.6


def test_wide_weights_are_not_a_number_at_once(measured):
    """Five ReLU layers of 100, N(0, 1), digits, SGD 0.1, 20 updates.

    Five seeds.
    """
    probes = measured("first_checks", "probes")
    assert probes["factor, N(0, 1)"].mean() == pytest.approx(7, abs=0.4)
    losses = measured("first_checks", "losses")
    assert np.all(losses["N(0, 1)"][:, 0] > 500)
    assert not np.isfinite(losses["N(0, 1)"][:, 9:]).any()
    assert np.all(last(losses["sound"]) < 0.5)


def test_a_rate_of_10_is_not_a_number_after_some_updates(measured):
    """The sound network, SGD at 10, 20 updates; five seeds."""
    losses = measured("first_checks", "losses")
    assert np.all(np.abs(losses["rate 10"][:, 0] - LN10) < 0.5)
    assert not np.isfinite(losses["rate 10"][:, 9:]).any()
    assert np.all(last(losses["sound"]) < 0.5)


def test_the_learning_rate_has_a_window(measured):
    """The sound network, nine rates of SGD from 0.001 to 10; five seeds."""
    window = measured("first_checks", "rates")
    rates, losses = window["rates"], window["losses"]
    assert len(losses) == 5
    assert rates[1] == pytest.approx(0.003, rel=0.06)
    assert np.all(losses[:, rates < 0.004] > 2)
    assert np.all(losses[:, (rates > 0.03) & (rates < 0.11)] < 1)
    best, next_up = losses[:, 4], losses[:, 5]
    assert rates[4:6] == pytest.approx([0.1, 0.316], rel=0.01)
    assert np.all(next_up > 1.2 * best)
    wild = losses[:, rates > 0.9]
    assert not (wild < 0.9 * LN10).any()  # NaN is not below either
    assert not np.isfinite(wild[:, -1]).any()


def test_zero_kernels_cannot_learn_one_batch(measured):
    """The sound network, all hidden kernels zero or drawn, 50 digits.

    Five seeds.
    """
    probes = measured("first_checks", "probes")
    assert np.all(probes["one batch, zeros"] > 2)
    assert np.all(probes["one batch, sound"] < 0.1)


def test_biases_do_not_help_zero_kernels():
    """Five ReLU layers, kernels 0, biases 0.1; 50 digits, 1,000 updates."""
    x, y = (part[:50] for part in load_digits(return_X_y=True))
    network = drawn_at_random("relu", 5, lambda *_: 0.0)
    for bias in network.biases[:-1]:
        bias += 0.1
    network.kernels[-1] += np.random.default_rng(0).normal(0, 0.1, (100, 10))
    network.fit(x / 16, y, 0.1, 1000)
    logits = network.outputs(x / 16)[0][-1]
    assert np.ptp(logits, axis=0).max() < 0.01
    assert network.loss(x / 16, y) > 2


def test_a_sound_network_may_fail_on_one_batch():
    """Five ReLU layers, He init; 50 digits, 200 updates of SGD 0.001 or 0.1.

    At the second rate, 25 digits twice, with labels of others.
    """
    x, y = (part[:50] for part in load_digits(return_X_y=True))
    x = x / 16
    for inputs, rate, least in (
        (x, 0.001, 1.8),
        (x[np.arange(50) // 2], 0.1, 0.6),
    ):
        network = drawn_at_random("relu", 5, lambda ins, _: 2 / ins)
        network.fit(inputs, y, rate, 200)
        assert network.loss(inputs, y) > least
    network = drawn_at_random("relu", 5, lambda ins, _: 2 / ins)
    network.fit(x, y, 0.1, 200)
    assert network.loss(x, y) < 0.1


def test_one_batch_does_not_see_wrong_labels_and_class_means_do(measured):
    """The sound network on 50 digits, 200 updates; class means of all.

    Five seeds.
    """
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


def test_sigmoids_leave_the_first_kernels_where_they_are(measured):
    """Five layers of 100, Glorot, digits, SGD 0.1, 100 updates; five seeds."""
    trained = measured("first_checks", "moves")
    broken, mended = (
        trained[f"moves, {name}, Glorot"] for name in ("sigmoid", "tanh")
    )
    assert len(broken) == len(mended) == 5
    assert np.all(broken[:, 0] < 0.001)
    assert np.all(broken[:, -1] > 0.05)  # 5 %
    assert np.all(np.abs(last(trained["losses, sigmoid, Glorot"]) - LN10) < 0.1)
    assert np.all(mended[:, 0] > 0.1)
    assert np.all(last(trained["losses, tanh, Glorot"]) < 0.4)


def test_too_many_dead_units_are_mended_by_a_lower_rate(measured):
    """The sound network with Adam at 0.1 and 0.003, 100 updates; five seeds."""
    adam = measured("first_checks", "dead")
    assert np.all(adam["dead at the start"] < 0.15)
    assert np.all(adam["dead, 0.1"] > 0.8)
    assert np.all(last(adam["losses, 0.1"]) > 1.5)
    assert np.all(adam["dead, 0.003"] < 0.2)
    assert np.all(last(adam["losses, 0.003"]) < 0.3)


def test_a_pinned_network_lags_behind_a_free_one(measured):
    """Five tanh layers of 100, digits, SGD 0.1, 200 updates; five seeds."""
    probes = measured("first_checks", "probes")
    assert np.all(probes["pinned, tanh, N(0, 1)"] > 0.75)
    assert np.all(probes["pinned, tanh, Glorot"] < 0.01)
    losses = measured("first_checks", "losses")
    free = last(losses["tanh, Glorot"])
    assert free.max() < last(losses["tanh, N(0, 1)"]).min() / 2
    assert np.all(free < 0.5)


def test_pinned_sigmoids_are_mended_by_tanh_only(measured):
    """Five layers of 100, digits; SGD 0.1, 100 updates with Glorot.

    Five seeds.
    """
    probes = measured("first_checks", "probes")
    assert np.all(probes["pinned, sigmoid, N(0, 1)"] > 0.4)
    assert np.all(probes["pinned, sigmoid, Glorot"] == 0)
    trained = measured("first_checks", "moves")
    assert np.all(np.abs(last(trained["losses, sigmoid, Glorot"]) - LN10) < 0.1)
    assert np.all(last(trained["losses, tanh, Glorot"]) < 0.4)


def test_five_layers_hide_what_thirty_show(measured):
    """ReLU layers of 100, Glorot, digits, SGD 0.02, 300 updates; five seeds."""
    shallow = measured("first_checks", "losses")["ReLU, Glorot, 5 layers"]
    assert np.all(last(shallow) < LN10 / 2)
    deep = measured("unstable_gradients", "losses")["ReLU, Glorot"]
    assert shallow.shape == deep.shape == (5, 300)
    assert np.abs(deep - LN10).max() < 0.02


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_the_thirty_layers_are_those_of_this_page(activation):
    """They are trained for `unstable_gradients`, once for both pages."""
    glorot = keras.initializers.GlorotUniform
    here = build(activation, glorot, depth=30, seed=3)
    there = deep_classifier(activation, glorot, depth=30, seed=3)
    for mine, other in zip(here.weights, there.weights, strict=True):
        assert np.array_equal(mine, other)
    for mine, other in zip(here.layers, there.layers, strict=True):
        assert mine.activation is other.activation


def test_he_is_slow_and_tanh_fast_at_thirty_layers(measured):
    """30 layers of 100, digits, SGD 0.02, 300 updates; five seeds.

    Of 20 other runs with He init the last 20 losses were 0.8 to 1.9.
    """
    deep = measured("unstable_gradients", "losses")
    he, tanh = last(deep["ReLU, He"]), last(deep["tanh, Glorot"])
    assert np.all(he < 2.2)
    assert np.all(tanh < 0.5)
    assert he.min() > 1.5 * tanh.max()


def test_a_changed_initializer_stops_tanh(measured):
    """20 tanh layers of 100, digits, SGD 0.02, 100 and 200 updates.

    Five seeds.
    """
    probes = measured("first_checks", "probes")
    narrow = probes["factor, tanh, N(0, 0.05²), 20 layers"]
    assert narrow == pytest.approx(0.5, abs=0.03)
    glorot = probes["factor, tanh, Glorot, 20 layers"]
    assert np.all((glorot > 0.9) & (glorot < 1.1))
    losses = measured("first_checks", "losses")
    changed = losses["tanh, N(0, 0.05²), 20 layers"]
    assert np.abs(changed - LN10).max() < 0.05
    assert np.all(last(losses["tanh, Glorot, 20 layers"]) < 0.7)


def test_a_changed_activation_needs_another_initializer(measured):
    """20 layers of 100, digits, SGD 0.02, 200 updates; five seeds."""
    losses = measured("first_checks", "losses")
    assert np.all(last(losses["tanh, Glorot, 20 layers"]) < 0.7)
    assert np.abs(losses["ReLU, Glorot, 20 layers"] - LN10).max() < 0.05
    assert np.all(last(losses["ReLU, He, 20 layers"]) < 1.5)


def test_branches_of_one_instance_are_one_branch(measured):
    """Four branches of 4 ReLU units, He, SGD 0.1, 200 updates; five seeds."""
    four = measured("first_checks", "branches")
    assert four["apart, own"].shape == four["apart, shared"].shape == (5, 6)
    assert np.all(four["apart, shared"] == 0)
    assert np.all(last(four["losses, shared"]) > 1.1)
    assert np.all(four["apart, own"] > 0.5)
    assert np.all(last(four["losses, own"]) < 0.6)


def state(model):
    """Return all that `first_checks` may not change."""
    kept = [np.array(v) for v in model.variables] if model.built else []
    kept += [np.array(v) for v in model.metrics_variables]
    kept += [np.array(v) for v in model.optimizer.variables]
    drawn = random.getstate(), np.random.get_state()[1].tolist()
    others = model.optimizer, model.optimizer.built, model.train_function
    return kept, (*drawn, *others, model.stop_training)


def same(before, after):
    if before[0] and len(before[0]) == len(after[0]):
        pairs = zip(before[0], after[0], strict=True)
        assert all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)
    assert before[1] == after[1]


def test_first_checks_says_what_it_does_not_use():
    """Five layers on the digits, with weights and epochs as fit takes them."""
    x, y = load_digits(return_X_y=True)
    given = {"class_weight": {0: 2.0}, "epochs": 3, "sample_weight": 0 * y + 1}
    report = first_checks(build(), x / 16, y, seconds=0, **given)
    assert report.splitlines()[-1] == "It does not use class_weight, epochs."


def test_first_checks_puts_everything_back():
    """Also where it raises, and in the middle of training."""
    x, y = load_digits(return_X_y=True)
    x, y = (x[:200] / 16).astype("float32"), y[:200]
    model = build()
    model.compile(keras.optimizers.Adam(0.01), model.loss, metrics=["accuracy"])
    model.fit(x, y, verbose=0)
    before, draw = state(model), keras.random.uniform((3,))
    keras.utils.set_random_seed(5)
    expected = np.array(keras.random.uniform((3,)))
    keras.utils.set_random_seed(5)
    before = state(model)
    first_checks(model, x, y, seconds=0)
    same(before, state(model))
    assert np.array_equal(expected, np.array(keras.random.uniform((3,))))
    assert draw.shape == (3,)
    broken = build()
    before = state(broken)
    with pytest.raises(ValueError, match=r"incompatible|expected"):
        first_checks(broken, x[:, :9], y)
    same(before, state(broken))
    with pytest.raises(ValueError, match="compile"):
        first_checks(keras.Sequential([keras.layers.Dense(1)]), x, y)


def test_the_probes_pick_the_cause_of_a_case_without_its_name(measured):
    """44 faults of five chapters, and their mends; seed 0.

    The probes get a model, its rows and what `fit` printed, in the page's
    order; the first that speaks is right.
    """
    asked = measured("which", "asked")
    assert len(asked) == 44
    assert asked.keys() == FAULTS.keys() == BROKEN.keys()
    assert {*MENDED} < {*asked}
    assert list(PROBES) == list(QUESTIONS)
    mends = [told["mended"][0] for told in asked.values()]
    hints = sum("hints" in probe for probe in mends)
    assert (mends.count(""), hints) == (34, 7)
    assert len(mends) - 34 - hints == 3 == len(MENDED) - hints
    for name, told in asked.items():
        says_what(told["broken"], BROKEN[name], name)
        says_what(told["mended"], MENDED.get(name, ("", "")), name)


def says_what(told, right, name):
    """Assert that a probe spoke, and what it said."""
    probe, words = right
    assert told[0] == probe, (name, told)
    assert told[1].startswith(words), (name, told)


@pytest.mark.parametrize("name", FAULTS if WEEKLY else [chosen([*FAULTS])])
def test_a_case_without_its_name_is_asked_again(name):
    """One of them at each commit, all of them weekly; seed 0."""
    told = ask(name)
    says_what(told["broken"], BROKEN[name], name)
    says_what(told["mended"], MENDED.get(name, ("", "")), name)


def test_what_the_probes_said_was_said_of_this_code():
    table = json.loads(TABLE.read_text("utf-8"))
    said = "run python -m studies.causes which"
    assert table["code"] == code_hash(CODE["which"]), said


def test_padding_looks_like_a_signal_that_dies():
    """LSTM of 16 behind 60 steps, five to ten of them words; seed 0."""
    keras.utils.set_random_seed(0)
    case = FAULTS["sequences/LSTM, padded behind"](False)
    assert PROBES["why_same"](case).startswith("the signal dies")
    assert PROBES["sequence_checks"](case) == "padding"
