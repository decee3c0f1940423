"""A small pre-norm transformer that says why each initializer is what it is."""

import keras
from keras import layers
from keras.initializers import RandomNormal, VarianceScaling


class Places(layers.Layer):  # type: ignore[misc]
    """Add to each place of a sequence a vector of its own."""

    def build(self, shape: tuple[int, ...]) -> None:
        """As large as the embedding, or the places are not heard."""
        self.places = self.add_weight(
            shape=shape[1:], initializer=RandomNormal(stddev=1.0)
        )

    def call(self, h: keras.KerasTensor) -> keras.KerasTensor:
        """Take and return (batch, length, width)."""
        return h + self.places


def small_transformer(
    words: int,
    classes: int,
    length: int = 8,
    width: int = 64,
    heads: int = 4,
    blocks: int = 2,
) -> keras.Model:
    """Tokens (batch, length) to logits (batch, classes)."""
    tokens = keras.Input((length,), dtype="int32")
    # Size 1: the norms have an epsilon of 0.001, and Keras's default of
    # 0.03 is too small for it.
    h = layers.Embedding(words, width, RandomNormal(stddev=1.0))(tokens)
    h = Places()(h)
    for _ in range(blocks):
        # A string, so that query, key and value are drawn apart. Glorot in
        # square kernels is 1/fan_in: scores of size 1, a softmax unpinned.
        z = layers.LayerNormalization()(h)
        z = layers.MultiHeadAttention(
            heads, width // heads, kernel_initializer="glorot_uniform"
        )(z, z)
        h = layers.Add()([h, layers.Rescaling((2 * blocks) ** -0.5)(z)])
        # 1/fan_in behind a norm; 2.35/fan_in behind GELU, its own scale.
        z = layers.LayerNormalization()(h)
        z = layers.Dense(
            4 * width, "gelu", kernel_initializer=VarianceScaling(1.0)
        )(z)
        z = layers.Dense(width, kernel_initializer=VarianceScaling(2.35))(z)
        # 2 * blocks branches of size 1 add up to a size of 1.
        h = layers.Add()([h, layers.Rescaling((2 * blocks) ** -0.5)(z)])
    h = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(h))
    # Small logits, so that the first loss is ln(classes).
    head = VarianceScaling(0.1)
    return keras.Model(
        tokens, layers.Dense(classes, kernel_initializer=head)(h)
    )
