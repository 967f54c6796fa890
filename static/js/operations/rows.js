/** Bring a table's rows up to date by their keys. A cell that stays the same stays, with its focus and a click on it. */
export function refreshRows(body, fresh) {
  const shown = new Map([...body.children].map((row) => [row.dataset.key, row]));
  const wanted = [...fresh.children].map((row) => refreshed(shown.get(row.dataset.key), row));
  for (const row of shown.values()) if (!wanted.includes(row)) row.remove();
  wanted.forEach((row, at) => {
    if (body.children[at] !== row) body.insertBefore(row, body.children[at] ?? null);
  });
}

function refreshed(old, row) {
  if (!old || old.cells.length !== row.cells.length) return row;
  [...row.cells].forEach((cell, at) => {
    if (old.cells[at].innerHTML !== cell.innerHTML) old.cells[at].replaceWith(cell);
  });
  return old;
}
