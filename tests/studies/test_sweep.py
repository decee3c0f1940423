"""The engine of the atlas is Keras, and its sweep loses nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest

from snippets.atlas.verdicts import by_kind, read_runs, verdict
from studies.atlas import sweep
from studies.atlas.cell import batches, first_kernels, program, run_cell, split
from studies.atlas.grid import LADDER, SEEDS, Cell, grid, rates_beyond

ROOT = Path(__file__).parents[2]
UPDATES = 20
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


def test_a_run_that_diverges_disturbs_no_other():
    calm = Cell("digits", "sgd", 100, 4, "relu", "he", (0.03,))
    wild = Cell("digits", "sgd", 100, 4, "relu", "he", (0.03, 1e9))
    alone, beside = run_cell(calm), run_cell(wild)
    assert all(row["diverged"] is not None for row in beside[SEEDS:])
    for row, other in zip(alone, beside[:SEEDS], strict=True):
        assert row["updates"] == other["updates"]
        assert row["loss"] == pytest.approx(other["loss"], rel=1e-3)


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


def test_memory_does_not_grow_with_the_runs():
    import psutil

    me = psutil.Process()
    used = []
    for _ in range(8):
        run_cell(QUICK[0])
        used.append(me.memory_info().rss / 2**20)
    assert used[-1] - used[3] < 20


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


def test_a_best_rate_at_the_edge_extends_the_sweep():
    tried = (0.003, 0.01, 0.03)
    assert rates_beyond(tried, 0.01) == ()
    assert rates_beyond(tried, 0.03) == (0.1, 0.3)
    assert rates_beyond(tried, 0.003) == (0.0003, 0.001)
    assert rates_beyond((0.3, 1.0, 3.0), 3.0) == ()
    assert all(rate in LADDER for cell in grid() for rate in cell.rates)


def test_the_grid_is_the_whole_grid():
    cells = grid()
    assert len(set(cells)) == len(cells)
    main = [
        c
        for c in cells
        if (c.data, c.optimizer, c.width) == ("digits", "sgd", 100)
    ]
    assert len(main) == 10 * 7 * 5
    assert all(len(cell.rates) >= 5 for cell in cells)
    for optimizer in ("momentum", "adam"):
        assert sum(c.optimizer == optimizer for c in cells) == 10 * 3
    assert sum(cell.width == 400 for cell in cells) == 4
    assert sum(cell.data == "mnist1d" for cell in cells) >= 20


def in_folder(folder: Path, code: str) -> list[str]:
    """Return a command that sweeps `QUICK` into a folder."""
    return [
        sys.executable,
        "-c",
        "from pathlib import Path; import studies.atlas.sweep as s\n"
        f"s.DONE = Path({str(folder)!r}); s.TABLE = s.DONE / 'none'\n"
        "from tests.studies.test_sweep import QUICK\n" + code,
    ]


def test_a_sweep_that_is_killed_goes_on_and_ends_alike(tmp_path):
    command = in_folder(
        tmp_path,
        "if __name__ == '__main__': s.run_here(QUICK, lambda: None)",
    )
    killed = subprocess.Popen(command, cwd=ROOT)
    until = time.monotonic() + 120
    while not list(tmp_path.glob("*.json")) and time.monotonic() < until:
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    before = {p.name: p.read_bytes() for p in tmp_path.glob("*.json")}
    assert 1 <= len(before) < len(QUICK)
    subprocess.run(command, cwd=ROOT, check=True)
    after = {p.name: p.read_bytes() for p in tmp_path.glob("*.json")}
    assert len(after) == len(QUICK)
    assert before.items() <= after.items()  # nothing is run twice
    for cell in QUICK:
        mine = [
            json.loads(text)["rows"]
            for text in after.values()
            if json.loads(text)["cell"]["initializer"] == cell.initializer
        ]
        assert mine == [json.loads(json.dumps(run_cell(cell)))]


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
    sweep._table.cache_clear()
    yield tmp_path / "done"
    sweep._table.cache_clear()


def test_a_cluster_that_loses_a_worker_gives_the_serial_result(cluster, empty):
    import threading

    from distributed import Client

    def kill_one_that_works():
        with Client(cluster.scheduler_address) as client:
            while True:
                for address, keys in client.processing().items():
                    if keys:
                        time.sleep(1)  # in the middle
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


def test_a_worker_with_other_versions_is_refused(cluster, empty, monkeypatch):
    monkeypatch.setattr(
        sweep, "versions", lambda: dict.fromkeys(sweep.LIBRARIES, "0.1")
    )
    with pytest.raises(sweep.SweepError, match=r"keras.*0\.1.*requirements"):
        sweep.run_on(cluster.scheduler_address, QUICK, lambda: None)
    assert not empty.exists() or not list(empty.iterdir())


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


# Some cells again: more of them weekly.
AGAIN = int(os.environ.get("ATLAS_AGAIN", "4"))


def cells_to_repeat() -> list[tuple]:
    """Return kinds, shallow ones first: every ninth of the table."""
    if not sweep.TABLE.exists():
        return []
    kinds = [
        kind
        for kind in by_kind(read_runs(sweep.TABLE))
        if kind[:3] == ("digits", "sgd", 100)
    ]
    return sorted(kinds, key=lambda kind: kind[3])[::9][:AGAIN]


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
