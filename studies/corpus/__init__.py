"""Networks whose verdict is known: broken ones, and healthy ones that train.

Each is a function in `networks/`, written the way people write them, that
returns a compiled model, its inputs and its labels; a decorator says what is
wrong with it. `corpus.csv` has what was measured, `said.json` what `diagnose`
says of each.

    python -m studies.corpus verify [name ...]    train, write corpus.csv
    python -m studies.corpus report [--held-out]  diagnose, write said.json

One rule for all: 40 epochs of batches of 40, five seeds; a seed has trained
if the training data reach the goal (90 % accuracy, or R² = 0.9, where the
entry says nothing else), in inference mode, after an even epoch. Healthy: at
least four of five seeds train. Broken: at most one, at the rate given, and
at every other rate that the entry names.
"""
