"""Each page as Markdown that stands alone, and `llms.txt`, which lists them.

Listings and measured tables are in it, links lead to the site, and what only
the site can show is left out.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sitegen import measure
from sitegen.blocks import blocks
from sitegen.claims import CLAIM
from sitegen.notebooks import ATTRIBUTES, FENCE, FIGURE, FRONT_MATTER, linked
from sitegen.tables import TABLE

ABOUT = re.compile(r"^(title|description): *(.+)$", re.MULTILINE)
SPARK = re.compile(r"\[spark: [^\]]*\] ?")
# the explorer's controls and what a page loads
PARTS = re.compile(
    r'^<div id="explorer">.*^</div>$|^<(?:script|link)\b.*?$|</?span>',
    re.DOTALL | re.MULTILINE,
)


def about(page: Path) -> dict[str, str]:
    """Return title and description of a page."""
    match = FRONT_MATTER.match(page.read_text("utf-8"))
    return dict(ABOUT.findall(match[0])) if match else {}


def markdown(page: Path, root: Path, url: str) -> str:
    """Return a page, which is read at `url`, as Markdown."""
    text = page.read_text("utf-8")
    made: list[str] = []
    place = len(match[0]) if (match := FRONT_MATTER.match(text)) else 0
    for block in blocks(text, str(page), root / "snippets"):
        made += [
            _prose(text[place : block.start], root, url),
            f"```python\n{block.code.strip(chr(10))}\n```",
        ]
        place = block.end
    made.append(_prose(text[place:], root, url))
    head = f"Source: {url}"
    return "\n\n".join([head, *filter(None, made)]) + "\n"


def _prose(text: str, root: Path, url: str) -> str:
    def fold(line: str) -> str:
        match = FENCE.match(line)
        title = match["title"] if match and match["kind"] == "details" else ""
        return f"**{title}**" if title else "" if match else line

    text = PARTS.sub("", SPARK.sub("", text))
    text = "\n".join(map(fold, text.splitlines()))
    text = FIGURE.sub(
        lambda m: (
            f"![{m['alt']}](../figures/{m['name']}-light.svg)\n\n*{m['title']}*"
        ),
        text,
    )
    text = TABLE.sub(lambda m: _table(root, *m.groups()), text)
    text = linked(ATTRIBUTES.sub("", CLAIM.sub("", text)), url)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _table(root: Path, slug: str, name: str) -> str:
    data: dict[str, Any] = measure.data(root, measure.STORE, slug, name)
    rows = [
        [cell.replace("|", r"\|") for cell in row]
        for row in (data["head"], *data["rows"])
    ]
    rows.insert(1, ["---"] * len(rows[0]))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def write(
    root: Path, site: Path, address: str, nav: Any, about_all: str
) -> None:
    """Write `…/page.md` beside each page of a built site, and `llms.txt`."""
    lines = [about_all, ""]
    for part, name in named(nav):
        if part:
            lines += [f"## {part}", ""]
            continue
        page = root / "docs" / name
        if page.suffix == ".ipynb":
            lines.append(f"- [{page.stem}]({address}{name})")
            continue
        url = address + name.removesuffix(".md") + ".html"
        text = markdown(page, root, url)
        (site / name).write_text(text, "utf-8")
        said = about(page)
        lines.append(
            f"- [{said.get('title', name)}]({address}{name}):"
            f" {said.get('description', '')}"
        )
    (site / "llms.txt").write_text("\n".join(lines) + "\n", "utf-8")


def named(nav: Any) -> Iterator[tuple[str, str]]:
    """Yield the parts and the pages of a `nav`, as (part, page)."""
    for entry in nav:
        if isinstance(entry, str):
            yield "", entry
            continue
        for title, inside in entry.items():
            if isinstance(inside, list):
                yield title, ""
                yield from named(inside)
            else:
                yield "", inside
