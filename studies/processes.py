"""Worker processes that end with the one that started them."""

import os
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process


def pool(
    workers: int, tasks_per_worker: int | None = None
) -> ProcessPoolExecutor:
    """Return fresh processes; none of them outlives this one.

    A worker that waits for work does not notice that nobody is left to give
    it any: it would keep what TensorFlow has taken, most of a gigabyte.
    """
    return ProcessPoolExecutor(
        workers,
        mp_context=get_context("spawn"),
        initializer=watch_parent,
        max_tasks_per_child=tasks_per_worker,
    )


def watch_parent() -> None:
    """End this process when its parent is gone, however that ended."""
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
