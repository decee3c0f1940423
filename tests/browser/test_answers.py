"""Each public case: its asker's words, the section that answers, the mend.

`studies/cases` shows that the fault is one and that the mend trains; here the
way to it: into the search box, a section, and from there one link at most.
"""

import pytest

from studies.cases.case import cases
from tests.browser.questions import ASKED
from tests.browser.test_search import ask as ask  # a fixture

# case: the asker's words, the section that answers, the mend in its words
ANSWERS = {
    "batch_of_one": (
        "minibatch size 1 batch norm not working",
        "chapters/normalization.html#small", "layer norm"),
    "broadcast": (
        "model not converging when trained with custom training loop",
        "chapters/losses.html#mean", "y[:, None]"),
    "bytes_in": (
        "loss not changing when training",
        "chapters/first_checks.html#first-loss", "divide by 255"),
    "dead_output": (
        "predicts always 0", "chapters/same_answer.html#dead", "softplus"),
    "decay_steps": (
        "learning rate decay every batch or epoch",
        "chapters/optimization.html#schedule", "decay_steps=30"),
    "dropout_inverted": (
        "confusion between dropout rate and keep_prob",
        "diagnosis.html#dropout", "a lower rate"),
    "floor_inside": (
        "K.round and tf.floor in custom layers",
        "diagnosis.html#blocked", "let the gradient pass straight through"),
    "frozen_critic": (
        "pre-train discriminator loss keeps the same",
        "chapters/evaluation.html#frozen", "compile again"),
    "line_under_a_relu": (
        "loss does not change",
        "chapters/losses.html#floor", "no activation at the end"),
    "made_in_call": (
        "Dense layer in call weights never change",
        "chapters/evaluation.html#untracked", "make the layer in __init__"),
    "masked_in_float16": (
        "attention mask fp16 nan", "chapters/not_a_number.html#mask", "−1e4"),
    "moving_averages": (
        "fit accuracy is different from evaluate",
        "chapters/evaluation.html#batch-norm", "momentum=0.9"),
    "no_positions": (
        "lack of positional encoding",
        "chapters/sequences.html#positions", "add a learned vector"),
    "one_pixel": (
        "heatmap predictions converge to zero",
        "chapters/losses.html#sparse", "weigh the pixels that count"),
    "one_unit": (
        "categorical_crossentropy for binary classification losses equal to 0",
        "chapters/losses.html#zero", "binary_crossentropy"),
    "own_units": (
        "same prediction for every row of a table",
        "chapters/same_answer.html#units", "per column"),
    "padded_steps": (
        "0-padded sequences masking loss remains same",
        "chapters/sequences.html#padding", "mask_zero=True"),
    "poisson": (
        "nan loss with poisson objective",
        "chapters/losses.html#counts", "softplus"),
    "relu_logits": (
        "relu applied to logits",
        "chapters/losses.html#floor", "no activation at the end"),
    "scaled_twice": (
        "model already rescales, accuracy does not leave chance",
        "chapters/same_answer.html#twice", "take one of the two out"),
    "several_labels": (
        "loss function for multi-label problem",
        "chapters/losses.html#rises", "one sigmoid a label"),
    "shared_draw": (
        "initializer same kernel",
        "chapters/initialization.html#shared-instance",
        "makes a new instance for each layer"),
    "shuffled_apart": (
        "shuffle X and Y independently of each other",
        "chapters/first_checks.html#labels", "one order for both"),
    "softmax_for_numbers": (
        "LSTM with mean_squared_error doesn't reduce the loss over time",
        "chapters/losses.html#floor", "no activation at the end"),
    "softmax_twice": (
        "double softmax in cross entropy",
        "chapters/first_checks.html#logits", "logits and from_logits=True"),
    "sorted_rows": (
        "validation accuracy 0.0",
        "chapters/evaluation.html#sorted", "mix x and y alike"),
    "square_root": (
        "siamese network loss nan",
        "chapters/not_a_number.html#root", "maximum(z, 1e-7)"),
    "standardised_targets": (
        "the loss becomes negative",
        "chapters/losses.html#negative", "targets from 0 to 1"),
    "tanh_critic": (
        "tanh critic activation function may be wrong",
        "chapters/losses.html#floor", "no activation at the end"),
    "unscaled_target": (
        "normalize target data", "diagnosis.html#targets", "scale each column"),
    "vae_terms": (
        "VAE kl loss posterior is collapsing",
        "chapters/losses.html#terms", "Summed over the pixels"),
    "vgg": (
        "acc always 10%, vgg cannot converge",
        "chapters/first_checks.html#flat", "he_normal"),
    "wrong_sign": (
        "cosine_proximity loss missing minus sign",
        "chapters/losses.html#sign", "has the minus"),
}  # fmt: skip


def nodes(pages, address):
    """Return a section's elements, without those of its subsections' like.

    Of a place in a table, its row.
    """
    page, _, name = address.partition("#")
    at = pages[page].find(id=name)
    assert at, address
    if row := at.find_parent("tr"):
        return [row]
    found = []
    for node in at.find_next_siblings():
        if node.name and node.name in ("h1", "h2", at.name):
            break
        found.append(node)
    return found


def text(pages, address):
    """Return what a section says, on one line."""
    said = " ".join(node.get_text() for node in nodes(pages, address))
    return " ".join(said.split())


def links(pages, address):
    """Return where a section leads."""
    here, _, _ = address.partition("#")
    found = set()
    for node in nodes(pages, address):
        for link in node.find_all("a", href=True):
            path, _, name = link["href"].partition("#")
            path = path.removeprefix("../")
            if path and "/" not in path and here.startswith("chapters/"):
                inside = not link["href"].startswith("../")
                path = f"chapters/{path}" if inside else path
            found.add(f"{path or here}#{name}")
    return found


def test_each_case_has_an_answer_in_its_askers_words():
    assert ANSWERS.keys() == cases().keys()
    assert {phrase for phrase, *_ in ANSWERS.values()} <= {
        phrase for phrase, *_ in ASKED
    }


@pytest.mark.parametrize("name", ANSWERS)
def test_the_section_names_the_mend(pages, name):
    _, section, mend = ANSWERS[name]
    assert mend in text(pages, section)


def test_each_case_is_two_clicks_from_the_search_box(ask, pages):
    """A hit among the first three pages, and from its section one link."""
    missed, direct = [], 0
    for name, (phrase, section, _) in ANSWERS.items():
        hits = [hit for page in ask(phrase) for hit in page if "#" in hit]
        # the box shows sections; a place within one is in it
        found = [hit for hit in hits if holds(pages, hit, section)]
        direct += bool(found)
        if not found and not any(section in links(pages, h) for h in hits):
            missed.append(f"{name}: {phrase}: {hits}")
    print(f"{direct} of {len(ANSWERS)} are hits themselves")
    assert not missed, "\n".join(missed)


def holds(pages, hit, section):
    """Say whether a hit is the section, or the place is in its table."""
    if hit == section:
        return True
    page, _, name = section.partition("#")
    if hit.partition("#")[0] != page:
        return False
    return any(node.find(id=name) for node in nodes(pages, hit))
