"""The one configuration in which everything runs that makes a number.

A reader's `keras.json` may name another backend or float type, and what is
set in a shell may do the same; none of it reaches a measurement, a lab, a
study or a test. Only the standard library is imported here, because this
has to come before Keras.
"""

import os
import random
import signal
import sys
import threading
import time

# All that is set and can change a number: part of every measurement's key.
FIXED = {
    "CUDA_VISIBLE_DEVICES": "",
    "KERAS_BACKEND": "tensorflow",
    "KERAS_HOME": os.devnull,  # no keras.json: float32, and epsilon 1e-7
    "LC_ALL": "C",
    "MATPLOTLIBRC": os.devnull,
    # TensorFlow's products round as the widest instructions of a processor
    # do, and what is chaotic becomes another run: the same ones everywhere.
    "ONEDNN_MAX_CPU_ISA": os.environ.get("ROUND_AS", "AVX2"),
    "PYTHONHASHSEED": "0",
    "PYTHONUTF8": "1",
    "TF_ENABLE_ONEDNN_OPTS": "0",  # its last bits depend on the processor
    "TZ": "UTC",
}
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONDONTWRITEBYTECODE": "1"}
NOT_INHERITED = (
    "BLIS_", "CUDA_", "JAX_", "KERAS_", "KMP_", "LC_", "MATPLOTLIB", "MKL_",
    "DNNL_", "MPL", "NUMEXPR_", "NPY_", "OMP_", "ONEDNN_", "OPENBLAS_",
    "PYTHON", "SKLEARN_", "TF_", "TF2_", "TORCH_", "XLA_",
)  # fmt: skip
SEED = 0


def environment(**more: str) -> dict[str, str]:
    """Return the variables for a process that makes a number."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(NOT_INHERITED)
    }
    return inherited | QUIET | FIXED | more


def isolate() -> None:
    """Give this process that configuration; call it before Keras is there.

    What Python read when it started, as the seed of its hashes, stays.
    """
    theirs = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:] = [path for path in sys.path if path not in theirs or not path]
    ours = environment()
    for name in os.environ.keys() - ours.keys():
        del os.environ[name]
    os.environ.update(ours)
    time.tzset()


def begin() -> None:
    """Seed everything, so that no measurement can shift the next.

    Keras also counts its layers, and keeps a float type and a policy for all.
    """
    random.seed(SEED)
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed(SEED)
    if keras := sys.modules.get("keras"):
        keras.backend.clear_session()
        keras.config.set_floatx("float32")
        keras.utils.set_random_seed(SEED)


def end_with(parent: int) -> None:
    """End this process, and the group that it leads, with the given one.

    Call it in the process that the given one started.
    """

    def wait() -> None:
        while os.getppid() == parent:
            time.sleep(0.2)
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=wait, daemon=True).start()
