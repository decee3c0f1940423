"""List the sentences that allow no exception: each is false until attacked.

`python -m tests.pages.absolutes` prints page and sentence. Before one of
them is published the strongest alternative is tried: Adam, a bias, a larger
variance, a lower rate, another width, another input scale, other seeds.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from sitegen.claims import CODE

DOCS = Path(__file__).parents[2] / "docs"
WORD = re.compile(
    r"\b(no|none|never|nothing|nobody|only|every|always|cannot|must)\b", re.I
)
IMAGE = re.compile(r"^!\[.*\]\(.*\)$", re.MULTILINE)
LINK = re.compile(r"\]\([^ )]*(?: \"[^\"]*\")?\)|\]\[\w+\]")
FRONT = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
END = re.compile(r"(?<=[.!?:])\s+(?=[^a-z])|\n\n|\n(?=- |\| |\d\. )")


def absolutes(text: str) -> Iterator[str]:
    """Yield the sentences of a page, or of a lab's text, that have a word."""
    prose = LINK.sub("]", IMAGE.sub("", CODE.sub(" ", FRONT.sub("", text))))
    for sentence in END.split(prose):
        said = " ".join(sentence.split())
        if WORD.search(re.sub(r"\$[^$]*\$", "", said)):
            yield said


def pages() -> dict[str, list[str]]:
    """Return page → its sentences."""
    texts = {path: path.read_text("utf-8") for path in DOCS.rglob("*.md")}
    for path in DOCS.glob("labs/*.py"):  # its text is in comments
        lines = path.read_text("utf-8").splitlines()
        said = [line[2:] if line[:2] == "# " else "" for line in lines]
        said = ["" if line.startswith("%%") else line for line in said]
        texts[path] = "\n".join(said)
    return {
        path.relative_to(DOCS).as_posix(): list(absolutes(text))
        for path, text in sorted(texts.items())
    }


if __name__ == "__main__":
    found = pages()
    for page, sentences in found.items():
        for sentence in sentences:
            print(f"{page}: {sentence}")
    print(sum(map(len, found.values())), "sentences")
