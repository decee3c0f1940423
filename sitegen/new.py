"""Makes a new chapter from `sitegen/chapter/`: it builds, and passes."""

import re
from pathlib import Path

from sitegen import SitegenError

TEMPLATE = Path(__file__).with_name("chapter")
FILES = {
    "page.md": "docs/chapters/{}.md",
    "listing.txt": "snippets/{}/size_factor.py",
    "figures.txt": "snippets/{}/figures.py",
    "tests.txt": "tests/claims/test_{}.py",
}


class NewError(SitegenError):
    """A chapter that cannot be made; says why."""


def chapter(root: Path, slug: str) -> list[str]:
    """Write the files of a new chapter; return their names.

    Raises `NewError`, before anything is written.
    """
    if not re.fullmatch(r"[a-z][a-z_]*[a-z]", slug):
        raise NewError(
            f"{slug!r} is no slug: take small letters and _, as in dead_units"
        )
    names = {name: path.format(slug) for name, path in FILES.items()}
    for name in names.values():
        if (root / name).exists():
            raise NewError(f"{name} is there already: take another slug")
    settings = root / "mkdocs.yml"
    text = settings.read_text("utf-8")
    chapters = list(re.finditer(r"(?m)^( *- )chapters/\w+\.md\n", text))
    if not chapters:
        raise NewError("mkdocs.yml: no chapter under `nav` to put it behind")
    end = chapters[-1].end()
    line = f"{chapters[-1][1]}chapters/{slug}.md\n"
    for template, name in names.items():
        content = (TEMPLATE / template).read_text("utf-8")
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content.replace("SLUG", slug), "utf-8")
    package = root / f"snippets/{slug}/__init__.py"
    package.touch()
    settings.write_text(text[:end] + line + text[end:], "utf-8")
    return [*names.values(), str(package.relative_to(root)), "mkdocs.yml"]
