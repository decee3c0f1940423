"""The claims of the chapter `residual`, on what was measured.

Stacks have 30 blocks h + s · Dense(ReLU(Dense(h))), He init, width 100, 128
standard normal inputs, 10 networks, no training. What is trained is in
`studies/cures`: digits within 0 and 1, 1,500 of them, 25 such blocks, batch
50, 210 updates of plain SGD at 0.01, 0.03 and 0.1, seeds 0 to 4; accuracies
are those of training.
"""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from snippets.residual.figures import BLOCKS, FOLDER
from snippets.residual.small_transformer import small_transformer
from studies.cures.__main__ import CODE
from studies.cures.residual import CELLS, stack
from studies.cures.training import start
from studies.unchanged import WEEKLY, chosen, code_hash
from tests.drawings import near, shows
from tests.turn import in_turn


@pytest.fixture(scope="module")
def trained(measured):
    return measured("residual", "trained")


def test_the_figure_shows_how_the_trunk_grows(drawn, measured):
    stacks = measured("residual", "stacks")
    (panel,) = drawn("residual", "trunk")
    assert panel.x.label == "block"
    assert panel.y.scale == "log"
    ends = {}
    for name in ("unscaled", "1/√L", "pre-norm", "post-norm"):
        signal = stacks[name]["signal"]
        assert signal.shape == (10, BLOCKS + 1)
        line = shows(panel, name, np.arange(31), signal)
        assert line.dash == "solid"
        ends[name] = line.y[-1]
    assert {*panel.labels} == {*ends}
    assert ends["unscaled"] > 1e7
    assert near(ends["pre-norm"], 8, 1.1)
    assert near(ends["1/√L"], 2.6, 1.1)
    assert near(ends["post-norm"], 1, 1.01)


# What the page claims


def test_unscaled_branches_explode(measured, trained):
    """Measured: a factor of √3 per block. Trained: NaN at update 2."""
    signal = measured("residual", "stacks")["unscaled"]["signal"]
    growth = (signal[:, -1] / signal[:, 0]) ** (1 / BLOCKS)
    assert np.median(growth) == pytest.approx(3**0.5, rel=0.03)
    assert signal[:, -1].min() > 1e6  # a million
    assert np.all(trained["unscaled"]["nan"] == 2)
    assert trained["unscaled"]["nan"].shape == (3, 5)


def test_the_gradient_meets_the_same_factors(measured):
    """30 blocks: sizes of the gradient at the input, of 1 at the output."""
    stacks = measured("residual", "stacks")
    for name, size, factor in (
        ("unscaled", 3**15, 2), ("1/√L", 2.6, 1.1),
        ("last kernel zero", 1, 1.01), ("pre-norm", 8, 1.15),
        ("post-norm", 1, 1.5),
    ):  # fmt: skip
        ratio = stacks[name]["gradient"][:, 0] / stacks[name]["gradient"][:, -1]
        assert near(np.median(ratio), size, factor), name


def test_zero_is_not_enough(measured, trained):
    """Stack: exactly 1. Trained at 0.01, 0.03, 0.1: NaN in 0, 3, 5 of 5."""
    assert trained["last kernel zero"]["rates"].tolist() == [0.01, 0.03, 0.1]
    of = measured("residual", "stacks")["last kernel zero"]
    for sizes in of.values():
        assert np.allclose(sizes, sizes[:, :1])
    of = trained["last kernel zero"]
    assert (of["nan"] > 0).sum(1).tolist() == [0, 3, 5]
    assert of["nan"][2].max() <= 5
    assert of["right"][0].min() > 0.95
    others = [trained[n]["reached"][0] for n in ("SkipInit", "Fixup", "1/√L")]
    late = [np.where(reached > 0, reached, 999).min() for reached in others]
    assert of["reached"][0].max() < min(late)  # an advantage at 0.01
    # The last kernels' gradients are of one size, in all blocks.
    gradients = first_gradients("last kernel zero")
    sizes = [np.linalg.norm(gradients[f"last {at}"]) for at in range(25)]
    assert max(sizes) < 1.5 * min(sizes)
    assert min(sizes) > 0


def first_gradients(kind, frozen=()):
    """Return the gradients of seed 0 at the start, on 50 random inputs."""
    network = stack(kind)
    weights = {k: v[:1] for k, v in start(network, 1).items()}
    weights |= {k: tf.zeros_like(weights[k]) for k in frozen}
    rng = np.random.default_rng(0)
    x = tf.constant(rng.random((1, 50, 64), dtype="float32"))
    y = rng.integers(0, 10, (1, 50))
    with tf.GradientTape() as tape:
        tape.watch(weights)
        loss = tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(
                y, network.logits(weights, x)
            )
        )
    return {k: g.numpy() for k, g in tape.gradient(loss, weights).items()}


def test_skipinit_moves_alpha_first():
    """Gradients of 25 blocks at the start; and with last kernels of zero."""
    gradients = first_gradients("SkipInit")
    for name, gradient in gradients.items():
        if name.startswith(("first", "last")):
            assert not gradient.any(), name
        if name.startswith("alpha"):
            assert gradient.any(), name
    stuck = first_gradients("SkipInit", [f"last {at}" for at in range(25)])
    for name, gradient in stuck.items():
        if name.startswith(("first", "last", "alpha")):
            assert not gradient.any() or name.startswith("last bias"), name


def test_what_trains_at_a_hundredth_and_at_a_tenth(trained):
    """Updates to 90 %, looked at every 30, at most 210."""
    pre = trained["pre-norm"]
    assert pre["rates"].tolist() == [0.01, 0.03, 0.1]
    assert np.all((pre["reached"] > 0) & (pre["reached"] <= 120))
    for name in ("SkipInit", "Fixup"):
        assert np.all(trained[name]["reached"][1:] > 0), name
        assert not trained[name]["nan"].any(), name


def test_post_norm_is_slow(trained):
    """Right of the last 1,500, with and without a warm-up of 100 updates."""
    others = [
        of["right"][of["right"].min(1).argmax()].min()  # at its best rate
        for kind, of in trained.items()
        if "post" not in kind and kind != "unscaled"
    ]
    assert len(others) == 5
    for name in ("post-norm", "post-norm, warm-up"):
        right = trained[name]["right"]
        assert right.argmax(0).tolist() == [0] * 5  # the lowest rate
        assert right[0].max() < min(others)
        assert right[2].max() < 0.25
    assert (trained["post-norm"]["reached"][0] > 0).sum() == 1
    assert not trained["post-norm, warm-up"]["reached"].any()


def test_the_table_was_made_by_this_code():
    table = json.loads((FOLDER / "trained.json").read_text("utf-8"))
    said = "run python -m studies.cures residual"
    assert table["code"] == code_hash(CODE["residual"]), said
    assert {*table["outcomes"]} == {*CELLS}


@in_turn
@pytest.mark.parametrize("name", CELLS if WEEKLY else [chosen([*CELLS])])
def test_a_network_comes_out_as_the_table_says(name, trained):
    again = CELLS[name]()
    assert (np.array(again["nan"]) > 0).sum(1) == pytest.approx(
        (trained[name]["nan"] > 0).sum(1), abs=2
    )


def test_one_seed_makes_query_key_and_value_alike():
    """Keras 3.15: 4 heads of 16, width 64, six random tokens, 2 examples."""
    tokens = keras.random.normal((2, 6, 64), seed=0)
    own = {}
    for name, kernel in {
        "seed": keras.initializers.GlorotUniform(seed=1),
        "generator": keras.initializers.GlorotUniform(
            seed=keras.random.SeedGenerator(1)
        ),
        "string": "glorot_uniform",
    }.items():
        keras.utils.set_random_seed(0)
        attention = keras.layers.MultiHeadAttention(
            4, 16, kernel_initializer=kernel
        )
        _, scores = attention(tokens, tokens, return_attention_scores=True)
        kernels = [
            v.numpy()
            for v in attention.trainable_variables
            if v.name == "kernel"
        ]
        same = [np.array_equal(kernels[0], other) for other in kernels[1:3]]
        assert same == [name != "string"] * 2, name
        own[name] = scores.numpy()[..., range(6), range(6)].mean()
    assert own["seed"] == pytest.approx(0.78, abs=0.1)
    assert own["string"] == pytest.approx(0.16, abs=0.1)


def test_the_transformer_starts_as_its_comments_say():
    """Two blocks of width 64, seeds 0 to 4, 200 sentences of eight words."""
    words = np.random.default_rng(0).integers(0, 20, (200, 8))
    for seed in range(5):
        keras.utils.set_random_seed(seed)
        model = small_transformer(20, 4)
        sums = [
            layer.output
            for layer in model.layers
            if isinstance(layer, keras.layers.Add)
        ]
        sums = [model.layers[2].output, *sums]
        sizes = [np.std(s) for s in keras.Model(model.input, sums)(words)]
        assert sizes[0] == pytest.approx(1.4, abs=0.1)
        assert sizes[-1] == pytest.approx(1.6, abs=0.15)
        assert len(sizes) == 5
        loss = keras.losses.sparse_categorical_crossentropy(
            words[:, 0] % 4, model(words), from_logits=True
        )
        assert np.mean(loss) == pytest.approx(np.log(4), abs=0.15)


def test_the_transformer_learns():
    """The first word modulo 4: 1,500 sentences, Adam 0.003, batch 50, 3 epochs.

    Seeds 0 to 4, one of them at each commit; of 500 other sentences more
    than 90 % are right.
    """
    words = np.random.default_rng(0).integers(0, 20, (2000, 8))
    kind = words[:, 0] % 4
    model = small_transformer(20, 4)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    adam = keras.optimizers.Adam(0.003)
    model.compile(adam, loss, metrics=["accuracy"])
    adam.build(model.trainable_variables)
    for seed in range(5) if WEEKLY else [chosen(range(5))]:
        keras.utils.set_random_seed(seed)
        model.set_weights(small_transformer(20, 4).get_weights())
        for variable in adam.variables:
            if variable is not adam.learning_rate:
                variable.assign(keras.ops.zeros_like(variable))
        model.fit(words[:1500], kind[:1500], 50, 3, verbose=0)
        _, right = model.evaluate(words[1500:], kind[1500:], verbose=0)
        assert right > 0.9, seed
