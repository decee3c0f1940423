/* Filters the table of the atlas. Without it the table stands there whole. */
"use strict";
{
  const table = document.getElementById("kinds");
  const heads = [...table.tHead.rows[0].cells].map((head) => head.textContent);
  const rows = [...table.tBodies[0].rows];
  const text = (row, at) => row.cells[at].textContent;
  const form = document.createElement("form");
  const count = document.createElement("output");
  const choices = [];

  const filter = () => {
    for (const row of rows) {
      row.hidden = choices.some(([at, select]) =>
        select.selectedIndex > 0 && select.value !== text(row, at));
    }
    const shown = rows.filter((row) => !row.hidden).length;
    count.value = `${shown} of ${rows.length} kinds of network`;
  };

  form.className = "filter";
  form.setAttribute("aria-label", "Choose rows of the table");
  for (const name of ["Activation", "Initializer", "Layers", "Setting", "Verdict"]) {
    const at = heads.indexOf(name);
    const values = [...new Set(rows.map((row) => text(row, at)))];
    if (!values.some(isNaN)) values.sort((a, b) => a - b);
    const select = document.createElement("select");
    for (const value of ["all", ...values]) select.add(new Option(value));
    const label = document.createElement("label");
    label.append(name, select);
    form.append(label);
    choices.push([at, select]);
  }
  const all = document.createElement("button");
  all.type = "button";
  all.textContent = "Show all";
  all.addEventListener("click", () => {
    for (const [, select] of choices) select.selectedIndex = 0;
    filter();
  });
  form.append(all, count);
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  table.before(form);

  /* Hundreds of rows: begin with those of the depth that says most. */
  const [, layers] = choices[heads.indexOf("Layers")];
  if ([...layers.options].some(({ value }) => value === "30")) layers.value = "30";
  filter();
}
