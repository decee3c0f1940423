"""The glossary: its lines are read, and lead where a word is new."""

import xml.etree.ElementTree as etree

import pytest
from markdown import Markdown
from markdown.treeprocessors import Treeprocessor

from sitegen import ROOT
from sitegen.glossary import PAGE, GlossaryError, makeExtension, read

TEXT = (ROOT / "docs" / PAGE).read_text("utf-8")


class _Named(Treeprocessor):
    """Stands for MkDocs's own, which knows the page."""

    class file:
        src_uri = "chapters/a.md"

    def run(self, root: etree.Element) -> None:
        pass


def rendered(text, page="chapters/a.md"):
    md = Markdown(extensions=["attr_list", makeExtension()])
    named = _Named(md)
    named.file.src_uri = page
    md.treeprocessors.register(named, "relpath", 0)
    return md.convert(text)


def test_a_term_leads_to_the_glossary_where_it_is_new():
    html = rendered(
        "# The kernel\n\nA [kernel](x.md), `kernel`. Kernels and a kernel, one"
        " pre-activation, *some pre-activations*, `fan_in` or `fan_in`.\n\n"
        "- the logits"
    )
    assert html.count('class="term"') == 4
    assert "<h1>The kernel</h1>" in html
    assert 'href="../glossary.md#kernel"' in html
    assert "><code>kernel</code></a>. Kernels and a kernel, one" in html
    meaning = read(TEXT)["logits"][1]
    assert f'title="{meaning}"' in html
    assert ">logits</a></li>" in html
    assert "><code>fan_in</code></a> or <code>fan_in</code>." in html
    assert "some pre-activations" in html


def test_a_term_with_a_footnote_at_it_is_no_link():
    md = Markdown(extensions=["attr_list", "footnotes", makeExtension()])
    named = _Named(md)
    md.treeprocessors.register(named, "relpath", 0)
    html = md.convert("A kernel[^a], and one more kernel.\n\n[^a]: It.")
    assert html.count('class="term"') == 1
    assert html.index('class="term"') > html.index("</sup>")


@pytest.mark.parametrize("page", [PAGE, "changelog.md"])
def test_some_pages_have_no_such_links(page):
    assert "term" not in rendered("a kernel", page)


def test_a_line_that_cannot_be_read_is_named():
    with pytest.raises(GlossaryError, match=r"glossary\.md:2: write"):
        read("- **a**{#a}: b.\n- **c**: no id.\n")


def test_each_term_of_the_site_is_led_to_and_once_a_page(pages):
    known = {ident for ident, _ in read(TEXT).values()}
    assert len(known) > 20
    ids = {node["id"] for node in pages["glossary.html"].select("[id]")}
    assert known <= ids
    met = set()
    for name, soup in pages.items():
        links = [a["href"].partition("#")[2] for a in soup.select("a.term")]
        assert len(links) == len(set(links)), name
        met.update(links)
        assert all(a["title"] for a in soup.select("a.term"))
    assert met == known, "terms that no page has"
