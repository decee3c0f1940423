"""What turns prose and snippets into the site, one job a file."""

from mkdocs.exceptions import BuildError


class SitegenError(BuildError):
    """A fault in the prose or the snippets; says where, and the mend.

    A `BuildError`, because MkDocs prints those without a traceback, ends a
    build with them, strict or not, and goes on serving.
    """
