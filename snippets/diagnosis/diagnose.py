"""Where does your network lose its gradient? Ask it, with one batch."""

import math
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import reduce
from itertools import pairwise
from operator import getitem
from typing import Any, NamedTuple

import keras
import numpy as np
from keras.src.trainers.compile_utils import CompileLoss

EXAMPLES = 128  # at most so many are looked at, evenly spaced
RULES: dict[str, tuple[str, float, str, str, str]] = {
    # code: above (>) or below (<) which limit, of what, from where, the fix
    "nonfinite": (">", 0, "share of NaN, inf", "none may be", "{fit}"),
    "blocked": ("<", 1e-30, "|dL/dh|", "zero teaches nothing", "{fit}"),
    "vanishing": ("<", 1e-2, "|dL/dh|, over the last hidden layer's",
        "judged on 350 networks", "{fit}"),
    "exploding": (">", 1e2, "|dL/dh|, over the last hidden layer's",
        "judged on 350 networks", "{fit}"),
    "exploding over time": (">", 1e2, "|dL/dx| of the first step, over last",
        "as exploding", 'recurrent_initializer="orthogonal"'),
    "collapse": ("<", 1e-3, "root mean square, over the first layer's",
        "judged on 350 networks", "{fit}"),
    "growth": (">", 1e3, "root mean square, over the first layer's",
        "judged on 350 networks", "{fit}"),
    "cosine": ("<", 1e-4, "1 - cosine between two examples",
        "judged on 350 networks", "{fit}"),
    "identical": (">", 0, "units that start and move as another does",
        "none do if drawn at random", "{fit}"),
    "dead": (">", 0.3, "share of dead units, beyond that of random ones",
        "provisional", '{fit}, bias_initializer="zeros"'),
    "saturated": (">", 0.5, "share of outputs at the activation's ends",
        "tanh of a standard Gaussian: 0.02", "{fit}"),
    "dropout": (">", 0.9, "share dropped", "provisional", "rate=0.5"),
    "step too large": (">", 1.5, "the batch's loss after a step, over before",
        "a step lowers it", "learning_rate={rate:.1g} / 10"),
    "step too small": ("<", 5e-4, "largest relative change of an output",
        "provisional", "learning_rate={rate:.1g} * 10"),
    "first loss": (">", 5, "loss, over that of knowing nothing",
        "judged on 350 networks", "{fit}"),
    "logits": (">", 0, "softmax or sigmoid, counted wrong",
        "either the last layer or the loss has it", "{fix}"),
    "head": (">", 0.05, "share of labels that the last layer cannot say",
        "it must reach all", "activation=None"),
    "targets": (">", 30, "root mean square of the labels",
        "first outputs are near 1", "y = (y - y.mean(0)) / y.std(0)"),
    "inputs": (">", 10, "root mean square of its inputs",
        "initializers are made for 1", "x = (x - x.mean(0)) / x.std()"),
    "underflow": (">", 0.5, "share of gradients too small for float16",
        "provisional", "keras.optimizers.LossScaleOptimizer(optimizer)"),
}  # fmt: skip
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
    "layer": ("layer", 25, "s"), "moment": ("E[h²]", 8, ".1e"),
    "std": ("std", 8, ".1e"), "saturated": ("ends", 5, ".0%"),
    "dead": ("dead", 5, ".0%"), "cosine": ("cos", 6, ".2f"),
    "gradient": ("|dL/dh|", 8, ".1e"), "factor": ("factor", 8, ".1e"),
    "kernel_gradient": ("|dL/dW|", 8, ".1e"), "change": ("step", 8, ".1e"),
    "zero": ("zero", 5, ".0%"), "subnormal": ("fp16", 5, ".0%"),
}  # fmt: skip
Key = tuple[int, int, Any]  # of a tensor: layer, number of the call, part


class Finding(NamedTuple):
    """What is wrong, where, by how much, who says so, and what to write."""

    code: str
    layer: str
    number: float
    threshold: float
    source: str
    message: str
    fix: str


class Report(NamedTuple):
    """`rows` in the order of the forward pass, and what they tell."""

    rows: list[dict[str, Any]]
    findings: list[Finding]
    summary: dict[str, Any]
    notes: list[str]

    def __str__(self) -> str:
        lines = [" " * 25]
        for title, width, _ in list(COLUMNS.values())[1:]:
            lines[0] += f"{title:>{width}}"
        for row in self.rows:
            name = row["layer"]
            line = f"{name if len(name) < 25 else '…' + name[-23:]:25}"
            for key, (_, width, form) in list(COLUMNS.items())[1:]:
                text = "" if row[key] is None else format(row[key], form)
                line += f"{text:>{width}}"
            lines.append(line.rstrip())
        wrap = textwrap.TextWrapper(98, subsequent_indent="    ").wrap
        for f in self.findings:
            where = f"{f.code} · {f.layer}" if f.layer else f.code
            limit = f"limit {f.threshold:g}, {f.source}"
            lines += wrap(f"! {where}: {f.message} ({limit})")
            lines += wrap(f"    {f.fix}")
        return "\n".join(lines + [w for n in self.notes for w in wrap(n)])

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
    model: Any, x: Any, y: Any, loss: Any = None, learning_rate: Any = None
) -> Report:
    """Look at one batch forwards, backwards, and after one step.

    `loss` and the optimizer are those of `compile` unless they are given;
    a `learning_rate` starts that optimizer afresh, or is one of plain SGD.
    The model is left as it was, bit for bit, also if this raises.
    """
    x, y = _checked(model, x, y, loss)
    optimizer = getattr(model, "optimizer", None)
    scale = float(optimizer.scale_loss(1.0)) if optimizer else 1.0
    with _Probe(model, x, y, loss) as probe:
        values = [_copy(v) for v in model.trainable_variables]
        try:
            seen = probe.look(values)
        except Exception as error:
            _answers(probe, {}, y)  # which may know why
            what = "model cannot take x"
            if probe.outputs is not None:
                what = "loss cannot take y and the outputs"
            reason = str(error).strip().split("\n")[0]
            raise ValueError(f"the {what}: {reason}") from error
        answers, before = _answers(probe, seen, y), float(probe.total)
        slopes = probe.slopes(values, seen, scale)
        while scale > 1 and not all(map(_finite, slopes)):
            scale /= 16  # as mixed precision does in training
            slopes = probe.slopes(values, seen, scale)
        steps = [slope / scale for slope in slopes[: len(values)]]
        stepped, rate = _step(model, values, steps, learning_rate)
        after = probe.look(stepped) if stepped else {}
        rows = _rows(probe, seen, slopes, after, scale)
    summary = {
        "loss": before,
        "loss_after": float(probe.total) if stepped else None,
        "learning_rate": rate,
        "loss_scale": scale,
        "examples": len(keras.tree.flatten(x)[0]),
    }
    findings = _findings(rows, answers, summary)
    return Report(rows, findings, summary, _notes(rows, findings, probe))


class DiagnoseCallback(keras.callbacks.Callback):  # type: ignore[misc]
    """For `fit`: looks at this batch every so many steps, prints a line."""

    def __init__(self, x: Any, y: Any, every: int = 100) -> None:
        super().__init__()
        self.x, self.y, self.every, self.steps = x, y, every, 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Diagnose, if it is time; in training a small step is no fault."""
        self.steps += 1
        if self.steps % self.every == 0:
            self.report = diagnose(self.model, self.x, self.y)
            found = [f for f in self.report.findings if "small" not in f.code]
            said = [f"{f.code} · {f.layer} ({f.message})" for f in found]
            if (self.params or {}).get("verbose") == 1:
                print()  # below the progress bar
            print(f"step {self.steps}:", "; ".join(said) or "no finding")


def _copy(variable: Any) -> Any:
    return keras.ops.stop_gradient(keras.ops.copy(variable))


def _numpy(tensor: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(tensor))


def _finite(tensor: Any) -> bool:
    return bool(np.isfinite(_numpy(tensor)).all())


def _norm(array: np.ndarray) -> Any:
    return np.sqrt(np.square(array, dtype="float64").sum())


def _mean(array: np.ndarray) -> float:
    return float(np.mean(array))


def _rms(array: np.ndarray) -> float:
    return float(_norm(array) / math.sqrt(max(array.size, 1)))


def _value_and_grads(function: Callable, at: list) -> tuple[float, list]:
    """Call `function(at)`, a scalar, and return its gradients too."""
    if keras.backend.backend() == "jax":
        import jax

        value, grads = jax.value_and_grad(function)(at)
    elif keras.backend.backend() == "torch":
        import torch

        at = [a.detach().clone().requires_grad_() for a in at]
        value = function(at)
        grads = torch.autograd.grad(value, at, materialize_grads=True)
    else:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(at)
            value = function(at)
        none = tf.UnconnectedGradients.ZERO
        grads = tape.gradient(value, at, unconnected_gradients=none)
        grads = map(tf.convert_to_tensor, grads)  # of an embedding: sparse
    return float(_numpy(value)), list(grads)


def _forked() -> Any:
    """For `with`: PyTorch draws dropout from its own state, put that back."""
    if keras.backend.backend() != "torch":
        return nullcontext()
    import torch

    return torch.random.fork_rng()


def _layers(layer: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    for inner in layer._layers:
        yield path + inner.name, inner
        if not isinstance(inner, CLOSED):
            yield from _layers(inner, f"{path}{inner.name}/")


def _unbuilt(*_: Any, **__: Any) -> None:
    raise ValueError("a layer has no weights yet: call model(x) once")


class _Probe:
    """Within `with`, it sees what each layer puts out, and may add to it.

    For that time the `call` of each layer is replaced; no weight is ever
    assigned to. Afterwards the attributes of all layers are what they were.
    """

    def __init__(self, model: Any, x: Any, y: Any, loss: Any) -> None:
        convert = keras.ops.convert_to_tensor
        self.model, self.loss = model, loss
        self.outputs: Any = None
        self.x, self.y = (keras.tree.map_structure(convert, d) for d in (x, y))
        arrays = [a for a in keras.tree.flatten(x) if a.dtype.kind in "fiu"]
        self.scales, self.opaque = [_rms(a) for a in arrays], set[str]()
        found = list(_layers(model))
        self.layers = {id(layer): layer for _, layer in found}
        self.names = {id(layer): name for name, layer in reversed(found)}

    def __enter__(self) -> "_Probe":
        self.filtering = keras.config.is_traceback_filtering_enabled()
        keras.config.disable_traceback_filtering()  # short messages
        self.kept = [
            (owner, dict(vars(owner)), owner._losses[:], set(owner._loss_ids))
            for owner in self.model._flatten_layers()
        ]
        old = getattr(self.model, "_compile_loss", None)
        loss, weights = self.loss, None
        if loss is None and old is not None:
            loss, weights = old._user_loss, old._user_loss_weights
        if loss is not None:  # one of its own: it remembers what it sees
            names = getattr(self.model, "output_names", None)
            new = CompileLoss(loss, weights, output_names=names)
            vars(self.model)["_compile_loss"] = new
        for number, layer in self.layers.items():
            call = self.tapped(number, layer, layer.call)
            vars(layer).update(call=call, build=_unbuilt)
        return self

    def __exit__(self, *_: object) -> None:
        if self.filtering:
            keras.config.enable_traceback_filtering()
        for owner, attributes, losses, numbers in self.kept:
            vars(owner).clear()
            vars(owner).update(attributes)
            owner._losses[:] = losses
            owner._loss_ids.intersection_update(numbers)
            owner._loss_ids.update(numbers)

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
            outputs = call(*args, **kwargs)
            source = next(iter(keras.tree.flatten((args, kwargs))), None)
            flat = keras.tree.flatten(outputs)
            flat = [see(part, t, source) for part, t in enumerate(flat)]
            return keras.tree.pack_sequence_as(outputs, flat)

        return wrapped

    def run(self, values: list, see: Callable) -> Any:
        """Return the loss with these values of the trainable variables."""
        self.see, self.calls, model = see, Counter[int](), self.model
        owner = type(model) if self.loss is None else keras.Model
        state = list(zip(model.trainable_variables, values, strict=True))
        with _forked(), keras.StatelessScope(state, collect_losses=True):
            model._clear_losses()
            self.outputs = model(self.x, training=True)
            return owner.compute_loss(model, self.x, self.y, self.outputs, None)

    def look(self, values: list) -> dict[Key, dict[str, Any]]:
        """Run forwards; return what each layer put out, as arrays."""
        seen: dict[Key, dict[str, Any]] = {}
        known: dict[int, Any] = {}  # keeps the tensors: an id is theirs alone
        raw: dict[int, float] = {}  # inputs that no weight has touched: size

        def see(key: Key, tensor: Any, source: Any) -> Any:
            if tensor is source or (id(tensor) in known and key[2] != "in"):
                return tensor
            try:
                array = _numpy(tensor)
            except Exception:  # within a loop or a function of the backend
                self.opaque.add(self.names[key[0]])
                return tensor
            size = raw.get(id(source))
            if id(source) not in known and keras.ops.is_tensor(source):
                fed = _rms(_numpy(source))
                if any(math.isclose(fed, s, rel_tol=1e-3) for s in self.scales):
                    size = fed
            if size and not self.layers[key[0]].weights:
                raw[id(tensor)] = _rms(array)
            known[id(tensor)] = tensor
            seen[key] = {"array": array, "tensor": tensor, "fed": size}
            return tensor

        self.total = self.run(values, see)
        return seen

    def slopes(self, values: list, seen: dict, scale: float) -> list:
        """Gradients of scale × loss: by the values, then by what was seen."""

        def loss(at: list) -> Any:
            added = dict(zip(seen, at[len(values) :], strict=True))

            def see(key: Key, tensor: Any, _: Any) -> Any:
                if key not in added:
                    return tensor
                out = tensor + added[key]
                if hasattr(tensor, "_keras_logits"):  # what the loss looks at
                    out._keras_logits = tensor._keras_logits + added[key]
                return out

            return self.run(at[: len(values)], see) * scale

        zeros = [keras.ops.zeros_like(s["tensor"]) for s in seen.values()]
        return _value_and_grads(loss, [*values, *zeros])[1]


def _checked(model: Any, x: Any, y: Any, loss: Any) -> tuple[Any, Any]:
    """Return evenly spaced examples as arrays, or say what is wrong."""
    if not isinstance(model, keras.Model):
        raise TypeError(
            f"model is a {type(model).__name__}: pass a keras.Model"
        )
    if hasattr(x, "element_spec") or hasattr(x, "__next__"):
        raise TypeError("x is a dataset: pass one batch, x, y = next(iter(x))")
    getattr(model, "jax_state_sync", lambda: None)()  # in a callback of fit
    default = type(model).compute_loss is keras.Model.compute_loss
    hasty = default and not getattr(model, "_compile_loss", None)
    kinds = {name: type(layer).__name__ for name, layer in _layers(model)}
    closed = [name for name, kind in kinds.items() if kind in FOREIGN]
    x, y = (keras.tree.map_structure(_numpy, data) for data in (x, y))
    flat = keras.tree.flatten((x, y))
    counts = sorted({len(a) if a.ndim else 0 for a in flat})
    holes = any(a.dtype.kind == "f" and not _finite(a) for a in flat)
    for wrong, message in (
        (not model.variables, "the model has no weights yet: call model(x)"),
        (not model.trainable_variables, "all is frozen: set model.trainable"),
        (hasty and loss is None, "there is no loss: compile, or pass loss="),
        (closed, f"cannot see into {closed}: diagnose the other layers alone"),
        (counts in ([], [0]), "x and y are empty: pass a batch of examples"),
        (len(counts) > 1, f"x and y differ: {counts} examples"),
        (holes, "x or y has NaN or infinities: leave these examples out"),
    ):
        if wrong:
            raise ValueError(message)

    def cut(a: Any) -> Any:
        a = a[:: -(-len(a) // EXAMPLES)]
        return a.astype(keras.config.floatx()) if a.dtype.kind == "f" else a

    return keras.tree.map_structure(cut, x), keras.tree.map_structure(cut, y)


def _step(
    model: Any, values: list, gradients: list, learning_rate: Any
) -> tuple[list, float | None]:
    """Return the weights after a step of a copy of the optimizer, its rate."""
    source = getattr(model, "optimizer", None)
    source = getattr(source, "inner_optimizer", source)  # not scaled any more
    if source is None and learning_rate is None:
        return [], None
    config = source.get_config() if source else {"name": "SGD"}
    if learning_rate is not None:
        config["learning_rate"] = learning_rate
    kind = type(source) if source else keras.optimizers.SGD
    optimizer = kind.from_config(config)
    twins = []
    for value, variable in zip(values, model.trainable_variables, strict=True):
        name = variable.path.replace("/", "_")  # TensorFlow keeps new names
        twins.append(keras.Variable(value, name=name))
        twins[-1].constraint = variable.constraint
    optimizer.build(twins)
    if source and source.built and learning_rate is None:
        for to, of in zip(optimizer.variables, source.variables, strict=True):
            to.assign(of)
    rate = float(optimizer.learning_rate)
    optimizer.apply(gradients, twins)
    return [_copy(twin) for twin in twins], rate


def _activation(layer: Any) -> str:
    """Name the activation: that of the layer, or the layer itself."""
    if isinstance(layer, keras.layers.RNN):
        return ""
    name = getattr(getattr(layer, "activation", None), "__name__", "linear")
    return str(name if name != "linear" else type(layer).__name__).lower()


def _cosine(array: np.ndarray) -> float | None:
    """Mean cosine of the angle between two examples."""
    flat = array.reshape(len(array), -1) if array.ndim else array[None, None]
    sizes = np.sqrt(np.square(flat).sum(1, keepdims=True))
    unit = (flat / sizes)[sizes[:, 0] > 0]
    n = len(unit)
    total = float(_norm(unit.sum(0)) ** 2)
    return (total - n) / (n * n - n) if n > 1 else None


def _random_dead(cosine: float, examples: int) -> float:
    """Share of dead ReLUs, if their inputs are Gaussian with this cosine."""
    z = np.linspace(-6, 6, 601)
    slope = math.sqrt(max(cosine, 0) / max(1 - cosine, 1e-9) / 2)
    share = [(0.5 * math.erfc(slope * a)) ** examples for a in z]
    return float(np.average(share, weights=np.exp(-(z**2) / 2)))


@np.errstate(all="ignore")
def _rows(
    probe: _Probe, seen: dict, slopes: list, after: dict, scale: float
) -> list[dict[str, Any]]:
    """Turn what was seen into numbers, a row for each output of a layer."""
    variables = probe.model.trainable_variables
    gradients = dict(zip(map(id, variables), map(_numpy, slopes), strict=False))
    twins: dict[Any, Any] = {}
    rows: list[dict[str, Any]] = []
    times: dict[int, Any] = {}
    for key, slope in zip(seen, slopes[len(variables) :], strict=True):
        number, call, part = key
        layer, name = probe.layers[number], probe.names[number]
        h, slope = seen[key]["array"].astype("float64"), _numpy(slope)
        delta = slope.astype("float64") / scale
        if part == "in":  # of a recurrent layer: by time step, first is first
            time = np.sqrt((delta**2).sum((0, *range(2, delta.ndim))))
            times[number] = time[:: -1 if layer.go_backwards else 1].tolist()
            continue
        kind = _activation(layer)
        low, high = ENDS.get(kind, (0, math.inf))
        ended = np.abs(2 * h - low - high) > 0.98 * (high - low)
        silent = (h == 0).all(tuple(range(h.ndim - 1)))
        bounded = high < math.inf and kind != "softmax"
        wrapped = layer._layers and not isinstance(layer, CLOSED)
        own = layer._trainable_variables if wrapped else layer.variables
        own = [v for v in own if id(v) in gradients and v.name not in BIASES]
        kernels = [v for v in own if len(v.shape) > 1]
        alike = 0
        for variable in kernels:
            kernel, gradient = _numpy(variable), gradients[id(variable)]
            pair = [a.reshape(-1, a.shape[-1]) for a in (kernel, gradient)]
            if all(np.ptp(a, 1).max() <= 1e-6 * np.abs(a).max() for a in pair):
                alike += kernel.shape[-1] - 1
            about = kernel.shape, kernel.tobytes()
            twin, other = twins.setdefault(about, (gradient, layer))
            if other is not layer and np.allclose(twin, gradient, 1e-5, 0):
                alike += kernel.shape[-1]
        norms = [_norm(gradients[id(v)]) / scale for v in kernels]
        row = {
            "layer": name + f" #{call}" * (call > 1) + f".{part}" * (part > 0),
            "kind": type(layer).__name__,
            "activation": kind,
            "initializer": getattr(layer, "kernel_initializer", None),
            "shape": h.shape,
            "dtype": str(slope.dtype),
            "moment": _mean(h**2),
            "std": float(np.std(h)),
            "saturated": _mean(ended) if bounded else None,
            "dead": _mean(silent) if kind.startswith("relu") else None,
            "cosine": _cosine(h),
            "gradient": float(_norm(delta)),
            "factor": None,
            "kernel_gradient": math.hypot(*norms) if norms else None,
            "change": None,
            "nonfinite": _mean(~np.isfinite(h)),
            "slope nonfinite": _mean(~np.isfinite(delta)),
            "zero": _mean(delta == 0),
            "subnormal": _mean((slope != 0) & (abs(slope) < 2.0**-14)),
            "zeroed": any(not _numpy(v).any() for v in own),
            "alike": int(alike),
            "inputs": None if kind == "embedding" else seen[key]["fed"],
            "dropped": max(getattr(layer, name, 0) or 0 for name in RATES),
            "time": None if part else times.get(number),
            "last only": not getattr(layer, "return_sequences", True),
        }
        if key in after:
            change = after[key]["array"] - h
            row["change"] = float(_norm(change) / _norm(h))
        row["initializer"] = type(row["initializer"]).__name__.lower()
        rows.append(row)
    return rows


def _answers(probe: _Probe, seen: dict, y: Any) -> list[dict[str, Any]]:
    """Compare each output with its labels; raise if they cannot fit."""
    answers = []
    made = {id(s["tensor"]): key[0] for key, s in seen.items()}
    compiled = getattr(probe.model, "_compile_loss", None)
    for path, loss, weight, _ in getattr(compiled, "_flat_losses", None) or ():
        try:
            p: Any = reduce(getitem, path, probe.outputs)
            t: Any = reduce(getitem, path, y)
        except (KeyError, IndexError, TypeError):
            continue  # the labels are packed in another way
        last = _activation(probe.layers.get(made.get(id(p), 0)))
        p, t = _numpy(p), _numpy(t).astype("float64")
        rule = getattr(getattr(loss, "fn", None), "__name__", "")
        options = getattr(loss, "_fn_kwargs", {})
        sparse, units = rule.startswith("sparse"), p.shape[-1] if p.ndim else 1
        shape = p.shape[:-1] if sparse else p.shape
        cross = "crossentropy" in rule
        if (cross or rule.startswith("mean_")) and t.size != math.prod(shape):
            raise ValueError(
                f"{rule} wants y of shape {shape}, not {t.shape}; numbers "
                "of classes go with sparse_categorical_crossentropy"
            )
        if options.get("ignore_class") is not None:
            t = t[t != options["ignore_class"]]
        top = units - 1 if sparse else 1
        odd = t.min() < 0 or t.max() > top or (sparse and (t % 1).any())
        if cross and odd:
            raise ValueError(
                f"y goes from {t.min():g} to {t.max():g}, but {rule} with "
                f"{units} units takes 0 to {top}: number the classes from 0"
            )
        naive = {  # the loss of a network that knows nothing
            "binary_crossentropy": math.log(2),
            "categorical_crossentropy": math.log(units),
            "mean_squared_error": float(np.mean(t**2)),
            "mean_absolute_error": float(np.mean(np.abs(t))),
        }.get(rule.removeprefix("sparse_"), math.nan)
        answer = {"p": p, "t": t, "last": last, "rule": rule}
        answer["logits"] = bool(options.get("from_logits"))
        answer["naive"] = naive * (1 if weight is None else weight)
        answers.append(answer)
    return answers


def _fit(rows: list, place: int) -> str:
    """Write what fits the activation of the layer in this row."""
    used = [row["activation"] for row in rows[place : place + 3]]
    name = next((name for name in used if name in FITS), "tanh")
    activation, initializer = FITS[name]
    has = rows[place]["initializer"].startswith(initializer.split("_")[0])
    if activation != name or not has:
        return f'activation="{activation}", kernel_initializer="{initializer}"'
    if any("Normalization" in row["kind"] for row in rows):
        return "h = keras.layers.add([h, block(h)])  # a shortcut"
    return "keras.layers.LayerNormalization()  # behind each layer"


@np.errstate(all="ignore")
def _findings(rows: list, answers: list, summary: dict) -> list[Finding]:
    """Apply the rules; add to the summary the numbers of the whole network."""
    findings: list[Finding] = []

    def find(code: str, place: int, number: Any, fix: str = "") -> bool:
        sign, limit, what, source, line = RULES[code]
        found = bool(number > limit if sign == ">" else number < limit)
        if found:
            fit, rate = _fit(rows, place), summary["learning_rate"]
            line = line.format(fit=fit, rate=rate, fix=fix)
            about = rows[place]["layer"], float(number), limit, source
            message = f"{what}: {number:.2g}"
            findings.append(Finding(code, *about, message, line))
        return found

    def first(code: str, key: str, places: Any) -> None:
        numbers = ((i, rows[i].get(key)) for i in places)
        any(find(code, i, n) for i, n in numbers if n is not None)

    places = range(len(rows))
    first("nonfinite", "nonfinite", places)
    if not findings:  # a gradient comes from above
        first("nonfinite", "slope nonfinite", places[::-1])
    if findings:
        return findings
    trained = [i for i in places if rows[i]["kernel_gradient"] is not None]
    *inner, head = trained or [0]
    bottom = (trained or [0])[0]
    for i, j in pairwise(inner):
        below, above = rows[i]["gradient"], rows[j]["gradient"]
        rows[i]["factor"] = below / above if above else None
    if not any(row["zeroed"] for row in rows):
        find("blocked", bottom, rows[bottom]["gradient"])
    if len(inner) > 1:
        front, back = rows[inner[0] : inner[1]], rows[inner[-1] : head]

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
            find(code, bottom, gradient)
        for code in ("collapse", "growth"):
            find(code, inner[-1], signal)
        find("cosine", inner[-1], 1 - cosine)
    for row in rows:
        steps = [size for size in row["time"] or () if size]  # not the padding
        if steps and row["last only"]:
            row["time ratio"] = steps[0] / steps[-1]
        if row["dead"] is not None:
            cosine = rows[max(rows.index(row) - 1, 0)]["cosine"] or 0.0
            random = _random_dead(cosine, summary["examples"])
            row["dead beyond random"] = row["dead"] - random
    first("exploding over time", "time ratio", places)
    moved = [i for i in trained if rows[i]["kernel_gradient"]]
    first("identical", "alike", moved or trained)
    first("dead", "dead beyond random", places)
    first("saturated", "saturated", places[:head])
    above = [row["kind"] for row in rows[1:]] + [""]
    bare = [i for i in trained if "Normalization" not in above[i]]
    first("inputs", "inputs", bare)
    if summary["loss_after"] is not None:
        changes = [row["change"] for row in rows if row["change"] is not None]
        summary["change"] = max(changes, default=math.nan)
        rise = summary["loss_after"] / (summary["loss"] or math.nan)
        find("step too large", head, rise)
        if summary["learning_rate"]:  # a warm-up starts at 0
            find("step too small", head, summary["change"])
    naive = sum(answer["naive"] for answer in answers) or math.nan
    summary["expected_loss"] = naive
    find("first loss", head, summary["loss"] / naive)
    for a in answers:
        p, t, last, rule = a["p"], a["t"], a["last"], a["rule"]
        proper = p.min() > -1e-3 and p.max() < 1 + 1e-3
        if rule.startswith("binary"):
            proper &= not a["logits"] or last == "sigmoid"
        else:
            proper &= np.abs(p.sum(-1) - 1).max() < 1e-2
        low, high = ENDS.get(last, (-math.inf, math.inf))
        if last == "softmax" and p.shape[-1] == 1:
            find("logits", head, 1, 'activation="sigmoid"')
        elif "crossentropy" in rule:
            fix = f"from_logits={not a['logits']}"
            find("logits", head, float(proper == a["logits"]), fix)
        elif t.size == p.size:
            find("head", head, np.mean((t < low) | (t > high)))
            find("targets", head, _rms(t))
    if rows[bottom]["dtype"] == "float16" and summary["loss_scale"] == 1:
        find("underflow", bottom, rows[bottom]["subnormal"])
    first("dropout", "dropped", places)
    return findings


def _notes(rows: list, findings: list, probe: _Probe) -> list[str]:
    """Say what is no finding, but good to know."""
    notes = [f"It cannot see into {name}." for name in sorted(probe.opaque)]
    for row in rows:
        if row.get("time ratio", 1) < 1e-2:
            notes.append(
                f"{row['layer']}: the first of {len(row['time'])} time steps "
                f"gets {row['time ratio']:.0e} of the gradient of the last: "
                "what only the first ones say is not learned."
            )
    if not findings:
        notes.append(
            "No gradient pathology found at initialization. That excludes "
            "neither wrong labels, nor too little data, nor a learning rate "
            "that fails later."
        )
    return notes
