const content = JSON.parse(document.getElementById("content").textContent);
const $ = id => document.getElementById(id);
const PAGE = 12, MOST_CHOSEN = 6, NOTHING = "\u2013";

/* Elements whose text is only ever text. */
function make(tag, text, attributes = {}) {
  const made = document.createElement(tag);
  if (text !== undefined && text !== null) made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}
function fill(node, ...children) { node.replaceChildren(...children.flat()); return node; }
function named(text) { return make("bdi", text); }
function options(select, pairs, wanted) {
  const before = wanted ?? select.value;
  fill(select, pairs.map(([value, text]) => make("option", text, { value })));
  if (pairs.some(([value]) => value === before)) select.value = before;
}
function openDialog(label, ...children) {
  const dialog = make("dialog", null, { "aria-label": label });
  const close = make("button", "close", { type: "button" });
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(fill(dialog, close, ...children));
  dialog.showModal();
  return dialog;
}
function on(id, event, act) { const node = $(id); if (node) node.addEventListener(event, act); }
const runs = content.runs;
for (const run of runs) run.single = unique(run.positions.map(one => one.axes[run.columns_axis])).length < 2;
const several = runs.length > 1;
document.querySelectorAll("[data-several]").forEach(node => { node.hidden = !several; });
const runPairs = runs.map((run, number) => [String(number), run.name]);
for (const id of ["run", "effect-run", "image-run", "cost-run"]) options($(id), runPairs);
const runOf = id => runs[Number($(id).value) || 0];
const cellOf = new Map();
runs.forEach((run, number) => run.cells.forEach(cell => cellOf.set(`${number}/${cell.id}`, { ...cell, run: number })));
const nameOf = key => { const cell = cellOf.get(key); return several ? `${runs[cell.run].name}: ${cell.name}` : cell.name; };
