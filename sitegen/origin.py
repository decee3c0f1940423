"""Where a page comes from: its source, its last change, who to tell.

Git knows the last change. Without its whole history (a shallow clone dates
everything to its one commit), or without git, nothing is said.
"""

import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import quote, urlencode

from sitegen import claims

BRANCH = "main"
# What a reader sees on a page of a slug, besides its prose.
PARTS = ("snippets/{0}/", "tests/claims/test_{0}.py")


@dataclass(frozen=True)
class Origin:
    """What the end of a page says; None where nothing is known."""

    changed: str | None  # a date, as 2026-11-29
    edit: str | None  # addresses
    report: str | None


def origin(root: Path, page: str, address: str, repo: str) -> Origin:
    """Return the origin of a page, `labs/rescue.ipynb` below `docs/`.

    `address` is where the page is published, `repo` that of the repository,
    or nothing.
    """
    source = source_of(page)
    slug = claims.slug_of(page)
    parts = (source, *(part.format(slug) for part in PARTS))
    changes = last_changes(root).items()
    dates = [date for path, date in changes if path.startswith(parts)]
    said = {
        "title": f"Something is wrong on {address.rpartition('/')[2]}",
        "body": f"Page: {address}\n\nWhat it says:\n\nWhat is right, and how"
        " you know:\n",
    }
    changed = max(dates, default=None)
    if not (repo := repo.rstrip("/")):
        return Origin(changed, None, None)
    report = urlencode(said, quote_via=quote)
    edit = f"{repo}/edit/{BRANCH}/{quote(source)}"
    return Origin(changed, edit, f"{repo}/issues/new?{report}")


def source_of(page: str) -> str:
    """Return the file that an author edits, from the project's folder."""
    if page.startswith("checks/"):
        return claims.tests_of(page)
    if page.startswith("labs/"):
        return f"docs/{page.removesuffix('.ipynb')}.py"
    return f"docs/{page}"


@cache
def last_changes(root: Path) -> dict[str, str]:
    """Return the date of each file's last commit; empty if unknown."""
    top, shallow = _git(
        root, "rev-parse", "--show-toplevel", "--is-shallow-repository"
    ).splitlines() or ("", "")
    if shallow != "false" or Path(top) != root.resolve():
        return {}
    log = _git(
        root,
        *("-c", "core.quotePath=false", "log", "--format=:%cs", "--name-only"),
        *("--no-renames", "--", "docs", "snippets", "tests"),
    )
    changes: dict[str, str] = {}
    date = ""
    for line in log.splitlines():
        if line.startswith(":"):
            date = line[1:]
        elif line:
            changes.setdefault(line, date)  # the newest comes first
    return changes


def _git(root: Path, *arguments: str) -> str:
    try:
        return subprocess.check_output(
            ["git", "-C", str(root), *arguments],
            stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
