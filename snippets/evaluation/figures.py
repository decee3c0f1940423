"""Measures and draws the chapter `evaluation`."""

import json
import re
from pathlib import Path
from typing import Any

import keras
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_digits

TABLE = Path(__file__).with_name("trained.json")


def measure_trained() -> dict[str, dict[str, dict[str, Any]]]:
    """Of each fault, broken and mended, what five seeds show.

    `fit` is the accuracy that `fit` says of its last epoch, `evaluate` that
    of the rows that are asked about; `modes` the losses that the probe
    measures, `why` what it says.
    """
    faults = json.loads(TABLE.read_text("utf-8"))["outcomes"]
    return {
        name: {
            kind: {
                key: np.array(value) if key in ("fit", "evaluate") else value
                for key, value in runs.items()
            }
            for kind, runs in of.items()
        }
        for name, of in faults.items()
    }


def measure_said() -> dict[str, Any]:
    """The table of what the probe sees and says of each fault, in seed 0."""
    ways = ("evaluate", "again", "fit", "refreshed")
    rows = [
        [
            name,
            *(f"{of['broken']['modes'][0][way]:.2f}" for way in ways),
            re.sub(r"_\d+$", "", of["broken"]["why"][0]),  # of its session
        ]
        for name, of in measure_trained().items()
    ]
    head = ["Fault", *ways, "What it says"]
    return {"head": head, "rows": rows}


def measure_losses() -> dict[str, np.ndarray]:
    """Losses (5 seeds, 60 updates) in the mode of `evaluate`.

    Batch norm and black digits on white, as in the study; the drawing of the
    landing page's row.
    """
    x, y = load_digits(return_X_y=True)
    x = (1 - x[:1000] / 16).astype("float32")
    layers, runs = keras.layers, []
    model = keras.Sequential([keras.Input((64,))])
    for _ in range(2):
        stack = layers.Dense(64), layers.BatchNormalization(), layers.ReLU()
        for layer in stack:
            model.add(layer)
    model.add(layers.Dense(10, "softmax"))
    adam = keras.optimizers.Adam(0.003)
    model.compile(adam, "sparse_categorical_crossentropy")
    adam.build(model.trainable_variables)
    start = [np.array(variable) for variable in adam.variables]
    for seed in range(5):
        keras.utils.set_random_seed(seed)
        model.set_weights(keras.models.clone_model(model).get_weights())
        for variable, value in zip(adam.variables, start, strict=True):
            variable.assign(value)
        draw, losses = np.random.default_rng(seed), []
        for _ in range(60):
            at = draw.choice(len(x), 50, replace=False)
            model.train_on_batch(x[at], y[at])
            losses.append(model.test_on_batch(x[:200], y[:200]))
        runs.append(losses)
    return {"batch norm, 60 updates": np.array(runs)}


def plot_apart(trained: dict[str, Any]) -> Figure:
    """Draw what `fit` says, and what `evaluate` says, broken and mended."""
    figure, ax = plt.subplots()
    for at, of in enumerate(trained.values()):
        for kind, way, marker, color in (
            ("mended", "evaluate", "s", "he"),
            ("broken", "fit", "^", "other"),
            ("broken", "evaluate", "o", "wide"),
        ):
            scores = of[kind][way]
            row = np.full(len(scores), at)
            ax.plot(scores, row, marker, color=color, ms=6)
    ax.set_xlim(0, 1.03)
    ax.set_xticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])
    ax.set_ylim(len(trained) - 0.5, -0.5)
    names = [name.partition(",")[0] for name in trained]
    ax.set_yticks(range(len(trained)), names)
    ax.set_title("triangle: fit\nround: evaluate\nsquare: mended", color="ink")
    ax.set_xlabel("accuracy")
    return figure
