# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Rescue a thirty-layer network
#
# A network with thirty hidden layers gets handwritten digits, and learns
# nothing. You find the fault by measuring, mend it by changing one argument,
# and then measure what the mend leaves broken.
#
# ## What do you see?
#
# The data are scikit-learn's 1,797 digits of 8 × 8 pixels, divided by 16 so
# that they lie between 0 and 1. Deep networks differ so much from run to run
# that one run proves nothing: everything below is measured for five seeds,
# and a seed sets the split, the kernels and the order of the batches.

# %%
import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from keras.initializers import GlorotUniform, HeUniform, LecunNormal
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

DEPTH, WIDTH, SEEDS = 30, 100, range(5)


def digits(seed):
    """Return 1,500 images to train on, their labels, and 297 to validate."""
    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype("float32")
    split = train_test_split(x, y, test_size=297, stratify=y, random_state=seed)
    x_train, x_val, y_train, y_val = split
    return x_train, y_train, x_val, y_val


# %% [markdown]
# The first layer sees pixels, so its kernel's variance is 1/fan_in, which is
# what `LecunNormal` draws; the head keeps the default of Keras. Both are the
# same in every network here. The initializer to be examined draws the
# kernels of the 29 layers between, each with its own seed. All biases are
# zero.


# %%
def build(activation):
    """Return thirty hidden layers and a head for ten classes."""
    hidden = [keras.layers.Dense(WIDTH, activation) for _ in range(DEPTH)]
    head = keras.layers.Dense(10)
    return keras.Sequential([keras.Input((64,)), *hidden, head])


def draw(model, initializer, seed):
    """Draw every kernel anew; it depends on the layer and the seed alone."""
    kinds = [initializer] * (DEPTH + 1)
    kinds[0], kinds[-1] = LecunNormal, GlorotUniform
    for number, (layer, kind) in enumerate(
        zip(model.layers, kinds, strict=True)
    ):
        kernel = kind(seed=1000 * seed + number)(layer.kernel.shape)
        layer.set_weights([kernel, np.zeros(layer.bias.shape)])


loss_function = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def train(activation, initializer, learning_rate=0.01, epochs=10):
    """Return losses (seed, epoch) and the accuracies at the end (seed)."""
    model = build(activation)
    model.compile(
        keras.optimizers.SGD(learning_rate),
        loss_function,
        steps_per_execution=30,  # one epoch: less overhead, the same steps
    )
    result = {"loss": [], "accuracy": [], "validation": []}
    for seed in SEEDS:
        draw(model, initializer, seed)  # compiled once, drawn five times
        x, y, x_val, y_val = digits(seed)
        keras.utils.set_random_seed(seed)  # the order of the batches
        fitted = model.fit(x, y, batch_size=50, epochs=epochs, verbose=0)
        result["loss"].append(fitted.history["loss"])
        result["accuracy"].append(accuracy(model, x, y))
        result["validation"].append(accuracy(model, x_val, y_val))
    return {name: np.array(values) for name, values in result.items()}


def accuracy(model, x, y):
    """Return the share of images whose largest output is their label's."""
    return np.mean(np.argmax(model(x), axis=1) == y)


# %% [markdown]
# Train the patient: ReLU, with the initializer that `Dense` uses when you
# name none, `GlorotUniform`. Plain SGD with a learning rate of 0.01, batches
# of 50 and ten epochs make 300 updates.

# %%
patient = train("relu", GlorotUniform)
print("loss    ", patient["loss"][:, -1].round(3))
print("accuracy", patient["accuracy"].round(2))
print("ln 10   ", np.log(10).round(3))

stuck = np.abs(patient["loss"] - np.log(10)).max()
assert stuck < 0.02, "the patient has learned something"

# %% [markdown]
# Every run stays at the same loss, and that number tells you something. A
# network that answers "each digit with probability 1/10", whatever the image,
# has the cross-entropy
#
# $$-\ln \tfrac{1}{10} = \ln 10 \approx 2.303 .$$
#
# The loss alone does not prove that the network ignores its input: half of
# the images at a probability of 0.5 and half at 0.02 cost as much. So look at
# what it answers before training, for all images.

# %%
model = build("relu")
for seed in SEEDS:
    draw(model, GlorotUniform, seed)
    answers = keras.ops.softmax(model(digits(seed)[0])).numpy()
    assert np.ptp(answers, axis=0).max() < 1e-4, "the answers differ"
    assert np.abs(answers - 0.1).max() < 1e-4, "the answers are not 1/10"
print("one image's answer", answers[0].round(4))
print("largest difference", f"{np.ptp(answers, axis=0).max():.0e}")

cost = -0.5 * np.log(0.5) - 0.5 * np.log(0.02)
assert abs(cost - np.log(10)) < 1e-3

# %% [markdown]
# It answers 1/10 for each digit, whatever the image. It does not diverge, and
# it does not overfit.
#
# ## Is the learning rate too small?
#
# That is the first guess, and it takes seconds to test: ten and a hundred
# times the rate.

# %%
for rate in (0.1, 1.0):
    faster = train("relu", GlorotUniform, rate, epochs=2)
    print(f"learning rate {rate}: loss", faster["loss"][:, -1].round(3))
    stuck = np.abs(faster["loss"] - np.log(10)).max()
    assert stuck < 0.1, f"learning rate {rate} moves the patient"

# %% [markdown]
# No. What arrives at the layers must be wrong, so look there.
#
# ## What does one layer do to the signal?
#
# For each layer, take the root mean square (RMS) of three things: its
# outputs, the loss's gradient with respect to these outputs, and the gradient
# with respect to its kernel. Nothing is trained here: the network is measured
# as it was drawn.


# %%
def rms(tensors):
    """Return the root mean square of each tensor."""
    return np.array([np.sqrt(np.mean(np.square(t))) for t in tensors])


def probe(activation, initializer):
    """Return what each hidden layer does, as arrays (seed, layer)."""
    found = {"outputs": [], "gradients": [], "kernels": [], "cosine": []}
    model = build(activation)
    for seed in SEEDS:
        draw(model, initializer, seed)
        x, y, _, _ = digits(seed)
        with tf.GradientTape() as tape:
            outputs = [model.layers[0](x[:300])]
            for layer in model.layers[1:]:
                outputs.append(layer(outputs[-1]))
            loss = loss_function(y[:300], outputs[-1])
        kernels = [layer.kernel for layer in model.layers]
        gradients, changes = tape.gradient(loss, (outputs, kernels))
        hidden = [output.numpy() for output in outputs[:-1]]
        found["outputs"].append(rms(hidden))
        found["gradients"].append(rms(gradients[:-1]))
        found["kernels"].append(rms(changes[:-1]))
        found["cosine"].append([mean_cosine(h) for h in hidden])
    return {name: np.array(values) for name, values in found.items()}


def mean_cosine(h):
    """Return the mean cosine between the rows that belong to two images."""
    unit = h / np.linalg.norm(h, axis=1, keepdims=True)
    return ((unit @ unit.T).sum() - len(h)) / (len(h) ** 2 - len(h))


def factor_per_layer(values):
    """Return the median over the seeds of the mean factor from layer 1 up."""
    steps = np.diff(np.log(values), axis=1)
    return np.exp(np.median(steps.mean(axis=1)))


ill = probe("relu", GlorotUniform)
forward = factor_per_layer(ill["outputs"])
backward = 1 / factor_per_layer(ill["gradients"])
print(f"forward {forward:.3f}, backward {backward:.3f} a layer")

half = np.sqrt(0.5)
assert abs(forward / half - 1) < 0.06, "forwards the factor is not √½"
assert abs(backward / half - 1) < 0.06, "backwards the factor is not √½"

# %% tags=["fold"]
# How the figures are drawn
# %config InlineBackend.figure_formats = ["svg"]
# %config InlineBackend.print_figure_kwargs = {"bbox_inches": None}
MUTED = "#5C5850"
STYLES = {
    "theory": ("#5B5B5B", ":"),
    "ReLU, Glorot": ("#B45F00", "-"),
    "ReLU, He": ("#0060A0", "-"),
    "tanh, Glorot": ("#B45F00", (0, (5, 2))),
    "SELU, LeCun": ("#007A5A", (0, (5, 2, 1, 2))),
}
plt.rcParams.update({
    "svg.hashsalt": "rescue", "svg.fonttype": "none",
    "figure.figsize": (3.42, 2.7), "figure.constrained_layout.use": True,
    "font.size": 9, "axes.titlesize": 9, "axes.titlelocation": "left",
    "xaxis.labellocation": "left", "axes.titlecolor": MUTED,
    "axes.labelcolor": MUTED, "text.color": MUTED, "axes.edgecolor": "#8C877D",
    "xtick.color": MUTED, "ytick.color": MUTED, "ytick.major.size": 0,
    "ytick.minor.size": 0, "axes.spines.left": False,
    "axes.spines.right": False, "axes.spines.top": False,
    "axes.grid": True, "axes.grid.axis": "y", "grid.color": "#E9E5DD",
})  # fmt: skip


def panel(title, xlabel, curves, yscale="linear"):
    """Draw the median over the seeds, and a band from least to greatest."""
    _, ax = plt.subplots()
    ax.set(title=title, xlabel=xlabel, yscale=yscale)
    for label, runs in curves.items():
        color, dashes = STYLES.get(label, STYLES["ReLU, Glorot"])
        runs = np.atleast_2d(runs)
        x = np.arange(1, runs.shape[1] + 1)
        middle = np.median(runs, axis=0)
        ax.plot(x, middle, color=color, linestyle=dashes)
        ax.fill_between(
            x, runs.min(0), runs.max(0), color=color, alpha=0.2, linewidth=0
        )
        up = 4 if label == "theory" else 0
        ax.annotate(
            label, (x[-1], middle[-1]), (5, up), textcoords="offset points",
            color=color, va="center", annotation_clip=False,
        )  # fmt: skip


# %%
layers = np.arange(DEPTH)
theory = ill["outputs"][:, 0].mean() * half**layers
panel(
    "RMS of the outputs",
    "layer",
    {"ReLU, Glorot": ill["outputs"], "theory": theory},
    "log",
)
panel(
    "RMS of the loss's gradients",
    "layer",
    {"outputs": ill["gradients"], "kernel": ill["kernels"]},
    "log",
)

# %% [markdown]
# *The signal dies on the way up, its gradient on the way down. ReLU, Glorot,
# 30 layers of 100 units, 300 digits, before training; median of five seeds,
# band from the least to the greatest.*
#
# Both lines are straight on a logarithmic scale, so each layer multiplies by
# the same factor, upwards and downwards. It is $\sqrt{1/2}$, up to the luck of
# the draw; the dotted line has exactly this slope. Twenty-nine such layers
# leave $2^{-14.5}$, less than 1/20,000 of the signal, and the head sees next
# to nothing of the image.
#
# The kernels' gradients are the trap. They are equally small in all layers,
# because a kernel's gradient is a product of the signal from below and the
# gradient from above, and where one is small the other is large. If you look
# for vanishing gradients by comparing kernels, you find nothing.

# %%
kernels = np.median(ill["kernels"], axis=0)[1:]
assert kernels.max() / kernels.min() < 5, "the kernels' gradients do differ"

# %% [markdown]
# ## Where does the factor come from?
#
# One pre-activation is a sum of $n$ products of weights and inputs. The
# weights are independent and have mean zero, so the cross terms vanish:
#
# $$\mathrm{E}\left[z_l^2\right] = n \, \mathrm{Var}[W] \,
# \mathrm{E}\left[h_{l-1}^2\right] .$$
#
# The distribution of $z_l$ is symmetric about zero, and ReLU sets one half of
# it to zero: $\mathrm{E}[h_l^2] = \tfrac12 \mathrm{E}[z_l^2]$. Glorot's
# variance is $2/(n_\mathrm{in} + n_\mathrm{out})$, which is $1/n$ for equal
# widths. Together:
#
# $$\mathrm{E}\left[h_l^2\right] = \tfrac12 \, n \, \tfrac1n \,
# \mathrm{E}\left[h_{l-1}^2\right] = \tfrac12 \,
# \mathrm{E}\left[h_{l-1}^2\right] .$$
#
# This is the hypothesis: **nothing is wrong but the scale of the kernels, by
# $\sqrt2$ in every layer.** It predicts what happens if you double the
# variance, as He init does: both factors become 1, and the loss
# leaves ln 10.
#
# ## Does He init mend it?
#
# <span id="does-hes-initializer-mend-it"></span>
# With the same seeds, `HeUniform` makes the same draws, each $\sqrt2$ times as
# large. So you change the scale and nothing else. In a network of your own
# the change is `Dense(100, "relu", kernel_initializer="he_uniform")`.

# %%
mended = probe("relu", HeUniform)
forward = factor_per_layer(mended["outputs"])
backward = 1 / factor_per_layer(mended["gradients"])
print(f"forward {forward:.3f}, backward {backward:.3f} a layer")
assert abs(forward - 1) < 0.06, "forwards the factor is not 1"
assert abs(backward - 1) < 0.06, "backwards the factor is not 1"

relu_he = train("relu", HeUniform)
print("loss    ", relu_he["loss"][:, -1].round(3))
print("accuracy", relu_he["accuracy"].round(2))
assert np.median(relu_he["loss"][:, -1]) < 2, "He does not rescue it"

# %%
panel(
    "RMS of the outputs",
    "layer",
    {"ReLU, He": mended["outputs"], "ReLU, Glorot": ill["outputs"]},
    "log",
)
panel(
    "training loss",
    "epoch",
    {"ReLU, He": relu_he["loss"], "ReLU, Glorot": patient["loss"]},
)

# %% [markdown]
# *With He init the signal keeps its size, and the loss falls. Left: before
# training. Right: SGD, learning rate 0.01, batches of 50, five seeds; median,
# and band from the least to the greatest.*
#
# <span id="with-he-the-signal-keeps-its-size-and-the-loss-falls"></span>
# The prediction holds. Yet the network is slow, and its runs lie far apart:
# something is still wrong.
#
# ## What does He init not mend?
#
# <span id="what-does-he-not-mend"></span>
# The size of the signal is right. But is there still a difference between one
# image and another? Take the cosine of the angle between the outputs for two
# images, averaged over all pairs. At 1, the layer sends the same direction
# for every image.
#
# You can tell beforehand that no scale repairs this, as long as all biases
# are zero. For any $c > 0$,
# $\mathrm{ReLU}(c z) = c \, \mathrm{ReLU}(z)$: larger kernels make longer
# outputs, and leave every angle as it is. The patient must have exactly the
# same cosines.

# %%
gap = np.abs(mended["cosine"] - ill["cosine"]).max()
assert gap < 1e-4, "the scale of the kernels changes the cosine"

print("cosine at layer 30", mended["cosine"][:, -1].round(2))
assert mended["cosine"][:, -1].min() > 0.9, "ReLU keeps images apart"

# %% [markdown]
# A batch normalization in front of each ReLU keeps images apart, for it takes
# off what they have in common:

# %% tags=["fold"]
# The same kernels, each pre-activation normalized over 300 images
for seed in SEEDS:
    h = digits(seed)[0][:300]
    for layer in range(DEPTH):
        kind = HeUniform if layer else LecunNormal
        kernel = kind(seed=1000 * seed + layer)((h.shape[1], WIDTH))
        z = h @ np.array(kernel)
        h = np.maximum((z - z.mean(0)) / np.sqrt(z.var(0) + 1e-3), 0)
    assert mean_cosine(h) < 0.5, "batch normalization aligns images"
print("cosine at layer 30", f"{mean_cosine(h):.2f}")

# %% [markdown]
# In a plain stack another activation function does it. Compare two pairs:
# tanh with Glorot, and SELU with LeCun, each with the initializer that was
# derived for it.

# %%
images_apart = {
    "ReLU, He": mended["cosine"],
    "tanh, Glorot": probe("tanh", GlorotUniform)["cosine"],
    "SELU, LeCun": probe("selu", LecunNormal)["cosine"],
}
results = {
    "ReLU, Glorot": patient,
    "ReLU, He": relu_he,
    "tanh, Glorot": train("tanh", GlorotUniform),
    "SELU, LeCun": train("selu", LecunNormal),
}

print("after ten epochs, median of five seeds (least to greatest)")
for name, result in results.items():
    cells = [f"{name:12}"]
    for what in ("accuracy", "validation"):
        least, middle, greatest = np.quantile(result[what], (0, 0.5, 1))
        cells.append(f"{what} {middle:.2f} ({least:.2f} to {greatest:.2f})")
    print("  ".join(cells))

he_cosine = np.median(images_apart["ReLU, He"][:, -1])
he_accuracy = np.median(relu_he["accuracy"])
for name in ("tanh, Glorot", "SELU, LeCun"):
    cosine = np.median(images_apart[name][:, -1])
    reached = np.median(results[name]["accuracy"])
    assert cosine < he_cosine - 0.05, f"{name} aligns images as ReLU does"
    assert reached > he_accuracy + 0.05, f"{name} does not beat ReLU with He"

# %%
panel("mean cosine between two images", "layer", images_apart)
panel(
    "training loss",
    "epoch",
    {name: result["loss"] for name, result in results.items()},
)

# %% [markdown]
# *The two networks that keep images apart are the two that train in fewer
# updates: no proof of the cause. The cosine is that before training; the
# loss that of SGD, learning rate 0.01, batches of 50. Width 100, five seeds;
# median, and band from the least to the greatest.*
#
# ## What have you learned?
#
# <span id="networks-that-keep-images-apart-train-faster"></span>
# - A loss that stays at ln 10 with ten classes is what a network costs that
#   ignores its input. Look at its answers to be sure.
# - ReLU with Glorot loses a factor $\sqrt{1/2}$ per layer, both ways. It
#   shows in the outputs and in their gradients, not in the kernels'.
# - He init repairs the size of the signal, and the network begins to
#   train. It does not repair the angles: with ReLU and zero biases they do not
#   depend on the scale.
# - With plain SGD, at this depth, learning rate and number of updates, tanh
#   with Glorot and SELU with LeCun train to a higher accuracy than ReLU with He
#   init. With another learning rate or more updates the order can differ:
#   exercise 3.
#
# ## Exercises
#
# **1.** After how many layers of ReLU with Glorot is the signal less than
# $10^{-8}$ of what it was?

# %% tags=["fold"]
# Solution
depth = np.log(1e-8) / np.log(half)
print(f"after {int(np.ceil(depth))} layers")
assert half**53 > 1e-8 > half**54

# %% [markdown]
# **2.** Leaky ReLU passes a negative $z$ on as $0.2\,z$. Which variance keeps
# the size of its signal? Derive it as above, then measure.

# %% tags=["fold"]
# Solution: the mean square becomes (1 + 0.2²)/2 of what it was


def leaky(seed):
    """Return an initializer of variance 2/(1.04 fan_in)."""
    return keras.initializers.VarianceScaling(2 / 1.04, "fan_in", seed=seed)


factor = factor_per_layer(probe("leaky_relu", leaky)["outputs"])
print(f"{factor:.3f} a layer")
assert abs(factor - 1) < 0.06

# %% [markdown]
# **3.** Give tanh and SELU five times the learning rate. Which of the two
# pays for it?

# %% tags=["fold"]
# Solution: SELU diverges, and tanh goes on learning
selu = train("selu", LecunNormal, 0.05, epochs=2)
tanh = train("tanh", GlorotUniform, 0.05, epochs=2)
print("SELU", selu["loss"][:, -1].round(2))
print("tanh", tanh["loss"][:, -1].round(2))
assert not np.isfinite(selu["loss"][:, -1]).any()
assert np.median(tanh["loss"][:, -1]) < 1.8
