"""Adam as a deep plain network wants it, its rate raised and lowered."""

import keras


def first_aid(
    rate: float, examples: int, batch: int, epochs: int
) -> keras.optimizers.Optimizer:
    """Return AdamW with a warm-up over 5 % of the updates, then a cosine.

    Norms' gains and all biases do not decay. Counts updates, not epochs.
    """
    updates = epochs * -(-examples // batch)
    warm_up = max(1, updates // 20)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, updates - warm_up, warmup_target=rate, warmup_steps=warm_up
    )
    adam = keras.optimizers.AdamW(
        schedule, weight_decay=0.004, global_clipnorm=1.0
    )
    adam.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return adam
