"""Measures and draws the chapter `normalization`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure

from snippets.normalization.norm_factors import norm_factors
from snippets.normalization.normalized_stack import (
    batch_norm,
    layer_norm,
    normalized_stack,
    rms_norm,
)

NAME = {
    "linear": "linear",
    "relu": "ReLU",
    "leaky_relu": "leaky ReLU",
    "elu": "ELU",
    "selu": "SELU",
    "gelu": "GELU",
    "silu": "SiLU",
    "mish": "Mish",
    "tanh": "tanh",
    "sigmoid": "sigmoid",
}
NORMS: dict[str, Callable] = {
    "layer norm": layer_norm,
    "batch norm": batch_norm,
}
FOLDER = Path(__file__).parent
YES = {True: "yes", False: "no"}


def per_layer(gradient: np.ndarray) -> np.ndarray:
    """Return the factor of one layer, from sizes (draws, depth + 1).

    Without the lowest layer, whose inputs are no activations.
    """
    layers = gradient.shape[1] - 2
    return np.asarray((gradient[:, 1] / gradient[:, -1]) ** (1 / layers))


def measure_theory() -> dict[str, dict[str, float]]:
    """Activation → norm → factor of the gradient, in wide layers."""
    return {
        name: dict(zip(NORMS, norm_factors(name), strict=True)) for name in NAME
    }


def measure_factors() -> dict[str, dict[str, np.ndarray]]:
    """Activation → norm → factor per layer in 30 layers, (5 draws,)."""
    return {
        name: {
            which: per_layer(normalized_stack(name, norm, depth=30, draws=5)[0])
            for which, norm in NORMS.items()
        }
        for name in NAME
    }


def measure_stacks() -> dict[str, dict[str, np.ndarray]]:
    """Stacks of 50 layers → "factor" (5 draws,) and "cosine" (5, 51)."""
    kinds: dict[str, dict[str, Any]] = {
        "no norm": {},
        "layer norm": {"norm": layer_norm},
        "RMS norm": {"norm": rms_norm},
        "batch norm": {"norm": batch_norm},
        "layer norm behind": {"norm": layer_norm, "behind": True},
        "batch norm behind": {"norm": batch_norm, "behind": True},
        "batch of 8": {"norm": batch_norm, "examples": 8},
        "batch of 32": {"norm": batch_norm, "examples": 32},
    }
    measured = {}
    for name, options in kinds.items():
        gradient, cosine = normalized_stack("relu", draws=5, **options)
        measured[name] = {"factor": per_layer(gradient), "cosine": cosine}
    for depth in (5, 50):
        gradient, _ = normalized_stack("silu", batch_norm, depth=depth, draws=5)
        measured[f"SiLU, {depth} layers"] = {"factor": per_layer(gradient)}
    return measured


def measure_tails() -> np.ndarray:
    """Kurtosis of SiLU's pre-activations behind batch norm, (5, 50 layers).

    Width 100, 128 examples; 3 where they are normal.
    """
    rng = np.random.default_rng(0)
    h = rng.standard_normal((5, 128, 100), dtype="float32")
    rows = []
    for _ in range(50):
        z = batch_norm(h @ rng.standard_normal((5, 100, 100), dtype="float32"))
        rows.append(tf.reduce_mean(z**4, (1, 2)))
        h = tf.nn.silu(z)
    return np.stack(rows, 1)


def measure_trained() -> dict[str, dict[str, Any]]:
    """What the training of each network came to; see the study."""
    table = json.loads((FOLDER / "trained.json").read_text("utf-8"))
    return {
        name: {key: np.array(value) for key, value in of.items()}
        for name, of in table["outcomes"].items()
    }


def measure_sigmoids() -> dict[str, Any]:
    """The table of deep sigmoids: updates to 90 %, by the rate."""
    return _reached(
        {
            f"{depth} layers, {said}": f"sigmoid, {depth} layers, {norm}"
            for depth in (10, 20)
            for said, norm in (
                ("no norm", "none"),
                ("layer norm", "layer"),
                ("batch norm", "batch"),
            )
        }
    )


def _reached(rows: dict[str, str]) -> dict[str, Any]:
    trained = measure_trained()
    cells = [[said, *map(_range, trained[name]["reached"])]
             for said, name in rows.items()]  # fmt: skip
    rates = trained[next(iter(rows.values()))]["rates"]
    return {"head": ["", *(f"rate {rate:g}" for rate in rates)], "rows": cells}


def _range(reached: np.ndarray) -> str:
    """Return when five seeds reached 90 %."""
    did = reached[reached > 0]
    if not len(did):
        return "none"
    when = f"{did.min()}–{did.max()}" if np.ptp(did) else f"{did.min()}"
    return when if len(did) == len(reached) else f"{len(did)} of 5: {when}"


def measure_traps() -> dict[str, Any]:
    """The table of the traps on versions of Keras and on its backends."""
    found = json.loads((FOLDER / "traps.json").read_text("utf-8"))
    rows = []
    for name, of in found.items():
        backend = {"jax": "JAX", "torch": "PyTorch"}.get(name, "TensorFlow")
        flags = [of[key] for key in ("training=False", "True", "False, True")]
        rows.append([f"{of['Keras']}, {backend}", *(YES[f] for f in flags)])
    head = ["Keras", "`training=False` is overridden", "`True` unfreezes",
            "`False`, then `True`"]  # fmt: skip
    return {"head": head, "rows": rows}


def plot_factors(
    theory: dict[str, Any], factors: dict[str, dict[str, np.ndarray]]
) -> Figure:
    """Draw the factor of one layer, theory and measurement."""
    figure, axes = plt.subplots(1, 2, sharex=True, sharey=True)
    at = np.arange(len(NAME))
    for ax, norm in zip(axes, NORMS, strict=True):
        ax.axvline(1, color="axis", lw=0.75, zorder=1)
        ax.plot(
            [theory[name][norm] for name in NAME], at, "|",
            color="other", ms=16, mew=1.75,
        )  # fmt: skip
        ax.plot(
            [np.median(factors[name][norm]) for name in NAME], at, "o",
            color="ink", ms=6,
        )  # fmt: skip
        ax.set_title(norm, color="ink")
        ax.set_xlim(0.35, 1.25)
        ax.set_xticks([0.4, 0.6, 0.8, 1, 1.2])
    axes[0].set_ylim(len(NAME) - 0.5, -0.5)
    axes[0].set_yticks(at, list(NAME.values()))
    axes[0].set_xlabel("factor of the gradient, per layer")
    return figure


def plot_apart(stacks: dict[str, dict[str, np.ndarray]]) -> Figure:
    """Draw how alike the examples become."""
    figure, ax = plt.subplots()
    layers = np.arange(51)
    shown = {"no norm": "he", "layer norm": "he", "batch norm": "he"}
    dashes = {"no norm": 1.75, "layer norm": 1.75, "batch norm": 2.5}
    for name, color in shown.items():
        cosine = stacks[name]["cosine"]
        ax.plot(
            layers, np.median(cosine, 0), color=color, lw=dashes[name],
            label=name,
        )  # fmt: skip
        ax.fill_between(
            layers, cosine.min(0), cosine.max(0), color=color, alpha=0.2, lw=0
        )
    ax.set_xlim(0, 50)
    ax.set_ylim(-0.05, 1.05)
    ax.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    ax.set_xlabel("layer")
    ax.set_ylabel("mean cosine between examples")
    return figure
