"""A content security policy for every built page.

A page takes everything from its own site, and of scripts in it only those with
the hashes that are named here. Styles may stand in a page: the figures of the
labs have them. A worker may come from a Blob, since browsers start none from
file://.
"""

import base64
import hashlib
import re
from pathlib import Path

POLICY = '<meta http-equiv="Content-Security-Policy" content="{}">'
CHARSET = '<meta charset="utf-8">'
INLINE = re.compile(
    r"<script(?P<attributes>[^>]*)>(?P<code>.*?)</script>", re.DOTALL
)
RULES = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "worker-src": "'self' blob:",
    "base-uri": "'none'",
    "form-action": "'none'",
}


def protect(html: str) -> str:
    """Return a page with its policy; raise `ValueError` if it has no place."""
    if html.count(CHARSET) != 1:
        raise ValueError(f"the theme no longer writes {CHARSET} once")
    hashes = sorted(
        f"'sha256-{digest(match['code'])}'"
        for match in INLINE.finditer(html)
        if "src=" not in match["attributes"]
        and "application/json" not in match["attributes"]
    )
    rules = RULES | {"script-src": " ".join([RULES["script-src"], *hashes])}
    text = "; ".join(f"{name} {value}" for name, value in rules.items())
    return html.replace(CHARSET, CHARSET + POLICY.format(text))


def digest(code: str) -> str:
    """Return the hash of a script as a policy has it."""
    return base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()


def protect_all(site: Path) -> None:
    """Give each page of a built site its policy."""
    for page in site.rglob("*.html"):
        page.write_text(protect(page.read_text("utf-8")), "utf-8")
