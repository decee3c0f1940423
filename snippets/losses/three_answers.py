"""Can the loss tell a right answer from none, and from a wrong one?"""

import keras
import numpy as np

RANGES = {
    "softmax": (0, 1), "sigmoid": (0, 1), "tanh": (-1, 1),
    "relu": (0, np.inf), "softplus": (0, np.inf), "exponential": (0, np.inf),
}  # fmt: skip


def cost(model: keras.Model, y: np.ndarray, answer: np.ndarray) -> float:
    """Return a compiled model's loss if it gave this answer."""
    truth, said = map(keras.ops.convert_to_tensor, (y, answer))
    return float(model.compute_loss(y=truth, y_pred=said))


def as_logits(p: np.ndarray) -> np.ndarray:
    """Return the logits of probabilities: of a softmax, or of sigmoids."""
    p = np.clip(p, 1e-5, 1 - 1e-5)
    shares = p.shape[-1] > 1 and np.allclose(p.sum(-1), 1, atol=1e-3)
    return np.log(p if shares else p / (1 - p))


def three_answers(
    model: keras.Model, x: np.ndarray, y: np.ndarray
) -> dict[str, float]:
    """Return what a compiled model's loss says of three answers, and its own.

    `right`: the labels, as near as the last layer can say them; `nothing`:
    their mean, for every example; `wrong`: the labels of other examples;
    `now`: the model's own. Right must cost least, wrong more than nothing.
    `unsayable` is the share of labels that the last layer cannot say. For
    models of one input and one output.
    """
    shape = (len(y), *model.output_shape[1:])
    said = np.asarray(y)
    if said.size != np.prod(shape):  # class numbers become one-hot
        said = np.eye(shape[-1])[said.astype(int).reshape(shape[:-1])]
    said = said.reshape(shape).astype("float32")
    last = getattr(model.layers[-1], "activation", None)
    name = getattr(last, "__name__", "linear")
    right = np.clip(said, *RANGES.get(name, (-np.inf, np.inf)))
    if name == "softmax":
        right = (right + 1e-9) / (right + 1e-9).sum(-1, keepdims=True)
    order = np.random.default_rng(0).permutation(len(right))
    nothing = np.broadcast_to(right.mean(0), shape)
    answers = {"right": right, "nothing": nothing, "wrong": right[order]}
    if (
        name == "linear" and right.min() >= 0 and right.max() <= 1
        and cost(model, y, as_logits(right)) < cost(model, y, right)
    ):  # fmt: skip
        answers = {key: as_logits(p) for key, p in answers.items()}
    answers["now"] = keras.ops.convert_to_numpy(model(x, training=False))
    costs = {key: cost(model, y, answer) for key, answer in answers.items()}
    return costs | {"unsayable": float(np.mean(np.abs(said - right) > 1e-3))}
