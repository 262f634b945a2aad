/* Charts: rows change, the drawing stays. */
const views = {}, latest = {};
const EMBED = { mode: "vega-lite", renderer: "svg", actions: false, ast: true, hover: true, logLevel: 1, tooltip: (_handler, event, _item, value) => hint(event, value) };
async function chart(name, rows, titled = spec => spec) {
  const node = $(`chart-${name}`);
  latest[name] = rows;
  node.hidden = !rows.length;
  node.dataset.rows = rows.length;
  if (name in VALUES) valuesOf(name, node).hidden = !rows.length;
  if (!rows.length) return;
  if (!views[name]) {
    views[name] = vegaEmbed(node, titled({ ...content.charts[name], datasets: { rows } }), EMBED);
    return;
  }
  const { view } = await views[name];
  if (latest[name] === rows) await view.data("rows", rows).resize().runAsync();
}
function hint(event, value) {
  const box = $("hint");
  box.hidden = !value;
  if (!value) return;
  box.textContent = Object.entries(value).map(([name, text]) => `${name}: ${text}`).join(", ");
  box.style.left = `${Math.min(event.clientX + 12, window.innerWidth - 240)}px`;
  box.style.top = `${event.clientY + 12}px`;
}

/* The values of a chart as a table, for those who do not point at things; made when it is opened. */
const VALUES = {
  curves: ["cell", "curve", "threshold", "score"], training: ["cell", "epoch", "value"],
  losses: ["cell", "what", "epoch", "value"], parts: ["cell", "part", "value", "range"], cost: ["name", "score", "text", "front"],
};
const TENTHS = row => row.curve === "TH" || Math.round(100 * row.threshold) % 10 === 0;
function valuesOf(name, node) {
  const after = node.nextElementSibling;
  const box = after && after.matches("details.values") ? after : make("details", null, { class: "values", "data-of": name });
  if (box !== after) {
    node.after(fill(box, make("summary", "these values as a table"), make("div", null, { class: "wide", role: "region", tabindex: 0, "aria-label": `values of ${name}` })));
    box.addEventListener("toggle", () => { if (box.open) showValues(name, box); });
  }
  if (box.open) showValues(name, box);
  return box;
}
function showValues(name, box) {
  const rows = name === "curves" ? latest.curves.filter(TENTHS) : latest[name];
  const text = value => value === undefined || value === null ? NOTHING : typeof value === "number" ? String(Number(value.toPrecision(4))) : String(value);
  const head = fill(make("tr"), VALUES[name].map(field => make("th", field, { scope: "col" })));
  const body = rows.map(row => fill(make("tr"), VALUES[name].map(field => fill(make("td", null, { class: typeof row[field] === "number" ? "number" : "text" }), named(text(row[field]))))));
  fill(box.lastElementChild, fill(make("table"), fill(make("thead"), head), fill(make("tbody"), body)));
}
