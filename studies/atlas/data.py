"""The data sets, the same split for every network of one seed."""

from functools import cache

import numpy as np
from mnist1d.data import get_dataset_args, make_dataset
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

TRAINED_ON = 1500  # examples; the rest is for validation


@cache
def split(data: str, seed: int) -> tuple[np.ndarray, ...]:
    """Return x, y to train on, x, y to validate on: float32 and int32.

    Shuffled and stratified. Each feature loses its mean over the training
    half; one common factor then gives all of them a second moment of 1, so
    that no almost constant pixel explodes.
    """
    if data == "digits":
        x, y = load_digits(return_X_y=True)
    else:
        arguments = get_dataset_args()
        arguments.num_samples = 1800
        made = make_dataset(arguments)
        x = np.concatenate([made["x"], made["x_test"]])
        y = np.concatenate([made["y"], made["y_test"]])
    train_x, test_x, train_y, test_y = train_test_split(
        x, y, train_size=TRAINED_ON, stratify=y, random_state=seed
    )
    mean = train_x.mean(axis=0)
    size = np.sqrt(np.mean((train_x - mean) ** 2))
    return (
        ((train_x - mean) / size).astype("float32"),
        train_y.astype("int32"),
        ((test_x - mean) / size).astype("float32"),
        test_y.astype("int32"),
    )
