## diagnose
"""Where does your network lose its gradient? Ask it, with one batch."""

import math
import random
import textwrap
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from itertools import pairwise
from typing import Any, NamedTuple

import keras
import numpy as np

VERSION = "2.0"
GUIDE = ""  # where the guide is: each finding ends with a section of it
EXAMPLES = 128  # at most so many are looked at, evenly spaced
CHUNK = 2**16  # numbers are counted in pieces of about this size
KEPT = 2**18  # of a large output, so many numbers are kept for `step`
JUDGED = "judged on 350 networks"
PAGE, CHECKS = "diagnosis.html", "chapters/first_checks.html"
LOSSES = "chapters/losses.html"
DEPTH = "chapters/first_checks.html#depth"
STANDARD = "(x - x.mean(0)) / (x.std(0) + 1e-7)"
RULES: dict[str, tuple[str, float, str, str, str, str, str]] = {
    # code: above (>) or below (<) which limit, of what, from where, the fix,
    # the section, and what it is in words. The first come before the others.
    "nonfinite": (">", 0, "share of NaN or infinities", "none may be",
        "{fix}", f"{PAGE}#nonfinite", "Numbers are not finite"),
    "untracked": (">", 0, "layers made in `call`", "none may be",
        "{fix}", f"{PAGE}#untracked", "A layer makes layers in its `call`"),
    "labels": (">", 0, "{what}", "the loss is not made for them",
        "{fix}", f"{LOSSES}#table", "Labels, last layer and loss disagree"),
    "broadcast": (">", 1e-3, "change of the loss with y[:, None]",
        "the shapes of y and outputs differ", "y = y[:, None]",
        f"{LOSSES}#mean", "Each answer is compared with every label"),
    "wrong sign": (">", 0, "loss of the labels as answers, over -1 times them",
        "the right answer costs least", "{fix}", f"{LOSSES}#sign",
        "The loss rewards wrong answers"),
    "logits": (">", 0, "softmax or sigmoid, counted wrong",
        "either the last layer or the loss has it", "{fix}",
        f"{CHECKS}#logits", "Softmax or sigmoid is there twice, or not at all"),
    "head": (">", 0.05, "share of labels that the last layer cannot say",
        "it must reach all", "activation=None", f"{LOSSES}#floor",
        "The last layer cannot say the labels"),
    "dead end": (">", 0.95, "share of outputs that a ReLU holds at zero",
        "no gradient comes back", 'activation="softplus"',
        f"{PAGE}#dead-end", "The last layer is a dead ReLU"),
    "targets": (">", 30, "root mean square of the labels",
        "first outputs are near 1", "{fix}", f"{PAGE}#targets",
        "The labels are not scaled"),
    "mostly zero": (">", 0.95, "share of labels near zero",
        "the loss counts all alike", "{fix}", f"{LOSSES}#sparse",
        "Saying zero everywhere is nearly right"),
    "inputs": (">", 10, "root mean square of its inputs",
        "initializers are made for 1", "{fix}", f"{PAGE}#inputs",
        "The inputs are not scaled"),
    "small inputs": ("<", 1e-2, "root mean square of its inputs",
        "initializers are made for 1", "{fix}", f"{PAGE}#inputs",
        "The inputs are too small"),
    "schedule": ("<", 1e-2, "learning rate in 100 updates, over its highest",
        "schedules count updates", "{fix}", f"{PAGE}#schedule",
        "The learning rate is gone at once"),
    "blocked": ("<", 1e-30, "|dL/dh|", "zero teaches nothing",
        "{fix}", f"{PAGE}#blocked", "No gradient arrives"),
    "identical": (">", 0, "units that start and move as another does",
        "none do if drawn at random", "{draw}", f"{CHECKS}#branches",
        "Units are copies of each other"),
    "exploding": (">", 1e2, "|dL/dh|, over the last hidden layer's",
        JUDGED, "{fit}", DEPTH, "The gradient explodes"),
    "vanishing": ("<", 1e-2, "|dL/dh|, over the last hidden layer's",
        JUDGED, "{fit}", f"{CHECKS}#first-layers", "The gradient vanishes"),
    "exploding over time": (">", 1e2, "|dL/dx| of the first step, over last",
        "as exploding", 'recurrent_initializer="orthogonal"',
        f"{PAGE}#over-time", "The gradient explodes over time"),
    "vanishing over time": ("<", 1e-7, "|dL/dx| of the first step, over last",
        "float32 keeps seven digits", "{fix}", f"{PAGE}#over-time",
        "The gradient vanishes over time"),
    "growth": (">", 1e3, "root mean square, over the first layer's",
        JUDGED, "{fit}", DEPTH, "The signal grows from layer to layer"),
    "collapse": ("<", 1e-3, "root mean square, over the first layer's",
        JUDGED, "{fit}", DEPTH, "The signal dies out"),
    "cosine": ("<", 1e-4, "1 - cosine between two examples", JUDGED,
        "{fit}", f"{CHECKS}#depth", "All examples look alike to it"),
    "dead": (">", 0.9, "share of dead units, beyond that of random ones",
        "provisional", '{fit}, bias_initializer="zeros"',
        f"{CHECKS}#dead", "Units are dead"),
    "saturated": (">", 0.9, "share of outputs at the activation's ends",
        "with 0.8, four layers train", "{fit}", f"{CHECKS}#pinned",
        "Outputs are pinned to the activation's ends"),
    "dropout": (">", 0.9, "share dropped", "provisional", "rate=0.5",
        f"{PAGE}#dropout", "Nearly everything is dropped"),
    "penalty": (">", 1, "gradient of added losses, over that of the loss",
        "provisional", "{fix}", f"{LOSSES}#terms",
        "What is added to the loss outweighs it"),
    "moving averages": (">", 0.1, "share of the learned, lost in `evaluate`",
        "both see the same data", "momentum=0.7",
        f"{PAGE}#moving-averages", "Batch norm's averages have not arrived"),
    "underflow": (">", 0.5, "share of gradients too small for float16",
        "provisional", "keras.optimizers.LossScaleOptimizer(optimizer)",
        f"{PAGE}#underflow", "Gradients are too small for float16"),
    "step too large": (">", 1.5, "the batch's loss after a step, over before",
        "judged on 201 rates", "learning_rate={rate:.1g} / 10",
        f"{CHECKS}#learning-rate", "The step is too large"),
    "output leaps": (">", 5, "largest relative change of an output",
        "judged on 201 rates", "learning_rate={rate:.1g} / 10",
        f"{CHECKS}#learning-rate", "One step changes all that it says"),
    "step too small": ("<", 5e-4, "largest relative change of an output",
        "provisional", "learning_rate={rate:.1g} * 10",
        f"{CHECKS}#learning-rate", "The step is too small"),
    "first loss": (">", 5, "loss, over that of knowing nothing",
        "provisional", "{fix}", f"{CHECKS}#first-loss",
        "The first loss is far too high"),
    "sorted rows": (">", 0.99, "share of rows that are sorted by label",
        "`validation_split` takes the last", "{fix}", f"{PAGE}#sorted-rows",
        "The rows are sorted by label"),
    "order blind": ("<", 1e-4, "change of the answer, steps in another order",
        "attention sees no order", "{fix}", f"{PAGE}#order-blind",
        "The order of the steps does not matter to it"),
}  # fmt: skip
DATA = [*RULES][: [*RULES].index("schedule")]  # what is wrong with the task
HINTS = ("sorted rows", "order blind")  # may be meant: no alarm
LAST_STEPS = (
    "return_sequences=True  # then keras.layers.GlobalAveragePooling1D()"
)
ALWAYS = (*DATA, "moving averages", "underflow")  # also after training
ENDS = {  # activation: the ends of what it can say
    **dict.fromkeys(("sigmoid", "hard_sigmoid", "softmax"), (0.0, 1.0)),
    **dict.fromkeys(("tanh", "hard_tanh", "softsign"), (-1.0, 1.0)),
    **dict.fromkeys(("relu", "softplus"), (0.0, math.inf)),
    "relu6": (0.0, 6.0),
}
FITS = {  # activation: itself or a better one, and what fits it
    "tanh": ("tanh", "glorot_uniform"), "sigmoid": ("tanh", "glorot_uniform"),
    "selu": ("selu", "lecun_normal"), "softplus": ("relu", "he_normal"),
    **{a: (a, "he_normal") for a in ("relu", "elu", "gelu", "silu")},
}  # fmt: skip
CLOSED = (keras.layers.RNN, keras.layers.TimeDistributed)  # loops inside
FOREIGN = ("TorchModuleWrapper", "TFSMLayer", "FlaxLayer", "JaxLayer")
BIASES, RATES = ("bias", "beta"), ("rate", "dropout", "recurrent_dropout")
COLUMNS = {  # key of a row: its headline, its width, its format
    "layer": ("layer", 19, "s"), "moment": ("E[h²]", 8, ".1e"),
    "saturated": ("ends", 5, ".0%"), "dead": ("dead", 5, ".0%"),
    "cosine": ("cos", 6, ".2f"), "gradient": ("|dL/dh|", 8, ".1e"),
    "factor": ("factor", 8, ".1e"), "kernel_gradient": ("|dL/dW|", 8, ".1e"),
    "change": ("step", 8, ".1e"), "zero": ("zero", 5, ".0%"),
    "subnormal": ("fp16", 5, ".0%"),
}  # fmt: skip
LOGS = ("poisson", "mean_squared_logarithmic_error", "kl_divergence")
SLOWER = "decay_steps=len(x) // batch_size"
PLACES = "h = h + 0.1 * np.sin(np.outer(range({0}), 2.0 ** -np.arange({1})))"
GRADIENT = (
    "blocked", "exploding", "vanishing", "exploding over time",
    "vanishing over time", "growth", "collapse", "cosine",
)  # fmt: skip
CHAIN = (  # what comes first explains what comes later
    DATA,
    ("schedule",),
    GRADIENT,
    ("dead", "saturated"),
    ("step too large", "output leaps", "step too small", "first loss"),
)
Key = tuple[int, int, Any]  # of a tensor: layer, number of the call, part


class Finding(NamedTuple):
    """What is wrong, where, by how much, who says so, and what to write."""

    code: str
    layer: str
    number: float
    threshold: float
    source: str
    message: str
    fix: str  # "": no line mends it, read the section
    section: str


class Report(NamedTuple):
    """`rows` in the order of the forward pass, and what they tell.

    `findings` are causes; `hints` may be meant that way; `seen` are findings
    that go away, as a rule, when the causes are mended.
    """

    rows: list[dict[str, Any]]
    findings: list[Finding]
    summary: dict[str, Any]
    notes: list[str]
    hints: list[Finding]
    seen: list[Finding]

    def __str__(self) -> str:
        wrap = textwrap.TextWrapper(80, subsequent_indent="  ").wrap
        lines = wrap(self.verdict())
        for f in (*self.findings, *self.hints):
            mark = "?" if f in self.hints else "!"
            where = f"{f.code} · {f.layer}" if f.layer else f.code
            limit = f"limit {f.threshold:g}, {f.source}"
            lines += wrap(f"{mark} {where}: {f.message} ({limit})")
            lines += [f"    {f.fix}"] * bool(f.fix)
            lines += [f"    {GUIDE}{f.section}"]
        if self.seen:
            names = dict.fromkeys(f"{f.code} ({f.layer})" for f in self.seen)
            lines += wrap(f"As a rule its consequence: {', '.join(names)}.")
        half = any(row["dtype"] == "float16" for row in self.rows)
        drop = "zero" if half else "subnormal"  # 80 columns are enough
        shown = {k: c for k, c in COLUMNS.items() if k != drop}
        heads = [f"{title:>{width}}" for title, width, _ in shown.values()]
        lines.append(" " * 19 + "".join(heads[1:]))
        for row in self.rows:
            name = row["layer"]
            line = f"{name if len(name) < 19 else '…' + name[-17:]:19}"
            for key, (_, width, form) in list(shown.items())[1:]:
                text = "" if row[key] is None else format(row[key], form)
                line += f"{text:>{width}}"
            lines.append(line.rstrip())
        return "\n".join(lines + [w for n in self.notes for w in wrap(n)])

    def verdict(self) -> str:
        """Say it in words, with the loss, and that of knowing nothing."""
        loss, naive = (self.summary[k] for k in ("loss", "expected_loss"))
        told = f"loss {loss:.3g}"
        if not math.isnan(naive):
            told += f", of knowing nothing {naive:.3g}"
        if not self.findings:
            learned = self.summary["learned"]
            when = "in a trained network" if learned else "at initialization"
            return (
                f"No gradient pathology found {when} ({told}). That excludes "
                "neither wrong labels, nor too little data, nor a learning "
                "rate that fails later."
            )
        first = self.findings[0]
        words = RULES[first.code][6]
        more = len(self.findings) + len(self.seen) - 1
        then = "Mend the first, then look again." if more else ""
        return f"{words}: {first.layer or 'all'} ({told}). {then}".rstrip()

    def plot(self) -> Any:
        """Return a Matplotlib figure: signal, gradients, shares by layer."""
        import matplotlib.pyplot as plt

        figure, axes = plt.subplots(3, sharex=True, layout="constrained")
        groups = "moment change", "gradient kernel_gradient", "cosine dead"
        for axis, keys in zip(axes, groups, strict=True):
            for key in keys.split():
                column = np.array([row[key] for row in self.rows], float)
                axis.plot(column, ".-", label=COLUMNS[key][0])
            axis.set_yscale("linear" if "cosine" in keys else "log")
            axis.legend()
        names = [row["layer"] for row in self.rows]
        axes[-1].set_xticks(range(len(names)), names, rotation=90)
        return figure


def diagnose(
    model: Any,
    x: Any,
    y: Any = None,
    loss: Any = None,
    learning_rate: Any = None,
    sample_weight: Any = None,
) -> Report:
    """Look at one batch forwards, backwards, and after one step.

    x, y and `sample_weight` are what `fit` takes: arrays, lists or dicts of
    them, or x alone a dataset. `loss` and the optimizer are those of
    `compile` unless they are given; a `learning_rate` starts that optimizer
    afresh, or is one of plain SGD. The model is left as it was, bit for bit,
    also if this raises.
    """
    x, y, weight = _data(x, y, sample_weight)
    _check(model, x, y, loss)
    optimizer = getattr(model, "optimizer", None)
    scale = float(optimizer.scale_loss(1.0)) if optimizer else 1.0
    scale = scale if scale > 0 else 1.0  # of a training that overflowed
    with _Probe(model, _cut(x), _cut(y), _cut(weight), loss, y) as probe:
        values = [_copy(v) for v in model.trainable_variables]
        try:
            slopes = probe.backward(values, scale)
            while scale > 1 and not all(map(_finite, slopes)):
                scale = max(scale / 16, 1.0)  # as in training
                slopes = probe.backward(values, scale)
        except _BadLabels as error:
            raise ValueError(str(error)) from None
        except Exception as error:
            what = "model cannot take x"
            if probe.outputs is not None:
                what = "loss cannot take y and the outputs"
            reason = str(error).strip().split("\n")[0]
            raise ValueError(f"the {what}: {reason}") from error
        rows = _rows(probe, slopes, scale)
        heads = [_head(probe, pair) for pair in probe.pairs]
        extra = _Extra(probe, values, heads)
        extra.penalty(slopes, scale)
        steps = [slope / scale for slope in slopes]
        del slopes
        stepped, rate, falls = _step(model, values, steps, learning_rate)
        if stepped:
            extra.step(stepped, rows)
        learned = extra.learned()
        summary = {
            "loss": probe.value,
            "loss_after": extra.after,
            "learning_rate": rate,
            "loss_scale": scale,
            "examples": probe.count,
            "expected_loss": sum(h["naive"] for h in heads) or math.nan,
            "learned": learned,
        }
        extra.look(learned)
    found = _findings(rows, heads, summary, extra, falls, x, y)
    findings, hints, seen = _sorted(found, learned)
    notes = _notes(rows, probe, learned)
    return Report(rows, findings, summary, notes, hints, seen)


class DiagnoseCallback(keras.callbacks.Callback):  # type: ignore[misc]
    """For `fit`: looks at this batch every so many steps, prints a line."""

    def __init__(self, x: Any, y: Any = None, every: int = 100) -> None:
        super().__init__()
        self.x, self.y, self.every, self.steps = x, y, every, 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Diagnose, if it is time."""
        self.steps += 1
        if self.steps % self.every == 0:
            self.report = diagnose(self.model, self.x, self.y)
            found = self.report.findings
            said = [f"{f.code} · {f.layer} ({f.message})" for f in found]
            if (self.params or {}).get("verbose") == 1:
                print()  # below the progress bar
            print(f"step {self.steps}:", "; ".join(said) or "no finding")


class _BadLabels(ValueError):
    """The loss would raise, or be nonsense: say why in our words."""


def _copy(variable: Any) -> Any:
    return keras.ops.stop_gradient(keras.ops.copy(variable))


def _numpy(tensor: Any) -> np.ndarray:
    if hasattr(tensor, "dtype") and keras.ops.is_tensor(tensor):
        tensor = keras.ops.convert_to_numpy(tensor)
    array = np.asarray(tensor)
    return array if array.dtype.kind in "fiubcUSO" else array.astype("float32")


def _finite(tensor: Any) -> bool:
    return bool(np.isfinite(_numpy(tensor)).all())


def _norm(array: np.ndarray) -> Any:
    return np.sqrt(np.square(array, dtype="float64").sum())


def _rms(array: np.ndarray) -> float:
    return float(_norm(array) / math.sqrt(max(array.size, 1)))


def _ratio(a: float, b: float) -> float:
    return a / b if b else math.nan


# What it takes from Keras's private parts, and what is lost without them.


def _inner(layer: Any) -> list:
    """Return the layers in it: without `_layers`, those of models only."""
    found = getattr(layer, "_layers", None)
    return list(getattr(layer, "layers", ()) if found is None else found)


def _user_loss(model: Any) -> tuple[Any, Any]:
    """Return loss and weights of `compile`; without it, pass `loss=`."""
    made = getattr(model, "_compile_loss", None)
    loss = getattr(made, "_user_loss", None)
    return loss, getattr(made, "_user_loss_weights", None)


def _own_loss(model: Any, loss: Any, weights: Any) -> dict[str, Any]:
    """Return a loss that keeps no memory of what it sees, as an attribute.

    Without it the model's own is called, which remembers the last loss.
    """
    try:
        from keras.src.trainers.compile_utils import CompileLoss
    except ImportError:
        return {}
    names = getattr(model, "output_names", None)
    return {"_compile_loss": CompileLoss(loss, weights, output_names=names)}


def _added(owner: Any) -> tuple[Any, Any]:
    """Return the added losses it holds; without them, none are put back."""
    empty: tuple[list, set] = ([], set())
    return (
        getattr(owner, "_losses", empty[0]),
        getattr(owner, "_loss_ids", empty[1]),
    )


def _logits(tensor: Any) -> Any:
    """Return what a softmax was made of; without it, the row is of p."""
    return getattr(tensor, "_keras_logits", None)


def _options(loss: Any) -> dict[str, Any]:
    """Return the options of a loss, from_logits; without them, its config."""
    found = getattr(loss, "_fn_kwargs", getattr(loss, "fn_kwargs", None))
    if found is None and hasattr(loss, "get_config"):
        found = loss.get_config()
    return dict(found or {})


# What each backend does in its own way.


def _value_and_grads(function: Callable, at: list) -> tuple[Any, Any, list]:
    """Call `function(at)`: a scalar and more; return its gradients too."""
    if keras.backend.backend() == "jax":
        import jax

        (value, more), grads = jax.value_and_grad(function, has_aux=True)(at)
    elif keras.backend.backend() == "torch":
        import torch

        at = [a.detach().clone().requires_grad_() for a in at]
        value, more = function(at)
        grads = torch.autograd.grad(value, at, materialize_grads=True)
    else:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(at)
            value, more = function(at)
        none = tf.UnconnectedGradients.ZERO
        grads = tape.gradient(value, at, unconnected_gradients=none)
        grads = map(tf.convert_to_tensor, grads)  # of an embedding: sparse
    return float(_numpy(value)), more, list(grads)


def _tap(tensor: Any, forward: Callable, backward: Callable) -> Any:
    """Return an identity: its value goes to one, its gradient to the other.

    Both count and hand back nothing, so that no whole array is kept.
    """
    if keras.backend.backend() == "jax":
        import jax

        def there(value: Any) -> tuple[Any, None]:
            forward(value)
            return value, None

        def back(_: None, slope: Any) -> tuple[Any]:
            backward(slope)
            return (slope,)

        identity = jax.custom_vjp(lambda value: there(value)[0])
        identity.defvjp(there, back)
        return identity(tensor)
    forward(tensor)
    if keras.backend.backend() == "torch":
        out = tensor.view_as(tensor)
        if out.requires_grad:
            out.register_hook(lambda slope: backward(slope))
        return out
    import tensorflow as tf

    def reported(slope: Any) -> Any:
        slope = tf.convert_to_tensor(slope)
        backward(slope)
        return slope

    return tf.custom_gradient(lambda value: (tf.identity(value), reported))(
        tensor
    )


def _forked() -> Any:
    """For `with`: PyTorch draws dropout from its own state, put that back."""
    if keras.backend.backend() != "torch":
        return nullcontext()
    import torch

    return torch.random.fork_rng()


# What goes in.


def _data(x: Any, y: Any, weight: Any) -> tuple[Any, Any, Any]:
    """Return x, y, weights as arrays: of a dataset, its first examples."""
    if y is None and weight is None and not _is_arrays(x):
        x, y, weight = _first_batches(x)
    elif not _is_arrays(x):
        raise TypeError("x is a dataset, which has labels: leave out y")
    return _arrays(x), _arrays(y), _arrays(weight)


def _is_arrays(x: Any) -> bool:
    return isinstance(x, (list, tuple, dict)) or hasattr(x, "shape")


def _first_batches(data: Any) -> tuple[Any, Any, Any]:
    """Return the first batches, as many as are looked at."""
    batches: list[tuple] = []
    examples = 0
    indexed = isinstance(data, keras.utils.PyDataset)
    steps = (data[i] for i in range(len(data))) if indexed else iter(data)
    for batch in steps:
        batches.append(tuple(keras.utils.unpack_x_y_sample_weight(batch)))
        examples += len(keras.tree.flatten(batches[-1][0])[0])
        if examples >= EXAMPLES or hasattr(data, "__next__"):
            break  # of a generator, no more is used up than has to be
    if not batches:
        raise ValueError("x is empty: pass a batch of examples")
    parts = zip(*batches, strict=True)
    return tuple(  # type: ignore[return-value]
        None
        if part[0] is None
        else keras.tree.map_structure(
            lambda *a: np.concatenate([_numpy(b) for b in a]), *part
        )
        for part in parts
    )


def _arrays(data: Any) -> Any:
    """Return it with arrays at its leaves; numbers in a list are one."""
    if isinstance(data, dict):
        return {name: _arrays(part) for name, part in data.items()}
    if isinstance(data, (list, tuple)):
        inner = [part for part in data if hasattr(part, "shape")]
        if not any(len(part.shape) for part in inner) and not any(
            isinstance(part, dict) for part in data
        ):
            return _numpy(np.asarray(data))
        return type(data)(map(_arrays, data))
    return None if data is None else _numpy(data)


def _cut(data: Any) -> Any:
    """Return evenly spaced examples of it."""

    def cut(a: np.ndarray) -> np.ndarray:
        a = a[:: -(-len(a) // EXAMPLES)]
        return a.astype(keras.config.floatx()) if a.dtype.kind == "f" else a

    return None if data is None else keras.tree.map_structure(cut, data)


def _check(model: Any, x: Any, y: Any, loss: Any) -> None:
    """Raise, if it cannot be looked at, and say what to do."""
    if not isinstance(model, keras.Model):
        raise TypeError(
            f"model is a {type(model).__name__}: pass a keras.Model"
        )
    getattr(model, "jax_state_sync", lambda: None)()  # in a callback of fit
    kind = type(model)
    plain = kind.compute_loss is keras.Model.compute_loss
    compiled = _user_loss(model)[0] is not None
    own_step = kind.train_step is not keras.Model.train_step
    parts = [p for _, p in _layers(model) if isinstance(p, keras.Model)]
    callable_ = kind.call is not keras.Model.call or hasattr(model, "outputs")
    kinds = {name: type(layer).__name__ for name, layer in _layers(model)}
    closed = [name for name, of in kinds.items() if of in FOREIGN]
    flat = [a for a in keras.tree.flatten((x, y)) if a is not None]
    counts = sorted({len(a) if a.ndim else 0 for a in flat})
    holes = any(a.dtype.kind == "f" and not _finite(a) for a in flat)
    lossless = plain and not compiled and loss is None
    ways = "pass loss= and, for a GAN, generator and discriminator apart"
    for wrong, message in (
        (
            own_step and (lossless or not callable_),
            f"{kind.__name__} has a train_step of its own, and its loss is in "
            f"it: {ways}"
            + f" ({', '.join(p.name for p in parts)})"
            * bool(parts),
        ),
        (
            not model.variables or not model.built,
            "the model has no weights yet: call model(x)",
        ),
        (
            not model.trainable_variables and model.built,
            "all is frozen: set model.trainable = True, then compile",
        ),
        (
            lossless and y is not None,
            "there is no loss: compile, or pass loss=",
        ),
        (closed, f"cannot see into {closed}: diagnose the other layers alone"),
        (counts in ([], [0]), "x and y are empty: pass a batch of examples"),
        (len(counts) > 1, f"x and y differ: {counts} examples"),
        (holes, "x or y has NaN or infinities: leave these examples out"),
    ):
        if wrong:
            raise ValueError(message)


def _layers(layer: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    for inner in _inner(layer):
        yield path + inner.name, inner
        if not isinstance(inner, CLOSED):
            yield from _layers(inner, f"{path}{inner.name}/")


def _unbuilt(*_: Any, **__: Any) -> None:
    raise ValueError("a layer has no weights yet: call model(x) once")


def _activation(layer: Any) -> str:
    """Name the activation: that of the layer, or the layer itself."""
    if isinstance(layer, keras.layers.RNN):
        return ""
    name = getattr(getattr(layer, "activation", None), "__name__", "linear")
    return str(name if name != "linear" else type(layer).__name__).lower()


# What is counted.


def _chunks(array: np.ndarray) -> Iterator[np.ndarray]:
    """Yield some examples at a time, flat, in double precision."""
    flat = array.reshape(len(array) if array.ndim else 1, -1)
    step = max(1, CHUNK // max(flat.shape[1], 1))
    for start in range(0, len(flat), step):
        yield flat[start : start + step].astype("float64")


@np.errstate(all="ignore")
def _signal(array: np.ndarray, kind: str) -> dict[str, Any]:
    """Count what a layer with this activation puts out."""
    low, high = ENDS.get(kind, (0, math.inf))
    bounded = high < math.inf and kind != "softmax"
    units = array.shape[-1] if array.ndim > 1 else 1
    total = squares = unit = 0.0
    ended = infinite = examples = 0
    alive: Any = False
    for h in _chunks(array):
        sizes = np.einsum("ij,ij->i", h, h)
        total += h.sum()
        squares += sizes.sum()
        sizes = np.sqrt(sizes)
        known = sizes > 0
        unit = unit + np.where(known, 1 / sizes, 0) @ h
        examples += int(known.sum())
        if not np.isfinite(sizes).all():
            infinite += int((~np.isfinite(h)).sum())
        if bounded:
            ended += int(
                (np.abs(2 * h - low - high) > 0.98 * (high - low)).sum()
            )
        if kind.startswith("relu"):
            alive = alive | (h != 0).reshape(-1, units).any(0)
    size = max(array.size, 1)
    mean = total / size
    pairs = examples * (examples - 1)
    turned = (float(_norm(np.asarray(unit)) ** 2) - examples) / max(pairs, 1)
    return {
        "shape": array.shape,
        "moment": float(squares / size),
        "std": float(math.sqrt(max(squares / size - mean**2, 0)))
        if math.isfinite(squares)
        else math.nan,
        "saturated": ended / size if bounded else None,
        "dead": float(1 - np.mean(alive)) if kind.startswith("relu") else None,
        "cosine": turned if pairs > 0 else None,
        "nonfinite": infinite / size,
    }


@np.errstate(all="ignore")
def _slope(array: np.ndarray, steps: bool) -> dict[str, Any]:
    """Count the gradient by what a layer puts out, or by its time steps."""
    if steps:
        axes = (0, *range(2, array.ndim))
        return {"time": np.sqrt((array.astype("float64") ** 2).sum(axes))}
    squares = 0.0
    zero = infinite = small = 0
    for d in _chunks(array):
        square = np.einsum("ij,ij->", d, d)
        squares += square
        zero += d.size - int(np.count_nonzero(d))
        if array.dtype == "float16":
            small += int(((d != 0) & (abs(d) < 2.0**-14)).sum())
        if not math.isfinite(square):
            infinite += int((~np.isfinite(d)).sum())
    size = max(array.size, 1)
    return {
        "gradient": math.sqrt(squares),
        "slope nonfinite": infinite / size,
        "zero": zero / size,
        "subnormal": small / size,
    }


def _sample(array: np.ndarray) -> np.ndarray:
    """Return some examples of it, evenly spaced, all if they are few."""
    flat = array.reshape(len(array) if array.ndim else 1, -1)
    count = max(1, KEPT // max(flat.shape[1], 1))
    return np.array(flat[:: -(-len(flat) // count)])


class _Probe:
    """Within `with`, it sees what each layer puts out, and its gradient.

    For that time the `call` of each layer is replaced; no weight is ever
    assigned to. Afterwards the attributes of all layers are what they were.
    """

    def __init__(
        self, model: Any, x: Any, y: Any, weight: Any, loss: Any, labels: Any
    ) -> None:
        convert = keras.ops.convert_to_tensor
        self.model, self.loss, self.labels = model, loss, labels
        self.x: Any
        self.y: Any
        self.outputs: Any = None
        self.seen_whole = False
        self.trained = {id(v) for v in model.trainable_variables}
        self.seen: dict[Key, dict[str, Any]] = {}
        self.parents: dict[Key, Key | None] = {}
        self.untracked: dict[str, str] = {}
        self.value, self.total = math.nan, None
        leaves = keras.tree.flatten(x)
        self.count = len(leaves[0])
        self.x, self.y, self.weight = (
            None if d is None else keras.tree.map_structure(convert, d)
            for d in (x, y, weight)
        )
        arrays = [a for a in leaves if a.dtype.kind in "fiu"]
        self.scales, self.opaque = [_rms(a) for a in arrays], set[str]()
        found = list(_layers(model))
        self.layers = {id(layer): layer for _, layer in found}
        self.names = {id(layer): name for name, layer in reversed(found)}

    def __enter__(self) -> "_Probe":
        self.filtering = keras.config.is_traceback_filtering_enabled()
        keras.config.disable_traceback_filtering()  # short messages
        self.random = random.getstate()  # layers made in `call` draw a seed
        owners = {id(o): o for o in (self.model, *self.layers.values())}
        owners |= {
            id(inner): inner
            for owner in list(owners.values())
            for inner in _everything(owner)
        }
        self.kept = [
            (owner, dict(vars(owner)), list(losses), set(numbers))
            for owner in owners.values()
            for losses, numbers in [_added(owner)]
        ]
        self.known = {id(o) for o in owners.values()}
        loss, weights = self.loss, None
        if loss is None:
            loss, weights = _user_loss(self.model)
        if loss is not None:
            vars(self.model).update(_own_loss(self.model, loss, weights))
        self.user_loss, self.loss_weights = loss, weights
        for number, layer in self.layers.items():
            call = self.tapped(number, layer, layer.call)
            vars(layer).update(call=call, build=_unbuilt)
        self.add_weight = keras.layers.Layer.add_weight
        keras.layers.Layer.add_weight = self.noticed()
        return self

    def __exit__(self, *_: object) -> None:
        keras.layers.Layer.add_weight = self.add_weight
        random.setstate(self.random)
        if self.filtering:
            keras.config.enable_traceback_filtering()
        for owner, attributes, losses, numbers in self.kept:
            vars(owner).clear()
            vars(owner).update(attributes)
            now, known = _added(owner)
            now[:] = losses
            known.intersection_update(numbers)
            known.update(numbers)

    def noticed(self) -> Callable:
        """Return an `add_weight` that remembers whose layer is new."""
        kept = self.add_weight

        def add_weight(layer: Any, *args: Any, **kwargs: Any) -> Any:
            if id(layer) not in self.known and self.inside:
                place = self.names[self.inside[-1]]
                self.untracked.setdefault(place, type(layer).__name__)
            return kept(layer, *args, **kwargs)

        return add_weight

    def tapped(self, number: int, layer: Any, call: Callable) -> Callable:
        def see(part: Any, tensor: Any, source: Any) -> Any:
            if not keras.ops.is_tensor(tensor) or (
                "float" not in keras.backend.standardize_dtype(tensor.dtype)
            ):
                return tensor
            return self.see((number, self.calls[number], part), tensor, source)

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            self.calls[number] += 1
            if isinstance(layer, keras.layers.RNN):
                args = (see("in", args[0], None), *args[1:])
            self.inside.append(number)
            outputs = call(*args, **kwargs)
            self.inside.pop()
            given = keras.tree.flatten((args, kwargs))
            source = next(iter(given), None)
            self.single = sum(map(keras.ops.is_tensor, given)) == 1
            flat = keras.tree.flatten(outputs)
            flat = [see(part, t, source) for part, t in enumerate(flat)]
            return keras.tree.pack_sequence_as(outputs, flat)

        return wrapped

    def run(
        self,
        values: list,
        see: Callable,
        x: Any = None,
        training: bool = True,
        judge: bool = True,
    ) -> tuple[Any, Any]:
        """Return the outputs with these trainable weights, and the losses.

        The losses: of the data and of what layers add, and the latter.
        """
        self.see, self.calls, model = see, Counter[int](), self.model
        self.inside: list[int] = []
        self.single = True
        state = list(zip(model.trainable_variables, values, strict=True))
        with _forked(), keras.StatelessScope(state, collect_losses=True):
            getattr(model, "_clear_losses", lambda: None)()
            x = self.x if x is None else x
            outputs = model(x, training=training)
            if not judge:
                return outputs, None
            if not self.seen_whole:
                self.outputs = outputs
                self.seen_whole = True
                self.pairs = _pairs(self, outputs)
            total = self.loss_of(outputs)
            extra = [keras.ops.sum(loss) for loss in model.losses]
            added = sum(extra[1:], extra[0]) if extra else None
            return outputs, (total, added)

    def loss_of(self, outputs: Any, y: Any = None) -> Any:
        """Return the whole loss of these outputs."""
        model, y = self.model, self.y if y is None else y
        owner = type(model) if self.loss is None else keras.Model
        return owner.compute_loss(model, self.x, y, outputs, self.weight)

    def backward(self, values: list, scale: float) -> list:
        """Run forwards and backwards; return the gradients of scale × loss."""
        self.seen.clear()
        self.parents.clear()
        self.seen_whole = False
        self.origin: dict[int, Key] = {}
        alive: dict[int, Any] = {}
        raw: dict[int, float] = {}  # inputs that no weight has touched: size

        def remember(tensor: Any, key: Key) -> None:
            number = id(tensor)
            self.origin[number] = key
            try:
                forget = lambda _, n=number: self.origin.pop(n, None)  # noqa: E731
                alive[number] = weakref.ref(tensor, forget)
            except TypeError:
                alive[number] = tensor

        def see(key: Key, tensor: Any, source: Any) -> Any:
            if tensor is source or (
                id(tensor) in self.origin and key[2] != "in"
            ):
                return tensor
            layer, steps = self.layers[key[0]], key[2] == "in"
            kind = _activation(layer)
            size = raw.get(id(source)) if self.single or steps else None
            if id(source) not in self.origin and keras.ops.is_tensor(source):
                fed = _quiet(lambda: _rms(_numpy(source)))
                if fed and any(
                    math.isclose(fed, s, rel_tol=1e-3) for s in self.scales
                ):
                    size = fed
            record: dict[str, Any] = {
                "fed": size,
                "dtype": keras.backend.standardize_dtype(tensor.dtype),
            }
            self.parents[key] = self.origin.get(id(source))

            def forward(value: Any) -> None:
                array = _quiet(lambda: _numpy(value))
                if array is None:  # within a loop or a function
                    return
                if not steps:
                    record.update(_signal(array, kind), sample=_sample(array))
                self.seen[key] = record

            def arrives(slope: Any) -> None:
                array = _quiet(lambda: _numpy(slope))
                if array is not None:
                    record.update(_slope(array, steps))

            logits = _logits(tensor)
            if id(tensor if steps else source) not in self.origin:
                # Else there is no gradient to see: no weight stands before.
                tensor = tensor + keras.ops.cast(self.link, tensor.dtype)
            out = _tap(tensor, forward, arrives)
            if key not in self.seen:
                self.opaque.add(self.names[key[0]])
                return tensor
            if logits is not None:  # what the loss looks at
                out._keras_logits = _tap(logits, lambda _: None, arrives)
            if size and not layer.weights:
                raw[id(out)] = math.sqrt(record.get("moment", size**2))
                alive[-id(out)] = out  # few: an id is theirs alone
            remember(out, key)
            return out

        def function(at: list) -> tuple[Any, Any]:
            *at, self.link = at
            outputs, (total, added) = self.run(at, see)
            return total * scale, (outputs, total, added)

        link = keras.ops.zeros(())
        _, more, grads = _value_and_grads(function, [*values, link])
        self.outputs, total, added = more
        self.value, self.total = float(_numpy(total)), total
        self.added = 0.0 if added is None else float(_numpy(added))
        return grads[:-1]

    def changes(self, values: list) -> dict[Key, float]:
        """Run forwards with other weights; return how far outputs move."""
        found: dict[Key, float] = {}

        def see(key: Key, tensor: Any, source: Any) -> Any:
            if key in self.seen and key not in found and key[2] != "in":
                old = self.seen[key]["sample"].astype("float64")
                new = _sample(_numpy(tensor)).astype("float64")
                with np.errstate(all="ignore"):
                    found[key] = float(_norm(new - old) / _norm(old))
            return tensor

        _, (total, _) = self.run(values, see)
        self.after = float(_numpy(total))
        return found


def _everything(owner: Any) -> list:
    """Return all layers in it, also those of closed ones."""
    found = []
    for inner in _inner(owner):
        found += [inner, *_everything(inner)]
    return found


def _quiet(function: Callable) -> Any:
    """Return what it returns, or None if it cannot."""
    try:
        return function()
    except Exception:
        return None


# The labels, and the losses that compare.


def _part(data: Any, key: Any, index: int) -> Any:
    """Return what belongs to an output: by its name, its place, or all."""
    if isinstance(data, dict):
        return data.get(key)
    if isinstance(data, (list, tuple)):
        return data[index] if index < len(data) else None
    return data


def _pairs(probe: _Probe, outputs: Any) -> list[dict[str, Any]]:
    """Pair outputs and labels; raise if they cannot belong together."""
    if isinstance(outputs, dict):
        keys = list(outputs)
    elif isinstance(outputs, (list, tuple)):
        names = getattr(probe.model, "output_names", None) or []
        fits = len(names) == len(outputs)
        keys = list(names) if fits else list(range(len(outputs)))
    else:
        keys = [None]
    found = []
    for i, key in enumerate(keys):
        loss = _part(probe.user_loss, key, i)
        at = key if isinstance(outputs, dict) else i
        p = outputs if key is None else outputs[at]
        weight = _part(probe.loss_weights, key, i)
        t = _part(probe.labels, key, i) if len(keys) > 1 else probe.labels
        if isinstance(t, (dict, list, tuple)) or not hasattr(p, "shape"):
            continue  # packed in a way of its own
        if loss is None or t is None:
            continue
        if isinstance(loss, str):
            loss = keras.losses.get(loss)
        rule = getattr(getattr(loss, "fn", loss), "__name__", "")
        own = not type(loss).__module__.startswith("keras.") and (
            not str(getattr(loss, "__module__", "")).startswith("keras.")
        )
        pair = {
            "key": key, "at": at, "loss": loss, "rule": "" if own else rule,
            "own": own, "end": probe.origin.get(id(p)), "name": rule,
            "weight": 1.0 if weight is None else float(weight), "whole": t,
            "options": _options(loss),
        }  # fmt: skip
        _fit_labels(pair, tuple(p.shape))
        found.append(pair)
    return found


def _fit_labels(pair: dict[str, Any], shape: tuple) -> None:
    """Raise if the loss cannot be made of labels and outputs like these."""
    t, rule = pair["whole"], pair["rule"]
    sparse, units = rule.startswith("sparse"), shape[-1] if shape else 1
    cross = "crossentropy" in rule
    if not cross and not rule.startswith("mean_"):
        return
    shape = shape[:-1] if sparse else shape
    if math.prod(t.shape[1:]) != math.prod(shape[1:]):
        raise _BadLabels(
            f"{rule} wants y of shape {(len(t), *shape[1:])}, not {t.shape}; "
            "numbers of classes go with sparse_categorical_crossentropy"
        )
    ignored = pair["options"].get("ignore_class")
    if ignored is not None:
        t = t[t != ignored]
    if sparse and t.size:
        t = t.astype("float64")
        if t.min() < 0 or t.max() > units - 1 or (t % 1).any():
            raise _BadLabels(
                f"y goes from {t.min():g} to {t.max():g}, but {rule} with "
                f"{units} units takes 0 to {units - 1}: number the classes "
                "from 0"
            )


def _head(probe: _Probe, pair: dict[str, Any]) -> dict[str, Any]:
    """Return an output, its labels, its last layers, its loss if ignorant."""
    outputs, labels = probe.outputs, probe.y
    p = outputs if pair["key"] is None else outputs[pair["at"]]
    if pair["key"] is not None:
        labels = _part(labels, pair["key"], pair["at"])
        if isinstance(pair["at"], str) and isinstance(probe.y, (list, tuple)):
            labels = _part(probe.y, None, [*outputs].index(pair["at"]))
    p, t = _numpy(p).astype("float64"), _numpy(labels).astype("float64")
    rule = pair["rule"].removeprefix("sparse_")
    units = p.shape[-1] if p.ndim else 1
    naive = {  # the loss of a network that knows nothing
        "binary_crossentropy": math.log(2),
        "categorical_crossentropy": math.log(max(units, 1)),
        "mean_squared_error": float(np.mean(t**2)),
        "mean_absolute_error": float(np.mean(np.abs(t))),
    }.get(rule, math.nan)
    chain: list[Key] = []
    key = pair["end"]
    while key is not None and len(chain) < 9:
        chain.append(key)
        if _kernels(probe, probe.layers[key[0]]):
            break
        key = probe.parents.get(key)
    passing = ("reshape", "flatten", "dropout", "permute", "activation")
    kinds = [_activation(probe.layers[key[0]]) for key in chain]
    kinds = [kind for kind in kinds if kind not in passing] or ["linear"]
    return pair | {
        "p": p, "t": t, "naive": naive * pair["weight"], "last": kinds[0],
        "before": kinds[1] if len(kinds) > 1 else "", "place": None,
        "kernel": chain[-1] if chain else None,
        "logits": bool(pair["options"].get("from_logits")),
    }  # fmt: skip


def _kernels(probe: _Probe, layer: Any) -> list:
    """Return the trainable weights of it that are no biases."""
    wrapped = _inner(layer) and not isinstance(layer, CLOSED)
    inner = {id(v) for part in _inner(layer) for v in part.trainable_variables}
    own = [
        v
        for v in layer.trainable_variables
        if not wrapped or id(v) not in inner
    ]
    return [v for v in own if v.name not in BIASES and id(v) in probe.trained]


class _Extra:
    """What else is asked of the network: NaN is no answer."""

    def __init__(self, probe: _Probe, values: list, heads: list) -> None:
        self.probe, self.values, self.heads = probe, values, heads
        self.after: float | None = None
        self.gain = self.plain = self.lost = self.turned = math.nan
        self.added = self.broadcast = self.sign = math.nan
        layers = list(probe.layers.values())
        kinds = [type(layer).__name__.lower() for layer in layers]
        self.normed = any("batchnorm" in kind for kind in kinds)
        self.attends = any("attention" in kind for kind in kinds)

    def step(self, stepped: list, rows: list) -> None:
        """Look again after the step, and fill in how far outputs moved."""
        changes = self.probe.changes(stepped)
        self.after = self.probe.after
        for row in rows:
            row["change"] = changes.get(row["key"])

    def penalty(self, slopes: list, scale: float) -> None:
        """Compare the gradient of what is added with that of the loss."""
        if not self.probe.added:
            return
        grads = _quiet(
            lambda: _value_and_grads(
                lambda at: (self.probe.run(at, _unseen)[1][1], None),
                self.values,
            )[2]
        )
        if grads is None:
            return
        added, data = 0.0, 0.0
        for whole, part in zip(slopes, map(_numpy, grads), strict=True):
            part = part.astype("float64")
            added += float(_norm(part)) ** 2
            data += (
                float(_norm(_numpy(whole).astype("float64") / scale - part))
                ** 2
            )
        self.added = _ratio(math.sqrt(added), math.sqrt(data))

    def loss(self, outputs: Any, y: Any = None) -> float:
        """Return the loss of these outputs, without what weights add."""
        state = zip(
            self.probe.model.trainable_variables, self.values, strict=True
        )
        with keras.StatelessScope(list(state), collect_losses=True):
            total = self.probe.loss_of(outputs, y)
            extra = [keras.ops.sum(loss) for loss in self.probe.model.losses]
            return float(_numpy(total)) - sum(float(_numpy(e)) for e in extra)

    def learned(self) -> bool:
        """Whether its answers fit these examples better than others do."""
        probe, quarter = self.probe, self.probe.count // 4
        if probe.y is None or quarter < 1:
            return False

        def turned(by: int) -> float:
            roll = keras.ops.roll
            return self.loss(
                keras.tree.map_structure(
                    lambda p: roll(keras.ops.stop_gradient(p), by, axis=0),
                    probe.outputs,
                )
            )

        plain = _quiet(lambda: self.loss(probe.outputs))
        others = [_quiet(lambda n=n: turned(n * quarter)) for n in (1, 2, 3)]
        if plain is None or None in others:
            return False
        other = float(np.mean(others))
        self.plain, self.gain = plain, other - plain
        least = 0.5 * max(abs(other), abs(plain)), 5 * np.std(others), 1e-6
        return bool(self.gain > max(least))

    def look(self, learned: bool) -> None:
        """Ask the rest: each in its own way, none if it cannot be asked."""
        _quiet(self.compare_shapes)
        _quiet(self.compare_signs)
        if self.attends:
            _quiet(self.turn_steps)
        if learned and self.normed:
            outputs = _quiet(
                lambda: self.probe.run(
                    self.values, _unseen, training=False, judge=False
                )[0]
            )
            if outputs is not None:
                self.lost = (self.loss(outputs) - self.plain) / self.gain

    def compare_shapes(self) -> None:
        """Find out whether the loss is another if y has the outputs' shape."""
        y, p = self.probe.y, self.probe.outputs
        both = hasattr(y, "shape") and hasattr(p, "shape") and len(y) > 1
        if both and tuple(p.shape) == (*y.shape, 1):
            one, two = self.loss(p), self.loss(p, y[:, None])
            self.broadcast = abs(two - one) / max(abs(one), 1e-30)

    def compare_signs(self) -> None:
        """Find out whether the labels themselves cost more than their minus."""
        for head in self.heads:
            if head["own"] and head["t"].shape == head["p"].shape:
                t = keras.ops.convert_to_tensor(head["t"].astype("float32"))
                costs = [_numpy(head["loss"](t, s * t)).mean() for s in (1, -1)]
                if costs[0] - costs[1] > 1e-3 * max(map(abs, costs)):
                    self.sign, self.wrong = float(costs[0] - costs[1]), head

    def turn_steps(self) -> None:
        """Find out how much the answer depends on the order of the steps."""
        x = self.probe.x
        steps = x.shape[1] if hasattr(x, "shape") and len(x.shape) > 1 else 0
        words = "int" in keras.backend.standardize_dtype(x.dtype)
        if steps < 3 or len(x.shape) != (2 if words else 3):
            return
        order = np.random.default_rng(0).permutation(steps)
        some = x[:16]
        answers = [
            _numpy(
                self.probe.run(
                    self.values, _unseen, part, training=False, judge=False
                )[0]
            )
            for part in (some, keras.ops.take(some, order, axis=1))
        ]
        if answers[0].ndim < 3:
            about = answers[0] - answers[0].mean(0)
            change = _norm(answers[1] - answers[0])
            self.turned = float(change / max(_norm(about), 1e-30))


def _unseen(_: Key, tensor: Any, __: Any) -> Any:
    return tensor


def _step(
    model: Any, values: list, gradients: list, learning_rate: Any
) -> tuple[list, float | None, float]:
    """Return the weights after a step of a copy of the optimizer, its rate.

    The last: the rate in 100 updates, over the highest until then.
    """
    source = getattr(model, "optimizer", None)
    source = getattr(source, "inner_optimizer", source)  # not scaled any more
    if source is None and learning_rate is None:
        return [], None, math.nan
    config = source.get_config() if source else {"name": "SGD"}
    if learning_rate is not None:
        config["learning_rate"] = learning_rate
    if config.get("gradient_accumulation_steps"):
        config["gradient_accumulation_steps"] = None  # one step of them
    kind = type(source) if source else keras.optimizers.SGD
    optimizer = kind.from_config(dict(config))  # which changes it
    twins = []
    for value, variable in zip(values, model.trainable_variables, strict=True):
        name = variable.path.replace("/", "_")  # TensorFlow keeps new names
        twins.append(keras.Variable(value, name=name))
        twins[-1].constraint = variable.constraint
    optimizer.build(twins)
    now = 0
    if source and source.built and learning_rate is None:
        now = int(_numpy(source.iterations))
        kept = [
            v for v in source.variables if "accumulator_" not in f"{v.path}_"
            or "gradient_acc" not in v.path
        ]  # fmt: skip
        for to, of in zip(optimizer.variables, kept, strict=True):
            to.assign(of)
    rate = float(_numpy(optimizer.learning_rate))
    optimizer.apply(gradients, twins)
    falls = math.nan
    if isinstance(config.get("learning_rate"), dict):
        schedule = keras.optimizers.schedules.deserialize(
            config["learning_rate"]
        )
        ahead = [
            float(_numpy(schedule(now + i))) for i in (*range(0, 100, 10), 100)
        ]
        falls = _ratio(ahead[-1], max(ahead))
    return [_copy(twin) for twin in twins], rate, falls


# What it means.


def _random_dead(cosine: float, examples: int) -> float:
    """Share of dead ReLUs, if their inputs are Gaussian with this cosine."""
    z = np.linspace(-6, 6, 601)
    slope = math.sqrt(max(cosine, 0) / max(1 - cosine, 1e-9) / 2)
    share = [(0.5 * math.erfc(slope * a)) ** examples for a in z]
    return float(np.average(share, weights=np.exp(-(z**2) / 2)))


@np.errstate(all="ignore")
def _rows(probe: _Probe, slopes: list, scale: float) -> list[dict[str, Any]]:
    """Turn what was seen into numbers, a row for each output of a layer."""
    variables = probe.model.trainable_variables
    gradients = dict(zip(map(id, variables), map(_numpy, slopes), strict=True))
    twins: dict[Any, Any] = {}
    rows: list[dict[str, Any]] = []
    times: dict[int, Any] = {}
    for key, seen in probe.seen.items():
        number, call, part = key
        layer, name = probe.layers[number], probe.names[number]
        if part == "in":  # of a recurrent layer: by time step, first is first
            time = seen.get("time", np.zeros(0)) / scale
            times[number] = time[:: -1 if layer.go_backwards else 1].tolist()
            continue
        kind = _activation(layer)
        own = _kernels(probe, layer)
        kernels = [v for v in own if len(v.shape) > 1]
        alike = 0
        for variable in kernels:
            kernel, gradient = _numpy(variable), gradients[id(variable)]
            pair = [a.reshape(-1, a.shape[-1]) for a in (kernel, gradient)]
            if all(np.ptp(a, 1).max() <= 1e-6 * np.abs(a).max() for a in pair):
                alike += kernel.shape[-1] - 1
            about = kernel.shape, hash(kernel.tobytes())
            twin, other = twins.setdefault(about, (gradient, layer))
            if other is not layer and np.allclose(twin, gradient, 1e-5, 0):
                alike += kernel.shape[-1]
        norms = [float(_norm(gradients[id(v)])) / scale for v in kernels]
        row = {
            "layer": name + f" #{call}" * (call > 1) + f".{part}" * (part > 0),
            "kind": type(layer).__name__,
            "activation": kind,
            "initializer": getattr(layer, "kernel_initializer", None),
            "key": key,
            "dtype": seen["dtype"],
            "gradient": seen.get("gradient", 0.0) / scale,
            "factor": None,
            "kernel_gradient": math.hypot(*norms) if norms else None,
            "change": None,
            "slope nonfinite": seen.get("slope nonfinite", 0.0),
            "zero": seen.get("zero", 1.0),
            "subnormal": seen.get("subnormal", 0.0),
            "zeroed": any(not _numpy(v).any() for v in own),
            "alike": int(alike),
            "inputs": None if kind == "embedding" else seen["fed"],
            "dropped": max(getattr(layer, name, 0) or 0 for name in RATES),
            "time": None if part else times.get(number),
            "last only": not getattr(layer, "return_sequences", True),
        }
        for name in ("shape", "moment", "std", "saturated", "dead", "cosine"):
            row[name] = seen[name]
        row["nonfinite"] = seen["nonfinite"]
        if seen["dtype"] != "float16":
            row["subnormal"] = None
        row["initializer"] = type(row["initializer"]).__name__.lower()
        rows.append(row)
    return rows


def _fit(rows: list, place: int, draw: bool = False) -> str:
    """Write what fits the activation of the layer in this row."""
    used = [row["activation"] for row in rows[place : place + 3]]
    name = next((name for name in used if name in FITS), "tanh")
    activation, initializer = FITS[name]
    has = rows[place]["initializer"].startswith(initializer.split("_")[0])
    if activation != name or not has or draw:
        return f'activation="{activation}", kernel_initializer="{initializer}"'
    if any("Normalization" in row["kind"] for row in rows):
        return "h = keras.layers.add([h, block(h)])  # a shortcut"
    return "keras.layers.LayerNormalization()  # behind each layer"


def _scaled(x: Any) -> str:
    """Write how these inputs are scaled: each column if they differ."""
    if not isinstance(x, np.ndarray):
        return ""
    if x.ndim == 2 and x.shape[1] > 1:
        spread = x.std(0)
        if spread.max() > 10 * np.median(spread[spread > 0]):
            return f"x = {STANDARD}"
    if x.min() >= 0 and 1 < x.max() <= 255:
        return "x = x / 255" if x.max() > 128 else f"x = x / {x.max():g}"
    return "x = (x - x.mean()) / x.std()"


@np.errstate(all="ignore")
def _findings(
    rows: list,
    heads: list,
    summary: dict,
    extra: _Extra,
    falls: float,
    x: Any,
    y: Any,
) -> list[Finding]:
    """Apply the rules; add to the summary the numbers of the whole network."""
    findings: list[Finding] = []
    probe = extra.probe
    rate = summary["learning_rate"]
    places = range(len(rows))
    by_key = {row["key"]: i for i, row in enumerate(rows)}
    tops = {by_key[h["kernel"]] for h in heads if h["kernel"] in by_key}
    trained = [i for i in places if rows[i]["kernel_gradient"] is not None]
    if not tops:
        tops = set(trained[-1:])
    inner = [i for i in trained if i not in tops]
    bottom = (trained or [0])[0]
    top = max(tops, default=0)

    def find(
        code: str, place: int, number: Any, fix: str = "", message: str = ""
    ) -> bool:
        sign, limit, what, source, line, section, _ = RULES[code]
        found = bool(number > limit if sign == ">" else number < limit)
        if found:
            fit = _fit(rows, place) if rows else ""
            draw = _fit(rows, place, draw=True) if rows else ""
            line = line.format(fit=fit, rate=rate or 0.0, fix=fix, draw=draw)
            if line.startswith("learning_rate") and not rate:
                line = "learning_rate=0.001"
            where = rows[place]["layer"] if rows else ""
            about = where, float(number), limit, source
            message = message or f"{what}: {number:.2g}"
            findings.append(Finding(code, *about, message, line, section))
        return found

    def first(code: str, key: str, places: Any, fix: str = "") -> bool:
        numbers = ((i, rows[i].get(key)) for i in places)
        return any(find(code, i, n, fix) for i, n in numbers if n is not None)

    def named(head: dict) -> str:
        return "y" if head["key"] is None else f"y[{head['at']!r}]"

    # What is not finite hides all else.
    tiny = "keras.ops.maximum(z, 1e-7)  # z: below a root, log or division"
    if not all(_finite(v) for v in probe.model.variables):
        text = "the weights themselves are not finite: build the model again"
        find("nonfinite", bottom, 1.0, "", text + ", and look before training")
        return findings
    for i in places:
        if rows[i]["nonfinite"] > 0:
            fix = tiny
            if rows[i]["dtype"] == "float16":
                fix = 'dtype="float32"'
            elif any(row["moment"] > 1e6 for row in rows[: i + 1]):
                fix = _fit(rows, i)
            find("nonfinite", i, rows[i]["nonfinite"], fix)
            return findings
    if not math.isfinite(summary["loss"]):
        low = [h for h in heads if h["p"].min() < 0]
        log = [h for h in low if h["name"] in LOGS]
        fix = 'activation="softplus"' if log else ""
        text = "the loss is not finite, though all outputs are"
        if low:
            text += f"; the lowest output is {low[0]['p'].min():.2g}"
        find("nonfinite", top, 1.0, fix, text)
        return findings
    for i in places[::-1]:  # a gradient comes from above
        share = rows[i]["slope nonfinite"]
        if share > 0:
            grown = any(row["moment"] > 1e6 for row in rows)
            fix = _fit(rows, i) if grown else tiny
            if rows[i]["dtype"] == "float16":
                fix = 'dtype="float32"'
            text = f"share of its gradient that is not finite: {share:.2g}"
            find("nonfinite", i, share, fix, text)
            return findings
    # The task: data, labels, last layer and loss.
    for owner, kind in probe.untracked.items():
        i = next((i for i in places if rows[i]["layer"] == owner), 0)
        find(
            "untracked", i, 1, f"self.{kind.lower()} = keras.layers.{kind}(…)"
            "  # in __init__", f"{owner} makes a {kind} each time it is called",
        )  # fmt: skip
    find("broadcast", top, extra.broadcast)
    if extra.sign > 0:
        name = extra.wrong["name"] or "loss"
        fix = f"loss=lambda y_true, y_pred: -{name}(y_true, y_pred)"
        find("wrong sign", top, extra.sign, fix)
    for h in heads:
        i = by_key.get(h["kernel"], top)
        _judge_head(h, i, find, named(h))
    raw, scale_of = rows[bottom]["inputs"], 1.0
    above = [row["kind"] for row in rows[1:]] + [""]
    bare = [i for i in trained if "Normalization" not in above[i]]
    first("inputs", "inputs", bare, _scaled(x))
    for layer in probe.layers.values():
        if type(layer).__name__ == "Rescaling" and np.ndim(layer.scale) == 0:
            scale_of = float(layer.scale)
    fix = f"x = {1 / scale_of:g} * x" if scale_of != 1 else f"x = {STANDARD}"
    if raw is not None and bare and bare[0] == bottom:
        find("small inputs", bottom, raw, fix if probe.count else "")
    # The network.
    _judge_depth(rows, inner, tops, summary, find)
    if not any(row["zeroed"] for row in rows) and rows:
        dead = [i for i in places if not rows[i]["gradient"] > 1e-30]
        cut = max(dead, default=bottom)
        h = rows[cut]["layer"]
        fix = "h = z + keras.ops.stop_gradient(h - z)  # z: before h"
        text = f"no gradient comes down to {h}"
        find("blocked", bottom, rows[bottom]["gradient"], fix, text)
    for row in rows:
        steps = [size for size in row["time"] or () if size]  # not the padding
        if steps and row["last only"]:
            row["time ratio"] = steps[0] / steps[-1]
        if row["dead"] is not None:
            cosine = rows[max(rows.index(row) - 1, 0)]["cosine"] or 0.0
            row["dead beyond random"] = row["dead"] - _random_dead(
                cosine, summary["examples"]
            )
    first("exploding over time", "time ratio", places)
    first("vanishing over time", "time ratio", places, _padding(x, probe))
    moved = [i for i in trained if rows[i]["kernel_gradient"]]
    first("identical", "alike", moved or trained)
    first("dead", "dead beyond random", places)
    first("saturated", "saturated", [i for i in places if i not in tops])
    first("dropout", "dropped", places)
    find("penalty", top, extra.added, "")
    find("moving averages", top, extra.lost)
    half = rows and rows[bottom]["dtype"] == "float16"
    if half and summary["loss_scale"] == 1:
        find("underflow", bottom, rows[bottom]["subnormal"])
    # The step.
    if summary["loss_after"] is not None:
        moves = [
            row["change"] for row in rows
            if row["change"] is not None and math.isfinite(row["change"])
        ]  # fmt: skip
        change = summary["change"] = max(moves, default=math.nan)
        rise = summary["loss_after"] - summary["loss"]
        rise /= abs(summary["loss"]) or 1e-30
        rise = 1 + rise if rise == rise else math.inf
        if not find("step too large", top, rise):
            find("output leaps", top, change)
        find("schedule", top, falls, SLOWER)
        if rate or math.isnan(falls):  # a warm-up starts at 0
            find("step too small", top, change)
    first_loss = (extra.plain if extra.plain == extra.plain else (
        summary["loss"] - probe.added)) / summary["expected_loss"]  # fmt: skip
    glorot = rows and rows[top]["initializer"].startswith("glorot")
    fix = "" if glorot else 'kernel_initializer="glorot_uniform"'
    summary["first_loss"] = first_loss
    if all("crossentropy" in h["rule"] for h in heads):
        find("first loss", top, first_loss, fix)
    share = _sorted_share(heads)
    fix = "i = np.random.default_rng(0).permutation(len(x)); x, y = x[i], y[i]"
    find("sorted rows", top, share, fix)
    place = next(
        (i for i in places if "attention" in rows[i]["kind"].lower()), 0
    )
    shape = rows[place]["shape"] if rows else ()
    find("order blind", place, extra.turned, PLACES.format(*shape[1:], 0, 0))
    return findings


def _judge_head(h: dict, i: int, find: Callable, name: str) -> None:
    """Compare an output with its labels and its loss."""
    p, t, last, rule = h["p"], h["t"], h["last"], h["rule"]
    whole = np.asarray(h["whole"], "float64")
    cross = "crossentropy" in rule
    sparse, binary = rule.startswith("sparse"), rule.startswith("binary")
    same = t.size == p.size
    units = p.shape[-1] if p.ndim > 1 else 1
    proper = p.min() > -1e-3 and p.max() < 1 + 1e-3
    own = "" if last in ("sigmoid",) else 'activation="sigmoid", '
    to_binary = f'{own}loss="binary_crossentropy"'
    if cross and not sparse and same:
        low, high = whole.min(), whole.max()
        if low < -1e-6 or high > 1 + 1e-6:
            text = f"labels go from {low:.3g} to {high:.3g}, {rule} takes 0..1"
            part = f"({name} - {name}.min()) / ({name}.max() - {name}.min())"
            find("labels", i, 1, f"{name} = {part}", text)
            return
        if rule.startswith("categorical"):
            sums = whole.reshape(-1, units).sum(1)
            if units == 1:
                text = f"{rule} of one unit is 0, whatever it says"
                find("labels", i, 1, to_binary, text)
                return
            if np.mean(sums > 1.01) > 0.01:
                text = (
                    f"rows of y sum to up to {sums.max():.3g}, {rule} takes 1"
                )
                find("labels", i, 1, to_binary, text)
                return
    low, high = ENDS.get(last, (-math.inf, math.inf))
    relu = last == "relu" or (last == "softmax" and h["before"] == "relu")
    if last == "softmax" and units == 1:
        find("logits", i, 1, 'activation="sigmoid"')
    elif cross and h["before"] == last == "softmax":
        find("logits", i, 1, "activation=None", "two softmax, one on the other")
    elif cross and relu and (h["logits"] or last == "softmax"):
        find("head", i, 1, "", "a ReLU cuts the logits off at zero")
    elif cross:
        if binary:
            proper &= not h["logits"] or last == "sigmoid"
        else:
            proper &= np.abs(p.sum(-1) - 1).max() < 1e-2
        fix = f"from_logits={not h['logits']}"
        find("logits", i, float(proper == h["logits"]), fix)
    elif same:
        dead = float(np.mean(p == 0)) if last == "relu" else 0.0
        if not find("head", i, np.mean((t < low) | (t > high))) and t.any():
            find("dead end", i, dead)
    if not cross and same and not h["own"]:
        scaled = f"({name} - {name}.mean(0)) / {name}.std(0)"
        find("targets", i, _rms(t), f"{name} = {scaled}")
        if rule.startswith("mean_") and t.ndim > 2 and t.min() >= 0 and t.any():
            share = float(np.mean(t < 0.01 * t.max()))
            more = round(share * t.size / max(t.sum() / t.max(), 1))
            t_over = "t" if t.max() == 1 else f"t / {t.max():.3g}"
            inside = f"(1 + {more} * {t_over}) * (t - p) ** 2"
            fix = f"loss=lambda t, p: keras.ops.mean({inside}, axis=-1)"
            find("mostly zero", i, share, fix)


def _judge_depth(
    rows: list, inner: list, tops: set, summary: dict, find: Callable
) -> None:
    """Compare the first hidden layer with the last, and what is between."""
    for i, j in pairwise(inner):
        below, above = rows[i]["gradient"], rows[j]["gradient"]
        rows[i]["factor"] = below / above if above else None
    if len(inner) < 2:
        return
    end = min((i for i in tops if i > inner[-1]), default=len(rows))
    front, back = rows[inner[0] : inner[1]], rows[inner[-1] : end]

    def ratio(key: str) -> float:
        """First over last, where it is nearest to 1: a norm hides scale."""
        pairs = [(f[key], b[key]) for f in front for b in back]
        ratios = [f / b for f, b in pairs if f and b]
        return min(ratios, key=lambda r: abs(math.log(r)), default=math.nan)

    gradient, signal = ratio("gradient"), 1 / math.sqrt(ratio("moment"))
    cosines = [b["cosine"] for b in back if b["cosine"] is not None]
    cosine = min(cosines, default=math.nan)
    summary |= {"gradient_ratio": gradient, "signal_ratio": signal}
    summary["cosine"] = cosine
    summary["factor"] = gradient ** (1 / (len(inner) - 1))
    for code in ("vanishing", "exploding"):
        find(code, inner[0], gradient)
    for code in ("collapse", "growth"):
        find(code, inner[-1], signal)
    find("cosine", inner[-1], 1 - cosine)


def _padding(x: Any, probe: _Probe) -> str:
    """Write what helps against vanishing over time: a mask, or all steps."""
    if isinstance(x, np.ndarray) and x.ndim in (2, 3) and len(x) > 1:
        steps = x.reshape(*x.shape[:2], -1)
        last = (steps[:, -1] == 0).all(-1).mean()
        if last > 0.3:
            if x.ndim == 2:
                return "mask_zero=True"
            return "keras.layers.Masking()  # in front of it"
    return LAST_STEPS


def _sorted_share(heads: list) -> float:
    """Return the share of rows that do not come before a smaller class."""
    shares = [math.nan]
    for h in heads:
        t = np.asarray(h["whole"])
        if "crossentropy" not in h["rule"] or len(t) < 20:
            continue
        if t.ndim > 1 and t.shape[-1] > 1:
            t = t.argmax(-1)
        t = t.reshape(len(t), -1)
        if t.shape[1] == 1 and 1 < len(np.unique(t)) < len(t) / 2:
            turns = np.diff(t[:, 0].astype(float))
            shares.append(float(np.mean(turns >= 0)))
            shares.append(float(np.mean(turns <= 0)))
    return float(np.nanmax(shares)) if len(shares) > 1 else math.nan


def _sorted(
    found: list[Finding], learned: bool
) -> tuple[list[Finding], list[Finding], list[Finding]]:
    """Part findings into causes, hints, and what the causes explain."""
    order = [*RULES]
    found = sorted(found, key=lambda f: order.index(f.code))
    # Without padding, the last steps may say all that is asked.
    hints = [f for f in found if f.code in HINTS or f.fix == LAST_STEPS]
    found = [f for f in found if f not in hints]
    dead = any(f.code == "dead" for f in found)
    if learned:  # the limits are for the start
        found = [f for f in found if f.code in ALWAYS]
    causes: list[Finding] = []
    seen: list[Finding] = []
    for f in found:
        link = next((i for i, c in enumerate(CHAIN) if f.code in c), None)
        earlier = [
            i
            for c in causes
            for i, codes in enumerate(CHAIN)
            if c.code in codes
        ]
        explained = link is not None and (
            any(i < link for i in earlier)
            or (link == 2 and 2 in earlier)
            or (f.code == "blocked" and dead)
        )
        (seen if explained else causes).append(f)
    return causes, hints, seen


def _notes(rows: list, probe: _Probe, learned: bool) -> list[str]:
    """Say what is no finding, but good to know."""
    notes = [f"It cannot see into {name}." for name in sorted(probe.opaque)]
    for row in rows:
        if 1e-7 <= row.get("time ratio", 1) < 1e-2:
            notes.append(
                f"{row['layer']}: the first of {len(row['time'])} time steps "
                f"gets {row['time ratio']:.0e} of the gradient of the last: "
                "what only the first ones say is not learned."
            )
    if type(probe.model).train_step is not keras.Model.train_step:
        notes.append(
            "It has a train_step of its own: what is measured here is the "
            "loss of compute_loss."
        )
    if learned:
        notes.append("It has learned: limits for the start are not applied.")
    return notes
