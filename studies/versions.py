"""`diagnose` on other versions of Keras, and on its other backends.

    python -m studies.versions    run what `make backends` fetched, write it

Each runs one network, with the same weights, in a process of its own; the
rows are compared with those of the environment's own Keras on TensorFlow.
"""

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sitegen import ROOT
from sitegen.store import write_whole

LISTING = ROOT / "snippets/diagnosis/diagnose.py"
TABLE = ROOT / "snippets/diagnosis/versions.json"
ASIDE = ROOT / ".cache/backends"  # `make backends`
KERAS = ("3.3.3", "3.6.0", "3.9.2", "3.12.4", "3.14.1")
BACKENDS = ("jax", "torch")
SCRIPT = """
import importlib.util, json, os, sys
sys.path.append(os.environ["ASIDE"])
import keras
import numpy as np

spec = importlib.util.spec_from_file_location("diagnose", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
layers = keras.layers
x = np.random.default_rng(0).standard_normal((32, 8, 8, 2)).astype("float32")
y = np.arange(32) % 4
inputs = keras.Input((8, 8, 2))
h = layers.Conv2D(6, 3, padding="same")(inputs)
h = layers.ReLU()(layers.BatchNormalization()(h))
h = layers.Reshape((8, 48))(h)
h = layers.Add()([h, layers.MultiHeadAttention(2, 4)(h, h)])
h = layers.LSTM(12)(h)
h = layers.Dense(16, "tanh")(layers.Dense(16, "relu")(h))
model = keras.Model(inputs, layers.Dense(4)(h))
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(keras.optimizers.Adam(0.01), loss)
random = np.random.default_rng(1)
for v in model.trainable_variables:
    v.assign(random.standard_normal(v.shape) / np.sqrt(max(v.shape[0], 4)))
before = [np.array(v) for v in map(keras.ops.convert_to_numpy, model.variables)]
report = module.diagnose(model, x, y)
for a, v in zip(before, model.variables):
    assert np.array_equal(a, keras.ops.convert_to_numpy(v)), v.path
keep = "moment std cosine gradient kernel_gradient change time".split()
rows = {row["layer"]: [row[key] for key in keep] for row in report.rows}
print(json.dumps({"keras": keras.__version__, "rows": rows}))
"""


def folder(name: str) -> Path:
    """Return where a version of Keras, or a backend, was fetched to."""
    return ASIDE / (f"keras-{name}" if name in KERAS else name)


Rows = dict[str, list[Any]]


def rows_on(name: str = "tensorflow") -> Rows:
    """Return the rows by layer on a backend, or on a version of Keras.

    Raises `RuntimeError` with the last line of its error.
    """
    environment = os.environ | {"ASIDE": str(ASIDE)}
    environment["KERAS_BACKEND"] = name if name in BACKENDS else "tensorflow"
    if name in KERAS:
        environment["PYTHONPATH"] = str(folder(name))
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(LISTING)],
        capture_output=True,
        text=True,
        timeout=600,
        env=environment,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr.strip().splitlines()[-1]}")
    told = json.loads(done.stdout.splitlines()[-1])
    if name in KERAS and told["keras"] != name:
        raise RuntimeError(f"{name}: this is Keras {told['keras']}")
    rows: Rows = told["rows"]
    return rows


def difference(rows: Rows, others: Rows) -> float:
    """Return the largest difference, relative to the larger number.

    Older versions have one layer more inside an attention: it is left out.
    """
    worst = 0.0
    for layer, row in rows.items():
        for a, b in zip(row, others[layer], strict=True):
            if (a is None) != (b is None):
                return float("inf")
            if a is None:
                continue
            both = (a, b) if isinstance(a, list) else ([a], [b])
            for p, q in zip(*both, strict=True):
                size = max(abs(p), abs(q), 1e-3)
                worst = max(worst, abs(p - q) / size)
    return worst


def main() -> None:
    """Run all, and write the table that `docs/contributing.md` shows."""
    own = rows_on()
    found = {}
    for name in (*KERAS, *BACKENDS):
        if not folder(name).is_dir():
            sys.exit(f"{name} is not there: run `make backends`")
        found[name] = f"{difference(own, rows_on(name)):.0e}"
        print(name, found[name])
    told = {
        "keras": version("keras"),
        "tensorflow": version("tensorflow"),
        "difference": found,
    }
    write_whole(TABLE, (json.dumps(told, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
