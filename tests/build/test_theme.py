"""The theme's style sheet without what this site does not have."""

from pathlib import Path

import material
import pytest

from sitegen import theme

CSS = """:root{--a:url("data:;{}");--b:1}:root{--c:2}@charset "x";\
.here:after{content:"}";color:var(--a)}.gone,.here .gone,#here{top:0}\
.gone{left:0}@media print{.gone{top:0}}@media (width:1px){.made{top:0}\
.gone{top:0}}.here:not(.gone){top:1px}.here:is(.gone,.made){top:2px}\
[src$="#gone"]{top:3px}[dir=rtl] .here,.made{top:4px}"""
PAGE = '<p class="here other" id=here><script src=x.js></script>'
KEPT = """:root{--a:url("data:;{}");}:root{}@charset "x";\
.here:after{content:"}";color:var(--a)}#here{top:0}\
@media (width:1px){.made{top:0}}\
.here:not(.gone){top:1px}.here:is(.gone,.made){top:2px}\
[src$="#gone"]{top:3px}.made{top:4px}"""
OURS = """/* A note: {} */
.here {
  top: 0;                       /* as it "was" */
  content: "/* kept */ ; ";
}
.here,
p { top: 0 }
"""
OURS_KEPT = """.here{top: 0;content: "/* kept */ ; "}.here,
p{top: 0}"""


def test_what_matches_nothing_and_what_nothing_asks_for_is_gone(tmp_path):
    sheet = tmp_path / "assets/stylesheets/main.css"
    sheet.parent.mkdir(parents=True)
    sheet.write_text(CSS)
    (tmp_path / "index.html").write_text(PAGE)
    (tmp_path / "x.js").write_text('add("made")')
    for _ in "once", "again":
        theme.lighten(tmp_path)
        assert sheet.read_text() == KEPT


def test_of_our_own_files_the_comments_go(tmp_path):
    css, js = tmp_path / "a/b.css", tmp_path / "assets/js/c.js"
    code = tmp_path / "explorer/d.js"
    for path in css, js, code:
        path.parent.mkdir(parents=True)
    code.write_text("  /** A note. */\n  a = `\n    b`;\n")
    css.write_text(OURS)
    js.write_text('/* A\n   note. */\nif (a) {\n  b("/* kept */");\n}\n')
    for _ in "once", "again":
        theme.lighten(tmp_path)
        assert css.read_text() == OURS_KEPT
        assert code.read_text() == "  a = `\n    b`;\n"
        assert js.read_text() == 'if (a) {\nb("/* kept */");\n}\n'


@pytest.mark.parametrize("name", ["main", "palette"])
def test_the_theme_s_rules_are_read_whole(name):
    folder = Path(material.__file__).parent / "templates/assets/stylesheets"
    (sheet,) = folder.glob(f"{name}.*.css")
    css = sheet.read_text("utf-8").partition("/*#")[0]
    parts = theme.rules(css)
    whole = "".join(h if b is None else f"{h}{{{b}}}" for h, b in parts)
    assert whole == css.strip()


def test_a_number_keeps_its_sign():
    code = "<code>5 % 3</code><pre class=x>1 % 2</pre>"
    prose = '<p title="5 %">0.1 % and % of <b>7</b> %</p>'
    tied = '<p title="5 %">0.1\u00a0% and % of <b>7</b> %</p>'
    assert theme.mend(prose + code + prose) == tied + code + tied


def test_an_empty_cell_heads_no_column():
    row = '<tr><th scope="col"></th><th>A</th></tr>'
    assert theme.mend(row) == "<tr><td></td><th>A</th></tr>"
