// Tables that their headings sort.

/** The first number in a cell, or its text where there is none. */
function sortKey(cell) {
  if (cell.dataset.value !== undefined) return Number(cell.dataset.value);
  const number = cell.textContent.replaceAll(",", "").match(/[-−]?\d*\.?\d+/);
  return cell.classList.contains("number") && number ? Number(number[0].replace("−", "-")) : cell.textContent.trim();
}

/** The order of two keys: numbers, then texts, then what is not there, whichever way is asked for. */
function inOrder(one, other, ascending) {
  const rank = (key) => (typeof key === "number" ? 0 : /[\p{L}\p{N}]/u.test(key) ? 1 : 2);
  if (rank(one) !== rank(other)) return rank(one) - rank(other);
  const difference = typeof one === "number" ? one - other : one.localeCompare(other, "en", { numeric: true });
  return ascending ? difference : -difference;
}

function sortTable(table, column) {
  const heading = table.tHead.rows[table.tHead.rows.length - 1].cells[column];
  // A first click on numbers shows the largest first.
  const next = { ascending: "descending", descending: "ascending" };
  const direction = next[heading.ariaSort] ?? (heading.classList.contains("number") ? "descending" : "ascending");
  for (const other of table.querySelectorAll("th[aria-sort]")) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", direction);
  for (const body of table.tBodies) {
    const rows = Array.from(body.rows, (row) => ({ row, key: sortKey(row.cells[column]) }));
    rows.sort((one, other) => inOrder(one.key, other.key, direction === "ascending"));
    body.append(...rows.map(({ row }) => row));
  }
}

for (const table of document.querySelectorAll("table.sortable")) {
  const headings = table.tHead.rows[table.tHead.rows.length - 1].cells;
  Array.from(headings).forEach((heading, column) => {
    if (heading.classList.contains("plain")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    button.addEventListener("click", () => sortTable(table, column));
    heading.append(button);
  });
}

function themeColour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// Light or dark as the system says, until the button says otherwise.
{
  const system = matchMedia("(prefers-color-scheme: dark)");
  const show = (isDark) => {
    document.documentElement.dataset.shade = isDark ? "dark" : "light";
    document.dispatchEvent(new Event("shade"));
  };
  system.addEventListener("change", () => show(system.matches));
  document.getElementById("shade").addEventListener("click", () => show(document.documentElement.dataset.shade !== "dark"));
  show(system.matches);
}
