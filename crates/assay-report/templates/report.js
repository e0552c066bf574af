"use strict";
(() => {
  const table = document.getElementById("findings");
  const form = document.getElementById("filter");
  if (!table || !form) return;
  form.hidden = false;
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const count = document.getElementById("shown");
  const filter = () => {
    const words = form.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = (name) => form.elements[name].value;
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      const show = words.every((word) => text.includes(word))
        && (!wanted("severity") || Number(row.dataset.severity) <= Number(wanted("severity")))
        && (!wanted("kind") || row.dataset.kind === wanted("kind"))
        && (!form.elements.fixable.checked || row.dataset.fixable === "true")
        && (!form.elements.own.checked || row.dataset.base !== "true");
      row.hidden = !show;
      if (show) shown += 1;
    }
    count.textContent = `${shown} of ${rows.length} shown`;
  };
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  filter();
  const collator = new Intl.Collator("en", { numeric: true });
  for (const button of table.tHead.querySelectorAll("button")) {
    button.addEventListener("click", () => {
      const header = button.closest("th");
      const column = header.cellIndex;
      const descending = header.getAttribute("aria-sort") === "ascending";
      for (const other of table.tHead.querySelectorAll("th")) other.removeAttribute("aria-sort");
      header.setAttribute("aria-sort", descending ? "descending" : "ascending");
      const key = (row) => row.cells[column].dataset.key ?? row.cells[column].textContent.trim();
      rows.sort((a, b) => (descending ? -1 : 1) * collator.compare(key(a), key(b)));
      body.append(...rows);
    });
  }
})();
