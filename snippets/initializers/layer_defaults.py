"""What do Keras's layers draw if you say nothing?"""

import keras


def layer_defaults(layer: keras.Layer, *shape: int) -> None:
    """Build the layer for a batch of inputs; print each weight's default."""
    layer.build((None, *shape))
    owner = getattr(layer, "cell", layer)  # recurrent layers keep theirs there
    for weight in layer.trainable_weights:
        name = weight.path.split("/")[-1]
        for setting in (name, name.removesuffix("_kernel"), "depthwise"):
            initializer = getattr(owner, f"{setting}_initializer", None)
            if initializer is not None:
                break
        drawn = type(initializer).__name__
        kind = type(layer).__name__
        print(f"{kind:18} {name:16} {weight.shape!s:15} {drawn}")
