"""Find a Chromium, or get Playwright's: `python -m tests.browser.chromium`."""

import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

APPLICATIONS = Path("/Applications")  # macOS's
NAMES = "chromium chromium-browser google-chrome google-chrome-stable"
PLAYWRIGHT = (".cache/ms-playwright", "Library/Caches/ms-playwright")


def find_browser() -> str | None:
    """Return the path of a Chromium that runs, or None.

    If ``CHROMIUM`` is set, only that one is asked; else those on the PATH,
    among macOS's applications and in Playwright's folder.
    """
    if wish := os.environ.get("CHROMIUM"):
        return wish if _is_chromium(wish) else None
    found = [path for name in NAMES.split() if (path := shutil.which(name))]
    for app in ("Google Chrome", "Chromium"):
        found.append(str(APPLICATIONS / f"{app}.app/Contents/MacOS/{app}"))
    own = os.environ.get("PLAYWRIGHT_BROWSERS_PATH")
    for folder in [Path(own)] if own else [Path.home() / p for p in PLAYWRIGHT]:
        for end in ("chrome-linux*/chrome", "chrome-mac*/*/*/MacOS/*"):
            found += sorted(map(str, folder.glob(f"chromium-*/{end}")))
    return next(filter(_is_chromium, found), None)


def _is_chromium(path: str) -> bool:
    # Ask it: Ubuntu's `chromium-browser` may only say what to install.
    try:
        said = subprocess.check_output(
            [path, "--version"], stderr=subprocess.DEVNULL, timeout=30
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return b"Chrom" in said


def get_browser() -> str:
    """Return a Chromium's path, or exit with one line that says the mend."""
    if found := find_browser():
        return found
    if wish := os.environ.get("CHROMIUM"):
        sys.exit(f"CHROMIUM={wish} is no Chromium that runs: unset it.")
    print("No Chromium here: trying Playwright's (170 MB).", flush=True)
    install = [sys.executable, "-m", "playwright", "install", "chromium"]
    with suppress(subprocess.TimeoutExpired):
        subprocess.run(install, capture_output=True, timeout=600)
    return find_browser() or sys.exit(
        "The tests need a browser: install Chromium or Google Chrome (Debian:"
        " apt install chromium), or set CHROMIUM to the path of one."
    )


if __name__ == "__main__":
    print("Browser:", get_browser())
