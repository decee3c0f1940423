"""How a test says what a figure shows; see `sitegen/drawn.py`."""

import numpy as np


def shows(panel, label, x, runs, middle=np.median, whole=True):
    """Assert that a line is the middle of the runs, its band their range.

    `runs` is (runs, points); all of it is in view unless `whole` is false.
    Returns the line.
    """
    line = panel.line(label) if label else unlabelled(panel)
    assert np.array_equal(line.x, x)
    assert np.allclose(line.y, middle(runs, axis=0), rtol=1e-6)
    order = np.argsort(x)
    ranges = [
        band
        for band in panel.bands
        if band.color == line.color
        and np.array_equal(band.x, np.asarray(x)[order])
        and np.allclose(band.low, runs.min(0)[order], rtol=1e-6)
        and np.allclose(band.high, runs.max(0)[order], rtol=1e-6)
    ]
    assert len(ranges) == 1, f"the range of {label}"
    if whole:
        assert is_within(panel.x, x)
        assert is_within(panel.y, line.y)
    return line


def unlabelled(panel):
    """Return the panel's only line, which needs no label."""
    (line,) = panel.series
    return line


def is_within(axis, values):
    low, high = sorted(axis.limits)
    values = np.asarray(values)
    return np.all((values >= low) & (values <= high))


def near(value, said, factor=1.5):
    """Say whether two sizes differ by less than a factor."""
    return abs(np.log(value / said)) < np.log(factor)


def smoothed(losses, updates=20):
    """Return the updates and the mean of the losses up to each, by run."""
    weights = np.ones(updates) / updates
    means = np.array([np.convolve(run, weights, "valid") for run in losses])
    return np.arange(updates, updates + means.shape[1]), means
