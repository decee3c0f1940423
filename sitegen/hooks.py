"""The thin adapter to MkDocs: its events call the functions of `sitegen`."""

import os
import re
from pathlib import Path
from typing import cast

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page
from mkdocs.utils.templates import TemplateContext

from sitegen import (
    CACHE,
    ROOT,
    downloads,
    generate,
    labs,
    notebooks,
    offline,
    origin,
    plain,
    policy,
    search,
    theme,
)

# names, punctuation, operators, white space
UNCOLOURED = re.compile(r'<span class="(?:n|p|o|w)">([^<]*)</span>')


is_preview = False


def on_startup(command: str, dirty: bool) -> None:
    """Note what MkDocs was asked for."""
    global is_preview
    is_preview = command == "serve"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Find the listings from whatever folder the build is started in."""
    snippets = config.mdx_configs["pymdownx.snippets"]
    snippets["base_path"] = [str(ROOT / path) for path in snippets["base_path"]]
    return config


@event_priority(100)  # before mkdocs-jupyter looks for notebooks
def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what is generated to the files of the site."""
    made = generate.bring_up_to_date(ROOT, CACHE, config.site_url or "")
    folder = CACHE / "public"
    for path in made:
        # Not `File.generated`: mkdocs-jupyter reads notebooks from a folder.
        name = path.relative_to(folder).as_posix()
        place = (str(folder), config.site_dir, config.use_directory_urls)
        files.append(File(name, *place, inclusion=InclusionLevel.NOT_IN_NAV))
    return files


def on_page_content(
    html: str, page: Page, config: MkDocsConfig, files: Files
) -> str:
    """Take out what mkdocs-jupyter adds, and marks that colour nothing.

    Put in the downloads. A number's sign stays on its line, and an empty cell
    heads no column.
    """
    if page.file.src_uri.endswith(".ipynb"):
        html = labs.lighten(html, page.file.src_uri)
    html = downloads.link(
        html, page.file.src_uri, ROOT / "snippets", config.repo_url or ""
    )
    return theme.mend(UNCOLOURED.sub(r"\1", html))


def on_page_context(
    context: TemplateContext, page: Page, config: MkDocsConfig, nav: object
) -> TemplateContext:
    """Tell the template where the page comes from."""
    here, repo = page.canonical_url or page.url, config.repo_url or ""
    known = origin.origin(ROOT, page.file.src_uri, here, repo)
    return cast(TemplateContext, {**context, "origin": known})


@event_priority(-200)  # after the theme's search has written its index
def on_post_build(config: MkDocsConfig) -> None:
    """Index the pages; take out of the theme's styles what none has."""
    site = Path(config.site_dir)
    search.index(site)
    theme.lighten(site)
    for path in site.glob("labs/*.ipynb"):
        url = f"{(config.site_url or '').rstrip('/')}/labs/{path.stem}.html"
        text = notebooks.travelling(path.read_text("utf-8"), url)
        path.write_text(text, "utf-8")
    if not is_preview:  # `serve` writes a script of its own into each page
        policy.protect_all(site)
        about = f"# {config.site_name}\n\n> {config.site_description}"
        address = config.site_url or ""
        plain.write(ROOT, site, address, config.nav, about)
        offline.pack(site, int(os.environ.get("SOURCE_DATE_EPOCH", 0)))
