"""Measures and draws the chapter `beyond_variance`."""

import json
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from threadpoolctl import threadpool_limits

from snippets.beyond_variance.edge_of_chaos import edge_of_chaos
from snippets.beyond_variance.plain_stack import plain_stack
from snippets.beyond_variance.tailored_slope import last_cosine

FOLDER = Path(__file__).parent
DEPTH, WIDTH = 50, 100
SLOPES = {"ReLU": 0.0, "leaky ReLU, 0.2": 0.2, "leaky ReLU, 0.43": 0.43}
SCALES = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0)
BIASES = (0.05, 0.5)


def leaky(slope: float) -> Any:
    """Return the function; a slope of 1 is linear."""
    return lambda z: np.where(z > 0, z, slope * z)


def measure_cosines() -> dict[str, dict[str, np.ndarray]]:
    """Activation → "measured" (20 draws, 51), "theory" (51,)."""
    measured = {}
    for name, slope in SLOPES.items():
        _, cosine = plain_stack(leaky(slope), 2 / (1 + slope**2))
        theory = [last_cosine(slope, depth) for depth in range(DEPTH + 1)]
        measured[name] = {"measured": cosine, "theory": np.array(theory)}
    return measured


def measure_spread() -> dict[str, dict[str, float]]:
    """Log of the squared length, 30 layers: its variance over 400 networks.

    Kind → "variance" measured, and "theory": depth over width times what
    one layer does.
    """
    kinds = {
        "ReLU, width 50": (0.0, 50),
        "ReLU, width 100": (0.0, 100),
        "leaky ReLU 0.43, width 50": (0.43, 50),
        "linear, width 50": (1.0, 50),
    }
    found = {}
    for name, (slope, width) in kinds.items():
        scale = 2 / (1 + slope**2)
        squares, _ = plain_stack(
            leaky(slope), scale, depth=30, width=width, draws=400
        )
        fourth = 6 * (1 + slope**4) / (1 + slope**2) ** 2
        found[name] = {
            "variance": float(np.log(squares[:, -1]).var()),
            "theory": (fourth - 1) * 30 / width,
        }
    return found


def orthogonal(rng: np.random.Generator) -> np.ndarray:
    """Return an orthogonal kernel of 100 units."""
    return np.asarray(np.linalg.qr(rng.standard_normal((WIDTH, WIDTH)))[0])


def normal(rng: np.random.Generator) -> np.ndarray:
    """Return a kernel of the variance 1/100."""
    return np.asarray(rng.standard_normal((WIDTH, WIDTH)) / np.sqrt(WIDTH))


def jacobian(kind: str, draw: Any, rng: np.random.Generator) -> np.ndarray:
    """Return the singular values of 50 layers, the largest first."""
    z: Any = rng.standard_normal(WIDTH)
    jacobian: Any = np.eye(WIDTH)
    slope: Any
    for _ in range(DEPTH):
        if kind == "linear":
            h, slope = z, np.ones(WIDTH)
        elif kind == "tanh":
            h = np.tanh(z)
            slope = 1 - h**2
        else:  # ReLU, with He's gain
            slope = 2**0.5 * (z > 0)
            h = slope * z
        kernel = draw(rng)
        z, jacobian = h @ kernel, jacobian * slope @ kernel
    return np.asarray(np.linalg.svd(jacobian, compute_uv=False))


def measure_spectra() -> dict[str, np.ndarray]:
    """Kind → singular values of 50 layers, (5 draws, 100)."""
    with threadpool_limits(1):  # small matrices: threads only wait
        return {
            f"{kind}, {draw.__name__}": np.stack(
                [jacobian(kind, draw, np.random.default_rng(s))
                 for s in range(5)]
            )
            for kind in ("linear", "tanh", "ReLU")
            for draw in (normal, orthogonal)
        }  # fmt: skip


def measure_isometry() -> dict[str, Any]:
    """The table of what the singular values look like."""
    rows = []
    for name, values in measure_spectra().items():
        top = values[:, :1]
        alive = np.median(np.mean(values > 0.01 * top, 1))
        middle = np.median(values[:, WIDTH // 2] / top[:, 0])
        said = f"{middle:.1g}" if middle > 1e-12 else "0"
        rows.append([name, f"{100 * alive:.0f} %", said])
    head = ["", "above a hundredth of the largest", "median over largest"]
    return {"head": head, "rows": rows}


def measure_edge() -> dict[str, dict[str, np.ndarray]]:
    """Variance of the biases → factor of the gradient per layer, tanh.

    "measured" (5 draws, scales) in 30 layers, and "theory" (scales,).
    """
    found = {}
    rng = np.random.default_rng(0)
    for biases in BIASES:
        theory, measured = [], []
        for scale in SCALES:
            variance, factor, _ = edge_of_chaos(scale, biases)
            theory.append(factor)
            z = np.sqrt(variance) * rng.standard_normal((5, 1, WIDTH))
            kernels, slopes = [], []
            for _ in range(30):
                h = np.tanh(z)
                kernel = rng.standard_normal((5, WIDTH, WIDTH))
                kernel *= np.sqrt(scale / WIDTH)
                bias = rng.standard_normal((5, 1, WIDTH))
                z = h @ kernel + np.sqrt(biases) * bias
                kernels.append(kernel)
                slopes.append(1 - h**2)
            error = rng.standard_normal((5, 20, WIDTH))
            start = np.sqrt(np.mean(error**2, (1, 2)))
            for kernel, slope in zip(kernels[::-1], slopes[::-1], strict=True):
                error = (error @ kernel.swapaxes(1, 2)) * slope
            end = np.sqrt(np.mean(error**2, (1, 2)))
            measured.append((end / start) ** (1 / 30))
        found[f"{biases:g}"] = {
            "measured": np.stack(measured, 1),
            "theory": np.array(theory),
        }
    return found


def measure_trained() -> dict[str, dict[str, np.ndarray]]:
    """What the training of each network came to; see the study."""
    table = json.loads((FOLDER / "trained.json").read_text("utf-8"))
    return {
        name: {key: np.array(value) for key, value in of.items()}
        for name, of in table["outcomes"].items()
    }


def measure_reached() -> dict[str, Any]:
    """The table of what trains: updates to 90 %, else the share right."""
    trained = measure_trained()
    rows = [
        [name, *(_said(*of) for of in zip(cell["reached"], cell["right"],
                                         cell["nan"], strict=True))]
        for name, cell in trained.items()
    ]  # fmt: skip
    rates = next(iter(trained.values()))["rates"]
    return {"head": ["", *(f"rate {rate:g}" for rate in rates)], "rows": rows}


def _said(reached: np.ndarray, right: np.ndarray, nan: np.ndarray) -> str:
    """Return when all seeds reached 90 %, else what they had right."""
    if nan.any():
        return f"NaN in {np.sum(nan > 0)}"
    if np.all(reached > 0):
        low, high = reached.min(), reached.max()
        said = f"{low}–{high}" if high > low else f"{low}"
        return f"**{said}**"
    low, high = (100 * right.min(), 100 * right.max())
    return f"{low:.0f}–{high:.0f} %"


def plot_cosines(cosines: dict[str, dict[str, np.ndarray]]) -> Figure:
    """Draw the cosine of two inputs, layer by layer."""
    figure, ax = plt.subplots()
    layers = np.arange(DEPTH + 1)
    for name, of in cosines.items():
        measured = of["measured"]
        ax.plot(layers, np.median(measured, 0), color="he", label=name)
        low, high = measured.min(0), measured.max(0)
        ax.fill_between(layers, low, high, color="he", alpha=0.15, lw=0)
        every = layers[::5]
        ax.plot(every, of["theory"][every], color="ink", ls="", marker="o",
                markersize=4)  # fmt: skip
    ax.set_xlim(0, DEPTH)
    ax.set_ylim(-0.3, 1.05)
    ax.set_yticks([0, 0.5, 1])
    ax.set_xlabel("layer")
    ax.set_ylabel("cosine of two inputs")
    return figure


def plot_edge(edge: dict[str, dict[str, np.ndarray]]) -> Figure:
    """Draw what one layer of tanh does to the gradient."""
    figure, ax = plt.subplots()
    ax.axhline(1, color="muted", lw=1)
    for name, of in edge.items():
        ax.plot(SCALES, of["theory"], color="other", label=f"biases {name}")
        ax.plot(SCALES, np.median(of["measured"], 0), color="other", ls="",
                marker="o", markersize=4)  # fmt: skip
    ax.set_xlim(0, 4)
    ax.set_ylim(0.4, 1.3)
    ax.set_xlabel("scale of the kernels")
    ax.set_ylabel("factor of the gradient per layer")
    return figure
