"""The page of the explorer, in a real browser."""

import base64
import gzip
import math
import re
from urllib.parse import urlencode

import keras
import numpy as np
import pytest
import tensorflow as tf
from bs4 import BeautifulSoup

from tests.browser.browser import SIZES
from tests.browser.looks import FOCUS, PALETTES, RULES, TOO_WIDE, violations

NAME = "explorer/index.html"
SMALL = {"depth": 5, "width": 32}
SCALED = {
    "initializer": "variance_scaling", "scale": 1.7, "mode": "fan_out",
    "distribution": "uniform",
}  # fmt: skip
DONE = "() => document.querySelector('#explorer').dataset.done"
VERDICT = "#explorer .verdict"
SIGNAL = "[data-plot=signal] > svg"


# Goes to an address within the page, which hears of it before this does.
GO = """(hash) => new Promise((go) => {
  history.replaceState(null, "", location.pathname + "#");
  addEventListener("hashchange", go, { once: true });
  location.hash = hash;
})"""
FRAMES = """() => new Promise((go) => requestAnimationFrame(() =>
  requestAnimationFrame(go)))"""


@pytest.fixture
def tab(new_tab):
    """Return a function that opens the explorer at a state in a new tab."""

    def new(state=(), palette="light", size="wide", wait=True, **options):
        tab = new_tab(palette, size, **options)
        tab.open(NAME + (f"#{urlencode(state)}" if state else ""))
        if wait:
            tab.page.wait_for_function(DONE)
        return tab

    return new


@pytest.fixture(scope="module")
def kept(lasting_tab):
    """Return the tab that all tests share which only choose a state."""
    tab = lasting_tab()
    tab.open(f"{NAME}#{urlencode(SMALL)}")
    return tab


@pytest.fixture
def at(kept):
    """Return a function that takes the shared page to a state."""
    kept.errors.clear()

    def show(state):
        go(kept.page, state)
        return kept.page

    return show


def change(page, what):
    """Do something to the page that makes it compute, and wait for the end."""
    before = page.evaluate(DONE)
    what()
    page.wait_for_function(
        f"(before) => ![ '', before ].includes(({DONE})())", arg=before
    )


def go(page, state):
    """Go to another state in the address, and wait until it is shown."""
    page.evaluate(GO, urlencode(state))
    page.wait_for_function(DONE)


def wait_for_address(page, state):
    """Wait until the address holds just this state: it is written late."""
    page.wait_for_function(
        """(wanted) => {
          const found = new URLSearchParams(location.hash.slice(1));
          const names = Object.keys(wanted);
          return names.length === found.size
            && names.every((name) => wanted[name] === found.get(name));
        }""",
        arg={name: str(value) for name, value in state.items()},
    )


def numbers(page):
    """Return the table of the page: heading → numbers, one a layer."""
    soup = BeautifulSoup(
        page.locator("#explorer table").inner_html(), "html.parser"
    )
    heads = [head.get_text() for head in soup.select("thead th")]
    rows = [
        [number(cell.get_text()) for cell in row.select("th, td")]
        for row in soup.select("tbody tr")
    ]
    return dict(zip(heads, np.array(rows).T, strict=True))


def number(text):
    """Return the number that a text such as 3 × 10⁻⁸ stands for."""
    if text in ("–", "not a number"):
        return math.nan
    if text == "infinite":
        return math.inf
    raised = str.maketrans("−⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "--0123456789")
    return float(text.translate(raised).replace(" × 10", "e"))


def sentence(page):
    return page.locator(VERDICT).inner_text()


def shown_code(page):
    return page.locator("#explorer pre code").inner_text()


# The address and the controls


def test_the_address_holds_all_settings(tab):
    state = {
        "initializer": "random_normal", "stddev": "0.25", "activation": "tanh",
        "depth": "7", "width": "40", "gain": "1.5", "seeds": "2", "seed": "9",
    }  # fmt: skip
    page = tab(state).page
    for name, value in state.items():
        shown = page.evaluate(
            f"document.querySelector('#explorer [name={name}]').value"
        )
        if name == "gain":  # its slider is logarithmic
            shown = 10 ** float(shown)
            assert abs(shown - 1.5) < 0.02
        else:
            assert shown == value
    assert page.locator("#explorer .note").inner_text() == ""
    layers = len(numbers(page)["Layer"])
    assert layers == 8
    slider = page.get_by_label("Depth, in layers")
    change(page, lambda: slider.press("ArrowRight"))
    wait_for_address(page, {**state, "depth": "8"})
    said = sentence(page)
    page.reload()
    page.wait_for_function(DONE)
    assert sentence(page) == said
    assert len(numbers(page)["Layer"]) == 9


def test_only_the_controls_that_fit_are_there(at):
    page = at(SMALL)
    own = ["Standard deviation σ", "Scale", "Mode", "Distribution"]
    always = {"activation": "relu", **SMALL}
    used = {"scale": 1, "mode": "fan_in", "distribution": "truncated_normal"}
    for initializer, wanted in {
        "random_normal": own[:1],
        "variance_scaling": own[1:],
        "orthogonal": [],
    }.items():
        select = page.get_by_label("Initializer")
        change(page, lambda: select.select_option(initializer))  # noqa: B023
        seen = [
            label for label in own
            if page.get_by_label(label, exact=True).is_visible()
        ]  # fmt: skip
        assert seen == wanted
        more = {"stddev": 0.05} if wanted == own[:1] else used if wanted else {}
        wait_for_address(page, {"initializer": initializer, **always, **more})


@pytest.mark.parametrize(
    ("asked", "shown", "said"),
    [
        ("depth=5000", {"depth": "100"}, "depth cannot be “5000”"),
        ("depth=-3", {"depth": "1"}, "so it is 1"),
        ("depth=Infinity", {"depth": "100"}, "Infinity"),
        ("depth=NaN", {"depth": "30"}, "so it is 30"),
        ("depth=", {"depth": "30"}, "depth cannot be “”"),
        ("depth=7.4", {"depth": "7"}, "so it is 7"),
        ("width=50", {"width": "52"}, "so it is 52"),
        ("gain=1e9", {"gain": "10"}, "gain cannot be “1e9”"),
        ("seeds=0", {"seeds": "1"}, "so it is 1"),
        ("seed=-1", {"seed": "0"}, "so it is 0"),
        ("initializer=HeNormal", {"initializer": "he_normal"}, "HeNormal"),
        ("initializer=foo", {"initializer": "glorot_uniform"}, "“foo”"),
        ("activation=<b>x", {"activation": "relu"}, "“<b>x”"),
        ("colour=red", {}, "There is no control “colour”"),
        ("depth=3&depth=4&%E0%A4%A=1&=", {"depth": "4"}, "no control"),
    ],
)
def test_nonsense_in_the_address_falls_back_and_is_said(
    at, kept, asked, shown, said
):
    page = at(SMALL)
    page.evaluate(GO, asked + ("" if "seed" in asked else "&seeds=1"))
    page.wait_for_function(DONE)
    note = page.locator("#explorer .note").inner_text()
    assert said in note
    for name, value in shown.items():
        control = page.locator(f"#explorer [name={name}]")
        output = page.locator(f"#explorer output[for=x-{name}]")
        text = output.inner_text() if output.count() else control.input_value()
        assert text == value
    assert page.locator("#explorer .note").is_visible()
    assert not kept.problems()


def test_what_is_typed_falls_back_too(at):
    page = at({**SMALL, **SCALED})
    scale = page.get_by_label("Scale")
    change(page, lambda: scale.fill("2000"))
    assert (
        "scale cannot be “2000”, so it is 100"
        in page.locator("#explorer .note").inner_text()
    )
    assert "VarianceScaling(\n        100," in shown_code(page)
    wait_for_address(
        page, {**SMALL, **SCALED, "activation": "relu", "scale": 100}
    )


def test_a_chapter_can_lead_here_with_a_query_too(tab, server):
    """MkDocs checks that anchors exist, and leaves queries alone."""
    page = tab(SMALL).page
    page.goto(f"{server.url}{NAME}?activation=selu&depth=3")
    page.wait_for_function(DONE)
    assert '"selu"' in shown_code(page)
    assert len(numbers(page)["Layer"]) == 4


def test_an_anchor_of_the_page_is_not_a_state(at):
    page = at({**SMALL, "activation": "selu"})
    before = shown_code(page)
    page.evaluate(GO, "words")
    page.evaluate(FRAMES)
    assert shown_code(page) == before
    assert page.locator("#explorer .note").inner_text() == ""


def test_the_links_above_lead_to_their_networks(at):
    page = at(SMALL)
    links = page.locator("#explorer nav a")
    assert links.count() == 7
    for at in range(7):
        link = links.nth(at)
        change(page, link.click)
        assert link.get_attribute("aria-current") is not None
        assert page.locator("#explorer [aria-current]").count() == 1
        function, drawn = link.inner_text().lower().split(" + ")
        drawn = {"n(0, 1)": "stddev=1)"}.get(drawn, drawn)
        assert f'"{function}"' in shown_code(page)
        assert drawn in shown_code(page).lower()


def test_everything_works_by_keyboard(at):
    page = at({**SMALL, **SCALED})
    page.locator("#explorer nav a").last.focus()
    reached = []
    for _ in range(14):
        page.keyboard.press("Tab")
        _, ring, visible = page.evaluate(FOCUS)
        reached.append(
            page.evaluate(
                "document.activeElement.name || document.activeElement.tagName"
            )
        )
        assert ring, reached
        assert visible, reached
        if reached[-1] == "depth":
            change(page, lambda: page.keyboard.press("End"))
        if reached[-1] == "activation":
            change(page, lambda: page.keyboard.press("t"))
    names = ["initializer", "scale", "mode", "distribution", "activation"]
    names += ["depth", "width", "gain", "seeds", "seed"]
    assert [name for name in reached if name.islower()] == names
    assert "BUTTON" in reached, "copy the code"
    assert "SUMMARY" in reached, "the table"
    wanted = {**SMALL, **SCALED, "activation": "tanh", "depth": 100}
    wait_for_address(page, wanted)
    assert '"tanh"' in shown_code(page)


# What is shown

# The worker's code in the page: second moments and gradient norms, exactly.
EXACT = """(state) => {
  const api = explorerEngine({});
  const plain = {};
  return Array.from({ length: state.seeds }, (_, i) => {
    const { layers, notFinite } = api.network(state, state.seed + i);
    for (const name in layers) layers[name] = [...layers[name]].map(String);
    return { notFinite, ...layers };
  });
}"""
DEFAULTS = {
    "initializer": "glorot_uniform", "stddev": 0.05, "scale": 1,
    "mode": "fan_in", "distribution": "truncated_normal", "gain": 1,
    "activation": "relu", "depth": 30, "width": 128, "batch": 64, "seeds": 5,
    "seed": 0,
}  # fmt: skip
UNIT = {"initializer": "random_normal", "stddev": 1}
STATES = {
    "vanishes": {"depth": 20, "width": 64},
    "shrinks": {"depth": 6, "width": 64},
    "keeps its size": {"initializer": "lecun_normal", "activation": "selu"},
    "grows": {**UNIT, "width": 64, "depth": 2},
    "explodes": {**UNIT, "width": 64, "depth": 5},
    "infinite": {**UNIT, "width": 64, "depth": 55},
    "saturated": {**UNIT, "activation": "sigmoid", "width": 100, "depth": 10},
    "gradient only": {"activation": "sigmoid", "depth": 12, "width": 64},
    "dead": {"width": 4, "depth": 60, "initializer": "he_normal"},
    "alike": {"initializer": "he_normal", "width": 100, "depth": 40},
    "one layer": {"initializer": "he_normal", "depth": 1, "seeds": 1},
    "gradient explodes": {
        "initializer": "orthogonal", "activation": "linear", "gain": 1.4,
        "depth": 20, "width": 32,
    },
}  # fmt: skip


def medians(page, state):
    """Return the medians over the seeds, and where each seed overflows."""
    runs = page.evaluate(EXACT, {**DEFAULTS, **state})
    with np.errstate(invalid="ignore"):
        return {
            name: np.median(
                [[float(v) for v in run[name]] for run in runs], axis=0
            )
            for name in runs[0]
            if name != "notFinite"
        }, [run["notFinite"] for run in runs]


def verb(ratio):
    """Return the bounds of index.md, once more."""
    if not math.isfinite(ratio) or ratio > 100:
        return "explodes"
    if ratio < 1 / 100:
        return "vanishes"
    if ratio < 1 / 10:
        return "shrinks"
    return "grows" if ratio > 10 else "keeps its size"


@pytest.mark.parametrize("name", STATES)
def test_the_sentence_says_what_the_numbers_say(at, name):
    """Networks of 1 to 60 layers; 64 normal inputs, medians of its seeds."""
    state = STATES[name]
    page = at(state)
    said = sentence(page)
    middle, _ = medians(page, state)
    size = np.sqrt(middle["secondMoment"])
    gradient = middle["activationGradient"]
    parts = re.match(
        r"The signal (.+?)[,:].*?(No gradient|The gradient (.+?) on)", said
    )
    assert parts[1] == verb(size[-1] / size[0])
    if 0 < size[-1] < math.inf:
        assert parts[3] == verb(gradient[0] / gradient[-1])
        left = re.search(r"(\S+(?: × 10\S+)?) (?:of it|times)", said)[1]
        assert math.isclose(number(left), size[-1] / size[0], rel_tol=0.35)
        word = "of it is left" if size[-1] < size[0] else "times as large"
        assert f"{left} {word} after" in said
        factor = re.search(r"factor of (\S+)", said)
        if factor and parts[1] in ("vanishes", "shrinks", "grows", "explodes"):
            mean = (size[-1] / size[0]) ** (1 / (len(size) - 1))
            assert math.isclose(float(factor[1]), mean, rel_tol=0.05)
    else:
        assert parts[2] == "No gradient"
        stop = np.argmin((size > 0) & (size < math.inf))
        word = "0" if size[stop] == 0 else "infinite"
        assert f"it is {word} from layer {stop} on" in said
    with np.errstate(invalid="ignore"):
        assert ("Saturated" in said) == bool(
            (middle["saturated"] >= 0.05).any()
        )
        most = np.nan_to_num(middle["dead"]).max()
        assert ("Dead" in said) == (most >= 0.6)
        assert ("as is normal for ReLU" in said) == (0.05 <= most < 0.6)
        assert ("look alike" in said) == bool(middle["cosine"][-1] >= 0.9)
    expected = {
        "infinite": "The signal explodes, by a factor of 5",
        "saturated": "of the outputs of layer 1 sit at an end of the sigmoid",
        "gradient only": "The signal keeps its size",
        "dead": "The signal vanishes",
        "one layer": "after 1 layer.",
    }
    assert expected.get(name, "") in said


def test_overflow_is_marked_where_it_happens(at):
    """60 ReLU layers of 64 units, N(0, 1), 64 normal inputs, five seeds."""
    page = at({**UNIT, "width": 64, "depth": 60})
    _, first = medians(page, {**UNIT, "width": 64, "depth": 60})
    assert all(layer > 40 for layer in first)
    plot = page.locator(SIGNAL)
    mark = f"infinite from layer {min(first)}"
    assert mark in plot.inner_html()
    assert mark in plot.get_attribute("aria-label")
    place = page.evaluate(
        "document.querySelector('[data-plot=signal] path.bad').getBBox().x"
    )
    ticks = page.evaluate(
        "[...document.querySelectorAll('[data-plot=signal] text.middle')]"
        ".map((t) => [Number(t.textContent), Number(t.getAttribute('x'))])"
    )
    layers, places = np.transpose(ticks)
    assert abs(np.interp(place, places, layers) - min(first)) < 0.1
    gradient = page.locator("[data-plot=gradient] > svg")
    assert gradient.text_content() == "∂L/∂h is 0, ∂L/∂W is not a number"
    table = numbers(page)
    assert np.isinf(table["Second moment"][max(first)])
    assert np.isnan(table["Kernel gradient"][-1])
    # Not in all of the seeds: their number is said.
    depth = int(np.median(first))
    go(page, {**UNIT, "width": 64, "depth": depth})
    count = sum(layer <= depth for layer in first)
    said = f"in {count} of 5 seeds" if count < 5 else f"layer {depth}"
    assert said in page.locator(SIGNAL).get_attribute("aria-label")


def test_a_dead_network_is_marked_where_it_dies(at):
    page = at(STATES["dead"])
    size = medians(page, STATES["dead"])[0]["secondMoment"]
    assert size[-1] == 0
    assert re.search(r"\b0 from layer \d+", page.locator(SIGNAL).inner_html())
    assert "∂L/∂h is 0, ∂L/∂W is 0" in sentence(page)


def test_the_table_says_what_the_plots_show(at):
    page = at({**SMALL, "activation": "tanh", "gain": 3})
    table = page.locator("#explorer table")
    page.evaluate("document.querySelector('#explorer details').open = false")
    page.locator("#explorer summary").click()
    assert table.locator("caption").is_visible()
    assert table.locator("thead th[scope=col]").count() == 8
    assert table.locator("tbody th[scope=row]").count() == 6
    state = {**SMALL, "activation": "tanh", "gain": 3}
    middle, _ = medians(page, state)
    shown = numbers(page)
    for head, name in {
        "Second moment": "secondMoment", "Variance": "variance",
        "Activation gradient": "activationGradient", "Cosine": "cosine",
        "Kernel gradient": "kernelGradient", "Saturated": "saturated",
        "Dead": "dead",
    }.items():  # fmt: skip
        assert np.allclose(
            shown[head], middle[name], rtol=0.06, atol=1e-9, equal_nan=True
        ), head
    assert shown["Saturated"][1] > 0.05
    assert np.isnan(shown["Dead"]).all()


def test_a_layer_is_read_off_exactly_by_pointer_and_by_keyboard(at):
    state = {**SMALL, "activation": "tanh", "gain": 3}
    page = at(state)
    middle, _ = medians(page, state)
    output = page.locator("#explorer .reading output")

    def read_off():
        layer, _, rest = output.inner_text().partition(": ")
        parts = [part.partition(" ") for part in rest.split(", ")]
        return int(layer), {name: number(value) for name, _, value in parts}

    def agrees(layer, values):
        for name, key, root in (
            ("size", "secondMoment", True), ("spread", "variance", True),
            ("∂L/∂h", "activationGradient", False),
            ("∂L/∂W", "kernelGradient", False), ("cosine", "cosine", False),
            ("saturated", "saturated", False),
        ):  # fmt: skip
            wanted = middle[key][layer] ** (0.5 if root else 1)
            assert values[name] == pytest.approx(wanted, rel=2e-3), name

    assert read_off()[0] == 5  # the last one, until another is asked for
    agrees(*read_off())
    for plot in ("signal", "cosine"):
        box = page.locator(f"[data-plot={plot}] > svg").bounding_box()
        half = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(*half)
        layer, values = read_off()
        assert 2 <= layer <= 3
        agrees(layer, values)
        assert page.locator("#explorer .cursor").count() == 4
    slider = page.get_by_label("Layer", exact=True)
    slider.press("Home")
    slider.press("ArrowRight")
    layer, values = read_off()
    assert layer == 1
    agrees(layer, values)
    assert slider.get_attribute("aria-valuetext") == output.inner_text()


# Whether a plot is covered or out of view, or the knob is, when one turns it.
BESIDE = """(field) => {
  field.scrollIntoView({block: "center"});
  const wrong = [];
  const {left, top, width, height} = field.getBoundingClientRect();
  const hit = document.elementFromPoint(left + width / 2, top + height / 2);
  if (hit !== field) wrong.push(`${field.name} is covered by ${hit?.tagName}`);
  for (const plot of ["signal", "gradient"]) {
    const svg = document.querySelector(`[data-plot=${plot}] > svg`);
    const box = svg.getBoundingClientRect();
    const at = document.elementFromPoint(
      box.left + box.width / 2, box.top + box.height / 2);
    if (box.bottom > innerHeight || box.top < 0 || !svg.contains(at)) {
      wrong.push(`${field.name}: ${plot} is not in view`);
    }
  }
  return wrong;
}"""


@pytest.mark.parametrize("size", [(390, 844), SIZES["phone"]])
def test_on_a_phone_plots_and_knob_are_in_view_together(tab, size):
    page = tab({**SMALL, **SCALED}, size="phone").page
    page.set_viewport_size({"width": size[0], "height": size[1]})
    fields = page.locator("#explorer form :is(select, input):visible").all()
    assert len(fields) > 8
    wrong = [one for field in fields for one in field.evaluate(BESIDE)]
    assert not wrong


def test_every_plot_is_drawn_for_every_activation(at, kept):
    page = at(SMALL)
    for activation in page.locator("#x-activation option").all():
        value = activation.get_attribute("value")
        go(page, {**SMALL, "activation": value, "seeds": 2})
        for plot in ("signal", "gradient", "cosine", "share", "histograms"):
            svg = page.locator(f"[data-plot={plot}] > svg")
            assert not re.search(r"NaN|undefined|null", svg.inner_html())
            assert svg.get_attribute("aria-label")
        drawn = page.locator(f"{SIGNAL} path:is(.main, .thin, .theory, .band)")
        assert drawn.count() == 5
        assert page.locator("[data-plot=histograms] path.stairs").count() > 3
        stuck = page.locator("[data-plot=share] > svg").text_content()
        has_share = value in ("sigmoid", "tanh", "relu")
        assert ("no end" in stuck) == (not has_share)
    assert not kept.problems()


def test_the_same_address_gives_the_same_numbers(tab):
    """GELU, orthogonal kernels: one address in two tabs, and another seed."""
    state = {**SMALL, "activation": "gelu", "initializer": "orthogonal"}
    svgs = (
        "[...document.querySelectorAll('#explorer figure > svg')]"
        ".map((svg) => svg.innerHTML)"
    )
    first, again = (tab(state).page.evaluate(svgs) for _ in range(2))
    assert first == again
    other = tab({**state, "seed": 1}).page.evaluate(svgs)
    assert first[0] != other[0]


def test_theory_is_beside_the_lines(at):
    page = at({"initializer": "he_normal", "width": 512, "depth": 5})
    heights = page.evaluate(
        "['theory', 'main'].map((kind) => document.querySelector("
        "`[data-plot=signal] path.${kind}`).getAttribute('d')"
        ".split('L').map((p) => Number(p.split(/[ ,]/)[1])))"
    )
    grid = page.evaluate(
        "[...document.querySelectorAll('[data-plot=signal] path.grid')]"
        ".map((p) => p.getBBox().y)"
    )
    theory, main = np.array(heights) / abs(grid[1] - grid[0])
    assert np.abs(theory - main).max() < 0.05  # of a power of ten
    assert np.ptp(theory) < 0.02


# Keras


@pytest.mark.parametrize(
    ("state", "std", "limit"),
    [
        ({}, 1, math.sqrt(3)),
        ({"initializer": "glorot_normal"}, 1, 2.2737),
        ({"initializer": "he_normal"}, math.sqrt(2), 2.2737),
        ({"initializer": "he_uniform", "gain": 2}, 2.828427, math.sqrt(3)),
        ({"initializer": "lecun_normal", "gain": 0.5}, 0.5, 2.2737),
        ({"initializer": "glorot_uniform", "gain": 1.41}, 1.41, math.sqrt(3)),
        ({"initializer": "orthogonal"}, 1, None),
        ({"initializer": "orthogonal", "gain": 1.5}, 1.5, None),
        ({**UNIT, "gain": 0.3}, 0.3 * math.sqrt(128), None),
        (SCALED, math.sqrt(1.7), math.sqrt(3)),
        ({**SCALED, "distribution": "untruncated_normal", "gain": 2},
         2 * math.sqrt(1.7), None),
        ({**SCALED, "distribution": "truncated_normal", "mode": "fan_avg"},
         math.sqrt(1.7), 2.2737),
        ({"activation": "prelu"}, 1, math.sqrt(3)),
        ({"activation": "linear", "seed": 7}, 1, math.sqrt(3)),
    ],
)  # fmt: skip
def test_the_lines_of_keras_build_the_network_that_is_shown(
    at, state, std, limit
):
    """`std` times the root of the width; `limit` in standard deviations."""
    state = {"depth": 3, "width": 128, **state}
    page = at(state)
    code = shown_code(page)
    namespace = {}
    exec(code, namespace)
    model = namespace["model"]
    assert model.input_shape == (None, 128)
    dense = [x for x in model.layers if isinstance(x, keras.layers.Dense)]
    assert len(dense) == 3
    activation = state.get("activation", "relu")
    for layer in dense:
        function = "linear" if activation == "prelu" else activation
        assert layer.activation is keras.activations.get(function)
        assert not np.any(layer.bias)
    others = [x for x in model.layers if x not in dense]
    assert len(others) == (3 if activation == "prelu" else 0)
    assert all(isinstance(x, keras.layers.PReLU) for x in others)
    kernels = np.stack([np.array(layer.kernel) for layer in dense])
    assert not np.allclose(kernels[0], kernels[1]), "an instance each"
    # 3 · 128² draws: the standard deviation is known to 0.4 %.
    for drawn in (kernels, engine_kernels(page, state)):
        spread = drawn.std()
        assert math.isclose(spread * math.sqrt(128), std, rel_tol=0.015)
        if limit:
            assert np.abs(drawn).max() <= limit * std / math.sqrt(128) * 1.001
            assert np.abs(drawn).max() >= limit * spread * 0.97
    if state.get("initializer") == "orthogonal":
        square = kernels[0].T @ kernels[0]
        assert np.allclose(square, std**2 * np.eye(128), atol=1e-4)
    exec(code, again := {})
    same = np.array(again["model"].layers[0].kernel)
    assert np.array_equal(kernels[0], same), "seeded"


def engine_kernels(page, state):
    texts = page.evaluate(
        """(state) => [1, 2, 3].map((layer) => {
          const kernel = explorerEngine({}).kernel(state, state.seed, layer);
          return [...kernel];
        })""",
        {**DEFAULTS, **state},
    )
    return np.reshape(texts, (3, 128, 128))


@pytest.mark.parametrize(
    "activation", ["relu", "tanh", "sigmoid", "selu", "gelu", "prelu"]
)
def test_it_computes_what_keras_computes(at, activation):
    """Six layers of 48 units, one seed: the shown code, 64 normal inputs."""
    state = {"activation": activation, "depth": 6, "width": 48, "seeds": 1}
    page = at(state)
    exec(shown_code(page), namespace := {})
    model = namespace["model"]
    rng = np.random.default_rng(0)
    inputs, arriving = rng.standard_normal((2, 64, 48), dtype="float32")
    arriving /= np.float32(math.sqrt(arriving.size))
    outputs, kernels = [tf.constant(inputs)], []
    with tf.GradientTape() as tape:
        tape.watch(outputs[0])
        for layer in model.layers:
            h = layer(outputs[-1])
            if isinstance(layer, keras.layers.Dense):
                kernels.append(layer.kernel.value)
                outputs.append(h)
            else:
                outputs[-1] = h
    gradients = tape.gradient(
        outputs[-1], outputs + kernels, output_gradients=arriving
    )
    norms = [np.linalg.norm(np.float64(g)) for g in gradients]
    moments = [np.square(np.float64(h)).mean() for h in outputs]
    texts = [
        base64.b64encode(np.float32(a).tobytes()).decode()
        for a in (inputs, arriving, *kernels)
    ]
    shown = page.evaluate(
        """([state, texts]) => {
          const [inputs, gradient, ...kernels] = texts.map((t) =>
            new Float32Array(Uint8Array.from(
              atob(t), (c) => c.charCodeAt(0)).buffer));
          const given = { inputs, gradient, kernels };
          const { layers } = explorerEngine({}).network(
            state, 0, false, given);
          return ["secondMoment", "activationGradient", "kernelGradient"]
            .map((name) => [...layers[name]].map(String));
        }""",
        [{**DEFAULTS, **state}, texts],
    )
    ours = np.array(shown, dtype=float)
    assert np.allclose(ours[0], moments, rtol=1e-5, atol=0)
    assert np.allclose(ours[1], norms[:7], rtol=1e-5, atol=0)
    assert np.allclose(ours[2, 1:], norms[7:], rtol=1e-5, atol=0)


def factor(sizes):
    """Return the mean factor a layer of the median over the first axis."""
    middle = np.median(np.log(sizes), axis=0)
    return math.exp((middle[-1] - middle[0]) / (len(middle) - 1))


def test_the_pictures_agree_with_the_chapters(at, measured):
    """Means over the layers; the tolerances are four errors of ten seeds.

    He and Glorot: at width 100 the log of a size varies by about 0.016 a
    layer from one network of fifty layers to the next.
    """
    deep = measured("initialization", "moments")
    selu = measured("activations", "moments")["selu"]["own"]
    growth = measured("saturation", "growth")["N(0, 1), 300 units"]
    shared = {"depth": 50, "width": 100, "seeds": 10}
    cases = [
        ({"activation": "relu", **shared}, deep["ReLU, Glorot"], 0.02),
        ({"activation": "relu", "initializer": "he_normal", **shared},
         deep["ReLU, He"], 0.02),
        ({"activation": "selu", "initializer": "lecun_normal", **shared},
         selu, 0.01),
    ]  # fmt: skip
    for state, chapter, tolerance in cases:
        table = numbers(at(state))
        size = np.sqrt(table["Second moment"])
        forward = factor(np.sqrt(chapter["forward"]))
        assert abs(factor(size[None]) - forward) < tolerance, state
        backward = factor(np.sqrt(chapter["backward"])[:, ::-1])
        back = table["Activation gradient"][::-1]
        assert abs(factor(back[None]) - backward) < tolerance, state
    state = {**UNIT, "activation": "sigmoid", "width": 300, "depth": 20}
    table = numbers(at(state))
    back = table["Activation gradient"][::-1]
    assert abs(factor(back[None]) - factor(growth[:, ::-1])) < 0.02
    share = measured("saturation", "layers")["N(0, 1), 300 units"]["share"]
    difference = table["Saturated"][1:11] - np.median(share, axis=0)
    assert np.abs(difference).max() < 0.04
    assert abs(difference.mean()) < 0.01


# Quick, small, and for everyone


def test_engine_page_and_style_weigh_at_most_15_kb(site):
    sizes = {
        name: len(gzip.compress((site / "explorer" / name).read_bytes(), 9))
        for name in ("engine.js", "explorer.js", "explorer.css")
    }
    assert sum(sizes.values()) <= 15 * 1024, sizes


def test_no_other_page_loads_the_scripts(site):
    holders = [
        path.relative_to(site).as_posix()
        for path in site.rglob("*.html")
        if re.search(
            r"(?:src|href)=\"[^\"]*(?:engine|explorer)\.(?:js|css)",
            path.read_text("utf-8"),
        )
    ]
    assert holders == [NAME]


# Keeps what the worker is asked and how often the code is written anew.
RECORD = """
  window.posted = 0;
  window.written = 0;
  const send = Worker.prototype.postMessage;
  Worker.prototype.postMessage = function (data) {
    if (data.type === "run") posted++;
    return send.call(this, data);
  };
  addEventListener("load", () => new MutationObserver((records) => {
    written += records.length;
  }).observe(document.querySelector("#explorer pre code"), {childList: true}));
"""


def test_a_touch_is_answered_in_the_next_frame_while_it_computes(tab):
    page = tab({"depth": 100, "width": 512}, wait=False).page
    answers = page.evaluate(
        """async () => {
          const root = document.querySelector("#explorer");
          const slider = document.querySelector("#x-depth");
          const output = document.querySelector("output[for=x-depth]");
          const answers = [];
          for (let depth = 99; depth > 90; depth--) {
            slider.value = depth;
            slider.dispatchEvent(new Event("input", { bubbles: true }));
            await new Promise(requestAnimationFrame); // after the page's own
            const said = getComputedStyle(root, "::after").content;
            const isSaid = said.startsWith('"Computing');
            const isOld = root.matches("[data-old]") || /\\d of/.test(said);
            const isBusy = !root.dataset.done;
            answers.push([output.textContent, isBusy, isSaid, isOld]);
          }
          slider.value = 2; // so that it ends soon
          slider.dispatchEvent(new Event("input", { bubbles: true }));
          await new Promise(requestAnimationFrame);
          return answers;
        }"""
    )
    assert answers == [
        [str(depth), True, True, True] for depth in range(99, 90, -1)
    ]
    page.wait_for_function(DONE)
    said = "getComputedStyle(document.querySelector('#explorer'), '::after')"
    assert page.evaluate(said + ".content") == "none"
    assert not page.locator("#explorer[data-old]").count()


def test_what_is_past_is_dropped(tab, server):
    opened = tab(SMALL)
    page = opened.page
    page.add_init_script(RECORD)
    page.goto(server.url + NAME + "?")
    page.wait_for_function(DONE)
    before, frames, touches = page.evaluate("[posted, written]"), 30, 5
    drag = """async ([frames, touches]) => {
      const slider = document.querySelector("#x-depth");
      for (let depth = 31; depth <= 30 + frames; depth++) {
        for (let i = 0; i < touches; i++) {
          slider.value = depth;
          slider.dispatchEvent(new Event("input", { bubbles: true }));
        }
        await new Promise(requestAnimationFrame);
      }
    }"""
    change(page, lambda: page.evaluate(drag, [frames, touches]))
    posted, written = page.evaluate("[posted, written]") - np.array(before)
    assert 1 <= posted <= frames, "one question a frame at the most"
    assert 1 <= written <= frames, "one reaction a frame, for 5 events"
    assert len(numbers(page)["Layer"]) == 61
    assert "60 layers" in page.locator("#explorer .protocol").inner_text()
    said = sentence(page)
    assert sentence(tab({"depth": 60}).page) == said
    assert not opened.problems()


# Keeps the worker's answers back until a test hands them over.
HELD = """
  window.held = [];
  const Real = Worker;
  window.Worker = class extends Real {
    set onmessage(hear) {
      window.hear = (data) => hear({ data });
      super.onmessage = ({ data }) => held.push(data);
    }
  };
"""


def held(tab, **options):
    """Open a tab that has all answers for three seeds and shows none."""
    opened = tab({"seeds": 3}, wait=False, **options)
    opened.page.add_init_script(HELD)
    opened.page.reload()
    opened.page.wait_for_function(
        "() => held.some(({ type }) => type === 'done')"
    )
    return opened


def test_an_answer_that_comes_too_late_is_ignored(tab):
    opened = held(tab)
    page = opened.page
    page.evaluate("held.splice(0).forEach(hear)")
    page.wait_for_function(DONE)
    before = page.locator("#explorer tbody").inner_html()
    page.evaluate(
        """() => hear({
          type: "seed", id: 0, index: 0, seed: 0, notFinite: 3,
          layers: {}, histograms: [] })"""
    )
    page.evaluate(FRAMES)
    assert page.locator("#explorer tbody").inner_html() == before
    assert not opened.problems()


def test_it_asks_nobody_else(tab):
    """All requests of the page, from its opening to its first numbers."""
    opened = tab()
    assert not opened.problems()
    asked = [path for path in opened.paths() if path.startswith("explorer/")]
    names = ["index.html", "explorer.css", "engine.js", "explorer.js"]
    assert sorted(asked) == sorted(f"explorer/{name}" for name in names)


@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing(tab, size):
    assert "wcag2aa" in RULES
    page = tab(SMALL, "light", size).page
    page.locator("#explorer summary").click()
    for state in (
        {"seeds": 2},
        {**UNIT, "depth": 60, "width": 64, "colour": "red"},
        {**SMALL, **SCALED, "activation": "sigmoid"},
    ):
        go(page, state)
        assert not page.evaluate(TOO_WIDE)
        for palette, scheme in PALETTES.items():
            page.emulate_media(color_scheme=palette)
            page.locator(f"body[data-md-color-scheme={scheme}]").wait_for()
            assert not violations(page, palette)


def test_the_sentence_is_announced_once_it_is_final(tab):
    page = held(tab).page
    box = page.locator(VERDICT)
    assert box.get_attribute("aria-live") == "polite"
    *early, done = page.evaluate("held.map(({ type }) => type)")
    assert (early[0], early[-1], done) == ("theory", "seed", "done")
    for _ in early:
        page.evaluate("hear(held.shift())")
        page.evaluate(FRAMES)
        assert box.get_attribute("aria-busy") == "true"
    page.evaluate("hear(held.shift())")
    page.evaluate(FRAMES)
    assert box.get_attribute("aria-busy") == "false"
    page.evaluate(GO, "depth=31")
    assert box.get_attribute("aria-busy") == "true"


# The parts that cannot be seen whole once the explorer is scrolled to.
NOT_IN_VIEW = """(parts) => {
  const root = document.querySelector("#explorer");
  const header = document.querySelector(".md-header").offsetHeight;
  scrollTo(0, scrollY + root.getBoundingClientRect().top - header);
  return parts.filter((part) => {
    const { top, bottom } = root.querySelector(part).getBoundingClientRect();
    return top < header - 1 || bottom > innerHeight + 1;
  });
}"""
PARTS = [
    "form", ".verdict", "[data-plot=signal]", "[data-plot=gradient]",
    "[data-plot=cosine]", "[data-plot=share]", ".code",
]  # fmt: skip


def test_controls_plots_sentence_and_code_are_on_one_screen(at):
    for state in (
        {**UNIT, "activation": "sigmoid", "width": 300},
        {**UNIT, "activation": "prelu", "width": 64, "depth": 60},
        {**SMALL, **SCALED, "gain": 1.5},
    ):
        assert not at(state).evaluate(NOT_IN_VIEW, PARTS)


def test_less_motion_means_fewer_pictures(tab):
    # After each message of the worker: how many pictures are new?
    pictures = """async () => {
      const drawn = [];
      const svg = document.querySelector("[data-plot=signal] > svg");
      new MutationObserver(() => drawn.push(drawn.pop() + 1))
        .observe(svg, { childList: true });
      for (const data of held.splice(0)) {
        drawn.push(0);
        hear(data);
        for (let frame = 0; frame < 4; frame++) {
          await new Promise(requestAnimationFrame);
        }
      }
      return drawn;
    }"""
    for motion, wanted in {
        "reduce": [0, 1, 0, 0, 1],  # theory, three seeds, the end
        "no-preference": [0, 1, 1, 1, 1],
    }.items():
        page = held(tab, reduced_motion=motion).page
        assert page.evaluate(pictures) == wanted


def test_paper_gets_the_sentence_and_the_plots(tab):
    page = tab(SMALL, "dark").page
    page.emulate_media(media="print")
    assert not page.locator("#explorer form").is_visible()
    assert page.locator(VERDICT).is_visible()
    assert page.locator(SIGNAL).is_visible()
    assert page.locator("#explorer .protocol").is_visible()


def test_the_code_can_be_copied(tab):
    opened = tab(SMALL, permissions=["clipboard-read", "clipboard-write"])
    page = opened.page
    change(page, lambda: page.get_by_label("Activation").select_option("elu"))
    page.locator("#explorer .code button").first.click()
    page.wait_for_function(
        """async () => {
          const code = document.querySelector("#explorer pre code").innerText;
          const copied = await navigator.clipboard.readText();
          return copied.trim() === code.trim();
        }"""
    )
    assert '"elu"' in page.evaluate("navigator.clipboard.readText()")


def test_it_works_from_the_disk(tab, site):
    opened = tab(SMALL)
    place = (site / NAME).as_uri()
    page = opened.open(f"{place}#activation=selu&depth=4")
    page.wait_for_function(DONE)
    assert len(numbers(page)["Layer"]) == 5
    slider = page.get_by_label("Depth, in layers")
    change(page, lambda: slider.press("ArrowRight"))
    state = {"initializer": "glorot_uniform", "activation": "selu"}
    wait_for_address(page, {**state, "depth": 5, "width": 128})
    assert not opened.problems()


def test_without_javascript_there_is_a_figure_and_a_chapter(tab):
    page = tab(wait=False, java_script_enabled=False).page
    assert page.locator("article figure img").first.is_visible()
    link = page.locator("noscript a[href$='chapters/initialization.html']")
    assert link.is_visible()
    assert page.locator("form[aria-label='The network']").count() == 0
