"""The claims of the page `choosing`: its table, computed and measured anew.

Moments: square layers of width 100, zero biases, 20 draws, no training. What
trains is read from the atlas: digits, width 100, five seeds, 1,200 updates;
with norms and shortcuts from `studies/cures/choosing.py`: the same, 300 updates
of Adam.
"""

import json
import re
from pathlib import Path

import keras
import numpy as np
import pytest

from snippets.atlas import figures
from snippets.atlas.batched_runs import dense_layers
from snippets.atlas.verdicts import by_kind, by_rate, read_runs, verdict
from snippets.choosing import figures as own
from snippets.choosing.fitting_initializer import fitting_initializer
from studies.cures import choosing as study
from studies.cures.__main__ import CODE
from studies.unchanged import WEEKLY, chosen, code_hash
from tests.turn import in_turn

PAGE = Path(__file__).parents[2] / "docs/choosing.md"
UNSTABLE = ("gelu", "silu", "mish")


def rows():
    """Return the page's table: activation → (initializer, scale, 10, 50)."""
    text = PAGE.read_text("utf-8").split("## The table")[1].split("\n\n")[1]
    found = {}
    for row in text.splitlines()[2:]:
        name, *cells = (cell.strip() for cell in row.strip("|").split("|"))
        found[re.search(r'"(\w+)"', name)[1]] = cells
    return found


def written(code):
    """Return the initializer that a cell's code makes."""
    scope = {"VarianceScaling": keras.initializers.VarianceScaling}
    return keras.initializers.get(eval(code.strip("`"), scope))


def numbers(cell):
    return [float(number) for number in cell.split(" · ")]


def sizes(moments):
    """Return the median signal at the end, the median gradient below."""
    signal, gradient = moments["forward"][:, -1], moments["backward"][:, 1]
    return np.sqrt([np.median(signal), np.median(gradient)])


def test_every_scale_of_the_table_is_computed():
    """Theory, and the variance of kernels of 400 × 400."""
    table = rows()
    assert len(table) == 9
    assert table.pop("sigmoid") == ["none", "", "", ""]
    for name, (code, scale, *_) in table.items():
        drawn = written(code)
        kernel = np.array(drawn((400, 400)))
        assert 400 * kernel.var() == pytest.approx(float(scale), rel=0.02)
        if name != "tanh":
            computed = fitting_initializer(name).scale
            assert float(scale) == pytest.approx(computed, abs=0.0051), name
            if "VarianceScaling" in code:
                assert drawn.scale == float(scale)
    assert keras.activations.get("swish") is keras.activations.silu
    with pytest.raises(ValueError, match="no variance"):
        fitting_initializer("sigmoid")
    below = fitting_initializer(keras.layers.LeakyReLU()).scale
    assert below == pytest.approx(1.83, abs=0.006)


def test_every_cell_of_the_table_is_measured(measured):
    """Medians of 20 networks, 10 and 50 layers."""
    shallow = measured("activations", "shallow")
    deep = measured("activations", "moments")
    for name, (_, _, ten, fifty) in rows().items():
        if name == "sigmoid":
            continue
        which = {"relu": "He", "tanh": "Glorot"}.get(name, "own")
        cells = [(ten, shallow)]
        if name in UNSTABLE:
            assert fifty == "normalize"
        else:
            cells.append((fifty, deep))
        for cell, moments in cells:
            ratio = sizes(moments[name][which]) / numbers(cell)
            assert np.abs(np.log(ratio)).max() < 0.25, (name, cell)


def test_ten_layers_work_with_every_line_of_the_table(measured):
    """Medians of 20 networks, 10 layers."""
    shallow = measured("activations", "shallow")
    for name, moments in shallow.items():
        which = {"relu": "He", "tanh": "Glorot"}.get(name, "own")
        both = sizes(moments[which])
        assert np.all((both > 0.2) & (both < 3)), name


def test_at_fifty_layers_gelu_silu_and_mish_need_normalization(measured):
    """Medians of 20 networks, 50 layers, first pre-activations of size ½."""
    starts = measured("activations", "starts")
    for name in UNSTABLE:
        assert sizes(starts[name]["small"])[0] < 0.01
        signal, gradient = sizes(starts[name]["normalized"])
        assert 0.5 < signal < 1
        assert 1 < gradient < 10


def test_relu_with_he_is_slow_at_thirty_layers_and_gelu_stands_still(measured):
    """Digits, 30 layers, five seeds, 300 updates; ELU and GELU 100.

    Plain SGD, rate 0.02, batch 50.
    """
    long = measured("unstable_gradients", "losses")  # 300 updates, five seeds
    tanh = long["tanh, Glorot"][:, -20:].mean(1)
    relu = long["ReLU, He"][:, -20:].mean(1)
    assert tanh.max() < 0.5
    assert relu.min() > 0.6
    short = measured("activations", "losses")  # the same, 100 updates
    elu = short["ELU, own scale"][:, -20:].mean(1)
    assert elu.max() < 0.8
    assert elu.max() < 0.7 * long["ReLU, He"][:, 80:100].mean(1).min()
    assert np.all(np.abs(short["GELU, He"] - np.log(10)) < 0.02)
    assert np.all(short["GELU, normalized"][:, -20:].mean(1) < 1.8)


def test_tanh_with_its_own_scale(measured):
    """Theory, and medians of 20 networks, 10 and 50 layers."""
    assert fitting_initializer("tanh").scale == pytest.approx(2.54, abs=0.005)
    deep = measured("activations", "moments")["tanh"]["own"]
    signal, gradient = sizes(deep)
    assert signal > 0.5
    assert 45 < gradient < 75
    signal, gradient = sizes(measured("activations", "shallow")["tanh"]["own"])
    assert signal > 0.5
    assert gradient < 3


def test_he_leaves_little_of_silu_in_ten_layers(measured):
    """He init, medians of 20 networks, 10 layers."""
    shallow = measured("activations", "shallow")
    signal, gradient = sizes(shallow["silu"]["He"])
    assert signal == pytest.approx(0.05, abs=0.015)
    signal, gradient = sizes(shallow["leaky_relu"]["He"])
    assert 0.5 < signal < 1.5
    assert 0.5 < gradient < 1.5


def test_the_atlas_is_asked_for_the_lines_of_the_table(measured):
    """The table beside the atlas's."""
    names = {"he_normal": "he", "lecun_normal": "lecun"}
    names["glorot_uniform"] = "glorot"
    lines = {
        activation: names.get(re.sub(r'[`"]', "", code), "own")
        for activation, (code, *_) in rows().items()
        if code != "none"
    }
    assert lines == figures.ADVISED
    kinds = measured("atlas", "kinds")
    said = measured("atlas", "advice")["rows"]
    for activation, (_, _, *cells) in zip(lines, said, strict=True):
        for depth, cell in zip(figures.ADVISED_AT, cells, strict=True):
            kind = ("digits", "sgd", 100, depth, activation, lines[activation])
            it = kinds.get(kind, {"word": "not run yet"})
            if it["word"] == "uncertain":
                assert cell.startswith(f"{it['trained']} of 5 seeds")
            else:
                assert cell.startswith(it["word"])


def updates(activation, initializer, rate=None, optimizer="sgd"):
    """Return those of five seeds of thirty layers, at a rate or the best."""
    kind = ("digits", optimizer, 100, 30, activation, initializer)
    runs = by_kind(read_runs(figures.TABLE))[kind]
    at = by_rate(runs)[rate or verdict(runs).rate]
    assert len(at) == 5
    return np.array([run["updates"] or np.inf for run in at])


def test_orthogonal_kernels_need_no_more_updates_than_the_line():
    """The atlas: 30 layers, plain SGD, each at its best rate."""
    drawn = keras.initializers.Orthogonal(2**0.5, seed=0)((100, 100))
    assert 100 * np.var(drawn) == pytest.approx(2, rel=0.02)
    for activation in ("relu", "leaky_relu", "elu", "selu", "tanh"):
        line = updates(activation, figures.ADVISED[activation])
        orthogonal = updates(activation, "orthogonal")
        assert np.median(orthogonal) <= np.median(line), activation
        assert orthogonal.max() <= line.max(), activation


@pytest.mark.parametrize(
    ("fans", "left"), [((400, 100), 1), ((100, 100), 1), ((100, 400), 0.25)]
)
def test_orthogonal_kernels_lose_signal_where_layers_widen(fans, left):
    """fan_in · Var[w] of one orthogonal kernel, three shapes."""
    drawn = keras.initializers.Orthogonal(seed=0)(fans)
    assert fans[0] * np.var(drawn) == pytest.approx(left, rel=0.02)


def test_more_gain_trains_tanh_in_fewer_updates_than_glorot():
    """The atlas: 30 layers of tanh, plain SGD at 0.003 and at best."""
    glorot = updates("tanh", "glorot", 0.003).min()
    assert updates("tanh", "orthogonal", 0.003).max() < 0.5 * glorot
    assert updates("tanh", "he", 0.003).max() <= 0.5 * glorot
    for initializer in ("glorot", "he", "orthogonal"):
        assert updates("tanh", initializer).max() <= 150


def test_with_adam_eight_lines_train_thirty_layers():
    """The atlas: width 100, digits, Adam at each best rate; five seeds."""
    latest = {
        activation: updates(activation, line, optimizer="adam").max()
        for activation, line in figures.ADVISED.items()
    }
    assert {"gelu", "silu", "mish"} < latest.keys()
    assert len(latest) == 8
    assert max(latest.values()) <= 240


def test_adam_trains_thirty_layers_of_gelu():
    """The atlas: 30 layers of GELU, He init, biases of zero; Adam and SGD."""
    assert np.all(np.isfinite(updates("gelu", "he", optimizer="adam")))
    assert not np.any(np.isfinite(updates("gelu", "he")))


def test_at_fifty_layers_elu_and_selu_still_train(measured):
    """The atlas: 50 layers, plain SGD, each at its best rate."""
    kinds = measured("atlas", "kinds")
    at = {
        pair: kinds[("digits", "sgd", 100, 50, *pair)]
        for pair in (
            ("elu", "own"), ("selu", "lecun"), ("tanh", "he"),
            ("tanh", "glorot"), ("relu", "he"),
        )
    }  # fmt: skip
    for pair in (("elu", "own"), ("selu", "lecun"), ("tanh", "he")):
        assert at[pair]["word"] == "trains"
    assert at["tanh", "glorot"]["word"] == "slow"
    assert (at["relu", "he"]["word"], at["relu", "he"]["trained"]) == (
        "uncertain", 3,
    )  # fmt: skip


# Norms and shortcuts: the study


@pytest.fixture(scope="module")
def built(measured):
    return measured("choosing", "built")


@pytest.mark.parametrize("kind", study.RATES)
def test_the_networks_of_the_study_are_those_of_keras(kind):
    """Four layers of ReLU, seeds 0 to 4: the logits of 50 inputs.

    In training, and by the moving averages of one such batch.
    """
    network = study.network(kind, "relu", 4, 5)
    drawn = [study.kernels(kind, "relu", 4, seed) for seed in range(5)]
    runs = dense_layers(network)
    for layer, of in zip(runs, zip(*drawn, strict=True), strict=True):
        layer.kernel.assign(np.stack(of))
    x = np.random.default_rng(0).random((5, 50, 64), dtype="float32")
    both = [np.array(network(x, training=mode)) for mode in (True, False)]
    layers = keras.layers
    normed = kind in ("batch norm", "layer norm")
    for seed in range(5):
        kernels = iter(drawn[seed])

        def dense(h, kernels=kernels):
            kernel = next(kernels)
            layer = layers.Dense(kernel.shape[1], use_bias=False)
            layer.build(h.shape)
            layer.kernel.assign(kernel)
            return layer(h)

        inputs = h = keras.Input((64,))
        if not normed:
            h = dense(h)
        for _ in range(4 if normed else 2):
            if normed:
                norm = (
                    layers.BatchNormalization(momentum=0.9)
                    if kind == "batch norm"
                    else layers.LayerNormalization()
                )
                h = layers.ReLU()(norm(dense(h)))
                continue
            z = layers.LayerNormalization()(h) if kind == "pre-norm" else h
            z = dense(layers.ReLU()(dense(z)))
            h = layers.Add()([h, z if kind == "pre-norm" else z * 2**-0.5])
        if kind == "pre-norm":
            h = layers.LayerNormalization()(h)
        model = keras.Model(inputs, dense(h))
        for mode, logits in zip((True, False), both, strict=True):
            said = np.array(model(x[seed], training=mode))
            assert np.allclose(said, logits[seed], atol=1e-4), mode


def test_the_study_s_table_was_made_by_this_code():
    table = json.loads((own.FOLDER / "trained.json").read_text("utf-8"))
    said = "run python -m studies.cures choosing"
    assert table["code"] == code_hash(CODE["choosing"]), said
    assert {*table["outcomes"]} <= {*study.CELLS}


RUN = json.loads((own.FOLDER / "trained.json").read_text("utf-8"))["outcomes"]
CHEAP = [name for name in RUN if name.startswith("pre-norm")]


@in_turn
@pytest.mark.parametrize("name", RUN if WEEKLY else [chosen(CHEAP)])
def test_a_network_of_the_study_comes_out_as_the_table_says(name, built):
    """One of pre-norm at one commit in three, all of them weekly.

    Deep runs are chaotic: as many seeds get there at the best rate, but for
    one, and the last of them within twice the updates.
    """
    again = {key: np.array(value) for key, value in study.CELLS[name]().items()}
    seeds, updates, _ = own.fewest_updates(again)
    before, when, _ = own.fewest_updates(built[tuple(name.split(", "))])
    assert abs(seeds - before) <= 1
    if seeds == before == 5:
        assert 0.5 * when <= updates <= 2 * when


def compared(built, kind):
    """Return activation → updates of a kind and of plain layers."""
    pairs = {}
    for activation in own.ADVISED:
        if activation != "sigmoid":
            best = own.fewest_updates(built[kind, activation])
            plain = own.fewest_updates(built["plain", activation])
            assert plain[0] == 5
            assert len(built["plain", activation]["rates"]) >= 5
            pairs[activation] = best[1] if best[0] == 5 else 1000, plain[1]
    assert len(pairs) == 9
    return pairs


def test_shortcuts_train_thirty_layers_in_one_epoch(built):
    """30 layers in 15 blocks, Adam, five seeds, looked at every 30 updates.

    Plain layers: the atlas, at the best of five rates of Adam or more.
    """
    for kind in ("pre-norm", "1/√L"):
        pairs = compared(built, kind)
        assert {updates for updates, _ in pairs.values()} == {30}
        plain = [updates for _, updates in pairs.values()]
        assert (min(plain), max(plain)) == (60, 240)
    assert own.fewest_updates(built["1/√L", "sigmoid"])[:2] == (5, 30)
    assert own.fewest_updates(built["pre-norm", "sigmoid"])[:2] == (5, 60)
    assert pairs["relu"] == (30, 180)
    landing = PAGE.with_name("index.md").read_text("utf-8")
    assert "in 30 updates of Adam, plain ones in [180]" in landing


def test_batch_norm_alone_does_not_speed_up_thirty_layers(built):
    """30 layers, Adam, batch norm in front of each activation; 300 updates.

    The initializers that the page advises; the best of three rates.
    """
    pairs = compared(built, "batch norm")
    assert all(updates >= plain for updates, plain in pairs.values())
    assert sum(updates > plain for updates, plain in pairs.values()) == 6
    lowest = [
        own.fewest_updates(built["batch norm", a])[2] == 0.003 for a in pairs
    ]
    assert sum(lowest) > len(lowest) / 2  # as the page says of its rates


def test_layer_norm_alone_helps_gelu_and_silu(built):
    """30 layers, Adam, layer norm in front of each activation; 300 updates.

    The initializers that the page advises; the best of three rates.
    """
    pairs = compared(built, "layer norm")
    for activation, (updates, plain) in pairs.items():
        if activation in ("gelu", "silu"):
            assert updates < 2 / 3 * plain
        else:
            assert updates >= plain, activation
    assert own.fewest_updates(built["layer norm", "sigmoid"])[0] == 0


def test_batch_norm_and_shortcuts_train_thirty_sigmoids(built):
    """30 layers, Glorot init, Adam: batch norm in front, pre-norm, plain."""
    assert own.fewest_updates(built["batch norm", "sigmoid"])[:2] == (5, 270)
    assert own.fewest_updates(built["pre-norm", "sigmoid"])[:2] == (5, 60)
    assert own.fewest_updates(built["plain", "sigmoid"])[0] == 0
    assert len(built["plain", "sigmoid"]["rates"]) >= 10
