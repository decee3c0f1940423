"""The engine of the atlas is Keras, and its sweep loses nothing."""

import ast
import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from sitegen import keys
from snippets.atlas.verdicts import (
    by_kind,
    by_rate,
    read_runs,
    verdict,
)
from studies.atlas import biases, sweep
from studies.atlas.cell import (
    LONG,
    STEPS,
    batches,
    first_kernels,
    own_scale,
    program,
    run_cell,
    split,
)
from studies.atlas.grid import (
    ACTIVATIONS,
    CRITICAL,
    CRITICAL_BIASES,
    LADDER,
    SEEDS,
    Cell,
    grid,
)
from studies.unchanged import ROOT, WEEKLY, chosen, code_hash

ABOUT = json.loads(sweep.ABOUT.read_text("utf-8"))
# What cannot have changed since the table was written is tested weekly.
SAME = (
    ABOUT["engine"] == sweep.engine_hash()
    and ABOUT.get("biases") == sweep.engine_hash(biased=True)
    and ABOUT.get("sweep") == code_hash(sweep.SWEEP)
)
unless_unchanged = pytest.mark.skipif(
    SAME and not WEEKLY,
    reason="its code is that of the table: WEEKLY=1 tests it again",
)
UPDATES = 20
FOR_EVER = 300  # seconds; what ends at all ends at once
# Quick cells, one program; the best rate is the middle one.
QUICK = [
    Cell("digits", "sgd", 20, 3, "tanh", initializer, (0.01, 0.3, 3.0))
    for initializer in ("glorot", "lecun", "orthogonal")
]
OPTIMIZERS = {
    "sgd": keras.optimizers.SGD,
    "momentum": lambda rate: keras.optimizers.SGD(rate, momentum=0.9),
    "adam": keras.optimizers.Adam,
}


def plain(cell: Cell, kernels: list[np.ndarray]) -> keras.Sequential:
    """Return the same network as anyone would write it in Keras."""
    model = keras.Sequential([keras.Input((split(cell.data, 0)[0].shape[1],))])
    for kernel in kernels:
        if len(model.layers):
            model.add(
                keras.layers.PReLU()
                if cell.activation == "prelu"
                else keras.layers.Activation(cell.activation)
            )
        model.add(keras.layers.Dense(kernel.shape[1]))
        model.layers[-1].kernel.assign(kernel)
    model.compile(
        OPTIMIZERS[cell.optimizer](cell.rates[0]),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return model


@unless_unchanged
@pytest.mark.parametrize(
    ("activation", "initializer", "depth", "optimizer", "rate"),
    [
        ("tanh", "glorot", 10, "sgd", 0.03),
        ("selu", "lecun", 4, "sgd", 0.01),
        ("prelu", "he", 4, "momentum", 0.01),
        ("gelu", "own", 4, "adam", 0.001),
        ("sigmoid", "n1", 4, "sgd", 0.03),
    ],
)
def test_a_batched_run_is_keras(
    activation, initializer, depth, optimizer, rate
):
    cell = Cell(
        "digits", optimizer, 100, depth, activation, initializer, (rate,)
    )
    drawn = [first_kernels(cell, seed) for seed in range(SEEDS)]
    together = program(cell, SEEDS)
    together.start(
        [np.stack(kernels) for kernels in zip(*drawn, strict=True)],
        np.full(SEEDS, rate, "float32"),
    )
    x, y = batches(cell.data, np.arange(SEEDS), 0)
    together.epoch(x[:UPDATES], y[:UPDATES])
    for seed in (0, SEEDS - 1):
        alone = plain(cell, drawn[seed])
        before = [v.numpy().copy() for v in alone.trainable_variables]
        for step in range(UPDATES):
            alone.train_on_batch(x[step, seed], y[step, seed])
        for old, mine, ours in zip(
            before,
            alone.trainable_variables,
            together.model.trainable_variables,
            strict=True,
        ):
            assert np.abs(mine.numpy() - old).max() > 0  # it has moved
            assert np.allclose(
                mine.numpy().squeeze(),
                ours.numpy()[seed].squeeze(),
                rtol=0,
                atol=1e-4,
            )


@unless_unchanged
def test_a_run_that_diverges_disturbs_no_other():
    calm = Cell("digits", "sgd", 100, 4, "relu", "he", (0.03,))
    wild = Cell("digits", "sgd", 100, 4, "relu", "he", (0.03, 1e9))
    alone, beside = run_cell(calm), run_cell(wild)
    assert all(row["diverged"] is not None for row in beside[SEEDS:])
    for row, other in zip(alone, beside[:SEEDS], strict=True):
        assert row["updates"] == other["updates"]
        assert row["loss"] == pytest.approx(other["loss"], rel=1e-3)


@unless_unchanged
def test_runs_that_go_on_after_ten_epochs_are_the_same_runs():
    """Two that are slow beside three that are not, and all five alone."""
    cell = Cell("digits", "sgd", 100, 4, "tanh", "glorot", (0.0003, 0.1))
    slow, quick = run_cell(cell)[:SEEDS], run_cell(cell)[SEEDS:]
    alone = run_cell(Cell("digits", "sgd", 100, 4, "tanh", "glorot", (0.0003,)))
    assert [row["epochs"] for row in quick] == [10] * SEEDS
    assert [row["epochs"] for row in slow] == [40] * SEEDS
    for row, other in zip(slow, alone, strict=True):
        assert row["updates"] == other["updates"]
        assert row["loss"] == pytest.approx(other["loss"], rel=1e-4)


@unless_unchanged
def test_memory_does_not_grow_with_the_runs():
    import psutil

    me = psutil.Process()
    used = []
    for _ in range(8):
        run_cell(QUICK[0])
        used.append(me.memory_info().rss / 2**20)
    assert used[-1] - used[3] < 20


@unless_unchanged
def test_what_was_compiled_goes_with_its_process(empty, monkeypatch):
    monkeypatch.setattr(sweep, "CELLS_A_PROCESS", 1)
    monkeypatch.setattr(sweep, "timed", process_of)
    sweep.run_here(QUICK, lambda: None)
    assert len({sweep.finished(cell)[0]["seed"] for cell in QUICK}) == 3


def process_of(part: Cell) -> tuple[list[dict], float]:
    """Stand in for a cell: the middle rate trains, `seed` is the process."""
    low, middle, high = part.rates
    run = {"diverged": None, "loss": 0.1, "seed": os.getpid()}
    return [
        run | {"rate": rate, "updates": 30 if rate == middle else None}
        for rate in (low, middle, high)
    ], 0.0


# On another Python, without what this project needs.
HASH = """
import hashlib, pathlib, sys, types
package = types.ModuleType("sitegen")
package.__path__, package.SitegenError = ["sitegen"], Exception
sys.modules["sitegen"] = package
from sitegen import keys
found = hashlib.sha256()
for name in sys.argv[1:]:
    found.update(keys.code(pathlib.Path(name)).encode())
print(found.hexdigest()[:16])
"""


def test_the_engines_hash_is_the_committed_one_on_any_python():
    committed = json.loads(sweep.ABOUT.read_text("utf-8"))["engine"]
    assert sweep.engine_hash() == committed
    for minor in (11, 12, 13):
        other = shutil.which(f"python3.{minor}")
        if (
            other
            and subprocess.run(
                [other, "-c", ""], check=False, capture_output=True
            ).returncode
            == 0
        ):
            done = subprocess.run(
                [other, "-c", HASH, *sweep.ENGINE],
                cwd=ROOT, capture_output=True, text=True, check=True,
            )  # fmt: skip
            assert done.stdout.strip() == committed, other


def test_what_a_newer_python_adds_to_a_tree_changes_no_hash(monkeypatch):
    """As `type_params` did, and an empty text behind a format spec."""
    path = ROOT / sweep.ENGINE[1]
    before = keys.code(path)
    tree = keys.Module(path, path.read_text("utf-8")).tree
    dump = keys.dump.__wrapped__
    for kind in (ast.FunctionDef, ast.Call, ast.Module):
        monkeypatch.setattr(kind, "_fields", (*kind._fields, "brand_new"))
    for node in ast.walk(tree):
        node.brand_new = []
    assert "brand_new" in ast.dump(tree)
    assert dump(tree, movable=True) == before
    spec, with_text = (ast.parse('f"{x:{n}}"', mode="eval") for _ in range(2))
    with_text.body.values[0].format_spec.values.append(ast.Constant(""))
    assert dump(spec) == dump(with_text)
    assert dump(ast.parse("x + 1")) != dump(ast.parse("x + 2"))
    assert dump(ast.parse('f("")')) != dump(ast.parse("f()"))


def test_a_new_key_says_which_cells_came_out_alike():
    about = json.loads(sweep.ABOUT.read_text("utf-8"))
    for record in about["rekeyed"]:
        assert record["to"] == about["engine"]
        alike = record["alike bit for bit"]
        assert len(set(alike)) == 20
        shown = [text.split() for text in alike]
        kinds = {
            tuple(map(str, kind)) for kind in by_kind(read_runs(sweep.TABLE))
        }
        assert all(tuple(words[:6]) in kinds for words in shown)
        for place, least in enumerate((2, 3, 2, 4, 10, 5)):
            assert len({words[place] for words in shown}) >= least


def tried(**rates) -> list[dict]:
    """Return runs, `r01=…` for a rate of 0.01: losses, `None` diverges."""
    return [
        {
            "rate": float(f"0.{rate[1:]}"),
            "seed": seed,
            "diverged": 7 if loss is None else None,
            "updates": None if loss is None or loss > 0.3 else 60,
            "loss": loss,
        }
        for rate, losses in rates.items()
        for seed, loss in enumerate(losses)
    ]


TRAINS, CHANCE, DIVERGES = [0.1] * 5, [2.3026] * 5, [None] * 5


def test_a_best_rate_at_the_edge_extends_the_sweep():
    beyond = sweep.rates_beyond
    assert beyond(tried(r003=CHANCE, r01=TRAINS, r03=DIVERGES)) == ()
    assert beyond(tried(r003=CHANCE, r01=TRAINS)) == (0.03, 0.1)
    assert beyond(tried(r01=TRAINS, r03=CHANCE)) == (0.001, 0.003)
    assert beyond(tried(r00003=TRAINS, r0001=CHANCE)) == (0.00001,)
    assert beyond(tried(r00001=TRAINS, r0001=CHANCE)) == ()
    assert all(rate in LADDER for cell in grid() for rate in cell.rates)


def test_where_nothing_learns_the_sweep_goes_on_to_the_ladders_end():
    beyond = sweep.rates_beyond
    assert beyond(tried(r1=CHANCE, r3=CHANCE)) == (1.0, 3.0)
    assert beyond(tried(r1=CHANCE, r3=DIVERGES)) == ()
    lower = LADDER[: LADDER.index(0.1)]
    assert beyond(tried(r1=DIVERGES, r3=DIVERGES)) == lower
    assert beyond(tried(r00001=DIVERGES, r3=DIVERGES)) == ()


def test_the_table_is_in_one_order_wherever_its_rows_come_from(monkeypatch):
    cell = replace(grid()[0], rates=(0.003, 0.01))
    old, new = tried(r003=CHANCE), tried(r01=TRAINS)
    orders = []
    for first, second in ((old, new), (new, old)):
        known = [(cell, first), (cell, second)]
        monkeypatch.setattr(sweep, "_known", lambda _: old + new)
        monkeypatch.setattr(sweep, "parts", lambda _, known=known: known)
        orders.append(sweep._finished_of([cell])[1])
    assert orders[0] == orders[1] == old + new


def test_a_loss_of_zero_is_no_chance():
    """It is a network that has learned all there is."""
    rows = tried(r01=[0.0, *CHANCE[1:]], r03=CHANCE)
    assert sweep.rates_beyond(rows) == (0.001, 0.003)


def test_the_grid_is_the_whole_grid():
    cells = grid()
    assert len(set(cells)) == len(cells)
    main = [
        c
        for c in cells
        if (c.data, c.optimizer, c.width) == ("digits", "sgd", 100)
    ]
    biased = [c for c in main if c.initializer == CRITICAL]
    assert len(main) == 10 * 7 * 5 + len(biased)
    assert len(biased) == 5 * 3
    assert all(len(cell.rates) >= 5 for cell in cells)
    for optimizer, pairs in (("momentum", 10), ("adam", 16)):
        assert sum(c.optimizer == optimizer for c in cells) == pairs * 3
    adam = {c.activation for c in cells if c.optimizer == "adam"}
    assert adam == {*ACTIVATIONS}
    assert sum(cell.width == 400 for cell in cells) == 4
    assert sum(cell.data == "mnist1d" for cell in cells) >= 20


def in_folder(folder: Path, code: str) -> list[str]:
    """Return a command that runs code, with its own folder of cells."""
    return [
        sys.executable,
        "-c",
        "import os, signal; from pathlib import Path\n"
        "import studies.atlas.sweep as s\n"
        "from tests.studies.test_sweep import QUICK, wait_for_ever\n"
        f"s.DONE = Path({str(folder)!r})\n"
        "s.TABLE = s.OTHERS = s.DONE / 'none'\n"
        f"if __name__ == '__main__':\n    {code}",
    ]


@unless_unchanged
def test_a_sweep_that_is_killed_goes_on_and_ends_alike(tmp_path):
    kill = "lambda: os.kill(os.getpid(), signal.SIGKILL)"
    commands = (
        in_folder(tmp_path, f"s.run_here(QUICK, {kill})"),
        in_folder(tmp_path, "s.run_here(QUICK, lambda: None)"),
    )
    found = []
    for command in commands:
        done = subprocess.run(command, cwd=ROOT, check=False)
        files = {p.name: p.read_bytes() for p in tmp_path.glob("*.json")}
        found.append((done.returncode, files))
    (killed, before), (went_well, after) = found
    assert (killed, went_well) == (-signal.SIGKILL, 0)
    assert (len(before), len(after)) == (1, len(QUICK))
    assert before.items() <= after.items()  # nothing is run twice
    for cell in QUICK:
        mine = [
            json.loads(text)["rows"]
            for text in after.values()
            if json.loads(text)["cell"]["initializer"] == cell.initializer
        ]
        assert mine == [json.loads(json.dumps(run_cell(cell)))]


def wait_for_ever(part: Cell) -> tuple[list[dict], float]:
    """Stand in for a cell that is not finished when its sweep is killed."""
    print(os.getpid(), flush=True)
    signal.pause()
    raise AssertionError(part)


@unless_unchanged
def test_nothing_outlives_a_sweep_that_is_killed(tmp_path):
    """Its worker has the pipe open too: the pipe ends with the worker."""
    command = in_folder(
        tmp_path, "s.timed = wait_for_ever; s.run_here(QUICK, lambda: None)"
    )
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as killed:
        assert killed.stdout
        worker = int(killed.stdout.readline())
        killed.kill()
        killed.wait()
        try:
            ended, _, _ = select.select([killed.stdout], [], [], FOR_EVER)
            assert ended, "the worker has outlived its sweep"
            assert killed.stdout.read() == b""
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)


@pytest.fixture(scope="module")
def cluster():
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as found:
        yield found


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """Give the sweep a folder of its own, without finished cells."""
    monkeypatch.setattr(sweep, "DONE", tmp_path / "done")
    monkeypatch.setattr(sweep, "TABLE", tmp_path / "none.csv.gz")
    monkeypatch.setattr(sweep, "OTHERS", tmp_path / "none.csv.gz")
    sweep._table.cache_clear()
    yield tmp_path / "done"
    sweep._table.cache_clear()


@unless_unchanged
def test_a_cluster_that_loses_a_worker_gives_the_serial_result(cluster, empty):
    import threading

    from distributed import Client

    def kill_one_that_works():
        with Client(cluster.scheduler_address) as client:
            while True:
                for address, keys in client.processing().items():
                    if keys:
                        pids = client.run(os.getpid, workers=[address])
                        os.kill(pids[address], signal.SIGKILL)
                        killed.append(address)
                        return
                time.sleep(0.05)

    killed: list[str] = []
    murderer = threading.Thread(target=kill_one_that_works, daemon=True)
    murderer.start()
    sweep.run_on(cluster.scheduler_address, QUICK, lambda: None)
    murderer.join(10)
    assert killed
    for cell in QUICK:
        serial = [sweep.rounded(row) for row in run_cell(cell)]
        assert sweep.finished(cell) == serial


@unless_unchanged
def test_a_worker_with_other_versions_is_refused(cluster, empty, monkeypatch):
    monkeypatch.setattr(
        sweep, "versions", lambda: dict.fromkeys(sweep.LIBRARIES, "0.1")
    )
    with pytest.raises(sweep.SweepError, match=r"keras.*0\.1.*requirements"):
        sweep.run_on(cluster.scheduler_address, QUICK, lambda: None)
    assert not empty.exists() or not list(empty.iterdir())


@unless_unchanged
def test_no_scheduler_is_one_clear_line():
    done = subprocess.run(
        [sys.executable, "-c", "import studies.atlas.sweep as s\n"
         "import studies.atlas.__main__ as m\n"
         "s.CONNECT = '2s'; m.collect = lambda cells: (0, 0)\n"
         "print(m.main(['--scheduler', 'tcp://127.0.0.1:9']))"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "tcp://127.0.0.1:9" in done.stdout.splitlines()[-1]
    assert "Traceback" not in done.stdout + done.stderr


# Some of the table again: one rate of a kind at each run, whole cells weekly.
QUICK_ENOUGH = 400  # layers times epochs


def is_clear(rows: list[dict]) -> bool:
    """Say whether another machine must come to the same verdict on a rate.

    All seeds train, in half of the time that they have, or all stay at
    chance.
    """
    half = LONG * STEPS / 2
    if all(run["updates"] and run["updates"] <= half for run in rows):
        return True
    return all(
        run["diverged"] is None and run["accuracy"] < 0.3 for run in rows
    )


def rates_to_repeat() -> list[tuple]:
    """Return the kinds and rates of the table that are clear and quick."""
    found = []
    for kind, rows in by_kind(read_runs(sweep.TABLE)).items():
        if kind[2] != 100 or kind[5] == CRITICAL:
            continue
        for rate, runs in by_rate(rows).items():
            epochs = max(run["epochs"] for run in runs)
            if is_clear(runs) and kind[3] * epochs <= QUICK_ENOUGH:
                found.append((kind, rate))
    return found


def test_one_rate_gives_its_verdict_again():
    """Another one at each commit: so no hash can lie for long."""
    kind, rate = chosen(rates_to_repeat())
    rows = by_kind(read_runs(sweep.TABLE))[kind]
    told = by_rate(rows)[rate]
    again = run_cell(Cell(*kind, (rate,)))
    for old, new in zip(told, again, strict=True):
        assert bool(new["updates"]) == bool(old["updates"]), (kind, rate)
        for name in ("first_loss", "forward", "backward", "kernel", "dead"):
            near = pytest.approx(old[name], rel=1e-2, abs=1e-2, nan_ok=True)
            assert new[name] == near, (kind, rate, name)


def cells_to_repeat() -> list[tuple]:
    """Return kinds, shallow ones first: every ninth of the table."""
    kinds = [
        kind
        for kind in by_kind(read_runs(sweep.TABLE))
        if kind[:3] == ("digits", "sgd", 100) and kind[5] != CRITICAL
    ]
    return sorted(kinds, key=lambda kind: kind[3])[::9][: 39 if WEEKLY else 4]


@unless_unchanged
@pytest.mark.parametrize("kind", cells_to_repeat(), ids=str)
def test_a_cell_gives_its_verdict_again(kind):
    told = by_kind(read_runs(sweep.TABLE))[kind]
    rates = tuple(sorted({run["rate"] for run in told}))
    again = [sweep.rounded(row) for row in run_cell(Cell(*kind, rates))]
    old, new = verdict(told), verdict(again)
    assert {old.word, new.word} in (
        {old.word},
        {"trains", "slow"},
        {"slow", "uncertain"},
    )
    near = abs(rates.index(old.rate) - rates.index(new.rate))
    assert near <= 1 or old.word == "does not"


# Random biases


@unless_unchanged
@pytest.mark.parametrize("activation", CRITICAL_BIASES)
def test_the_critical_scale_keeps_the_signal_and_its_gradient(activation):
    """By sampling: kernels and biases of these variances, one wide layer."""
    variance = CRITICAL_BIASES[activation]
    scale, q = biases.critical_scale(activation, variance)
    f = keras.activations.get(activation)

    def after(size: float) -> tuple[float, float]:
        x = tf.constant(
            np.random.default_rng(0).normal(0, size**0.5, 1_000_000)
        )
        with tf.GradientTape() as tape:
            tape.watch(x)
            h = f(x)
        slope = tape.gradient(h, x).numpy()
        passed_on = scale * np.mean(h.numpy() ** 2) + variance
        return passed_on, scale * np.mean(slope**2)

    size, gradient = after(q)
    assert size == pytest.approx(q, rel=0.01)
    assert gradient == pytest.approx(1, abs=0.01)
    less, more = (after(factor * q)[0] / factor / q for factor in (0.5, 2))
    assert less > 1 > more  # what is too small grows, what is too large sinks


@unless_unchanged
@pytest.mark.parametrize("activation", ["gelu", "sigmoid"])
def test_a_run_with_biases_is_keras(activation):
    cell = Cell("digits", "sgd", 100, 4, activation, CRITICAL, (0.01, 0.03))
    rows = biases.run_cell(cell)
    assert [row["initializer"] for row in rows] == [CRITICAL] * 2 * SEEDS
    variance = CRITICAL_BIASES[activation]
    scale, _ = biases.critical_scale(activation, variance)
    seed = SEEDS - 1
    x, y = (part[:100] for part in split("digits", seed)[:2])
    kernels = first_kernels(
        Cell("digits", "sgd", 100, 4, activation, "own", (0.01,)), seed
    )
    model = plain(cell, kernels)
    dense = [it for it in model.layers if hasattr(it, "kernel")]
    for place, layer in enumerate(dense[:-1]):
        draw = keras.initializers.RandomNormal(
            0, variance**0.5, 1000 * seed + 500 + place
        )
        layer.bias.assign(draw(layer.bias.shape))
        if place:
            factor = (scale / own_scale(activation)) ** 0.5
            layer.kernel.assign(factor * layer.kernel)
            fan_in = layer.kernel.shape[0]
            assert np.var(layer.kernel) * fan_in == pytest.approx(
                scale, rel=0.1
            )
    loss = model.evaluate(x, y, verbose=0)
    assert loss == pytest.approx(rows[seed]["first_loss"], rel=1e-4)
    assert len({row["first_loss"] for row in rows}) == SEEDS
    calm = run_cell(Cell("digits", "sgd", 100, 4, activation, "own", (0.01,)))
    assert calm[seed]["first_loss"] != pytest.approx(loss, rel=1e-3)
