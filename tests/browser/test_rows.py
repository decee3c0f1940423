"""From each row of the landing page one click leads to what mends it."""

from tests.browser.looks import listed

# Where a section begins, and where in it its parts end, in screens.
PARTS = """(id) => {
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
  }
  return [top / innerHeight, parts];
}"""
NEEDED = {"cause", "probe", "proof", "fix"}


def test_each_row_leads_to_cause_probe_proof_and_fix_on_one_screen(new_tab):
    tab, problems = new_tab(), []
    rows = tab.open("index.html").locator(".symptoms tbody tr")
    count = rows.count()
    assert 6 <= count <= 12
    for at in range(count):
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
        _, parts = page.evaluate(PARTS, place)
        problems += [f"{name}: no {part}" for part in NEEDED - {*parts}]
        problems += [
            f"{name}: its {part} ends {end:.2f} screens below the heading"
            for part, end in parts.items()
            if end > 1
        ]
    listed(problems, "rows that do not lead to their mend")
