"""Two traps with frozen norms, on versions of Keras and on its backends.

    python -m studies.cures.traps    run what `make backends` fetched, write it

Each runs in a process of its own. One that was not fetched is an error.
"""

import json
import os
import subprocess
import sys
from typing import Any

from sitegen.store import write_whole
from studies.unchanged import ROOT
from studies.versions import ASIDE, BACKENDS, KERAS, folder

TABLE = ROOT / "snippets/normalization/traps.json"
SCRIPT = """
import json, os, sys
sys.path.append(os.environ["ASIDE"])
import keras
import numpy as np

layers = keras.layers
x = np.random.default_rng(0).normal(5, 3, (256, 4)).astype("float32")


def moved(training, trainable=True):
    norm = layers.BatchNormalization()
    base = keras.Sequential([keras.Input((4,)), norm])
    base.trainable = trainable
    inputs = keras.Input((4,))
    outputs = layers.Dense(1)(base(inputs, training=training))
    model = keras.Model(inputs, outputs)
    model.compile("sgd", "mse")
    model.fit(x, x[:, :1], verbose=0)
    mean = keras.ops.convert_to_numpy(norm.moving_mean)
    return bool(np.any(mean != 0))


class Own(keras.Model):
    def __init__(self):
        super().__init__()
        self.norm, self.head = layers.BatchNormalization(), layers.Dense(1)

    def call(self, x):
        return self.head(self.norm(x, training=False))


own = Own()
own.compile("sgd", "mse")
own.fit(x, x[:, :1], verbose=0)
mean = keras.ops.convert_to_numpy(own.norm.moving_mean)


def unfrozen(steps):
    base = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
    base.layers[0].trainable = False
    for step in steps:
        base.trainable = step
    return bool(base.trainable_variables)


print(json.dumps({
    "Keras": keras.__version__,
    "training=False": moved(False),
    "trainable=False": moved(None, False),
    "own call": bool(np.any(mean != 0)),
    "True": unfrozen([True]),
    "False, True": unfrozen([False, True]),
}))
"""


def on(name: str = "tensorflow") -> dict[str, Any]:
    """Return what happens on a backend, or on a version of Keras.

    Whether `fit` moved the mean of a batch norm called with
    `training=False`, of a frozen one, and of one in a `call` of one's own;
    whether `trainable` lets an inner layer learn again.

    Raises `RuntimeError` with the last line of its error.
    """
    environment = os.environ | {"ASIDE": str(ASIDE)}
    environment["KERAS_BACKEND"] = name if name in BACKENDS else "tensorflow"
    if name in KERAS:
        environment["PYTHONPATH"] = str(folder(name))
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr.strip().splitlines()[-1]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Write what happens on all of them."""
    names = ("tensorflow", *BACKENDS, *KERAS)
    for name in names[1:]:
        if not folder(name).is_dir():
            sys.exit(f"{folder(name)} is missing: run `make backends`")
    table = {name: on(name) for name in names}
    write_whole(TABLE, (json.dumps(table, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
