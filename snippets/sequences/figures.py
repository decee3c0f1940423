"""Measures and draws the chapter `sequences`."""

import json
import warnings
from functools import cache, partial
from pathlib import Path
from typing import Any

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from keras import layers, ops
from matplotlib.figure import Figure

from snippets.sequences.sequence_checks import sequence_checks
from studies.causes.sequences import (
    FAULTS,
    RECALLING,
    SEEDS,
    SGD,
    STEPS,
    WIDTH,
    scaled,
)

TABLE = Path(__file__).with_name("trained.json")
BACK, ROWS = 100, 32  # steps and examples of the gradients
SCALED = partial(scaled, WIDTH**0.5, SGD)
SMALL = ("SimpleRNN, Glorot", "SimpleRNN, orthogonal")
# name in the study → (colour, dash, label)
LINES = {
    "LSTM, forget bias 3": ("he", "-", "LSTM, 3"),
    "LSTM, chrono": ("he", ":", "LSTM, chrono"),
    "LSTM, forget bias 1": ("he", "--", "LSTM, 1"),
    "LSTM, forget bias 0": ("he", "-.", "LSTM, 0"),
    "GRU": ("other", "-", "GRU"),
    "SimpleRNN, ReLU, identity": ("lecun", ":", "identity"),
    "SimpleRNN, orthogonal": ("lecun", "-", "orthogonal"),
    "SimpleRNN, Glorot": ("glorot", "-", "Glorot"),
}
PADDED = [
    f"{kind}, {how}"
    for kind in ("LSTM", "GRU", "SimpleRNN")
    for how in ("padded behind", "padded in front", "masked")
] + [
    f"{kind}, {how}"
    for kind in ("mean", "attention")
    for how in ("padded", "masked")
]
ASKED = {
    "LSTM, padded behind": "padding, no mask",
    "LSTM, masked": "– mended",
    "SimpleRNN, padded behind": "padding, SimpleRNN",
    "no positions": "no positions",
    "positions": "– mended",
    "words ±.05, SGD": "words beside sines",
    "words × √d, SGD": "– mended",
    "a mean over nothing": "an empty text",
    "a mean over something": "– mended",
    "stateful, in order": "stateful",
}


def measure_trained() -> dict[str, np.ndarray]:
    """Scores on new examples by what was trained: (seeds,)."""
    scores = json.loads(TABLE.read_text("utf-8"))["outcomes"]
    return {name: np.array(of, float) for name, of in scores.items()}


@cache
def _gradients() -> dict[str, np.ndarray]:
    draw = np.random.default_rng(0)
    symbols = draw.integers(0, 8, (ROWS, BACK))
    whole = np.eye(8, dtype="float32")[symbols]
    weights = tf.constant(draw.standard_normal(32), "float32")
    found: dict[str, np.ndarray] = {}
    for name, make in RECALLING.items():
        layer = make()

        @tf.function  # type: ignore[untyped-decorator]
        def slopes(x: Any, layer: Any = layer) -> Any:
            with tf.GradientTape() as tape:
                tape.watch(x)
                total = tf.reduce_sum(layer(x) * weights)
            return tf.norm(tape.gradient(total, x), axis=-1)

        sizes = {name: whole}
        if name in SMALL:
            sizes[f"{name}, inputs a tenth"] = whole / 10
        for as_said, x in sizes.items():
            runs = []
            for seed in range(SEEDS):
                keras.utils.set_random_seed(seed)
                fresh = make()
                fresh.build(x.shape)
                layer.build(x.shape)
                layer.set_weights(fresh.get_weights())
                norms = slopes(tf.constant(x)).numpy().astype(float)
                size = np.sqrt(np.mean(norms**2, 0))
                runs.append(size / size[-1])
            found[as_said] = np.array(runs)
    return found


def measure_gradients() -> dict[str, np.ndarray]:
    """|d last output / d input| by layer: (seeds, steps), over the last step's.

    Root mean square of the norms over examples, at initialization.
    """
    return _gradients()


def measure_memory() -> dict[str, Any]:
    """The table of what is left of a gradient, and of what was learned."""
    gradients, trained = _gradients(), measure_trained()
    rows = []
    for name in LINES:
        left = np.median(gradients[name][:, -STEPS])
        power = f"{left:.0e}".replace("e-0", "e-").replace("-", "−")
        said = f"{left:.2g}" if left > 0.01 else power
        share = np.sum(trained[name] > 0.9)
        rows.append([name, said, f"{share} of {SEEDS}"])
    head = ["Layer", f"Gradient, {STEPS - 1} steps back", "Learned it"]
    return {"head": head, "rows": rows}


class Own(layers.Layer):  # type: ignore[misc]
    """A layer as people write it."""

    def call(self, h: Any) -> Any:
        """Return twice the input."""
        return 2 * h


def measure_masks() -> dict[str, Any]:
    """The table of what happens to a mask, tried layer by layer."""
    norm, wide = layers.LayerNormalization, {"return_sequences": True}
    tried: dict[str, Any] = {
        "Dense": layers.Dense(4),
        "Dropout": layers.Dropout(0.1),
        "LayerNormalization": norm(),
        "BatchNormalization": layers.BatchNormalization(),
        "Activation": layers.Activation("relu"),
        "LSTM(…, return_sequences=True)": layers.LSTM(4, **wide),
        "Bidirectional of it": layers.Bidirectional(layers.LSTM(4, **wide)),
        "TimeDistributed": layers.TimeDistributed(layers.Dense(4)),
        "MultiHeadAttention": lambda h: layers.MultiHeadAttention(2, 4)(h, h),
        "Add of two with a mask": lambda h: layers.Add()([h, h]),
        "LSTM": layers.LSTM(4),
        "GRU": layers.GRU(4),
        "GlobalAveragePooling1D": layers.GlobalAveragePooling1D(),
        "Conv1D": layers.Conv1D(4, 3, padding="same"),
        "MaxPooling1D": layers.MaxPooling1D(2),
        "GlobalMaxPooling1D": layers.GlobalMaxPooling1D(),
        "Flatten": layers.Flatten(),
        "Reshape": layers.Reshape((3, 8)),
        "Lambda": layers.Lambda(lambda h: 2 * h),
        "RMSNormalization": layers.RMSNormalization(),
        "a Layer of your own": Own(),
        "2 * h": lambda h: 2 * h,
        "h + positions": lambda h: h + np.ones((6, 4), "float32"),
        "any of keras.ops": lambda h: ops.tanh(h),
        "Add with one that has none": lambda h: layers.Add()([h, h + 0]),
    }
    groups: dict[str, list[str]] = {
        "passes it on": [], "uses it, and ends it": [],
        "drops it, with a warning": [], "drops it, without a word": [],
    }  # fmt: skip
    words = np.array([[3, 4, 5, 0, 0, 0], [2, 1, 0, 0, 0, 0]])
    embed = layers.Embedding(10, 4, mask_zero=True)
    for name, layer in tried.items():
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            out = layer(embed(words))
        bare = layer(tf.identity(embed(words)))
        used = not np.allclose(out, bare, atol=1e-6)
        warned = any("destroy the mask" in str(w.message) for w in said)
        if getattr(out, "_keras_mask", None) is not None:
            group = "passes it on"
        elif warned:
            group = "drops it, with a warning"
        elif used:
            group = "uses it, and ends it"
        else:
            group = "drops it, without a word"
        groups[group].append(name)
    rows = [[group, ", ".join(names)] for group, names in groups.items()]
    return {"head": ["The layer", "Which"], "rows": rows}


@cache
def _checks() -> dict[str, dict[str, Any]]:
    found = {}
    for name in ASKED:
        keras.utils.set_random_seed(0)
        make = FAULTS[name].make if name in FAULTS else SCALED
        model, x, _ = make()
        found[name] = sequence_checks(model, x)
    return found


def measure_checks() -> dict[str, dict[str, Any]]:
    """What the probe says of each fault and its mend, seed 0, untrained."""
    return _checks()


def measure_said() -> dict[str, Any]:
    """The table of what the probe says."""
    numbers = ("on padding", "first/last", "order", "words")
    rows = []
    for name, said in _checks().items():
        cells = [f"{said[key]:.2g}" if key in said else "–" for key in numbers]
        cells = [
            cell.replace("e-0", "e−").replace("e-", "e−") for cell in cells
        ]
        verdict = [f"suspect: {found}" for found in said["suspect"]]
        verdict += [f"hint: {found}" for found in said["hints"]]
        rows.append([ASKED[name], *cells, ", ".join(verdict) or "–"])
    return {"head": ["Network", *numbers, "verdict"], "rows": rows}


def plot_gradients(gradients: dict[str, np.ndarray]) -> Figure:
    """Draw what is left of the gradient against the steps back."""
    figure, ax = plt.subplots()
    back = np.r_[0, 2:BACK:3]  # every third step is enough
    for name, (color, dash, label) in LINES.items():
        runs = np.maximum(gradients[name][:, ::-1][:, back], 1e-30)
        ax.plot(back, np.median(runs, 0), dash, color=color, label=label)
        ax.fill_between(
            back, runs.min(0), runs.max(0), color=color, alpha=0.2, lw=0
        )
    ax.set_yscale("log")
    ax.set_ylim(1e-16, 1e4)
    ax.set_xlabel("steps back")
    ax.set_ylabel("gradient, last step's = 1")
    return figure


def plot_padding(trained: dict[str, np.ndarray]) -> Figure:
    """Draw what each reader of padded texts has learned."""
    figure, ax = plt.subplots()
    for at, name in enumerate(PADDED):
        runs = trained[name]
        ax.plot(runs, np.full(len(runs), at), "o", color="he", ms=6)
    ax.set_ylim(len(PADDED) - 0.5, -0.5)
    ax.set_yticks(range(len(PADDED)), PADDED)
    ax.set_xlim(-0.2, 1.1)
    ax.set_title("0 is guessing, 1 is right", color="ink")
    ax.set_xlabel("score on new texts")
    return figure
