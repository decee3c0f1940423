"""Worker processes that end with the one that started them."""

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from sitegen import isolation


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
        initializer=isolation.end_with,
        initargs=(os.getpid(),),
        max_tasks_per_child=tasks_per_worker,
    )
