"""What of a built page is not sitegen's text: the theme's styles, the spaces.

The theme styles far more than this site has, and each page's first load pays
for it. A rule goes if it wants a class or an id that no page of the site has
and that no script names, or if it is for what is written from right to left;
and a property (most hold an icon) if nothing asks for it. Of our own files the
comments go. It runs when the site is built.
"""

import re
from collections.abc import Iterator
from pathlib import Path

# a string, an address, a comment; or the end of a selector or of a rule
TOKEN = re.compile(
    r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|url\([^)]*\)|/\*.*?\*/|[{};]',
    re.DOTALL,
)
# a string or an address, which stay; or a sign, whose spaces do not
TIGHT = re.compile(
    r'("(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|url\([^)]*\))|\s*([{};])\s*'
)
ATTRIBUTE = re.compile(r'\b(?:class|id)="?([^">]*)')
WORD = re.compile(r"[\w-]+")
NAME = re.compile(r"[.#](-?[A-Za-z_][\w-]*)")
# what a selector wants absent, or one of several; values of attributes
OPTIONAL = re.compile(r":(?:not|is|where)\((?:[^()]|\([^()]*\))*\)|\[[^\]]*\]")
COMMA = re.compile(r",(?![^()\[\]]*[)\]])")
# a number's sign; but first what is to be left as it is
SIGN = re.compile(
    r"<(pre|code|script|style|svg)\b.*?</\1>|<[^>]*>|(?<=\d) %", re.DOTALL
)
COMMENT = re.compile(r"^[ \t]*/\*.*?\*/[ \t]*\n", re.DOTALL | re.MULTILINE)
NO_HEAD = re.compile(r"<th\b[^>]*>\s*</th>")
NESTED = ("@media", "@supports")
RIGHT_TO_LEFT = "[dir=rtl]"
# The theme's icons of admonitions, which site.css hides.
HIDDEN = re.compile(
    r"[\w-]*mask-image:\s*var\(--md-admonition-icon--[\w-]+\);?"
)
LINES = re.compile(
    r"^[ \t]*/\*.*?\*/[ \t]*\n|^[ \t]+", re.DOTALL | re.MULTILINE
)
ASKED = re.compile(r"var\(\s*(--[\w-]+)")


def mend(html: str) -> str:
    """Keep numbers and their signs on one line; call no empty cell a head."""
    html = SIGN.sub(lambda m: "\u00a0%" if m[0] == " %" else m[0], html)
    return NO_HEAD.sub("<td></td>", html)


def lighten(site: Path) -> None:
    """Rewrite the theme's style sheets of a built site."""
    names: set[str] = set()
    asked: set[str] = set()
    for page in site.rglob("*.html"):
        text = page.read_text("utf-8")
        for match in ATTRIBUTE.finditer(text):
            names.update(match[1].split())
        asked.update(ASKED.findall(text))
    for script in site.rglob("*.js"):
        words = WORD.findall(script.read_text("utf-8"))
        names.update(words)
        asked.update(word for word in words if word.startswith("--"))
    sheets = {path: path.read_text("utf-8") for path in site.rglob("*.css")}
    ours = site / "assets/stylesheets"
    for path, css in sheets.items():
        if path.parent == ours:
            css = HIDDEN.sub("", "".join(without(css, names)))
        else:
            css = TOKEN.sub(lambda m: "" if m[0][:2] == "/*" else m[0], css)
            css = TIGHT.sub(lambda m: m[1] or m[2], css).replace(";}", "}")
            css = re.sub(r"\s*\n\s*", "\n", css).strip()
            path.write_text(css, "utf-8")
        sheets[path] = css
        asked.update(ASKED.findall(css))
    for path in site.glob("assets/js/*.js"):
        path.write_text(LINES.sub("", path.read_text("utf-8")), "utf-8")
    for path in site.glob("explorer/*.js"):  # it writes code: indents stay
        path.write_text(COMMENT.sub("", path.read_text("utf-8")), "utf-8")
    for path in ours.glob("*.css"):
        path.write_text(needed(sheets[path], asked), "utf-8")


def needed(css: str, asked: set[str]) -> str:
    """Return a style sheet without the properties that nothing asks for."""
    kept, start = [], 0
    for match in TOKEN.finditer(css):
        if match[0] not in "{};":
            continue
        part = css[start : match.end()]
        name = part.partition(":")[0].strip()
        if name.startswith("--") and name not in asked and match[0] != "{":
            part = "}" * (match[0] == "}")
        kept.append(part)
        start = match.end()
    return "".join([*kept, css[start:]])


def without(css: str, names: set[str]) -> Iterator[str]:
    """Yield the rules of a style sheet that can match these names."""
    for head, body in rules(css):
        if body is None:
            yield head
        elif head.startswith(NESTED):
            if inner := "".join(without(body, names)):
                yield f"{head}{{{inner}}}"
        elif head.startswith("@"):
            yield f"{head}{{{body}}}"
        else:
            kept = [
                selector
                for selector in COMMA.split(head)
                if names.issuperset(NAME.findall(OPTIONAL.sub("", selector)))
                and RIGHT_TO_LEFT not in selector
            ]
            if kept:
                yield f"{','.join(kept)}{{{body}}}"


def rules(css: str) -> Iterator[tuple[str, str | None]]:
    """Yield selector and body of each rule; no body where there is none."""
    depth = start = 0
    head = ""
    for match in TOKEN.finditer(css):
        if match[0] == "{":
            depth += 1
            if depth == 1:
                head, start = css[start : match.start()].strip(), match.end()
        elif match[0] == "}":
            depth -= 1
            if depth == 0:
                yield head, css[start : match.start()]
                start = match.end()
        elif depth == 0:
            if match[0] == ";":
                yield css[start : match.end()].strip(), None
            if match[0] == ";" or match[0].startswith("/*"):
                start = match.end()
