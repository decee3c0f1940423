"""Brings the folder of generated files up to date, without MkDocs.

Below `.cache/public` the tree is the site's: `figures/`, `labs/`, the
chapters' notebooks, `checks/`, the pages that show the tests, `snippets/`, the
listings, `data/`, the tables, and `downloads/`, the versioned files that
readers take whole. Nothing generated is written below `docs/`.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sitegen import claims, keys, labs, measure
from sitegen.notebooks import notebook
from sitegen.store import Store, write_whole

LAB_SECONDS = 600.0


def bring_up_to_date(root: Path, cache: Path, site_url: str) -> list[Path]:
    """Measure, draw, execute and write what is missing; return the files.

    Raises `SitegenError` before anything is removed.
    """
    store = Store(cache / "store")
    public = cache / "public"
    files: dict[Path, bytes] = {}
    with ThreadPoolExecutor(1) as beside:  # a lab leaves a core to the figures
        executed = {
            lab: beside.submit(labs.execute, lab, store, timeout=LAB_SECONDS)
            for lab in sorted((root / "docs/labs").glob("*.py"))
        }
        drawn = measure.figures(root, store)
        for name, drawings in drawn.items():
            for variant, svg in drawings.items():
                files[public / f"figures/{name}{variant}.svg"] = svg.encode()
    for lab, execution in executed.items():
        files[public / f"labs/{lab.stem}.ipynb"] = execution.result()
    for slug in keys.chapters(root):
        for path in keys.data_files(root / "snippets" / slug):
            files[public / "data" / slug / path.name] = path.read_bytes()
        for path, version in keys.downloads(root, slug).items():
            name = f"{path.stem}-{version}.py"
            files[public / "downloads" / name] = path.read_bytes()
    for path in sorted((root / "snippets").glob("*/*.py")):
        if path.name not in ("__init__.py", "figures.py"):  # a listing
            files[public / path.relative_to(root)] = path.read_bytes()
    light = {name: drawings["-light"] for name, drawings in drawn.items()}
    for page in sorted((root / "docs/chapters").glob("*.md")):
        url = f"{site_url.rstrip('/')}/chapters/{page.stem}.html"
        text = notebook(page, root / "snippets", url, light)
        files[public / f"chapters/{page.stem}.ipynb"] = text.encode()
    for page in sorted((root / "docs").rglob("*.md")):
        name = page.relative_to(root).as_posix()
        if shown := claims.checks(page.read_text("utf-8"), name, root):
            path = public / f"checks/{claims.slug_of(name)}.md"
            files[path] = shown.encode()
    for path, content in files.items():
        write_whole(path, content)
    for path in public.rglob("*"):
        if path.is_file() and path not in files:
            path.unlink()
    store.prune()
    return sorted(files)
