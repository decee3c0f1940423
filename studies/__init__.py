"""What takes hours, or comes from outside, and leaves a committed table."""

from multiprocessing import parent_process

from sitegen.isolation import isolate

if parent_process() is None:  # else it has the configuration of its parent
    isolate()
