"""From each row of the landing page one click leads to what mends it.

The second click copies it; what was copied is run by
`tests/claims/test_front_door.py`.
"""

import re

from tests.browser.looks import listed
from tests.rows import rows, target

# Where a section begins, and where in it its parts end, in screens.
PARTS = """([id, BUTTON]) => {
  const heading = document.getElementById(id);
  const parts = {};
  const top = heading.getBoundingClientRect().top;
  const header = document.querySelector(".md-header").offsetHeight;
  const note = (name, node) => {
    parts[name] ??= (node.getBoundingClientRect().bottom - top)
      / (innerHeight - header);
  };
  let node = heading.nextElementSibling;
  for (; node && node.tagName !== "H2"; node = node.nextElementSibling) {
    if (node.matches("p")) note("cause", node);
    const fix = [...node.querySelectorAll("strong, a")].find((part) =>
      /^(Mend:|change both)/.test(part.textContent));
    if (node.matches(".highlight, details") || /`|probe|signal_factor/
      .test(node.innerText)) note("probe", node);
    const proof = node.querySelector(".claim");
    if (proof) note("proof", proof);
    if (fix) note("fix", fix);
    if (node.matches(".highlight") && parts.fix && !parts.copy) {
      node.dataset.mend = "";
      note("copy", node.querySelector(BUTTON));
    }
  }
  return [top / innerHeight, parts];
}"""
BUTTON = "[data-clipboard-target], [data-md-type=copy]"
NEEDED = {"cause", "probe", "proof", "fix", "copy"}
COPY = f"[data-mend] :is({BUTTON})"


def test_each_row_leads_to_cause_probe_proof_and_lines_to_copy(new_tab):
    tab = new_tab(permissions=["clipboard-read", "clipboard-write"])
    problems = []
    count = tab.open("index.html").locator(".symptoms tbody tr").count()
    assert 6 <= count <= 8
    for at, to in zip(range(count), rows(), strict=True):
        page = tab.open("index.html")
        row = page.locator(".symptoms tbody tr").nth(at)
        name = row.locator("a").first.inner_text()
        # All of the row is the link.
        row.locator("td").last.click(force=True)
        page.wait_for_url("**/chapters/*.html#*")
        page.wait_for_load_state("load")
        place = page.url.partition("#")[2]
        page.wait_for_function(
            """(id) => {
              const {top} = document.getElementById(id).getBoundingClientRect();
              return top >= 0 && top < innerHeight / 2
                || scrollY + innerHeight > document.body.scrollHeight - 2;
            }""",
            arg=place,
        )
        _, parts = page.evaluate(PARTS, [place, BUTTON])
        problems += [f"{name}: no {part}" for part in NEEDED - {*parts}]
        problems += [
            f"{name}: its {part} ends {end:.2f} screens below the heading"
            for part, end in parts.items()
            if end > 1
        ]
        assert page.url.endswith(to.replace(".md", ".html"))
        page.locator(COPY).click()
        copied = page.evaluate("navigator.clipboard.readText()")
        if (
            re.sub("\n\n+", "\n\n", copied).strip()
            != target(to).copied().strip()
        ):
            problems.append(f"{name}: copied\n{copied}")
    listed(problems, "rows that do not lead to their mend")
