"""The content security policy that each page gets."""

import pytest

from sitegen import policy

HEAD = '<head><meta charset="utf-8">'


def rules(html):
    text = html.partition('content="')[2].partition('"')[0]
    return dict(rule.split(" ", 1) for rule in text.split("; "))


def test_of_the_scripts_in_a_page_those_run_that_are_named():
    html = (
        f'{HEAD}<script>a("é")</script><script src="b.js"></script>'
        '<script id="c" type="application/json">{}</script>'
    )
    made = policy.protect(html)
    assert made.startswith(f'{HEAD}<meta http-equiv="Content-Security-Policy"')
    said = rules(made)
    assert said["default-src"] == "'none'"
    # printf 'a("é")' | openssl dgst -sha256 -binary | base64
    known = "'sha256-UTa2n5KPK2tnQwMo/5Ehe3w9Pzm9/s6BzC2iGix+MtQ='"
    assert said["script-src"].split() == ["'self'", known]
    assert "unsafe" not in said["script-src"]
    assert not [rule for rule in said.values() if ":" in rule.replace(
        "data:", "").replace("blob:", "")]  # fmt: skip


def test_a_page_without_a_place_for_it_is_an_error():
    with pytest.raises(ValueError, match="no longer writes"):
        policy.protect("<head>")
