"""Deep plain ReLU networks that are linear when training begins."""

import keras


def first_mirrored(shape: tuple, dtype: str | None = None) -> keras.KerasTensor:
    """Draw a kernel (W, -W), W orthogonal; an initializer."""
    fan_in, units = shape
    if units % 2:
        raise ValueError(f"units come in pairs, not {units}")
    w = keras.initializers.Orthogonal()((fan_in, units // 2), dtype)
    return keras.ops.concatenate([w, -w], 1)


def mirrored(shape: tuple, dtype: str | None = None) -> keras.KerasTensor:
    """Draw a kernel ((W, -W), (-W, W)), W orthogonal; an initializer."""
    fan_in, units = shape
    if fan_in % 2:
        raise ValueError(f"inputs come in pairs, not {fan_in}")
    w = first_mirrored((fan_in // 2, units), dtype)
    return keras.ops.concatenate([w, -w], 0)


def looks_linear(
    features: int, classes: int, depth: int = 50, width: int = 100
) -> keras.Model:
    """Plain layers of ReLU; its answers are logits."""
    model = keras.Sequential([keras.Input((features,))])
    for at in range(depth):
        draw = mirrored if at else first_mirrored
        model.add(keras.layers.Dense(width, "relu", kernel_initializer=draw))
    model.add(keras.layers.Dense(classes))
    return model
