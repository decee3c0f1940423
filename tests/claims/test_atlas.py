"""The atlas: its table, the page's claims on it, and what shows it."""

import json
import re
import shutil
from itertools import pairwise, product
from pathlib import Path

import keras
import markdown
import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score

from sitegen import style
from sitegen.measure import MeasureError
from snippets.atlas import figures
from snippets.atlas.batched_runs import Program, RunSGD, dense_layers
from snippets.atlas.verdicts import KIND, by_kind, read_runs, verdict
from studies import unchanged
from studies.atlas import cell, sweep
from studies.atlas.data import TRAINED_ON, split
from studies.atlas.grid import (
    ACTIVATIONS,
    ADAM_PAIRS,
    CRITICAL,
    CRITICAL_BIASES,
    DEPTHS,
    INITIALIZERS,
    LADDER,
    MAIN_PAIRS,
    RATES,
    SEEDS,
    WIDE_PAIRS,
    grid,
)
from tests.dense import drawn_at_random
from tests.drawings import is_within

ROOT = Path(__file__).parents[2]
CAREFUL = ("glorot", "he", "lecun", "own", "orthogonal")


def at(depth, activation, initializer):
    """Return the key of a kind of the main grid."""
    return ("digits", "sgd", 100, depth, activation, initializer)


@pytest.fixture(scope="module")
def runs():
    return by_kind(read_runs(sweep.TABLE))


@pytest.fixture(scope="module")
def kinds(measured):
    return measured("atlas", "kinds")


# What the figures show


SIGNS = {"uncertain": "?", "does not": "–", "diverges": "×"}


def test_the_figure_of_the_grid_says_what_the_kinds_are(drawn, measured):
    kinds = measured("atlas", "kinds")
    panels = drawn("atlas", "grid")
    assert len(panels) == 10
    assert panels[5].x.label == "hidden layers"
    assert [p.title for p in panels] == [*figures.ACTIVATIONS.values()]
    names = [*figures.INITIALIZERS.values()]
    assert (len(names), len(DEPTHS)) == (7, 5)
    all_good = {}
    for panel, activation in zip(panels, ACTIVATIONS, strict=True):
        rows = [text for _, text in panel.y.ticks]
        assert rows in (names, [""] * 7)
        assert panel.y.limits[0] > panel.y.limits[1]  # the first on top
        columns = [text for _, text in panel.x.ticks]
        assert columns == [str(depth) for depth in DEPTHS]
        texts = {text.at: text.text for text in panel.texts}
        tone = {
            (x, y): boxes.color
            for boxes in panel.boxes
            for left, bottom, right, top in boxes.places
            for x in range(5)
            for y in range(7)
            if left < x < right and bottom < y < top
        }
        assert len(texts) == len(tone) == 35
        for y, initializer in enumerate(INITIALIZERS):
            for x, depth in enumerate(DEPTHS):
                it = kinds[at(depth, activation, initializer)]
                working = len(it["working"])
                assert it["seeds"] == 5
                if working:
                    limit = 300 if it["word"] == "trains" else 1200
                    assert it["slowest"] <= limit
                signs = {"trains": f"{working}", "slow": f"({working})"}
                assert texts[x, y] == (signs | SIGNS)[it["word"]]
                tones = {"trains": "heat6", "slow": "heat2"}
                assert tone[x, y] == tones.get(it["word"], "heat0")
                if depth == 50:
                    all_good.setdefault(activation, set()).update(
                        {initializer} if it["word"] in figures.GOOD else ()
                    )
        four = [texts[0, y] for y in range(7)]
        assert sum(sign in SIGNS.values() for sign in four) <= 1
    for activation in ("tanh", "elu", "selu"):  # with 50 layers
        assert all_good[activation]
    for activation in ("relu", "leaky_relu", "prelu"):
        assert "orthogonal" in all_good[activation]
    for activation in ("sigmoid", "gelu", "silu"):
        assert not all_good[activation]


def test_the_figure_of_the_rates_shows_which_work(drawn, measured):
    kinds = measured("atlas", "kinds")
    panels = drawn("atlas", "rates")
    assert cell.TARGET == 0.90  # 90 % of the training set
    assert max(it["slowest"] for it in kinds.values() if it["working"]) <= 1200
    assert {it["seeds"] for it in kinds.values()} == {5}
    assert panels[0].x.label == "learning rate"
    assert len(MAIN_PAIRS) == 10
    names = [
        f"{figures.ACTIVATIONS[f]}, {figures.INITIALIZERS[i]}"
        for f, i in MAIN_PAIRS
    ]
    for panel, depth in zip(panels, (10, 30, 50), strict=True):
        assert panel.title == f"{depth} layers"
        assert panel.x.scale == "log"
        assert panel.y.limits[0] > panel.y.limits[1]  # the first on top
        rows = [text for _, text in panel.y.ticks]
        assert rows in (names, [""] * 10)
        for row, pair in enumerate(MAIN_PAIRS):
            it = of_pair(kinds, pair, "sgd", depth)
            lines = [s for s in panel.series if np.all(s.y == row)]
            tried, *working = lines
            assert (tried.color, tried.dash) == ("axis", "solid")
            assert np.array_equal(tried.x, [it["tried"][0], it["tried"][-1]])
            squares = [s for s in working if s.marker == "s"]
            assert np.array_equal([s.x[0] for s in squares], it["working"])
            discs = [s for s in working if s.marker == "o"]
            best = [it["rate"]] * bool(it["working"])
            assert np.array_equal([s.x[0] for s in discs], best)
            color = {"glorot": "glorot", "he": "he", "lecun": "lecun",
                     "own": "ink"}.get(pair[1], "other")  # fmt: skip
            assert {s.color for s in working} <= {color}
            assert is_within(panel.x, tried.x)
            unsure = [t for t in panel.texts if t.at[1] == row]
            expected = not it["working"] and it["trained"]
            assert [t.text for t in unsure] == ["?"] * bool(expected)
            if pair == ("sigmoid", "glorot") and depth == 30:
                assert not working  # it works at none of them


# The table


def check_origin(about):
    """Assert that the table is of this engine and this grid."""
    assert about["engine"] == sweep.engine_hash(), "run `make atlas` again"
    assert about["grid"] == sweep.grid_hash(), "run `make atlas` again"


def test_the_table_was_made_by_this_engine_on_this_grid(runs):
    """The hashes beside the table are those of the code and of the grid."""
    about = json.loads(sweep.ABOUT.read_text("utf-8"))
    check_origin(about)
    for name in ("engine", "grid"):
        with pytest.raises(AssertionError, match="run `make atlas` again"):
            check_origin(about | {name: "0123456789abcdef"})
    assert about["runs"] == sum(map(len, runs.values()))
    assert about["of"] == len(grid())
    assert about["cells"] <= len(runs) <= about["of"]
    assert {"date", "machine", "python", *sweep.LIBRARIES} <= set(about)
    assert sweep.TABLE.stat().st_size < 5e6


@pytest.mark.parametrize("name", sweep.ENGINE)
def test_the_engines_hash_changes_with_its_code_only(
    name, tmp_path, monkeypatch
):
    for file in sweep.ENGINE:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, tmp_path / file)
    monkeypatch.setattr(unchanged, "ROOT", tmp_path)
    changed = tmp_path / name
    text = changed.read_text("utf-8")
    changed.write_text("# A comment.\n" + text)
    assert sweep.engine_hash.__wrapped__() == sweep.engine_hash()
    changed.write_text(text + "\nMORE = 1\n")
    assert sweep.engine_hash.__wrapped__() != sweep.engine_hash()


def test_each_kind_has_every_seed_at_every_rate_and_is_of_the_grid(runs):
    known = {tuple(getattr(it, name) for name in KIND): it for it in grid()}
    assert set(runs) <= set(known)
    missing = set(known) - set(runs)  # what a later sitting goes on with
    assert all(kind[1] == "adam" or kind[5] == CRITICAL for kind in missing)
    for kind, rows in runs.items():
        seen = {(run["rate"], run["seed"]) for run in rows}
        rates = {rate for rate, _ in seen}
        assert rates >= {*known[kind].rates}
        assert rates <= {*LADDER}
        assert seen == {*product(rates, range(SEEDS))}
        assert len(rows) == len(seen)


def test_kinds_that_are_the_same_networks_are_so_run_by_run(runs):
    """ReLU's and PReLU's own scale is that of He, SELU's that of LeCun."""
    copies = [kind for kind in runs if figures.is_copy(kind)]
    for kind in copies:
        twin = (*kind[:5], figures.SAME[kind[4:]])
        if twin not in runs:  # of Adam's pairs
            continue
        for mine, other in zip(runs[kind], runs[twin], strict=True):
            assert mine | {"initializer": twin[5]} == other
        scale = cell.own_scale(kind[4])
        named = {"he": 2, "lecun": 1}[twin[5]]
        assert scale == pytest.approx(named, abs=1e-5)
    main = [kind for kind in runs if figures.is_main(kind)]
    assert len(main) == 350 - 3 * len(DEPTHS) == 335


def test_the_figures_know_the_grid():
    assert tuple(figures.ACTIVATIONS) == ACTIVATIONS
    assert tuple(figures.INITIALIZERS) == INITIALIZERS
    assert figures.DEPTHS == DEPTHS
    assert figures.PAIRS == MAIN_PAIRS
    assert figures.WIDE_PAIRS == WIDE_PAIRS
    assert set(figures.OPTIMIZERS) == set(RATES)
    assert {*ADAM_PAIRS} <= {*figures.ADAM} <= {*ADAM_PAIRS, *MAIN_PAIRS}
    assert tuple(CRITICAL_BIASES) == figures.BIASED
    assert figures.CRITICAL == CRITICAL


# The verdict


def made_up(*rates):
    """Return runs: for each rate the updates of its seeds; `inf` diverges."""
    return [
        {
            "rate": 0.1 * (place + 1),
            "seed": seed,
            "updates": None if updates in (None, np.inf) else updates,
            "diverged": 7 if updates == np.inf else None,
            "loss": None if updates == np.inf else 1.0,
            "validation": 0.5,
        }
        for place, seeds in enumerate(rates)
        for seed, updates in enumerate(seeds)
    ]


@pytest.mark.parametrize(
    ("rates", "word", "working"),
    [
        ([[30, 60, 90, 120, 300]], "trains", 1),
        ([[30, 60, 90, 120, 330]], "slow", 1),
        ([[1200] * 5, [900] * 5], "slow", 2),
        ([[30, 30, 30, 30, None]], "uncertain", 0),
        ([[None] * 5, [None, np.inf, None, None, 30]], "uncertain", 0),
        ([[None] * 5, [np.inf] * 5], "does not", 0),
        ([[np.inf] * 3 + [None] * 2, [np.inf] * 5], "diverges", 0),
    ],
)
def test_a_verdict_follows_its_rule(rates, word, working):
    """Made-up runs: five seeds at one rate or two, and the word they get."""
    it = verdict(made_up(*rates))
    assert it.word == word
    assert len(it.working) == working
    assert it.seeds == 5


def test_the_best_rate_trains_most_seeds_then_soonest():
    it = verdict(made_up([30] * 4 + [None], [90] * 5, [60] * 5, [None] * 5))
    assert it.rate == pytest.approx(0.3)
    assert (it.updates, it.fastest, it.slowest) == (60, 60, 60)
    assert not it.open
    assert verdict(made_up([30] * 5, [None] * 5)).open


def test_what_five_seeds_of_five_can_tell():
    """Arithmetic: seeds that are independent of each other."""
    assert 0.5**5 == 1 / 32  # all train although half of all seeds do not


# The protocol, as the page states it


def test_the_protocol_is_that_of_the_code():
    """Each number of the protocol, against the constants and the data."""
    assert (TRAINED_ON, cell.BATCH, cell.STEPS) == (1500, 50, 30)
    assert (cell.SHORT, cell.LONG, cell.EVERY, cell.TARGET) == (10, 40, 4, 0.9)
    assert RATES["sgd"] == (0.003, 0.01, 0.03, 0.1, 0.3)
    assert RATES["momentum"] == (0.001, 0.003, 0.01, 0.03, 0.1)
    assert RATES["adam"] == (0.0001, 0.0003, 0.001, 0.003, 0.01)
    assert (LADDER[0], LADDER[-1]) == (0.00001, 3.0)
    assert len(grid()) == 477
    assert len(ACTIVATIONS) * len(INITIALIZERS) * len(DEPTHS) == 350
    x, _, other, _ = split("digits", 0)
    assert (len(x), len(other)) == (1500, 297)
    assert np.abs(x.mean(0)).max() < 1e-5
    assert np.mean(x**2) == pytest.approx(1, abs=1e-4)
    drawn = cell.first_kernels(grid()[0], 0)
    assert drawn[0].var() * 64 == pytest.approx(1, abs=0.05)
    assert drawn[-1].var() * 110 / 2 == pytest.approx(1, abs=0.2)
    assert (
        type(cell.OPTIMIZERS["momentum"]()).__mro__[2] is keras.optimizers.SGD
    )
    assert cell.OPTIMIZERS["momentum"]().momentum == 0.9


# The claims


def learned(rows, rate=None):
    """Return the shares of the training set, of the runs at a rate or all."""
    return [
        run["accuracy"] or 0.0
        for run in rows
        if rate is None or run["rate"] == rate
    ]


def updates(rows, rate):
    """Return the updates of the seeds at a rate, infinite if never."""
    return np.array(
        [run["updates"] or np.inf for run in rows if run["rate"] == rate]
    )


def at_best(kinds, activation, initializer):
    """Return the fewest and the most updates of a seed, at thirty layers."""
    it = kinds[at(30, activation, initializer)]
    assert it["trained"] == it["seeds"] == 5
    return it["fastest"], it["slowest"]


def words(kinds, depth, activation, initializers=CAREFUL):
    """Return the verdicts on an activation's initializers, in order."""
    return [kinds[at(depth, activation, i)]["word"] for i in initializers]


def test_four_layers_train_whatever_the_initializer(kinds):
    """4 layers, width 100, zero biases, digits, plain SGD.

    Five seeds a rate.
    """
    for activation in ACTIVATIONS:
        good = {"trains", "slow"} if activation == "sigmoid" else {"trains"}
        assert {*words(kinds, 4, activation)} <= good, activation
        for initializer in CAREFUL:
            assert len(kinds[at(4, activation, initializer)]["working"]) >= 2
    drawn = [
        words(kinds, 4, activation, ["n1"])[0] for activation in ACTIVATIONS
    ]
    assert drawn == ["trains"] * len(ACTIVATIONS)


def test_ten_layers_train_whatever_the_initializer(kinds):
    """10 layers, width 100, zero biases, digits, plain SGD; five seeds.

    At the best rate of each. N(0, 0.01²) at 10, 20, 30 and 50.
    """
    for activation in ACTIVATIONS:
        slow = (
            {"trains", "slow"} if activation in ("gelu", "silu") else {"trains"}
        )
        found = {*words(kinds, 10, activation)}
        assert (
            found == {"does not"} if activation == "sigmoid" else found <= slow
        )
        for depth in DEPTHS[1:]:
            assert words(kinds, depth, activation, ["n001"]) == ["does not"]
    for activation in ("gelu", "silu"):
        assert words(kinds, 10, activation, ["glorot", "lecun"]) == ["slow"] * 2


@pytest.mark.parametrize("seed", range(2))
def test_adam_moves_ten_narrow_layers_of_tanh(seed):
    """N(0, 0.01²), width 100, digits; Adam 0.003, batch 50, 400 updates."""
    x, y = load_digits(return_X_y=True)
    network = drawn_at_random("tanh", 10, lambda *_: 1e-4, seed)
    network.fit(x / 16, y, 0.003, 400, adam=True, seed=seed)
    assert network.accuracy(x / 16, y) > 0.3


def test_glorot_is_left_with_three_at_thirty_layers(kinds):
    """30 layers, width 100, zero biases, digits, plain SGD; five seeds.

    The others do not train in one seed at their best rate.
    """
    for initializer in ("glorot", "lecun"):
        left = [
            activation
            for activation in ACTIVATIONS
            if kinds[at(30, activation, initializer)]["trained"]
        ]
        assert left == ["tanh", "elu", "selu"]


def test_what_trains_at_fifty_layers(kinds):
    """Plain SGD, width 100, zero biases, digits, five seeds; best rate."""
    good = ("trains", "slow")
    for activation in ("tanh", "elu", "selu"):
        found = words(kinds, 50, activation)
        assert all(word in good for word in found), activation
    for activation in ("sigmoid", "gelu", "silu"):
        for initializer in INITIALIZERS:
            assert not kinds[at(50, activation, initializer)]["trained"]
    mish = [kinds[at(50, "mish", i)]["trained"] for i in INITIALIZERS]
    assert mish == [0, 0, 0, 4, 4, 0, 0]
    for activation in ("relu", "leaky_relu", "prelu"):
        assert "trains" not in words(kinds, 50, activation)


def test_selu_with_he_trains_at_a_low_rate(kinds, runs):
    """Plain SGD, width 100, five seeds: fifty layers; PReLU with four."""
    it = kinds[at(50, "selu", "he")]
    assert (it["word"], it["rate"]) == ("slow", 0.001)
    assert it["working"] == (0.0003, 0.001)
    higher = [r for r in runs[at(50, "selu", "he")] if r["rate"] >= 0.003]
    assert all(run["diverged"] is not None for run in higher)
    prelu = runs[at(4, "prelu", "n1")]
    assert max(updates(prelu, 0.001)) == 60
    wild = [r for r in prelu if r["rate"] == 0.003]
    assert sum(run["diverged"] is not None for run in wild) == 4
    assert any(run["loss"] == 0 for run in prelu)  # and it is no chance


def test_kernel_gradients_hide_what_relu_with_glorot_has_lost(kinds, runs):
    """Thirty layers of 100 ReLUs, digits, plain SGD; every rate, five seeds."""
    assert max(learned(runs[at(30, "relu", "glorot")])) < 0.25
    start = kinds[at(30, "relu", "glorot")]["start"]
    assert abs(start["kernel"]) < np.log10(2)
    assert start["forward"] / 2 < -4  # the size: the moment's root
    assert start["backward"] < -4


def test_what_diverges_says_which_rates_it_means(kinds, runs):
    """Down to the ladder's end; the best rate stands at no other edge."""
    assert not [kind for kind, it in runs.items() if sweep.rates_beyond(it)]
    bounded = ("sigmoid", "tanh")
    wide = [k for k in kinds if k[1:3] == ("sgd", 100) and k[5] == "n1"]
    for kind in [k for k in wide if k[3] >= 10 and k[4] not in bounded]:
        assert kinds[kind]["word"] == "diverges", kind
    for kind, it in kinds.items():
        if it["word"] == "diverges":
            assert it["tried"][0] == LADDER[0], kind
        if it["trained"]:
            ends = {it["tried"][0], it["tried"][-1]} - {LADDER[0], LADDER[-1]}
            assert it["rate"] not in ends, kind


def test_orthogonal_kernels_need_fewest_updates_at_thirty_layers(kinds):
    """30 layers, width 100, digits, plain SGD.

    Medians of five seeds, best rates.
    """
    for activation in ("tanh", "relu", "leaky_relu", "prelu", "elu", "selu"):
        needed = {
            initializer: kinds[at(30, activation, initializer)]["updates"]
            for initializer in INITIALIZERS
        }
        others = [needed[it] or np.inf for it in needed if it != "orthogonal"]
        assert needed["orthogonal"] <= min(others), activation


def test_elu_and_selu_with_orthogonal_kernels_need_one_epoch(kinds):
    """30 layers, width 100, digits, plain SGD at the best rate; five seeds."""
    for activation in ("elu", "selu"):
        once = (cell.STEPS, cell.STEPS)
        assert at_best(kinds, activation, "orthogonal") == once
    assert cell.own_scale("elu") == pytest.approx(1.55, abs=0.005)


def test_thirty_layers_of_tanh_train_with_five_initializers(kinds, runs):
    """30 layers, width 100, zero biases, digits, plain SGD.

    Five seeds a rate.
    """
    for initializer in CAREFUL:
        it = kinds[at(30, "tanh", initializer)]
        assert it["word"] == "trains", initializer
        assert len(it["working"]) >= 3
    for initializer in ("n1", "n001"):
        assert kinds[at(30, "tanh", initializer)]["word"] == "does not"
    orthogonal, glorot = (
        updates(runs[at(30, "tanh", initializer)], 0.003)
        for initializer in ("orthogonal", "glorot")
    )
    assert orthogonal.max() <= glorot.min() / 4


def test_tanh_fails_only_where_signal_or_gradient_is_gone(kinds):
    """30 layers, width 100, before training; medians of five seeds, log10."""
    assert kinds[at(30, "tanh", "n1")]["start"]["backward"] > 9
    assert kinds[at(30, "tanh", "n001")]["start"]["forward"] < -40
    for initializer in CAREFUL:
        start = kinds[at(30, "tanh", initializer)]["start"]
        assert abs(start["forward"]) < 2
        assert abs(start["backward"]) < 2


def test_thirty_layers_of_relu_want_orthogonal_kernels(kinds):
    """Plain SGD, each at its best rate, width 100, five seeds."""
    assert kinds[at(30, "relu", "he")]["word"] == "slow"
    assert (
        at_best(kinds, "relu", "orthogonal")[1]
        < at_best(kinds, "relu", "he")[0]
    )
    medians = [
        kinds[at(30, "relu", i)]["updates"] for i in ("he", "orthogonal")
    ]
    assert medians == [480, 240]
    assert cell.own_scale("relu") == pytest.approx(2)
    for initializer in ("glorot", "lecun"):
        assert kinds[at(30, "relu", initializer)]["word"] == "does not"


def test_tanh_needs_fewer_updates_than_relu_at_thirty_layers(kinds):
    """Plain SGD, each at its best rate, width 100, five seeds."""
    fewest = min(at_best(kinds, "relu", i)[0] for i in ("he", "orthogonal"))
    for initializer in CAREFUL:
        assert at_best(kinds, "tanh", initializer)[1] < 0.7 * fewest


def test_leaky_relu_needs_fewer_updates_than_relu(kinds):
    """30 layers, width 100, digits, plain SGD at each one's best rate.

    Five seeds.
    """
    for initializer in ("he", "orthogonal"):
        fewest = at_best(kinds, "relu", initializer)[0]
        assert at_best(kinds, "leaky_relu", initializer)[1] < fewest
        medians = [
            kinds[at(30, activation, initializer)]["updates"]
            for activation in ("relu", "leaky_relu")
        ]
        assert 0.4 < medians[1] / medians[0] < 0.7
    relu = kinds[at(30, "relu", "he")]["start"]
    leaky = kinds[at(30, "leaky_relu", "he")]["start"]
    assert max(abs(relu["forward"]), abs(leaky["forward"])) < 0.5
    assert relu["dead"] > 1 / 3
    assert leaky["dead"] == 0


def test_selu_with_he_trains_at_a_tenth_of_the_rate(kinds, runs):
    """30 layers, width 100, digits, plain SGD; five seeds at each rate."""
    he, lecun = (kinds[at(30, "selu", i)] for i in ("he", "lecun"))
    assert he["working"][-1] == 0.003
    assert lecun["working"][-1] == 0.03
    above = [r for r in runs[at(30, "selu", "he")] if r["rate"] == 0.01]
    assert sum(run["diverged"] is not None for run in above) >= 3
    assert he["start"]["first_loss"] > 10 * np.log(10)
    assert lecun["slowest"] < he["fastest"]


def test_some_seeds_fall_back(runs, kinds):
    """The main grid, copies left out; trained: 90 % right once, all seeds."""
    fell = [
        kind
        for kind, it in kinds.items()
        if it["word"] in figures.GOOD
        and figures.is_main(kind)
        and any(share < 0.9 for share in learned(runs[kind], it["rate"]))
    ]
    assert len(fell) == 14


def test_ten_sigmoid_layers_train_with_unit_variance_alone(kinds):
    """Width 100, zero biases, digits, plain SGD, rates to 3; five seeds."""
    alone = kinds[at(10, "sigmoid", "n1")]
    assert (alone["word"], alone["rate"]) == ("trains", 0.3)
    for initializer in INITIALIZERS:
        if initializer != "n1":
            assert not kinds[at(10, "sigmoid", initializer)]["trained"]
    fifty = kinds[at(50, "sigmoid", "n1")]
    assert fifty["word"] == "does not"
    assert abs(fifty["start"]["backward"]) < 1.5
    for depth in DEPTHS:
        soonest = {
            activation: min(
                kinds[at(depth, activation, i)]["updates"] or np.inf
                for i in INITIALIZERS
            )
            for activation in ("tanh", "sigmoid")
        }
        assert soonest["tanh"] <= soonest["sigmoid"]


def test_thirty_sigmoid_layers_learn_with_no_careful_initializer(runs):
    """30 layers, width 100, zero biases, digits, plain SGD, seven rates.

    Five seeds.
    """
    for initializer in CAREFUL:
        rows = runs[at(30, "sigmoid", initializer)]
        assert len({run["rate"] for run in rows}) >= 7
        assert max(learned(rows)) < 0.25, initializer


def test_thirty_sigmoid_layers_learn_with_unit_variance(runs, kinds):
    """30 layers, width 100, zero biases, digits, plain SGD at 0.03.

    Five seeds.
    """
    rows = runs[at(30, "sigmoid", "n1")]
    assert min(learned(rows, 0.03)) > 0.7
    start = kinds[at(30, "sigmoid", "n1")]["start"]
    assert abs(start["backward"]) < 1
    for initializer in CAREFUL:
        lost = kinds[at(30, "sigmoid", initializer)]["start"]
        assert lost["backward"] < -10
        assert abs(lost["forward"]) < 0.1
        assert lost["cosine"] > 0.9999


def of_pair(kinds, pair, optimizer="sgd", depth=30, data="digits"):
    return kinds[(data, optimizer, 100, depth, *pair)]


def test_adam_trains_thirty_layers_that_sgd_does_not(kinds):
    """Width 100, zero biases, digits; SGD and Adam, each at its best rate.

    Five seeds.
    """
    for pair, word in (
        (("gelu", "he"), "trains"),
        (("silu", "he"), "slow"),
        (("relu", "glorot"), "slow"),
    ):
        assert not of_pair(kinds, pair)["trained"]
        assert of_pair(kinds, pair, "adam")["word"] == word
    for pair, range_ in (
        (("relu", "he"), (150, 210)), (("tanh", "glorot"), (60, 90)),
    ):  # fmt: skip
        it = of_pair(kinds, pair, "adam")
        assert (it["fastest"], it["slowest"]) == range_
    for activation, trained in (("gelu", 3), ("silu", 0)):
        it = of_pair(kinds, (activation, "he"), "adam", 50)
        assert it["trained"] == trained


def test_no_optimizer_of_three_trains_deep_sigmoids_with_glorot(kinds):
    """Width 100, zero biases, digits; SGD, momentum 0.9, Adam, all rates.

    Five seeds.
    """
    for optimizer in RATES:
        for depth in (10, 30, 50):
            it = of_pair(kinds, ("sigmoid", "glorot"), optimizer, depth)
            assert not it["trained"], (optimizer, depth)


def test_momentum_rescues_no_pair_at_thirty_layers(kinds):
    """30 layers, width 100, digits; ten pairs, each at its best rate.

    Five seeds.
    """
    assert cell.OPTIMIZERS["momentum"]().momentum == 0.9
    for pair in MAIN_PAIRS:
        plain, pushed = (of_pair(kinds, pair, it) for it in ("sgd", "momentum"))
        assert bool(plain["trained"]) == bool(pushed["trained"]), pair


def test_adam_trains_thirty_layers_of_nine_activations(kinds):
    """Width 100, zero biases, digits; Adam, each at its best rate.

    The recommended initializer of each activation; five seeds.
    """
    for pair in figures.ADAM:
        thirty, ten = (of_pair(kinds, pair, "adam", d) for d in (30, 10))
        if pair[0] == "sigmoid":
            assert thirty["word"] == {"n1": "slow"}.get(pair[1], "does not")
        else:
            assert thirty["word"] == ten["word"] == "trains"
            assert thirty["slowest"] <= 240, pair
    ten = of_pair(kinds, ("sigmoid", "n1"), "adam", 10)
    assert ten["slowest"] == 90


def test_adam_at_fifty_layers(kinds):
    """Width 100, zero biases, digits, best rate, five seeds; own scales."""
    gelu, silu, mish = (
        of_pair(kinds, (activation, "own"), "adam", 50)
        for activation in ("gelu", "silu", "mish")
    )
    assert (gelu["word"], gelu["trained"]) == ("uncertain", 4)
    assert silu["word"] == "slow"
    assert (mish["word"], mish["updates"]) == ("trains", 240)


def test_random_biases_train_fifty_layers(kinds, runs):
    """50 layers, width 100, digits, plain SGD; five seeds at each rate."""
    words = {
        activation: kinds[at(50, activation, CRITICAL)]["word"]
        for activation in figures.BIASED
    }
    assert words == {
        "tanh": "trains", "gelu": "slow", "mish": "slow",
        "silu": "uncertain", "sigmoid": "does not",
    }  # fmt: skip
    assert kinds[at(50, "silu", CRITICAL)]["trained"] == 4
    it = kinds[at(50, "gelu", CRITICAL)]
    assert (it["word"], it["rate"]) == ("slow", 0.003)
    higher = updates(runs[at(50, "gelu", CRITICAL)], 0.01)
    assert np.isfinite(higher).sum() == 3
    for initializer in INITIALIZERS:
        assert not kinds[at(50, "gelu", initializer)]["trained"]


def test_headlines_stand_on_seeds_that_chose_no_rate(measured):
    """Seeds 5 to 9 at the best rate of seeds 0 to 4; digits, plain SGD."""
    judged = dict(measured("atlas", "judged"))
    assert len(judged) == 29
    worst = judged.pop(at(50, "tanh", "lecun"))
    assert worst["judged"].count(None) == 1
    later = np.median([it or np.inf for it in worst["judged"]])
    assert later > 2 * np.median(worst["chose"])
    for kind, it in judged.items():
        assert len(it["judged"]) == len(it["chose"]) == 5
        assert None not in it["judged"], kind
        assert np.median(it["judged"]) <= 1.5 * np.median(it["chose"]), kind


def test_the_tables_of_adam_and_of_biases_say_what_the_kinds_are(
    measured, kinds
):
    adam, biases = (measured("atlas", it)["rows"] for it in ("adam", "biases"))
    wanted = {
        (place, column): kinds.get(("digits", "adam", 100, depth, *pair))
        for place, pair in enumerate(figures.ADAM)
        for column, depth in enumerate(figures.ADVISED_AT)
    }
    for (place, column), it in wanted.items():
        assert adam[place][2 + column] == figures._said(it)
    run = {kind[4] for kind in kinds if kind[5] == CRITICAL}
    assert len(biases) == len(run) > 0
    found = [it for it in figures.BIASED if it in run]
    for place, activation in enumerate(found):
        assert biases[place][0] == figures.ACTIVATIONS[activation]
        columns = [
            kinds.get(at(depth, activation, initializer))
            for depth in figures.ADVISED_AT
            for initializer in ("own", CRITICAL)
        ]
        assert biases[place][1:] == [figures._said(it) for it in columns]


def test_orthogonal_tanh_is_alone_on_mnist1d(kinds):
    """mnist1d and digits, width 100, zero biases, plain SGD, best rate.

    Five seeds.
    """
    words = {
        pair: [
            of_pair(kinds, pair, depth=depth, data="mnist1d")["word"]
            for depth in (4, 10, 30)
        ]
        for pair in MAIN_PAIRS
    }
    assert words.pop(("tanh", "orthogonal")) == ["trains"] * 3
    assert all("trains" not in of for of in words.values())
    for pair in (("tanh", "glorot"), ("relu", "he")):
        assert words[pair][2] == "does not"
        assert of_pair(kinds, pair)["word"] in figures.GOOD
    assert split("mnist1d", 0)[0].shape[1] == 40
    ratios = [
        of_pair(kinds, pair, depth=4, data="mnist1d")["updates"]
        / of_pair(kinds, pair, depth=4)["updates"]
        for pair in words
        if pair[0] != "sigmoid"
    ]
    assert sum(ratio >= 10 for ratio in ratios) > len(ratios) / 2


def test_wide_networks_need_fewer_updates(kinds):
    """30 layers, widths 100 and 400, digits, plain SGD, best rates.

    Five seeds.
    """
    *pairs, gelu = (
        (of_pair(kinds, pair), kinds[(*figures.WIDE, 30, *pair)])
        for pair in WIDE_PAIRS
    )
    for narrow, wide in pairs:
        assert wide["word"] == "trains"
        assert wide["updates"] < narrow["updates"]
    assert [it["word"] for it in gelu] == ["does not"] * 2


# How well the start tells the verdict


def test_an_area_is_that_of_other_groups():
    """By hand: the centre and the direction come from the other group."""
    group = np.array([0] * 4 + [1] * 4)
    label = np.array([1, 1, 0, 0] * 2, bool)
    x = np.array([[4.0], [5], [1], [9], [2], [4], [0], [9]])
    expected = []
    for mine, other in ((group == 0, group == 1), (group == 1, group == 0)):
        far = -np.abs(x[:, 0] - np.median(x[other & label, 0]))
        assert roc_auc_score(label[other], far[other]) > 0.5
        expected.append(roc_auc_score(label[mine], far[mine]))
    found = figures._left_out(x, label, group, ["backward"])
    assert found == pytest.approx(np.mean(expected))
    far = np.abs(x[:, 0])
    assert figures._left_out(x, label, group, ["dead"]) != found
    assert np.isnan(figures._left_out(x, label | True, group, ["dead"]))


def test_the_gradient_of_the_outputs_tells_most(measured):
    """All kinds of width 100 on digits with plain SGD; areas under the curve.

    Once more without N(0, 1) and N(0, 0.01²).
    """
    for areas in measured("atlas", "foretold")["auc"].values():
        one = areas["one rule"]
        singles = {name: one[name] for name in figures.STATISTICS}
        assert max(singles, key=singles.__getitem__) == "backward"
        assert singles["backward"] > 0.94
        assert singles["kernel"] < singles["backward"] - 0.2
        assert singles["kernel"] < one["layers"] - 0.02


def test_all_numbers_together_add_little(measured):
    """The same kinds.

    Each activation, or initializer, is left out of the fit.
    """
    for areas in measured("atlas", "foretold")["auc"].values():
        for left_out in ("activation", "initializer"):
            of = areas[left_out]
            assert -0.02 < of["all"] - of["backward"] < 0.03
            assert of["backward"] > 0.94


def test_the_table_of_the_areas_says_what_was_measured(measured):
    foretold = measured("atlas", "foretold")
    assert all(len(row) == len(foretold["head"]) for row in foretold["rows"])
    for areas in foretold["auc"].values():
        for of in areas.values():
            known = [area for area in of.values() if np.isfinite(area)]
            assert all(0 <= area <= 1 for area in known)


# What shows it


def test_the_tables_on_the_page_say_what_the_kinds_are(measured, kinds):
    table = measured("atlas", "table")
    assert len(table["rows"]) == len(kinds)
    words = [row[table["head"].index("Verdict")] for row in table["rows"]]
    assert sorted(words) == sorted(it["word"] for it in kinds.values())
    best = measured("atlas", "best")
    for (name, *cells), activation in zip(
        best["rows"], ACTIVATIONS, strict=True
    ):
        assert name == figures.ACTIVATIONS[activation]
        for depth, text in zip(DEPTHS, cells, strict=True):
            of = [kinds.get(at(depth, activation, i)) for i in INITIALIZERS]
            good = [it for it in of if it and it["word"] in figures.GOOD]
            if None in of:
                assert text == "not run yet"
            elif not good:
                assert text == "none"
            else:
                fastest = min(it["updates"] for it in good)
                pattern = r"(.+?)(?: and \d more)?, ([\d.]+): .+"
                initializer, rate = re.fullmatch(pattern, text).groups()
                shown = [*figures.INITIALIZERS.values()].index(initializer)
                assert of[shown]["updates"] == fastest
                assert of[shown]["rate"] == float(rate)


def test_the_tables_of_other_settings_say_what_the_kinds_are(measured, kinds):
    optimizers = measured("atlas", "optimizers")["rows"]
    elsewhere = measured("atlas", "elsewhere")["rows"]
    rows = zip(MAIN_PAIRS, optimizers, elsewhere, strict=True)
    for pair, (_, *trained), (_, *other) in rows:
        wanted = [
            of_pair(kinds, pair, optimizer, depth)
            for depth in (30, 50)
            for optimizer in ("sgd", "momentum", "adam")
        ] + [of_pair(kinds, pair, "sgd", d, "mnist1d") for d in (4, 10, 30)]
        for text, it in zip(trained + other[:3], wanted, strict=True):
            told = {"uncertain": f"{it['trained']} of 5 seeds"}
            assert text.startswith(told.get(it["word"], it["word"]))
        assert bool(other[3]) == (pair in WIDE_PAIRS)


def test_a_run_beside_one_that_diverges_is_what_fit_makes():
    """Two layers of ReLU, 30 updates of SGD at 0.1, beside a rate of 1e30."""
    x, y = split("digits", 0)[:2]
    sizes = [64, 100, 100, 10]
    kernels = [
        keras.initializers.GlorotUniform(seed)(shape).numpy()
        for seed, shape in enumerate(pairwise(sizes))
    ]
    program = Program(2, 64, sizes[1:], "relu", lambda: RunSGD(1.0))
    program.start([np.stack([k, k]) for k in kernels], np.float32([0.1, 1e30]))
    batches = [np.stack([part.reshape(30, 50, -1)] * 2, 1) for part in (x, y)]
    history = program.epoch(batches[0], batches[1][..., 0]).numpy()
    assert np.isfinite(history).all(axis=0).tolist() == [True, False]
    plain = keras.Sequential(
        [
            keras.layers.Dense(100, "relu"),
            keras.layers.Dense(100, "relu"),
            keras.layers.Dense(10),
        ]
    )
    plain.build((None, 64))
    for layer, kernel in zip(plain.layers, kernels, strict=True):
        layer.kernel.assign(kernel)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    plain.compile(keras.optimizers.SGD(0.1), loss)
    plain.fit(x, y, batch_size=50, shuffle=False, verbose=0)
    layers = dense_layers(program.model)
    for mine, other, drawn in zip(plain.layers, layers, kernels, strict=True):
        kernel = mine.kernel.numpy()
        assert np.abs(kernel - drawn).max() > 1e-2  # it has moved
        assert np.abs(kernel - other.kernel.numpy()[0]).max() < 1e-5


def test_a_measurement_becomes_a_table_and_an_unknown_one_an_error():
    render = ["sitegen.tables", "attr_list"]
    page = "[table: atlas/best]\n{: #best }\n"
    html = markdown.markdown(page, extensions=render)
    assert html.startswith('<table id="best"><thead><tr><th scope="col">Act')
    assert html.count("<tr>") == 1 + len(ACTIVATIONS)
    for name in ("atlas/nothing", "nowhere/best"):
        with pytest.raises(MeasureError, match=f"{name}.*no measure_"):
            markdown.markdown(f"[table: {name}]", extensions=render)


def test_a_figure_of_a_table_with_gaps_is_drawn(kinds):
    for some in ({}, dict(list(kinds.items())[:1])):
        for plot in (figures.plot_grid, figures.plot_rates):
            with style.in_style("atlas/gaps"):
                assert len(style.variants(plot(some), plot.__name__)) == 4


def test_the_page_offers_the_table_whole_and_filters_it(site, kinds, new_tab):
    page = site / "atlas.html"
    link = re.search(r'href="(data/atlas/results\.csv\.gz)"', page.read_text())
    assert (site / link[1]).read_bytes() == sweep.TABLE.read_bytes()
    rows = "#kinds tbody tr"
    plain = new_tab(java_script_enabled=False).open(page.as_uri())
    assert plain.locator(f"{rows}:visible").count() == len(kinds)
    assert not plain.locator("form.filter").count()
    tab = new_tab().open(page.as_uri())
    form = tab.locator("form.filter")
    form.get_by_label("Layers").select_option("30")
    form.get_by_label("Activation").focus()
    tab.keyboard.type("sig")
    shown = tab.locator(f"{rows}:visible")
    wanted = [k for k in kinds if k[3] == 30 and k[4] == "sigmoid"]
    assert shown.count() == len(wanted)
    count = form.locator("output")
    said = f"{len(wanted)} of {len(kinds)} kinds of network"
    assert count.inner_text() == said
    form.get_by_role("button", name="Show all").click()
    assert shown.count() == len(kinds)
    script = ROOT / "docs/assets/js/filter.js"
    assert script.stat().st_size < 3000
