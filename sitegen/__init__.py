"""What turns prose and snippets into the site, one job a file."""

import os
from pathlib import Path

from mkdocs.exceptions import BuildError

ROOT = Path(__file__).resolve().parents[1]
CACHE = Path(os.environ.get("SITEGEN_CACHE", ROOT / ".cache"))


class SitegenError(BuildError):
    """A fault in the prose or the snippets; says where, and the mend.

    A `BuildError`, because MkDocs prints those without a traceback, ends a
    build with them, strict or not, and goes on serving.
    """
