"""Five checks before you blame the depth: one call, about a minute."""
# fmt: off

import random
import time
from functools import partial
from typing import Any

import keras
import numpy as np
from keras.src.random.seed_generator import global_seed_generator

flat, mapped, TINY = keras.tree.flatten, keras.tree.map_structure, 1e-7
ANSWERS = (  # undecided; shares of the classes, their logarithm, their logit;
    lambda t: 0.5, lambda t: t.mean(0), lambda t: np.log(t.mean(0) + TINY),
    lambda t: np.log(t.mean(0) + TINY) - np.log(1 + TINY - t.mean(0)),
    lambda t: t, lambda t: 20 * t - 10)  # and perfect ones, in two forms

def first_checks(model: Any, x: Any, y: Any = None, sample_weight: Any = None,
                 seconds: float = 60) -> str:  # for updates, not to compile
    """Check a compiled model on what `fit` takes; put everything back."""
    if not getattr(model, "compiled", False):
        raise ValueError("compile the model first, as for fit")
    known, lines = dict[str, Any](time=seconds), list[str]()
    data = _examples(x, y, sample_weight)
    kept: Any = [(random.setstate, random.getstate())]
    kept += [(np.random.set_state, np.random.get_state())]
    own = [n for n, o in vars(model).items() if isinstance(o, keras.Optimizer)]
    for name in (*own, "train_function", "history", "stop_training"):
        kept += [(partial(setattr, model, name), getattr(model, name, None))]
    try:
        model(_few(data[0], 2))  # builds it, if it was not
        for name in own:
            old = getattr(model, name)
            config = old.get_config()
            if isinstance(config.get("learning_rate"), dict):  # a schedule
                early = [old._learning_rate(step) for step in (0, 100, 1000)]
                config["learning_rate"] = float(max(early))  # its largest
            setattr(model, name, type(old).from_config(config))
        model.train_function = None
        model.optimizer.build(model.trainable_variables)
        state = [*model.variables, *model.metrics_variables]
        state += [global_seed_generator().state, *model.optimizer.variables]
        known["start"] = [(v.assign, np.array(v)) for v in state]
        for check in (_labels, _first_loss, _signal, _one_batch, _rates):
            try:
                said, mend = check(model, data, known)
                verdict = "FAULT" if mend else "ok"
            except Exception as error:
                verdict, said, mend = "unsure", f"{error}".split("\n")[0], ""
            lines += [f"{verdict:7}{check.__name__[1:]:11}{said}"]
            page = mend.replace("#", "chapters/first_checks.html#")
            lines += [f"{'':7}{page}"] * bool(mend)
    finally:
        model.reset_metrics()
        _put_back([*kept, *known.get("start", [])])
    faults = [line for line in lines if ".html#" in line] or ["no fault found"]
    return "\n".join(["Verdict: " + faults[0].strip(), *lines])

def _put_back(kept: list) -> None:
    for put, value in kept:
        put(value)

def _few(data: Any, most: int) -> Any:
    n = len(flat(data)[0])
    rows = np.linspace(0, n - 1, min(n, most)).astype(int)
    return mapped(lambda a: a[rows], data)

def _examples(*given: Any) -> Any:
    batches: Any = [given]
    if not hasattr(flat(given[0])[0], "shape"):  # a dataset: 30 batches
        unpack = keras.utils.unpack_x_y_sample_weight
        batches = [unpack(b) for _, b in zip(range(30), given[0], strict=False)]
    batches = [tuple(p for p in batch if p is not None) for batch in batches]
    batches = [mapped(np.asarray, batch) for batch in batches]
    sizes = [mapped(lambda a: a.shape[1:], batch) for batch in batches]
    same = [b for i, b in enumerate(batches) if sizes[i] == sizes[0]]
    return _few(mapped(lambda *parts: np.concatenate(parts), *same), 1000)

def _labels(model: Any, data: Any, known: dict) -> tuple[str, str]:
    x: Any = [a for a in flat(data[0]) if a.ndim > 2 or a.dtype.kind == "f"]
    y = data[1] if x and isinstance((*data, 0)[1], np.ndarray) else np.eye(3)
    y = y.argmax(-1) if y.ndim == 2 and (y.sum(1) == 1).all() else y.squeeze()
    if y.ndim > 1 or len(y) < 9 or (y % 1).any() or len(np.unique(y)) > 999:
        raise ValueError("needs a class for each example, and no words")
    x = np.hstack([a.reshape(len(y), -1) for a in x])
    order = np.random.default_rng(0).permutation(len(y))
    learn, test = np.array_split(order, 2)
    kinds, guess = np.unique(y[learn]), max(np.unique(y, return_counts=True)[1])
    means = np.stack([x[learn][y[learn] == kind].mean(0) for kind in kinds])
    away = (means**2).sum(1) - 2 * x[test] @ means.T
    right, guess = (kinds[away.argmin(1)] == y[test]).mean(), guess / len(y)
    said = f"class means are right in {right:.2f}, guessing in {guess:.2f}"
    known["told"] = right > guess + 2 * (guess * (1 - guess) / len(test)) ** 0.5
    if not known["told"]:
        raise ValueError(f"{said}: hard, or labels of other inputs")
    return said, ""

def _answer(kind: Any, p: Any, t: Any) -> Any:
    if t.size < p.size:  # numbers of classes
        t = np.eye(p.shape[-1])[t.reshape(p.shape[:-1]).astype(int)]
    return np.float32(kind(np.float32(t.reshape(p.shape))) + 0 * p)

def _first_loss(model: Any, data: Any, known: dict) -> tuple[str, str]:
    x, y, weight = (*_few(data, 256), None, None)[:3]
    if y is None:
        raise ValueError("there are no labels to compare the loss with")
    said, costs = mapped(np.array, model(x)), []
    extra = sum(map(float, model.losses))  # such as L2
    for kind in (None, *ANSWERS):
        answer = mapped(partial(_answer, kind), said, y) if kind else said
        cost = model.compute_loss(x=x, y=y, y_pred=answer, sample_weight=weight)
        costs += [float(cost) - extra]
    first, guess, right = costs[0], min(costs[1:5]), min(costs[5:])
    known["guess"] = guess + extra
    said = f"{first:.3g}; guessing {guess:.3g}, a perfect answer {right:.3g}"
    fit = "labels, outputs and loss do not fit: #logits"
    if not np.isfinite(first) or right > guess - 0.01 * abs(guess):
        return said, fit if np.isfinite(first) else "inputs or weights: #nan"
    high = first > 4 * max(costs[1], guess)
    return said, "scale the inputs, or the weights: #first-loss" if high else ""

def _signal(model: Any, data: Any, known: dict) -> tuple[str, str]:
    hidden = [a for a in model.layers if a.weights][: -len(model.outputs)]
    if len(hidden) < 2:
        raise ValueError("needs two hidden layers")
    hidden = [layer._inbound_nodes[-1].output_tensors[0] for layer in hidden]
    probe, x = keras.Model(model.inputs, hidden), flat(_few(data[0], 256))
    seen = flat(probe(x, training=True))
    size = [np.square(h, dtype="float64").mean() ** 0.5 for h in seen]
    own = [np.std(h, 0, dtype="float64").mean() for h in seen]  # of examples
    by = [(s[-1] / s[0]) ** (1 / (len(s) - 1)) for s in (size, own)]
    said = f"x {by[0]:.2f} a layer, differences x {by[1]:.2f}, to {own[-1]:.0e}"
    good = 1e-3 < own[-1] < 1e2 and 1e-2 < own[-1] / own[0] < 1e2
    return said, "" if good else "initializer, activation, scale: #flat"

def _train(model: Any, known: dict, rate: Any, parts: Any, epochs: int) -> list:
    _put_back(known["start"])
    losses, model.optimizer.learning_rate, began = [], rate, time.monotonic()
    for part in parts:  # in batches of 50
        x, y, w = (*part, None, None)[:3]
        told = model.fit(x, y, 50, epochs, 0, sample_weight=w, shuffle=False)
        if "loss" not in told.history:
            raise ValueError(f"its train_step tells {', '.join(told.history)}")
        losses += told.history["loss"]
        known["late"] = time.monotonic() - began > known["time"] / 6
        if known["late"] or not np.isfinite(losses[-1]):
            break
    return losses

def _one_batch(model: Any, data: Any, known: dict) -> tuple[str, str]:
    rate = float(model.optimizer.learning_rate)
    losses = _train(model, known, rate, [_few(data, 50)] * 5, 20)
    known["first"], goal = losses[0], min(known.get("guess", np.inf), losses[0])
    said = f"{losses[0]:.3g} to {losses[-1]:.3g} in {len(losses)} updates"
    good = losses[-1] < goal - 0.1 * abs(goal)
    known["learned"] = good
    if not good and len(losses) < 100 and np.isfinite(losses[-1]):
        raise ValueError(f"{said}: give it more seconds")
    return said, "" if good else "no gradient, or a rate far off: #one-batch"

def _rates(model: Any, data: Any, known: dict) -> tuple[str, str]:
    n, own, last = len(flat(data)[0]), float(model.optimizer.learning_rate), []
    rates = own * np.array([0.1, 0.3, 1.0, 3.0, 10.0])
    draw = np.random.default_rng(0).choice
    rows = [np.hstack([draw(n, min(n, 50), replace=False) for _ in range(20)])
            for _ in range(5)]
    for rate in rates:
        parts = (mapped(lambda a, r=r: a[r], data) for r in rows)
        last += _train(model, known, rate, parts, 1)[-1:]
    late = known["late"] and np.isfinite(last[2])
    best, guess = np.nan_to_num(last, nan=np.inf).argmin(), known.get("guess")
    said = ", ".join(f"{r:.1g}: {last[i]:.3g}" for i, r in enumerate(rates))
    if not last[2] < 1.2 * max(guess or 0, known["first"]):
        return said, f"lower it, {rates[best]:.1g} is better: #learning-rate"
    if guess and not last[best] < guess - 0.02 * abs(guess) and not late:
        if known.get("told") or not known["learned"]:
            raise ValueError(f"{said}: none beats guessing")
        return said, "labels of other inputs: #labels"
    idle = last[best] < 0.5 * known["first"] and last[2] > 0.95 * known["first"]
    idle = idle and not late
    return said, f"take {rates[best]:.1g}: #learning-rate" if idle else ""
