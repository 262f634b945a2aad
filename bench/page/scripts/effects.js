/* Effects. */
function fillEffects() {
  const rows = runOf("effect-run").effects;
  options($("effect-axis"), unique(rows.map(one => one.axis)).map(axis => [axis, axis]));
  const ofAxis = rows.filter(one => one.axis === $("effect-axis").value);
  const heads = new Map(ofAxis.map(one => [one.measure, one.head]));
  options($("effect-score"), [...heads], $("effect-score").value);
}
function showEffects() {
  const rows = runOf("effect-run").effects.filter(one => one.axis === $("effect-axis").value && one.measure === $("effect-score").value);
  chart("effects", rows);
  const table = $("effects-table");
  fill(table.tHead, fill(make("tr"), make("th", $("effect-axis").value, { scope: "col" }), ["mean", "95 % interval", "ties"].map(text => make("th", text, { scope: "col", class: "number" }))));
  fill(table.tBodies[0], rows.map(one => fill(make("tr"), fill(make("th", null, { scope: "row" }), named(one.level)), [one.text, one.interval, one.tie || NOTHING].map(text => make("td", text, { class: "number" })))));
  table.parentElement.hidden = !rows.length;
}
for (const id of ["effect-run", "effect-axis", "effect-score"]) on(id, "change", () => { fillEffects(); showEffects(); });
