"""What becomes of a page: its blocks, claims, images and notebook."""

import doctest
import json
from pathlib import Path

import markdown
import nbformat
import pytest

from sitegen import figures, style
from sitegen.blocks import BlockError, blocks
from sitegen.claims import ClaimError, checks, contents, dress
from sitegen.figures import FigureError
from sitegen.notebooks import notebook

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


@pytest.mark.parametrize("page", CHAPTERS, ids=lambda page: page.stem)
def test_a_chapters_notebook_is_valid_and_holds_the_pages_blocks(page):
    book = nbformat.from_dict(
        json.loads(notebook(page, ROOT / "snippets", "http://h/x.html"))
    )
    nbformat.validate(book)
    expected = []
    for block in blocks(page.read_text(), page.name, ROOT / "snippets"):
        if block.doctest:
            expected += [
                (example.source.strip(), example.want.strip())
                for example in doctest.DocTestParser().get_examples(block.code)
            ]
        else:
            expected.append((block.code.strip(), ""))
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert [
        (cell.source, "".join(o.data["text/plain"] for o in cell.outputs))
        for cell in code
    ] == expected
    prose = "".join(c.source for c in book.cells if c.cell_type == "markdown")
    assert "[✓]" not in prose
    assert "\n///" not in prose
    assert "```" not in prose
