"""The links by which a reader takes something along.

The name above a listing downloads it; a notebook opens in Colab where the
repository is on GitHub: the published ones are on a branch of their own.
"""

import re
from functools import cache
from pathlib import Path

from sitegen import SitegenError

BRANCH = "notebooks"
COLAB = "https://colab.research.google.com/github"
GITHUB = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+?)(?:\.git)?/?")
NAME = re.compile(r'<span class="filename">([\w.]+)</span>')
NOTEBOOK = re.compile(r'<a href="([\w-]+\.ipynb)" download>Notebook</a>')


class DownloadError(SitegenError):
    """A listing whose file cannot be told from its name."""


@cache
def listings(snippets: Path) -> dict[str, list[str]]:
    """Return the folders of the listings, by file name."""
    found: dict[str, list[str]] = {}
    for path in sorted(snippets.glob("*/*.py")):
        found.setdefault(path.name, []).append(path.parent.name)
    return found


def link(html: str, page: str, snippets: Path, repo: str) -> str:
    """Return a page's HTML with its downloads.

    `page` is `chapters/saturation.md`, `repo` the repository's address or
    nothing. Raises `DownloadError`.
    """
    up = "../" * page.count("/")
    slug = Path(page).stem

    def listing(match: re.Match[str]) -> str:
        name = match[1]
        folders = listings(snippets).get(name, [])
        if not folders:
            return match[0]
        if len(folders) > 1 and slug not in folders:
            raise DownloadError(
                f"docs/{page}: {name} is in snippets/"
                f"{' and snippets/'.join(folders)}: rename one"
            )
        folder = slug if slug in folders else folders[0]
        return (
            f'<span class="filename"><a href="{up}snippets/{folder}/{name}" '
            f'download title="Download">{name}</a></span>'
        )

    html = NAME.sub(listing, html)
    if github := GITHUB.fullmatch(repo):
        place = f"{COLAB}/{github[1]}/blob/{BRANCH}/{Path(page).parent}"
        html = NOTEBOOK.sub(rf'\g<0><a href="{place}/\1">Colab</a>', html)
    return html
