"""Addresses that were published lead where they led: others link to them.

`addresses.txt` has the pages, their sections and the downloads. A heading
that gets other words keeps its anchor, `{#as-it-was}`; a page that moves
leaves one behind that leads on. The anchors of titles (a page's top), of
footnotes and of single claims are not among them.
"""

from pathlib import Path

import pytest
from bs4 import BeautifulSoup

ADDRESSES = Path(__file__).with_name("addresses.txt").read_text("utf-8").split()


def test_there_are_pages_sections_and_downloads():
    assert len(ADDRESSES) == len(set(ADDRESSES)) > 150
    assert {"index.html", "atlas.html#limits", "labs/rescue.ipynb"} <= {
        *ADDRESSES
    }


@pytest.mark.parametrize(
    "page", sorted({address.partition("#")[0] for address in ADDRESSES})
)
def test_an_old_address_still_leads_there(site, page):
    path = site / page
    assert path.is_file(), f"{page} was published: let it lead on"
    if path.suffix != ".html":
        return
    soup = BeautifulSoup(path.read_bytes(), "html.parser")
    there = {node["id"] for node in soup.select("[id]")}
    wanted = {a.partition("#")[2] for a in ADDRESSES if a.startswith(page)}
    gone = wanted - there - {""}
    assert not gone, f"{page}: headings of these anchors are gone: keep {{#…}}"
