/* The table of positions. */
const hiddenColumns = new Set(["id"]);
let sorting = { column: "value", up: false };
/* What a reader asked for, which some thresholds do not have. */
const asked = { score: "f1", split: "test", missing: "" };
function measuresOf(run) { return run.measures.filter(one => one.split); }
function unique(values) { return [...new Set(values)]; }
function fillMeasures() {
  const run = runOf("run"), measures = measuresOf(run);
  const rules = unique(measures.map(one => one.rule));
  options($("rule"), rules.map(rule => [rule, rule === "protocol" ? "as the protocol chose it" : `${rule} on validation`]), $("rule").value || "protocol");
  const ruled = measures.filter(one => one.rule === $("rule").value);
  const scores = unique(ruled.map(one => one.score));
  const label = score => { const one = ruled.find(each => each.score === score); return one.label === score ? score : `${score}: ${one.label}`; };
  asked.missing = asked.score && !scores.includes(asked.score) ? asked.score : "";
  options($("score"), scores.map(score => [score, label(score)]), scores.includes(asked.score) ? asked.score : "f1");
  const splits = unique(ruled.filter(one => one.score === $("score").value).map(one => one.split));
  options($("split"), splits.map(split => [split, split]), splits.includes(asked.split) ? asked.split : splits[splits.length - 1]);
  const { measure } = measureNow();
  if (sorting.column === "value" && measure) sorting.up = measure.better === "lower";
  const states = unique(run.positions.map(one => one.state));
  options($("state"), [["", "all"], ...states.map(state => [state, state])]);
}
function measureNow() {
  const run = runOf("run");
  const index = run.measures.findIndex(one => one.split === $("split").value && one.score === $("score").value && one.rule === $("rule").value);
  return { index, measure: run.measures[index] };
}
function sourceOf(run, position, measure) {
  const files = position.cells.map(id => `${run.folder}/cells/${id}.json`);
  return `${measure.path.join(".")} in ${files.join(", ")}`;
}
function columnsOf(run) {
  const { index, measure } = measureNow();
  const axes = unique(run.positions.flatMap(one => Object.keys(one.axes)));
  const columns = axes.map(axis => ({ id: `axis ${axis}`, head: axis, text: one => one.axes[axis] ?? "", order: one => one.axes[axis] ?? "" }));
  const figure = (one, at) => one.figures && one.figures[at];
  const value = (id, head, at, measured) => ({
    id, head, number: true, measure: measured, better: measured.better,
    text: one => { const found = figure(one, at); return found ? found[0] + (found[1] ? ` \u00b1 ${found[1]}` : "") : NOTHING; },
    order: one => { const found = figure(one, at); return found && found[2] !== null ? found[2] : null; },
    best: one => run.single && Boolean(figure(one, at)?.[3]),
    tie: one => run.single ? one.ties[measured.name] ?? "" : "",
  });
  if (measure) {
    columns.push(value("value", measure.head, index, measure));
    if (run.positions.some(one => one.intervals[measure.name])) columns.push({ id: "interval", head: "95 % interval", number: true, text: one => one.intervals[measure.name] ?? NOTHING, order: () => null });
  }
  run.measures.forEach((one, at) => { if (!one.split && run.extras.includes(one.name)) columns.push(value(one.name, one.head, at, one)); });
  columns.push({ id: "seeds", head: "seeds", number: true, text: one => one.seeds === one.expected ? String(one.seeds) : `${one.seeds} of ${one.expected}`, order: one => one.seeds });
  columns.push({ id: "state", head: "state", text: one => stateText(one), order: one => one.state });
  columns.push({ id: "id", head: "cells", text: one => one.cells.map(id => id.slice(0, 8)).join(" "), order: one => one.cells[0] ?? "" });
  return columns;
}
function stateText(one) {
  const marks = [one.state, ...one.badges.map(badge => `[${badge}]`)];
  if (one.inert) marks.push("[excluded no crop position, or admitted none: these are uniform crops]");
  return one.why ? `${marks.join(" ")}: ${one.why}` : marks.join(" ");
}
function nameText(one) { return [...Object.values(one.axes), ...one.cells, stateText(one)].join("\n").toLowerCase(); }
function showBoard() {
  const run = runOf("run"), number = runs.indexOf(run);
  const all = columnsOf(run), columns = all.filter(one => !hiddenColumns.has(one.id));
  const { measure } = measureNow();
  fill($("columns"), make("legend", "shown"), all.map(column => {
    const box = make("input", null, { type: "checkbox" });
    box.checked = !hiddenColumns.has(column.id);
    box.addEventListener("change", () => { hiddenColumns[box.checked ? "delete" : "add"](column.id); showBoard(); });
    return fill(make("label"), box, named(column.head));
  }));
  const words = $("filter").value.trim().toLowerCase(), state = $("state").value;
  let rows = run.positions.filter(one => !state || one.state === state);
  rows = rows.filter(one => !words || nameText(one).includes(words));
  const by = all.find(column => column.id === sorting.column);
  if (by) {
    rows = [...rows].sort((one, other) => {
      const [a, b] = [by.order(one), by.order(other)];
      if (a === null || b === null) return (a === null) - (b === null);
      const order = typeof a === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
      return sorting.up ? order : -order;
    });
  }
  const table = $("positions");
  fill(table.caption, `${rows.length} of ${run.positions.length} positions` + (measure ? `, ${measure.meaning || measure.label}` : ""));
  const head = make("tr");
  head.append(make("th", "show", { scope: "col" }));
  for (const column of columns) {
    const cell = make("th", null, { scope: "col", class: column.number ? "number" : "text" });
    const button = make("button", column.head, { type: "button" });
    button.addEventListener("click", () => {
      const first = column.number && column.better !== "lower" ? false : true;
      sorting = { column: column.id, up: sorting.column === column.id ? !sorting.up : first };
      showBoard();
      $("positions").tHead.querySelectorAll("button")[columns.indexOf(column)]?.focus();
    });
    cell.append(button);
    if (sorting.column === column.id) cell.setAttribute("aria-sort", sorting.up ? "ascending" : "descending");
    head.append(cell);
  }
  fill(table.tHead, head);
  fill(table.tBodies[0], rows.map(one => boardRow(run, number, one, columns)));
  const missing = asked.missing ? `${asked.missing.replaceAll("_", " ")} is not recorded at this threshold; shown is another score. ` : "";
  $("board-note").textContent = measure ? missing + `${measure.head}: ${measure.rule === "protocol" ? "" : `at the threshold by ${measure.rule} on validation, `}means over seeds \u00b1 sample standard deviation. From ${measure.path.join(".")} in ${run.folder}/cells/ID.json of the cells of each position: the column "cells", which is hidden at first, opens them. ${run.single ? "" : "Which rows can be told apart is said column by column in the table below."}` : "";
}
function boardRow(run, number, one, columns) {
  const row = make("tr");
  const ids = one.cells.map(id => `${number}/${id}`);
  const box = make("input", null, { type: "checkbox", "aria-label": `show ${Object.values(one.axes).join(", ")}` });
  box.checked = ids.some(key => chosen.includes(key));
  box.disabled = !one.cells.length || !one.figures;
  box.addEventListener("change", () => {
    box.checked ? choose(keyOf(number, one)) : one.cells.forEach(id => drop(`${number}/${id}`));
    $("positions").querySelector(`input[aria-label="${CSS.escape(box.getAttribute("aria-label"))}"]`)?.focus();
  });
  if (box.checked) row.className = "chosen";
  row.append(fill(make("td"), box));
  columns.forEach((column, at) => {
    const cell = make(at === 0 ? "th" : "td", null, { class: column.number ? "number" : "text" });
    if (at === 0) cell.setAttribute("scope", "row");
    const text = column.text(one);
    if (column.measure && text !== NOTHING) {
      cell.append(make(column.best(one) ? "strong" : "span", text));
      const tie = column.tie(one);
      if (tie) cell.append(make("sup", tie, { class: "tie" }));
      cell.title = sourceOf(run, one, column.measure);
      cell.dataset.path = column.measure.path.join(".");
      cell.dataset.cells = one.cells.join(" ");
    } else if (column.id === "id") {
      one.cells.forEach(id => { const button = make("button", id.slice(0, 8), { type: "button" }); button.addEventListener("click", () => showCell(`${number}/${id}`)); cell.append(button, " "); });
    } else cell.append(named(text));
    row.append(cell);
  });
  return row;
}
function keyOf(number, one) {
  const done = one.cells.filter(id => runs[number].cells.find(cell => cell.id === id)?.state === "done");
  return `${number}/${done[0]}`;
}
for (const id of ["run", "score", "split", "rule"]) on(id, "change", () => { if (id in asked) asked[id] = $(id).value; fillMeasures(); showBoard(); });
for (const [id, event] of [["filter", "input"], ["state", "change"]]) on(id, event, showBoard);
