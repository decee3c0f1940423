"""What the copy buttons give runs in a Python prompt, in an empty folder.

Each time it is looked at: whether a prompt takes each text, line by line, and
what it needs from above; the pages' own test runs the same code. With WEEKLY=1
it is pasted: of each page all blocks one after the other, which is what "copy
everything up to here" gives, and each block by itself that does not say that it
continues from above.
"""

import codeop
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from sitegen import ROOT, isolation, keys, paste
from sitegen.blocks import blocks

PROMPT = Path(__file__).with_name("prompt.py")
SECONDS = 1800
# Empty lines within classes and functions, which a prompt takes for their end:
# these are downloaded. To change those of the atlas would make its table void.
SAVED = {
    "batched_runs.py", "before_nan.py", "places.py", "remembering.py",
    "sequence_checks.py", "small_transformer.py", "verdicts.py",
    "where_nan.py", "why_apart.py", "why_same.py",
}  # fmt: skip


@cache
def found(page):
    text = (ROOT / page).read_text("utf-8")
    return list(blocks(text, page, ROOT / "snippets"))


PAGES = [
    name
    for path in sorted((ROOT / "docs").rglob("*.md"))
    if found(name := path.relative_to(ROOT).as_posix())
]


def sessions(page):
    """Return the texts that are pasted, by the number of their first block."""
    texts = [
        f"exec({paste.copied(block)!r})"
        if block.title in SAVED
        else paste.copied(block)
        for block in found(page)
    ]
    alone = [
        (at, [texts[at]])
        for at, needs in enumerate(paste.continues(found(page)))
        if at and not needs
    ]
    return [(0, texts), *alone]


def complaints(all_texts, page=""):
    """Return what the prompts said of each list of texts.

    What the page gives to download lies in the folder.
    """
    given = keys.downloads(ROOT, Path(page).stem)
    files = {path.name: path.read_text("utf-8") for path in given}
    done = subprocess.run(
        [sys.executable, "-P", str(PROMPT)],
        input=json.dumps([files, all_texts]),
        env=isolation.environment(),
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def problems(page):
    """Return which blocks of a page do not run when they are pasted."""
    starts, texts = zip(*sessions(page), strict=True)
    return [
        f"{page}:{found(page)[start + at].line}: pasted "
        f"{'below the others' if len(texts[n]) > 1 else 'alone'}: {said[-600:]}"
        for n, (start, said_of) in enumerate(
            zip(starts, complaints(texts, page), strict=True)
        )
        for at, said in said_of
        if not found(page)[start + at].raises
        and "No such file or directory: 'snippets/" not in said  # of a clone
    ]


@pytest.mark.skipif(not os.environ.get("WEEKLY"), reason="takes minutes")
@pytest.mark.parametrize("page", PAGES)
def test_what_is_copied_runs_where_it_is_pasted(page):
    wrong = problems(page)
    if wrong:
        pytest.fail("\n".join(wrong), pytrace=False)


def test_the_prompt_complains_of_what_does_not_run():
    told = complaints(
        [
            ["a = 1\n", "print(a)\n", "print(b)\n"],
            ["print(a)\n"],  # nothing is left of another session
            ["def f():\n    a = 1\n\n    return a\n"],
            ["for i in range(3):\n    pass\nprint(i)\n"],
            ["f = (1,\n"],
            ["import prompt\n"],
        ]
    )
    assert [[at for at, _ in each] for each in told] == [
        *([2], [0], [0], [0], [0], [0]),
    ]
    assert "NameError" in told[0][0][1]
    assert "IndentationError" in told[2][0][1]


def test_what_is_copied_is_whole_at_each_line():
    """A prompt wants an empty line after what is indented. Nothing is run."""
    wrong = []
    for page in PAGES:
        for block in found(page):
            if block.title in SAVED:
                continue
            lines: list[str] = []
            for line in [*paste.copied(block).splitlines(), ""]:
                lines.append(line)
                try:
                    is_whole = codeop.compile_command("\n".join(lines))
                except SyntaxError as error:
                    wrong.append(f"{page}:{block.line}: {error} at {line!r}")
                    is_whole = True
                if is_whole:
                    lines.clear()
            if any(lines):
                wrong.append(f"{page}:{block.line}: it waits for more")
    assert not wrong, (
        "\n".join(wrong) + "\nEnd what is indented with a line `...`, and"
        " leave no empty line in it"
    )


def test_what_a_block_needs_is_seen():
    def needs(code):
        wanted, _ = paste.names(code)
        return wanted

    assert needs("import numpy as np\nx = np.ones(3)\nprint(x)") == set()
    assert needs("x = f(x)") == {"f", "x"}
    assert needs("def f():\n    return g()\ndef g():\n    return h()") == {"h"}
    assert needs("for i in range(2):\n    print(i, n)") == {"n"}
    assert needs("def f(a):\n    return [b * a for b in a]\nf(c)") == {"c"}
    assert needs("def f() -> Any: ...") == {"Any"}
    assert needs("class A(B):\n    c = 1\n    def d(self): return e") == {
        *("B", "e")
    }
