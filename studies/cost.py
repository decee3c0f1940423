"""What `diagnose` costs, beside a training step on the same examples.

    python -m studies.cost [kind ...]

For each kind two processes, one after the other: one trains on the examples,
one diagnoses them. A row says the seconds of the second `train_on_batch` (the
first one traces) and of the first `diagnose` (of the small kind: the second),
of the processors and of the clock, and the peak of each process's memory.
Close other programs first.
"""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

TIMES, MEMORY = 15.0, 2.5  # at most so many times that of training
SMALL, SECONDS = "dense_50_by_100", 0.5  # where calls cost most
KINDS: dict[str, Callable[[], tuple[Any, Any, Any]]] = {}


def kind(make: Callable[[], tuple[Any, Any, Any]]) -> Callable[[], Any]:
    """Register a function that returns a compiled model, x and y."""
    KINDS[make.__name__] = make
    return make


def images(n: int, size: int, classes: int = 10) -> tuple[Any, Any]:
    """Return normal images (n, size, size, 3) and class numbers (n,)."""
    import numpy as np

    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, size, size, 3)).astype("float32")
    return x, rng.integers(0, classes, n)


def compiled(model: Any) -> Any:
    """Compile for classes as numbers, with softmax at the end."""
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


@kind
def dense_50_by_100() -> tuple[Any, Any, Any]:
    """Fifty layers of 100 units: small, so that calls cost most."""
    import keras

    hidden = [
        keras.layers.Dense(100, "relu", kernel_initializer="he_normal")
        for _ in range(50)
    ]
    head = keras.layers.Dense(10, "softmax")
    x, y = images(128, 8)
    model = keras.Sequential([keras.Input((192,)), *hidden, head])
    return compiled(model), x.reshape(128, -1), y


@kind
def wide_dense() -> tuple[Any, Any, Any]:
    """Four layers of 4,096 units, 53 million weights."""
    import keras

    hidden = [keras.layers.Dense(4096, "relu") for _ in range(4)]
    head = keras.layers.Dense(10, "softmax")
    x, y = images(128, 16)
    model = keras.Sequential([keras.Input((768,)), *hidden, head])
    return compiled(model), x.reshape(128, -1), y


@kind
def vgg() -> tuple[Any, Any, Any]:
    """Ten convolutions in four blocks, as VGG-13, images of 64²."""
    import keras

    model = keras.Sequential([keras.Input((64, 64, 3))])
    for filters in (64, 128, 256, 512):
        for _ in range(2 if filters < 512 else 4):
            model.add(keras.layers.Conv2D(filters, 3, padding="same"))
            model.add(keras.layers.Activation("relu"))
        model.add(keras.layers.MaxPooling2D())
    model.add(keras.layers.Flatten())
    model.add(keras.layers.Dense(512, "relu"))
    model.add(keras.layers.Dense(10, "softmax"))
    return compiled(model), *images(128, 64)


@kind
def unet() -> tuple[Any, Any, Any]:
    """Three levels down and up with skips, images of 64², a class a pixel."""
    import keras
    import numpy as np

    def block(h: Any, filters: int) -> Any:
        for _ in range(2):
            h = keras.layers.Conv2D(filters, 3, padding="same")(h)
            h = keras.layers.BatchNormalization()(h)
            h = keras.layers.Activation("relu")(h)
        return h

    h = inputs = keras.Input((64, 64, 3))
    skips = []
    for filters in (32, 64, 128):
        skips.append(h := block(h, filters))
        h = keras.layers.MaxPooling2D()(h)
    h = block(h, 256)
    for filters in (128, 64, 32):
        h = keras.layers.Conv2DTranspose(filters, 2, strides=2)(h)
        h = block(keras.layers.Concatenate()([h, skips.pop()]), filters)
    model = keras.Model(
        inputs, keras.layers.Conv2D(3, 1, activation="softmax")(h)
    )
    x, _ = images(64, 64)
    return compiled(model), x, np.argmax(x, axis=-1)


@kind
def resnet50() -> tuple[Any, Any, Any]:
    """ResNet50 of Keras, weights drawn, images of 96²."""
    import keras

    model = keras.applications.ResNet50(
        weights=None, input_shape=(96, 96, 3), classes=10
    )
    return compiled(model), *images(64, 96)


@kind
def mobilenet() -> tuple[Any, Any, Any]:
    """MobileNetV2 of Keras, weights drawn, images of 96²."""
    import keras

    model = keras.applications.MobileNetV2(
        weights=None, input_shape=(96, 96, 3), classes=10
    )
    return compiled(model), *images(128, 96)


@kind
def transformer() -> tuple[Any, Any, Any]:
    """Four blocks of attention, 128 steps of 128 numbers, norms in front."""
    import keras
    import numpy as np

    h = inputs = keras.Input((128,), dtype="int32")
    h = keras.layers.Embedding(1000, 128)(h)
    for _ in range(4):
        normed = keras.layers.LayerNormalization()(h)
        h += keras.layers.MultiHeadAttention(4, 32)(normed, normed)
        normed = keras.layers.LayerNormalization()(h)
        wide = keras.layers.Dense(512, "gelu")(normed)
        h += keras.layers.Dense(128)(wide)
    h = keras.layers.GlobalAveragePooling1D()(h)
    model = keras.Model(inputs, keras.layers.Dense(10, "softmax")(h))
    rng = np.random.default_rng(0)
    x = rng.integers(0, 1000, (128, 128)).astype("int32")
    return compiled(model), x, rng.integers(0, 10, 128)


@kind
def lstm() -> tuple[Any, Any, Any]:
    """Two LSTM layers of 256 units, 100 steps of 32 numbers."""
    import keras
    import numpy as np

    model = keras.Sequential(
        [
            keras.Input((100, 32)),
            keras.layers.LSTM(256, return_sequences=True),
            keras.layers.LSTM(256),
            keras.layers.Dense(10, "softmax"),
        ]
    )
    rng = np.random.default_rng(0)
    x = rng.standard_normal((128, 100, 32)).astype("float32")
    return compiled(model), x, rng.integers(0, 10, 128)


def measure(name: str, what: str) -> dict[str, float]:
    """Train or diagnose in this process; return seconds and gigabytes."""
    model, x, y = KINDS[name]()
    if what == "diagnose":
        from snippets.diagnosis.diagnose import diagnose

        def call() -> Any:
            return diagnose(model, x, y)

        if name == SMALL:
            call()
    else:

        def call() -> Any:
            return model.train_on_batch(x, y)

        call()
    began = time.monotonic(), time.process_time()
    call()
    return {
        "clock": time.monotonic() - began[0],
        "processors": time.process_time() - began[1],
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }


def compare(name: str) -> tuple[dict[str, float], dict[str, float]]:
    """Return what training and diagnosing cost, each in its process."""
    found = []
    for what in ("train", "diagnose"):
        done = subprocess.run(
            [sys.executable, "-m", "studies.cost", "--", name, what],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(
                done.stderr[-2000:] or f"ended: {done.returncode}"
            )
        found.append(json.loads(done.stdout.splitlines()[-1]))
    return found[0], found[1]


def main(arguments: list[str]) -> None:
    """Print a row for each kind that is named, or for all."""
    if arguments[:1] == ["--"]:
        print(json.dumps(measure(*arguments[1:])))
        return
    for name in arguments or KINDS:
        train, look = compare(name)
        times = look["processors"] / train["processors"]
        clock = look["clock"] / train["clock"]
        memory = look["memory"] / train["memory"]
        small = look["clock"] <= SECONDS
        good = small if name == SMALL else times <= TIMES
        print(
            f"{name:16} time x {times:.1f} (clock x {clock:.1f}, "
            f"{train['clock']:.2f} s and {look['clock']:.2f} s), "
            f"memory x {memory:.2f} ({train['memory']:.1f} and "
            f"{look['memory']:.1f} GB): "
            + ("within" if good and memory <= MEMORY else "OVER"),
            flush=True,
        )


if __name__ == "__main__":
    main(sys.argv[1:])
