"""What becomes of a page: its blocks, claims, images and notebook."""

import base64
import json
import re
from pathlib import Path

import markdown
import nbformat
import pytest

from sitegen import figures, style
from sitegen.blocks import BlockError, blocks
from sitegen.claims import ClaimError, checks, contents, dress
from sitegen.figures import FigureError
from sitegen.notebooks import notebook, travelling

ROOT = Path(__file__).parents[2]
CHAPTERS = sorted((ROOT / "docs/chapters").glob("*.md"))

FENCE = "```{}\nx = 1\n```\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (FENCE.format("py"), 3),
        (FENCE.format("python3"), 3),
        (FENCE.format("{.python}"), 3),
        (FENCE.format("pycon"), 3),
        (FENCE.format(""), 3),
        (FENCE.format("python hl_lines='1'"), 3),
        ("```python\nx = 1\n", 3),
        ("~~~python\nx = 1\n```\n", 3),
        ("    >>> 1 + 1\n    3\n", 3),
        (">>> 1 + 1\n3\n", 3),
        ("\t```python\n\tx = 1\n\t```\n", 3),
        ("> ```python\n> x = 1\n> ```\n", 3),
        ("text\n\n> >>> 1 + 1\n", 5),
    ],
)
def test_code_that_no_test_would_run_is_refused_by_its_line(text, line):
    with pytest.raises(BlockError, match=rf"^docs/a\.md:{line}: "):
        list(blocks(f"# A\n\n{text}", "docs/a.md", ROOT / "snippets"))


@pytest.mark.parametrize(
    "include", ["x/gone.py", "../secret.py", "x/../../secret.py", "/etc/passwd"]
)
def test_an_include_that_is_missing_or_outside_is_refused(tmp_path, include):
    (tmp_path / "snippets/x").mkdir(parents=True)
    (tmp_path / "secret.py").write_text("secret")
    text = f'# A\n\n```python\n--8<-- "{include}"\n```\n'
    with pytest.raises(
        BlockError, match=r"^docs/a\.md:4: .*could not be found"
    ):
        list(blocks(text, "docs/a.md", tmp_path / "snippets"))


PAGE = """# A

A fact.[✓](#test_one) And `[✓](#test_code)`, `a [✓](#test_code)` in code.

```python title="value.py"
--8<-- "x/value.py"
```

- Again.[✓](#test_one) Another.[✓](#test_two)

    ```python
    >>> 1 + 1
    2
    >>> x = 3
    ```

```text
[✓](#test_code)
```

![Alt](../figures/x/a.svg "Caption.")
"""


@pytest.fixture
def page_project(tmp_path):
    for name, text in {
        "snippets/x/value.py": "y = 2\n",
        "tests/claims/test_a.py": "def test_one():\n    assert 1\n\n\n"
        "def test_two():\n    assert 2\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_what_a_page_holds_is_counted(page_project):
    found = contents(PAGE, "docs/a.md", page_project)
    assert [block.code.strip() for block in found.blocks] == [
        "y = 2",
        ">>> 1 + 1\n2\n>>> x = 3",
    ]
    assert [block.line for block in found.blocks] == [6, 12]
    assert found.blocks[0].listing == page_project / "snippets/x/value.py"
    assert (found.listings, found.outputs, found.figures) == (1, 1, 1)
    assert (found.marks, list(found.claims)) == (3, ["test_one", "test_two"])
    assert found.claims["test_two"] == "def test_two():\n    assert 2"


def test_marks_lead_to_tests_and_code_stays_as_it_is(page_project):
    found = contents(PAGE, "docs/a.md", page_project)
    dressed = dress(PAGE, "docs/x/a.md", found, notebook=True)
    assert dressed.count('<a href="../checks/a.html#test_one"') == 2
    assert dressed.count('<a href="../checks/a.html#test_two"') == 1
    assert dressed.count('id="test_one"') == dressed.count('id="test_two"') == 1
    assert dressed.count("[✓](#test_code)") == PAGE.count("[✓](#test_code)")
    assert "4 checked claims</a><span>1 figure</span>" in dressed
    assert ": 2 tests, 1 printed output, 1 listing. <a " in dressed
    assert "def test_two" not in dressed  # it would weigh 2 KB a page


def test_the_tests_of_a_page_are_on_a_page_of_their_own(page_project):
    tests = page_project / "tests/claims/test_a.py"
    tests.write_text(
        tests.read_text() + '\n\n@cases("<1>")\ndef test_three():\n'
        '    """Costs 5 $ & more.\n\n    Two.\n    """\n    assert 3\n'
    )
    text = f"---\ntitle: A\n---\n{PAGE}\nAgain.[✓](#test_three)\n"
    shown = checks(text, "docs/chapters/a.md", page_project)
    assert '<a href="../chapters/a.html">A</a>' in shown
    for test in ("one", "two", "three"):
        assert shown.count(f"## {test.capitalize()} {{#test_{test}}}") == 1
    assert "<p>Costs 5 &#36; &amp; more.</p>\n\n<p>Two.</p>" in shown
    code = '@cases("<1>")\ndef test_three():\n    assert 3\n'
    assert f"````python\n{code}````" in shown
    assert checks("# A\n", "docs/a.md", page_project) is None


def test_a_claim_without_a_test_is_refused_by_its_line(page_project):
    text = PAGE.replace("(#test_two)", "(#test_three)")
    with pytest.raises(ClaimError) as error:
        contents(text, "docs/a.md", page_project, skipped_lines=5)
    assert str(error.value).startswith(
        "docs/a.md:14: there is no test_three in tests/claims/test_a.py"
    )


@pytest.fixture
def render(tmp_path, monkeypatch):
    folder = tmp_path / "figures/x"
    folder.mkdir(parents=True)
    with style.in_style("x/a"):
        figure, ax = style.plt.subplots()
        ax.set(xlabel="x", ylabel="y")
        for variant, svg in style.variants(figure, "plot_a").items():
            (folder / f"a{variant}.svg").write_text(svg)
    monkeypatch.setattr(figures, "DRAWN", tmp_path)
    extensions = ["attr_list", "sitegen.figures"]
    return lambda text: markdown.markdown(text, extensions=extensions)


def test_an_image_becomes_a_figure_for_both_palettes_and_for_phones(render):
    html = render('![A line.](../figures/x/a.svg "Head. The rest.")')
    assert html.startswith('<figure class="figure" id="figure-a"><picture>')
    for palette in ("light", "dark"):
        assert f'src="../figures/x/a-{palette}.svg#only-{palette}"' in html
        assert f'srcset="../figures/x/a-phone-{palette}.svg"' in html
    assert html.count('alt="A line."') == html.count('loading="lazy"') == 2
    assert html.count('height="336"') == html.count('width="701"') == 2
    assert "<strong>Head.</strong> The rest.<a " in html
    assert 'href="../figures/x/a-light.svg">Enlarge</a>' in html
    assert 'href="#figure-a"' in html


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('![A](figures/x/b.svg "C")', "figures/x/b-phone-light.svg has not"),
        ("![A](figures/x/a.svg)", "figures/x/a.svg: a figure needs a text"),
        ('![](figures/x/a.svg "C")', "figures/x/a.svg: a figure needs a text"),
        ('![A $x$](figures/x/a.svg "C")', "figures/x/a.svg: no formula"),
        ('![A](figures/x/a.svg "C $x$")', "figures/x/a.svg: no formula"),
        ('Text ![A](figures/x/a.svg "C")', "figures/x/a.svg: a figure stands"),
    ],
)
def test_an_image_that_cannot_be_a_figure_is_refused(render, text, message):
    with pytest.raises(FigureError) as error:
        render(text)
    assert str(error.value).startswith(message)


HERE = "http://h/chapters/x.html"
SESSION = """---
title: A
---
# A

[b](b.md#c) [d](#e) [f](../f.md) [g](../labs/g.ipynb)

![Alt.](../figures/x/a.svg "Head. Rest.")

/// details | Solution
Words.

```python
>>> import numpy as np
>>> a = 1
>>> print(a)
1
>>> for b in range(2):
...     print(b)
0
1
>>> a + 1
2
>>> 1 / 0
Traceback (most recent call last):
ZeroDivisionError: division by zero
```
///

After.
"""


def test_a_notebook_travels_alone(tmp_path):
    page = tmp_path / "a.md"
    page.write_text(SESSION)
    title, install, *cells = json.loads(
        notebook(page, tmp_path, HERE, {"x/a": "<svg>x/a</svg>"})
    )["cells"]
    head, figure = title["source"].split("\n\n![")
    assert head == (
        "# A\n\n[b](http://h/chapters/b.html#c) [d](http://h/chapters/x.html#e)"
        " [f](http://h/f.html) [g](http://h/labs/g.html)"
    )
    assert figure == "Alt.](attachment:a.svg)\n\n*Head. Rest.*"
    image = title["attachments"]["a.svg"]["image/svg+xml"]
    assert base64.b64decode(image) == b"<svg>x/a</svg>"
    assert install["source"] == '%pip install --quiet "numpy"'
    solution, *code, after = cells
    assert solution["source"] == (
        "<details><summary>Solution</summary>\n\nWords.\n\n</details>"
    )
    assert all(c["metadata"]["jupyter"]["source_hidden"] for c in code)
    assert [(c["source"], len(c["outputs"])) for c in code] == [
        (
            "import numpy as np\na = 1\nprint(a)\nfor b in range(2):\n    print(b)",  # noqa: E501
            1,
        ),
        ("a + 1", 1),
        ("1 / 0", 1),
    ]
    assert code[0]["outputs"][0]["text"] == "1\n0\n1\n"
    assert code[2]["metadata"]["tags"] == ["raises-exception"]
    assert after["source"] == "After."


def test_a_lab_travels_too():
    prose = {"cell_type": "markdown", "metadata": {}}
    code = {"cell_type": "code", "metadata": {"tags": ["fold"]}, "outputs": []}
    cells = [
        prose | {"source": ["# A\n", "[b](../b.md)"]},
        code | {"source": "import keras\n%config a.b = 1"},
    ]
    text = json.dumps({"cells": cells})
    title, install, code = json.loads(travelling(text, HERE))["cells"]
    assert title["source"] == "# A\n[b](http://h/b.html)"
    assert "keras" in install["source"]
    assert "tensorflow" in install["source"]
    assert code["metadata"]["jupyter"]["source_hidden"]


@pytest.mark.parametrize("page", CHAPTERS, ids=lambda page: page.stem)
def test_a_chapters_notebook_is_valid_and_holds_the_pages_blocks(page):
    book = nbformat.from_dict(
        json.loads(notebook(page, ROOT / "snippets", HERE, {}))
    )
    nbformat.validate(book)
    expected, outputs = [], []
    for block in blocks(page.read_text(), page.name, ROOT / "snippets"):
        examples = block.examples()
        sources = [e.source for e in examples] or [block.code]
        expected += [source.strip("\n") for source in sources]
        outputs += [e.want.strip("\n") for e in examples if e.want]
    first, *code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert first.source.startswith('%pip install --quiet "keras>=3')
    assert "tensorflow" in first.source
    assert [line for cell in code for line in cell.source.split("\n")] == [
        line for source in expected for line in source.split("\n")
    ]
    assert "\n".join(
        (out.get("text") or out.data["text/plain"]).strip("\n")
        for cell in code
        for out in cell.outputs
    ) == "\n".join(outputs)
    prose = "".join(c.source for c in book.cells if c.cell_type == "markdown")
    assert "[✓]" not in prose
    assert "\n///" not in prose
    assert "```" not in prose
    pictures = re.findall(r"!\[.+\]\(attachment:(.+?)\)", prose)
    assert pictures
    assert pictures == [
        name for c in book.cells for name in c.get("attachments", ())
    ]
    links = re.findall(r"\]\((?!attachment:)(.+?)\)", prose)
    assert all(re.match("https?://", link) for link in links), links
    ours = [link for link in links if link.startswith("http://h/")]
    assert not [link for link in ours if re.search(r"\.(md|ipynb)\b", link)]
    text = page.read_text("utf-8")
    solutions = text.count("/// details | Solution")
    hidden = sum("jupyter" in cell.metadata for cell in code)
    assert prose.count("<summary>Solution<") + hidden >= solutions > 0
    assert prose.count("<details>") == prose.count("</details>")
