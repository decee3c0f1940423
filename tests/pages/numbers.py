"""Which numbers stand on a page, and what shows each of them.

A decimal in the prose is shown by the claim marked in its paragraph, or by
code or output next to the paragraph. A number in a figure's alternative text
or caption is shown by the test of that figure, or it belongs to the protocol
of the measurement that is drawn. What shows a number has it as a number, in
its syntax tree, not somewhere in its text.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from sitegen import keys
from sitegen.blocks import FENCE, Block, blocks
from sitegen.claims import CLAIM, CODE

ROOT = Path(__file__).parents[2]
SNIPPETS = ROOT / "snippets"
IMAGE = re.compile(r'!\[(?P<alt>.*?)\]\((?P<src>[^ )]+)(?: "(?P<title>.*)")?\)')
NUMBER = re.compile(r"(?<![\w.²])\d[\d,]*(?:\.\d+)?(?![\w²]|\.\d)")
DECIMAL = re.compile(r"(?<![\w.])\d+\.\d+(?![\w.]*\d)")
# Names, and no numbers that anything has to show.
DISTRIBUTION = re.compile(r"\bN\([^)]*\)|mathcal\{N\}\([^)]*\)|ln 10")
VERSION = re.compile(r"\b(?:Keras|TensorFlow|Python) \d+\.\d+")
LINK = re.compile(r"\]\([^)]*\)")
ONES = (
    "two three four five six seven eight nine ten eleven twelve thirteen "
    "fourteen fifteen sixteen seventeen eighteen nineteen twenty"
)
WORDS: dict[str, float] = {word: at for at, word in enumerate(ONES.split(), 2)}
WORDS |= {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60}
WORDS |= {"half": 0.5, "quarter": 0.25, "¼": 0.25, "½": 0.5}
WORDS |= {"tenth": 0.1, "hundredth": 0.01, "thousandth": 1e-3}
WORDS |= {"millionth": 1e-6, "hundred-millionth": 1e-8}
WORDS |= {"hundredfold": 100, "ten million": 1e7}
WORD = re.compile(
    "|".join(
        rf"(?<![\w-]){word}(?![\w-])"
        for word in sorted(WORDS, key=len, reverse=True)
    )
)


@dataclass(frozen=True)
class Place:
    """A number where it stands, and what should show it."""

    page: str
    line: int
    text: str
    value: float
    shown_by: str
    evidence: frozenset[float]

    @property
    def is_shown(self) -> bool:
        """Say whether it is a number of its evidence, as far as written."""
        digits = len(self.text.partition(".")[2]) if "." in self.text else 9
        near = max(0.5 * 10**-digits, abs(self.value) * 1e-9) * 1.000001
        return any(
            abs(known * unit - self.value) <= near
            for known in self.evidence
            for unit in (1, 100)  # 18 % is .18 in code
        )

    def __str__(self) -> str:
        return (
            f"{self.page}:{self.line}: nothing shows the {self.text}: "
            f"{self.shown_by}"
        )


@cache
def tree_of(path: Path) -> keys.Module:
    """Return a source file, parsed."""
    return keys.Module(path, path.read_text("utf-8"))


def literals(*nodes: ast.AST) -> set[float]:
    """Return the numbers in code, those in its texts and comments not."""
    found = set()
    for node in nodes:
        for part in ast.walk(node):
            if isinstance(part, ast.Constant):
                if isinstance(part.value, int | float):
                    found.add(float(part.value))
                elif isinstance(part.value, str):
                    found |= quoted(part.value)
            elif isinstance(part, ast.BinOp):  # 10**-8.5, 1 / 3
                try:
                    value = eval(
                        compile(ast.Expression(part), "", "eval"),
                        {"__builtins__": {}},
                    )
                except Exception:  # it is not a number alone
                    continue
                if isinstance(value, int | float):
                    found.add(float(value))
    return found


def quoted(text: str) -> set[float]:
    """Return the numbers in a text."""
    return {
        float(number) for number in re.findall(r"\d*\.?\d+(?:e-?\d+)?", text)
    }


def of_measurement(slug: str, name: str) -> set[float]:
    """Return the numbers in the code of a measurement: its protocol.

    Its own, what it uses in `figures.py`, and the listings which that
    imports, without the ways of drawing.
    """
    path = keys.figures_file(ROOT, slug)
    if not path.is_file() or f"measure_{name}" not in tree_of(path).named:
        return set()
    seen: dict[Path, str] = {}
    nodes = tree_of(path).reached_from(f"measure_{name}")
    for node in nodes:
        keys._follow(ROOT, path, node, seen)
    return literals(*nodes, *(tree_of(file).tree for file in seen))


@cache
def of_test(path: Path, name: str) -> frozenset[float]:
    """Return the numbers of a test, with those of what it measures."""
    if not path.is_file() or name not in tree_of(path).named:
        return frozenset()
    reached = tree_of(path).reached_from(name)
    found = literals(*reached)
    for node in reached:
        for part in ast.walk(node):
            if (
                isinstance(part, ast.Call)
                and isinstance(part.func, ast.Name)
                and part.func.id == "measured"
                and all(isinstance(a, ast.Constant) for a in part.args)
            ):
                found |= of_measurement(*(str(a.value) for a in part.args))  # type: ignore[attr-defined]
    return frozenset(found)


@cache
def tests_of_figure(slug: str, name: str) -> frozenset[float]:
    """Return the numbers of the tests that look at a figure, and its data's."""
    path = ROOT / f"tests/claims/test_{slug}.py"
    found: set[float] = set()
    for test, nodes in tree_of(path).named.items():
        if test.startswith("test_") and f'drawn("{slug}", "{name}"' in (
            ast.unparse(nodes[-1]).replace("'", '"')
        ):
            found |= of_test(path, test)
    for data in keys.jobs(ROOT, slug)[1].get(name, []):
        found |= of_measurement(slug, data)
    return frozenset(found)


def numbers_in(text: str) -> Iterator[tuple[str, float]]:
    """Yield the numbers of a text for people, and what they are."""
    text = DISTRIBUTION.sub(lambda m: " " * len(m[0]), text)
    for match in NUMBER.finditer(text):
        yield match[0], float(match[0].replace(",", ""))
    for match in WORD.finditer(text.lower()):
        yield match[0], float(WORDS[match[0]])


def in_figures(page: Path) -> Iterator[Place]:
    """Yield the numbers of the alternative texts and captions of a page."""
    text = page.read_text("utf-8")
    named = page.relative_to(ROOT).as_posix()
    prose = CODE.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)
    for image in IMAGE.finditer(prose):
        parts = Path(image["src"]).with_suffix("").parts[-3:]
        if parts[0] != "figures":
            continue
        slug, name = parts[1:]
        evidence = tests_of_figure(slug, name)
        line = text.count("\n", 0, image.start()) + 1
        for words in (image["alt"], image["title"]):
            for number, value in numbers_in(words):
                yield Place(
                    named, line, number, value,
                    f"assert it in the test of {slug}/{name} in "
                    f"tests/claims/test_{slug}.py", evidence,
                )  # fmt: skip


class Part(NamedTuple):
    """What empty lines part on a page: its place, its text, its code."""

    start: int
    text: str
    code: list[Block]


def _parts(text: str, named: str) -> list[Part]:
    """Return the parts of a page.

    Code is blank in the text. Lines that only fold or dress are left out.
    """
    found = list(blocks(text, named, SNIPPETS))
    prose = list(text)
    for fence in FENCE.finditer(text):
        for at in range(fence.start(), fence.end()):
            if prose[at] != "\n":
                prose[at] = "\0"
    prose = "".join(prose)
    parts = []
    for part in re.finditer(r"(?:.*\S.*\n?)+", prose):
        inside = [b for b in found if part.start() <= b.start < part.end()]
        words = re.sub(r"\0|^/{3,}.*$", "", part[0], flags=re.MULTILINE)
        if inside or words.strip():
            words = part[0].replace("\0", " ")
            parts.append(Part(part.start(), words, inside))
    return parts


def _evidence(parts: list[Part], at: int, tests: Path) -> frozenset[float]:
    """Return the numbers of what shows a paragraph's: see `in_prose`."""
    found = _shown_in(parts[at], tests)["claim"]
    for step in (-1, 1):
        nearest: dict[str, set[float]] = {}
        there = at + step
        while 0 <= there < len(parts) and not parts[there].text.startswith("#"):
            here = _shown_in(parts[there], tests)
            before = parts[there - step]
            for kind, numbers in here.items():
                in_a_row = kind == "code" and before.code
                if numbers and (kind not in nearest or in_a_row):
                    nearest.setdefault(kind, set()).update(numbers)
            there += step
        found |= set().union(*nearest.values())
    return frozenset(found)


def _shown_in(part: Part, tests: Path) -> dict[str, set[float]]:
    """Return the numbers that one part shows, by the kind of what shows."""
    figures = [
        tests_of_figure(*Path(image["src"]).with_suffix("").parts[-2:])
        for image in IMAGE.finditer(part.text)
        if "figures/" in image["src"]
    ]
    claims = [of_test(tests, name) for name in CLAIM.findall(part.text)]
    return {
        "claim": set().union(*claims),
        "code": set().union(*(quoted(block.code) for block in part.code)),
        "figure": set().union(*figures),
    }


def in_prose(page: Path) -> Iterator[Place]:
    """Yield the decimals of a page's prose, with what should show each.

    That is the claim, the code and the figure of its paragraph, and the
    nearest of each above and below, no further than to a headline.
    """
    text = page.read_text("utf-8")
    named = page.relative_to(ROOT).as_posix()
    slug = page.parent.name if page.stem == "index" else page.stem
    tests = ROOT / f"tests/claims/test_{slug}.py"
    front = len(re.match(r"(---\n.*?\n---\n)?", text, re.DOTALL)[0])  # type: ignore[index]
    end = text.find("\n## References")
    parts = _parts(text, named)
    for at, part in enumerate(parts):
        if part.start < front or (0 < end < part.start):
            continue
        words = part.text
        for hidden in (IMAGE, LINK, DISTRIBUTION, VERSION):
            words = hidden.sub(lambda m: " " * len(m[0]), words)
        for match in DECIMAL.finditer(words):
            yield Place(
                named,
                text.count("\n", 0, part.start + match.start()) + 1,
                match[0],
                float(match[0]),
                "assert it in the test whose mark stands there, or print it "
                "next to it",
                _evidence(parts, at, tests),
            )
