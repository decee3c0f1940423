"""Dense networks in NumPy, to try in seconds what a sentence excludes."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


def act(name: str, z: Array) -> tuple[Array, Array]:
    """Return an activation's outputs and slopes at pre-activations."""
    if name == "relu":
        return np.maximum(z, 0), (z > 0).astype(z.dtype)
    if name == "tanh":
        h = np.tanh(z)
        return h, 1 - h * h
    h = 1 / (1 + np.exp(-z))
    return h, h * (1 - h)


@dataclass
class Network:
    """Hidden layers of one activation, and a head with a softmax.

    A kernel has shape (fan_in, units), a bias (units,).
    """

    activation: str
    kernels: list[Array]
    biases: list[Array] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.kernels = [k.astype("float32") for k in self.kernels]
        if not self.biases:
            sizes = [k.shape[1] for k in self.kernels]
            self.biases = [np.zeros(n, "float32") for n in sizes]
        self.memory = [
            [np.zeros_like(w), np.zeros_like(w)] for w in self.weights
        ]
        self.updates = 0

    @property
    def weights(self) -> list[Array]:
        """All kernels, then all biases."""
        return [*self.kernels, *self.biases]

    def outputs(self, x: Array) -> tuple[list[Array], list[Array]]:
        """Return inputs, each hidden layer's outputs, logits; the slopes."""
        found, slopes = [x.astype("float32")], []
        pairs = [*zip(self.kernels, self.biases, strict=True)]
        for kernel, bias in pairs[:-1]:
            h, slope = act(self.activation, found[-1] @ kernel + bias)
            found.append(h)
            slopes.append(slope)
        return [*found, found[-1] @ pairs[-1][0] + pairs[-1][1]], slopes

    def loss(self, x: Array, y: NDArray[np.int64]) -> float:
        """Return the mean cross-entropy of classes y (examples,)."""
        logits = self.outputs(x)[0][-1]
        top = logits.max(1, keepdims=True)
        sums = np.log(np.exp(logits - top).sum(1)) + top[:, 0]
        return float(np.mean(sums - logits[np.arange(len(y)), y]))

    def accuracy(self, x: Array, y: NDArray[np.int64]) -> float:
        """Return the share of examples whose class is right."""
        return float(np.mean(self.outputs(x)[0][-1].argmax(1) == y))

    def gradients(self, x: Array, y: NDArray[np.int64]) -> list[Array]:
        """Return those of the mean cross-entropy, in the order of weights."""
        found, slopes = self.outputs(x)
        says = np.exp(found[-1] - found[-1].max(1, keepdims=True))
        says /= says.sum(1, keepdims=True)
        says[np.arange(len(y)), y] -= 1
        delta = says / len(y)
        kernels, biases = [], []
        for at in reversed(range(len(self.kernels))):
            kernels.append(found[at].T @ delta)
            biases.append(delta.sum(0))
            if at:
                delta = (delta @ self.kernels[at].T) * slopes[at - 1]
        return [*kernels[::-1], *biases[::-1]]

    def step(
        self, x: Array, y: NDArray[np.int64], rate: float, adam: bool
    ) -> None:
        """Make one update of plain SGD, or of Adam with its usual betas."""
        self.updates += 1
        changes = zip(
            self.weights, self.gradients(x, y), self.memory, strict=True
        )
        for weight, g, (mean, square) in changes:
            if not adam:
                weight -= rate * g
                continue
            mean += 0.1 * (g - mean)
            square += 0.001 * (g * g - square)
            one, two = 1 - 0.9**self.updates, 1 - 0.999**self.updates
            weight -= rate * (mean / one) / (np.sqrt(square / two) + 1e-7)

    def fit(
        self,
        x: Array,
        y: NDArray[np.int64],
        rate: float,
        updates: int,
        adam: bool = False,
        batch: int = 50,
        seed: int = 0,
    ) -> None:
        """Train on batches of shuffled epochs."""
        rng, order = np.random.default_rng(seed), np.array([], int)
        for _ in range(updates):
            if len(order) < batch:
                order = rng.permutation(len(y))
            now, order = order[:batch], order[batch:]
            self.step(x[now], y[now], rate, adam)


def drawn_at_random(
    activation: str,
    depth: int,
    variance: Callable[[int, int], float],
    seed: int = 0,
) -> Network:
    """Return hidden layers of 100 units for the digits, biases zero.

    `variance` of fan_in and units is that of the kernels between. The first
    kernel is LeCun's, the head Glorot's.
    """
    rng = np.random.default_rng(seed)
    kernels = [rng.normal(0, 1 / 8, (64, 100))]
    std = variance(100, 100) ** 0.5
    kernels += [rng.normal(0, std, (100, 100)) for _ in range(depth - 1)]
    kernels.append(rng.normal(0, (2 / 110) ** 0.5, (100, 10)))
    return Network(activation, kernels)
