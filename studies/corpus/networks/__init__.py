"""The networks, in the order of the table; importing them fills `CORPUS`."""

from importlib import import_module

from studies.corpus.entry import CORPUS

__all__ = ["CORPUS", "KINDS"]

KINDS = (
    "broken_depth",
    "broken_data",
    "broken_training",
    "healthy_dense",
    "healthy_models",
    "healthy_layers",
)
for kind in KINDS:
    import_module(f"{__name__}.{kind}")
