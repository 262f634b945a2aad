/* Cost. */
const COSTS = { train_s: "seconds of training", image_latency_s: "seconds per image", parameters: "parameters", peak_memory_bytes: "peak memory in bytes", crops_per_s: "crops per second" };
function fillCosts() {
  const costs = runOf("cost-run").costs;
  const known = Object.keys(COSTS).filter(name => costs.some(one => one[name] > 0));
  options($("cost-what"), known.map(name => [name, COSTS[name]]));
}
function showCosts() {
  const what = $("cost-what").value;
  const rows = runOf("cost-run").costs.filter(one => one[what] > 0 && one.f1_validation !== null);
  $("cost-note").textContent = rows.some(one => one.fronts.includes(what)) ? "Filled: no other position has a higher F1 on validation at no more cost." : "No position is filled, since no front is told for this cost: the sentences below say why.";
  delete views.cost;
  const named = spec => JSON.parse(JSON.stringify(spec).replaceAll('"title":"cost","scale"', `"title":${JSON.stringify(COSTS[what] ?? "")},"scale"`));
  chart("cost", rows.map(one => ({ name: one.name, row: one.row, column: one.column, group: one.group, cost: one[what], score: 100 * one.f1_validation,
    text: `${Number(one[what].toPrecision(3))} ${COSTS[what]}`, front: one.fronts.includes(what) })), named);
}
for (const id of ["cost-run", "cost-what"]) on(id, "change", () => { fillCosts(); showCosts(); });
