"""What turns prose and snippets into the site, one job a file."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from markdown import Extension, Markdown
from markdown.preprocessors import Preprocessor
from mkdocs.exceptions import BuildError

ROOT = Path(__file__).resolve().parents[1]
CACHE = Path(os.environ.get("SITEGEN_CACHE", ROOT / ".cache"))


class SitegenError(BuildError):
    """A fault in the prose or the snippets; says where, and the mend.

    A `BuildError`, because MkDocs prints those without a traceback, ends a
    build with them, strict or not, and goes on serving.
    """


def extension(part: Any, priority: float) -> Callable[[], Extension]:
    """Return a Python-Markdown extension of one processor, as a factory."""

    class OneProcessor(Extension):
        def extendMarkdown(self, md: Markdown) -> None:
            before = issubclass(part, Preprocessor)
            place = md.preprocessors if before else md.treeprocessors
            place.register(part(md), part.__module__, priority)

    return OneProcessor
