"""Measures and draws the chapter `same_answer`."""

import json
from pathlib import Path
from typing import Any

import keras
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_wine

TABLE = Path(__file__).with_name("trained.json")


def measure_trained() -> dict[str, dict[str, dict[str, Any]]]:
    """Of each fault, broken and mended, what five seeds show.

    `places` is (seeds, 3 places, 3 numbers), before training; `same` the
    share of the most frequent answer and `score` how good it is, after it.
    """
    faults = json.loads(TABLE.read_text("utf-8"))["outcomes"]
    return {
        name: {
            kind: {
                key: value if key == "why" else np.array(value)
                for key, value in runs.items()
            }
            for kind, runs in of.items()
        }
        for name, of in faults.items()
    }


def measure_places() -> dict[str, Any]:
    """The table of what the probe sees of each fault, in seed 0."""
    rows = []
    for name, of in measure_trained().items():
        (size, *_, columns), *_ = places = of["broken"]["places"][0]
        apart = [f"{place[1]:.3f}" for place in places]
        rows.append([name, f"{size:.3g}", f"{columns:.0f}", *apart])
    head = ["Fault", "Size of inputs", "Columns", "Apart: inputs", "hidden",
            "outputs"]  # fmt: skip
    return {"head": head, "rows": rows}


def measure_losses() -> dict[str, np.ndarray]:
    """Losses (5 seeds, 400 updates) of a table in its own units.

    Wines, two layers of 64 ReLU units, SGD at 0.05, as in the study; the
    drawing of the landing page's row.
    """
    x, y = load_wine(return_X_y=True)
    x, layers, runs = x.astype("float32"), keras.layers, []
    hidden = [layers.Dense(64, "relu") for _ in range(2)]
    last = layers.Dense(3, "softmax")
    model = keras.Sequential([keras.Input((13,)), *hidden, last])
    sgd = keras.optimizers.SGD(0.05)
    model.compile(sgd, "sparse_categorical_crossentropy")
    for seed in range(5):
        keras.utils.set_random_seed(seed)
        model.set_weights(keras.models.clone_model(model).get_weights())
        draw = np.random.default_rng(seed)
        rows = [draw.choice(len(x), 50, replace=False) for _ in range(400)]
        runs.append([model.train_on_batch(x[at], y[at]) for at in rows])
    return {"columns in their own units": np.array(runs)}


def plot_same(trained: dict[str, Any]) -> Figure:
    """Draw how many examples get the most frequent answer."""
    figure, ax = plt.subplots()
    for at, of in enumerate(trained.values()):
        for kind, marker, color in (
            ("mended", "s", "he"),
            ("broken", "o", "wide"),
        ):
            same = of[kind]["same"]
            row = np.full(len(same), at)
            ax.plot(same, row, marker, color=color, ms=6)
    ax.set_xlim(0, 1.03)
    ax.set_xticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])
    ax.set_ylim(len(trained) - 0.5, -0.5)
    ax.set_yticks(range(len(trained)), list(trained))
    ax.set_title("round: broken\nsquare: mended", color="ink")
    ax.set_xlabel("share of one answer")
    return figure
