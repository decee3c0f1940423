"""The rules of three published tools, restated for what they see early.

Each tool watches a training. Here it sees the first ten updates of plain
SGD, batches of 50, at the best learning rate of that kind of network; what
it says only of a whole training (such as "accuracy is low after a third of
the epochs") is left out. Limits are the defaults of their code:
https://github.com/shiningrain/AUTOTRAINER/blob/03a463ea05691a73403d7cff99a368fb4b6720cf/AutoTrainer/utils/monitor.py
https://github.com/Wardat-ISU/DeepLocalize/blob/297bc3441b5903b5c85bc5ffd7c9881a3c0c75a2/Our%20Callback/callbacks.py
https://github.com/thedeepchecker/thedeepchecker/blob/d0a2b3a5339b50c3f0b147231e295d3db25017fb/deep_checker/config/settings.yaml
"""

from itertools import pairwise
from math import log
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

UPDATES = 10  # the period of TheDeepChecker, two windows of DeepLocalize
WINDOW = 5


class Seen(NamedTuple):
    """One update: arrays by layer; `outputs` end with the probabilities."""

    loss: float
    accuracy: float
    outputs: list[np.ndarray]
    slopes: list[np.ndarray]  # the loss's gradient by each of the outputs
    kernels: list[np.ndarray]  # before the update
    gradients: list[np.ndarray]  # of kernels and biases, in turn


def watch(
    model: keras.Sequential, batches: Any, rate: float, updates: int = UPDATES
) -> list[Seen]:
    """Train by plain SGD; returns what each update saw.

    `batches` yields x (batch, inputs) and y (batch,). The model's last
    layer gives logits.
    """
    seen = []
    for _, (x, y) in zip(range(updates), batches, strict=False):
        outputs = []
        with tf.GradientTape() as tape:
            h = tf.constant(x)
            for layer in model.layers:
                h = layer(h)
                tape.watch(h)
                outputs.append(h)
            each = keras.losses.sparse_categorical_crossentropy(
                y, h, from_logits=True
            )
            loss = tf.reduce_mean(each)
        variables = [variable.value for variable in model.trainable_variables]
        slopes = tape.gradient(loss, variables + outputs)
        right = np.argmax(h.numpy(), -1) == y
        arrays = [part.numpy() for part in outputs]
        arrays[-1] = keras.ops.convert_to_numpy(keras.ops.softmax(h))
        seen.append(
            Seen(
                float(loss),
                float(np.mean(right)),
                arrays,
                [slope.numpy() for slope in slopes[len(variables) :]],
                [v.numpy() for v in variables if len(v.shape) == 2],
                [slope.numpy() for slope in slopes[: len(variables)]],
            )
        )
        pairs = zip(model.trainable_variables, slopes, strict=False)
        for variable, slope in pairs:
            variable.assign_sub(rate * slope)
    return seen


def _finite(arrays: list[np.ndarray]) -> bool:
    return all(np.isfinite(array).all() for array in arrays)


@np.errstate(all="ignore")
def autotrainer(seen: list[Seen]) -> list[str]:
    """AUTOTRAINER (Zhang et al., ICSE 2021): gradients of the weights."""
    found = set()
    for update in seen:
        if not np.isfinite(update.loss) or update.loss >= 1000:
            found.add("loss")
        if not _finite(update.gradients):
            found.add("NaN")
            continue
        norms = [np.linalg.norm(g) for g in update.gradients if g.ndim > 1]
        ratio = norms[0] / norms[-1]
        if ratio < 1e-3 and norms[0] < 1e-4:
            found.add("vanishing")
        if ratio > 70:
            found.add("exploding")
        zeros = sum(int((g == 0).sum()) for g in update.gradients)
        if zeros / sum(g.size for g in update.gradients) >= 0.7:
            found.add("dying ReLU")
        if any(np.abs(h).mean() >= 10 for h in update.outputs[:-1]):
            found.add("abnormal output")
    return sorted(found)


@np.errstate(all="ignore")
def deeplocalize(seen: list[Seen]) -> list[str]:
    """DeepLocalize (Wardat et al., ICSE 2021): means that stand still.

    Without those of the head's outputs, and of what is derived from them:
    the mean of probabilities always stands still.
    """
    found = set()
    series = {
        "loss": [[update.loss] for update in seen],
        "accuracy": [[update.accuracy] for update in seen],
        "outputs": [[h.mean() for h in update.outputs[:-1]] for update in seen],
        "slopes": [[g.mean() for g in update.slopes[:-1]] for update in seen],
        "weights": [[w.mean() for w in update.kernels] for update in seen],
        "gradients": [
            [g.mean() for g in update.gradients if g.ndim > 1][:-1]
            for update in seen
        ],
    }
    for name, rows in series.items():
        means = np.array(rows)  # (updates, layers)
        if not np.isfinite(means).all():
            found.add(name)
        zero = np.cumsum(means == 0, axis=0)
        if name not in ("loss", "accuracy") and np.any(
            zero[: len(seen)] * 2 >= np.arange(1, len(seen) + 1)[:, None]
        ):
            found.add(name)
        for end in range(WINDOW, len(means) + 1, WINDOW):
            window = means[end - WINDOW : end]
            if np.any(window.mean(axis=0) == window.max(axis=0)):
                found.add(name)
    return sorted(found)


def _saturation(outputs: np.ndarray, bins: int = 50) -> float:
    """Share of units with ρ_B above 0.85: outputs near 0 or 1."""
    place = np.clip(np.floor(outputs * bins), -1, bins - 1)
    values = []
    for unit in range(outputs.shape[1]):
        groups = [
            outputs[place[:, unit] == bin_, unit]
            for bin_ in np.unique(place[:, unit])
        ]
        values.append(
            sum(abs(2 * g.mean() - 1) * len(g) for g in groups) / len(outputs)
        )
    return float(np.mean(np.array(values) > 0.85))


@np.errstate(all="ignore")
def deepchecker(seen: list[Seen], activation: str) -> list[str]:
    """TheDeepChecker (Ben Braiek and Khomh, TOSEM 2022), ten updates."""
    found = set()
    classes = seen[0].outputs[-1].shape[-1]
    if abs(seen[0].loss - log(classes)) >= log(classes):
        found.add("first loss")
    critical = 2.70554  # F, of two variances
    for kernel in seen[0].kernels:
        fan_in, fan_out = kernel.shape
        scales = {
            "lecun": 1 / fan_in, "he": 2 / fan_in,
            "glorot": 2 / (fan_in + fan_out),
        }  # fmt: skip
        fits = {
            name: max(kernel.var() / s, s / kernel.var()) <= critical
            for name, s in scales.items()
        }
        wanted = {"relu": "he", "tanh": "glorot", "sigmoid": "lecun"}
        if not (
            fits[wanted[activation]] if activation in wanted
            else any(fits.values())
        ):  # fmt: skip
            found.add("initial weights")
    buffers = zip(*(update.outputs[:-1] for update in seen), strict=True)
    for arrays in buffers:
        outputs = np.concatenate(arrays)
        if not np.isfinite(outputs).all():
            found.add("NaN")
            continue
        if activation in ("sigmoid", "tanh"):
            if _saturation(outputs) > 0.5:
                found.add("saturated")
        elif np.mean(np.percentile(np.abs(outputs), 95, axis=0) < 1e-5) > 0.5:
            found.add("dead")
        spread = outputs.std()
        if spread < 0.5 / critical**0.5 or spread > 2 * critical**0.5:
            found.add("distribution")
    gradients = [
        [np.abs(g).mean() for g in update.gradients if g.ndim > 1]
        for update in seen
    ]
    if not np.isfinite(gradients).all():
        found.add("NaN")
        return sorted(found)
    last = np.array(gradients[-1])
    if np.any(last < 1e-6):
        found.add("vanishing")
    if np.any(last > 1e6):
        found.add("exploding")
    steps = [
        [
            np.abs(after - before).mean() / np.abs(before).mean()
            for after, before in zip(b.kernels, a.kernels, strict=True)
        ]
        for a, b in pairwise(seen)
    ]
    sizes = np.log10(np.array(steps)).mean(axis=0)
    if np.any(sizes > -1) or np.any(~np.isfinite(sizes)):
        found.add("updates too large or none")
    if np.any(sizes < -4):
        found.add("updates too small")
    return sorted(found)
