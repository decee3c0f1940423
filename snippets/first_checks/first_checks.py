"""Five checks before you blame the depth: one call, about a minute."""

import random
import textwrap
import time
from typing import Any

import keras
import numpy as np
from keras.src.random.seed_generator import global_seed_generator

flat, mapped = keras.tree.flatten, keras.tree.map_structure
PAGE, KEPT = "chapters/first_checks.html#", ("train_function", "jit_compile")


def first_checks(model: Any, x: Any, y: Any = None, **fit: Any) -> str:
    """Check a compiled model on what `fit` takes; put everything back."""
    if not getattr(model, "compiled", False):
        raise ValueError("compile the model first, as for fit")
    data, faults = _examples(x, y, fit.pop("sample_weight", None)), []
    known: dict = {"start": [], "most": fit.pop("seconds", 60) / 6}
    drawn, lines = (random.getstate(), np.random.get_state()), []
    own = [k for k, v in vars(model).items() if isinstance(v, keras.Optimizer)]
    was = {name: getattr(model, name) for name in (*own, *KEPT)}
    seeds = [(v, np.array(v)) for v in model.variables]  # a call draws
    try:
        model(_few(data[0], 2))  # builds it, if it was not
        for name in own:
            config, rate = was[name].get_config(), was[name]._learning_rate
            if callable(rate):  # a schedule: its largest early rate
                config["learning_rate"] = float(max(map(rate, (0, 100, 1000))))
            setattr(model, name, type(was[name]).from_config(config))
        model.train_function = None
        model.jit_compile = keras.backend.backend() == "jax"  # else it is slow
        model.optimizer.build(model.trainable_variables)
        state = [global_seed_generator().state, *model.optimizer.variables]
        state += [*model.variables, *model.metrics_variables]
        known["start"] = [(v, np.array(v)) for v in state] + seeds
        for check in (_labels, _first_loss, _signal, _one_batch, _rates):
            try:
                said, causes = check(model, data, known)
                cause = next((c for c, seen in causes.items() if seen), "")
            except Exception as error:
                said, cause = "", str(error).split("\n")[0]
            verdict = "FAULT" if "#" in cause else "unsure" if cause else "ok"
            faults += [cause.replace("#", PAGE)] * (verdict == "FAULT")
            said = f"{said}: {cause}" if said and verdict == "unsure" else said
            lines += [f"{verdict:7}{check.__name__[1:]:11}{said or cause}"]
    finally:
        model.reset_metrics()
        random.setstate(drawn[0])
        np.random.set_state(drawn[1])
        _ = [variable.assign(value) for variable, value in known["start"]]
        list(map(setattr, [model] * len(was), was, was.values()))
    lines += [f"It does not use {', '.join(sorted(fit))}."] * bool(fit)
    wrap = textwrap.TextWrapper(80, subsequent_indent=" " * 18)
    found = f"\n{'':9}".join(faults) or "no fault found"
    return "\n".join([f"Verdict: {found}", *map(wrap.fill, lines)])


def _few(data: Any, most: int) -> Any:
    n = len(flat(data)[0])
    rows = np.linspace(0, n - 1, min(n, most)).astype(int)
    return mapped(lambda a: a[rows], data)


def _examples(*given: Any) -> Any:
    got: Any = [given]
    if not hasattr(flat(given[0])[0], "shape"):  # a dataset: 30 batches
        unpack = keras.utils.unpack_x_y_sample_weight
        got = [unpack(b) for _, b in zip(range(30), given[0], strict=False)]
    got = [[mapped(np.asarray, p) for p in b if p is not None] for b in got]
    sizes = [mapped(lambda a: a.shape[1:], batch) for batch in got]
    got = [b for b, size in zip(got, sizes, strict=True) if size == sizes[0]]
    return _few(mapped(lambda *parts: np.concatenate(parts), *got), 1000)


def _labels(model: Any, data: Any, known: dict) -> tuple[str, dict]:
    x: Any = [a for a in flat(data[0]) if a.ndim > 2 or a.dtype.kind == "f"]
    y = data[1] if x and isinstance((*data, 0)[1], np.ndarray) else np.eye(3)
    y = y.argmax(-1) if y.ndim == 2 and (y.sum(1) == 1).all() else y.squeeze()
    good = y.ndim == 1 and len(y) > 8 and not (y % 1).any()
    assert good, "needs a class for each example"
    x, n = np.hstack([a.reshape(len(y), -1) for a in x]), len(y)
    learn, test = np.array_split(np.random.default_rng(0).permutation(n), 2)
    kinds, guess = np.unique(y[learn]), np.unique(y, return_counts=True)[1]
    means = np.stack([x[learn][y[learn] == kind].mean(0) for kind in kinds])
    away = (means**2).sum(1) - 2 * x[test] @ means.T
    right, guess = (kinds[away.argmin(1)] == y[test]).mean(), guess.max() / n
    known["told"] = right > guess + 2 * (guess * (1 - guess) / len(test)) ** 0.5
    said = f"class means are right in {right:.2f}, guessing in {guess:.2f}"
    return said, {"hard, or labels of other inputs": not known["told"]}


def _answer(i: int, p: Any, t: Any) -> Any:
    if t.size < p.size:  # numbers of classes
        t = np.eye(p.shape[-1])[t.reshape(p.shape[:-1]).astype(int)]
    t, share = t.reshape(p.shape), t.mean(0).reshape(p.shape[1:])
    log, other = np.log(share + 1e-7), np.log(1 + 1e-7 - share)
    kinds = p, 0.5, share, log, log - other, t, 20 * t - 10  # two are perfect
    return np.float32(kinds[i] + 0 * t)


def _first_loss(model: Any, data: Any, known: dict) -> tuple[str, dict]:
    x, y, weight = (*_few(data, 256), None, None)[:3]
    assert y is not None, "there are no labels to compare the loss with"
    costs, output = [], mapped(np.array, raw := model(x))
    extra = sum(map(float, model.losses))  # such as L2
    for i in range(7):
        answer = mapped(lambda p, t, i=i: _answer(i, p, t), output, y)
        costs += [float(model.compute_loss(x, y, answer, weight)) - extra]
    first, guess, right = costs[0], min(costs[1:5]), np.nanmin(costs[5:])
    known["guess"] = guess + extra
    adds = float(costs[6] < costs[5] - 0.1 * abs(guess))  # the loss, a softmax
    ends = [np.array(getattr(p, "_keras_logits", adds * p)) for p in flat(raw)]
    odds = [h.min() >= 0 and abs(h.sum(-1) - 1).max() < 1e-3 for h in ends]
    said = f"{first:.3g}; guessing {guess:.3g}, a perfect answer {right:.3g}"
    goal, high = guess - 0.01 * abs(guess), 4 * max(costs[1], guess)
    return said, {
        "the first loss is no number: #nan": not np.isfinite(first),
        "labels, output, loss do not fit: #logits": not right <= goal,
        "softmax twice: #logits": any(odds),
        "inputs or weights too large: #first-loss": first > high,
    }


def _signal(model: Any, data: Any, known: dict) -> tuple[str, dict]:
    hidden = [a for a in model.layers if a.weights][: -len(model.outputs)]
    assert len(hidden) > 1, "needs two hidden layers"
    ends = [layer._inbound_nodes[-1].output_tensors[0] for layer in hidden]
    x = flat(_few(data[0], 256))
    seen = map(np.float64, keras.Model(model.inputs, ends)(x, training=True))
    sizes = np.array([((h**2).mean() ** 0.5, h.std(0).mean()) for h in seen])
    by, own = (sizes[-1] / sizes[0]) ** (1 / (len(ends) - 1)), sizes[:, 1]
    said = f"x {by[0]:.2f} a layer, differences x {by[1]:.2f}, to {own[-1]:.0e}"
    good = 1e-3 < own[-1] < 1e2 and 1e-2 < own[-1] / own[0] < 1e2
    does = "fades" if by[1] < 1 else "grows"
    return said, {f"the signal {does} in each layer: #flat": not good}


def _train(model: Any, known: dict, rate: Any, batches: Any) -> list[float]:
    _ = [variable.assign(value) for variable, value in known["start"]]
    losses, end, model.optimizer.learning_rate = [], 0.0, rate
    for batch in batches:
        told = model.train_on_batch(*batch, return_dict=True)
        assert "loss" in told, f"its train_step tells {', '.join(told)}"
        losses += [float(told["loss"])]
        end = end or time.monotonic() + known["most"]  # now it is compiled
        known["late"] = time.monotonic() > end
        if known["late"] or not np.isfinite(losses[-1]):
            break
    return losses


def _one_batch(model: Any, data: Any, known: dict) -> tuple[str, dict]:
    rate = float(model.optimizer.learning_rate)
    losses = _train(model, known, rate, [_few(data, 50)] * 100)
    first, last, n = losses[0], losses[-1], len(losses)
    goal, known["first"] = min(known.get("guess", np.inf), first), first
    bad = known["bad"] = not last < goal - 0.1 * abs(goal)
    slow = known["late"] or last < first - 0.1 * abs(first)
    return f"{first:.3g} to {last:.3g} in {n} updates", {
        "the loss becomes no number: #nan": not np.isfinite(last),
        "slow, it needs more updates": bad and slow,
        "50 examples are not learned: #one-batch": bad,
    }


def _rates(model: Any, data: Any, known: dict) -> tuple[str, dict]:
    n, own, last = len(flat(data)[0]), float(model.optimizer.learning_rate), []
    draw = np.random.default_rng(0).choice
    rows = [draw(n, min(n, 50), replace=False) for _ in range(100)]
    rates, late = own * np.array([0.1, 0.3, 1.0, 3.0, 10.0]), False
    for rate in rates:
        batches = (mapped(lambda a, r=r: a[r], data) for r in rows)
        last += [np.mean(_train(model, known, rate, batches)[-20:])]
        late = late or known["late"]
    best, first = np.nan_to_num(last, nan=np.inf).argmin(), known["first"]
    told, guess = known.get("told"), known.get("guess", 0)
    less = 0.02 if told in (None, True) else 0.05
    none = guess and not last[best] < guess - less * abs(guess)
    idle = not late and last[best] < 0.5 * first and last[2] > 0.95 * first
    take = f"take {rates[best]:.1g}: #learning-rate"
    losses = ", ".join(f"{loss:.3g}" for loss in last)
    return f"{rates[0]:.2g} to {rates[-1]:.2g}: {losses}", {
        f"rate too high, {take}": not last[2] < 1.2 * max(guess, first),
        "none beats guessing": none and (late or told or known["bad"]),
        "the labels belong to other inputs: #labels": none,
        f"rate too low, {take}": idle,
    }
