"use strict";
(() => {
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

/* Charts: rows change, the drawing stays. */
const views = {}, latest = {};
const EMBED = { mode: "vega-lite", renderer: "svg", actions: false, ast: true, hover: true, logLevel: 1, tooltip: (_handler, event, _item, value) => hint(event, value) };
async function chart(name, rows, titled = spec => spec) {
  const node = $(`chart-${name}`);
  latest[name] = rows;
  node.hidden = !rows.length;
  node.dataset.rows = rows.length;
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

/* The table of positions. */
const hiddenColumns = new Set(["id"]);
let sorting = { column: "value", up: false };
function measuresOf(run) { return run.measures.filter(one => one.split); }
function unique(values) { return [...new Set(values)]; }
function fillMeasures() {
  const run = runOf("run"), measures = measuresOf(run);
  const rules = unique(measures.map(one => one.rule));
  options($("rule"), rules.map(rule => [rule, rule === "protocol" ? "as the protocol chose it" : `${rule} on validation`]), $("rule").value || "protocol");
  const ruled = measures.filter(one => one.rule === $("rule").value);
  const scores = unique(ruled.map(one => one.score));
  const label = score => { const one = ruled.find(each => each.score === score); return one.label === score ? score : `${score}: ${one.label}`; };
  options($("score"), scores.map(score => [score, label(score)]), $("score").value || "f1");
  const splits = unique(ruled.filter(one => one.score === $("score").value).map(one => one.split));
  options($("split"), splits.map(split => [split, split]), $("split").value || "test");
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
  $("board-note").textContent = measure ? `${measure.head}: ${measure.rule === "protocol" ? "" : `at the threshold by ${measure.rule} on validation, `}means over seeds \u00b1 sample standard deviation; point at a number for the files that it comes from. ${run.single ? "" : "Which rows can be told apart is said column by column in the table below. "}` : "";
}
function boardRow(run, number, one, columns) {
  const row = make("tr");
  const ids = one.cells.map(id => `${number}/${id}`).filter(key => run.curves[key.split("/")[1]]);
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

/* One cell in full. */
function showCell(key) {
  const cell = cellOf.get(key), run = runs[cell.run];
  const dialog = make("dialog", null, { "aria-label": `cell ${cell.id}` });
  const close = make("button", "close", { type: "button" });
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  const listing = pairs => fill(make("dl"), pairs.flatMap(([name, text]) => [make("dt", name), fill(make("dd"), named(text))]));
  const numbers = Object.entries(cell.numbers).map(([name, value]) => fill(make("div"), named(name), make("span", String(Number(value.toPrecision(6))))));
  fill(dialog, close, make("h3", cell.name), listing([["id", cell.id], ["state", cell.state + (cell.reason ? `: ${cell.reason}` : "")],
    ...Object.entries(cell.axes), ...cell.badges.map(badge => ["badge", badge]), ...cell.outdated.map(text => ["outdated", text]), ["file", cell.file ? `${run.folder}/${cell.file}` : NOTHING]]),
    fill(make("div", null, { class: "columns" }), numbers));
  document.body.append(dialog);
  dialog.showModal();
}

/* Chosen cells: curves, training, parts. */
let chosen = [];
const curveNames = ["f1", "precision", "recall", "f2", "accuracy"];
let shownCurves = new Set(["f1", "precision", "recall"]);
function choose(key) { if (!chosen.includes(key)) chosen = [...chosen, key].slice(-MOST_CHOSEN); showChosen(); showBoard(); }
function drop(key) { chosen = chosen.filter(one => one !== key); showChosen(); showBoard(); }
function showChosen() {
  fill($("chosen"), make("legend", "chosen"), chosen.map(key => {
    const box = make("input", null, { type: "checkbox" });
    box.checked = true;
    box.addEventListener("change", () => drop(key));
    return fill(make("label"), box, named(nameOf(key)));
  }));
  const curves = [], training = [], parts = [];
  const what = $("part-what").value;
  for (const key of chosen) {
    const cell = cellOf.get(key), run = runs[cell.run], name = nameOf(key);
    const found = run.curves[cell.id];
    for (const curve of found ? curveNames : []) {
      if (!shownCurves.has(curve) || !found[curve]) continue;
      found[curve].forEach((score, at) => { if (score !== null) curves.push({ cell: name, curve, threshold: at / 100, score }); });
    }
    const threshold = cell.numbers["scores.validation.threshold"];
    if (found && threshold !== undefined) curves.push({ cell: name, curve: "TH", threshold });
    for (const epoch of run.training[cell.id] ?? []) {
      const told = { "validation F1": epoch.validation_f1, "training": epoch.train_loss, "validation": epoch.validation_loss };
      for (const [label, value] of Object.entries(told)) if (value !== undefined && value !== null) training.push({ cell: name, what: label, epoch: epoch.epoch, value });
    }
    parts.push(...partsOf(run, cell, what));
  }
  chart("curves", curves); chart("training", training.filter(one => one.what === "validation F1")); chart("losses", training.filter(one => one.what !== "validation F1")); chart("parts", parts);
}

/* Shares of each size and type, as means over the seeds of a position. */
function partsOf(run, cell, what) {
  const position = run.positions.find(one => one.cells.includes(cell.id));
  const ids = position ? position.cells : [cell.id];
  const members = run.cells.filter(one => ids.includes(one.id) && one.state === "done");
  const label = position ? Object.values(position.axes).join(" / ") + (members.length > 1 ? `, ${members.length} seeds` : "") : cell.name;
  const found = new Map();
  for (const member of members) {
    for (const [path, value] of Object.entries(member.numbers)) {
      const match = /^scores\.test\.(sizes|types)\.(.+)\.([a-z0-9_]+)$/.exec(path);
      if (match && match[3] === what) found.set(match[2], [...found.get(match[2]) ?? [], value]);
    }
  }
  const numbers = members[0]?.numbers ?? {};
  const pixels = part => { const at = `scores.test.sizes.${part}`; return numbers[`${at}.smallest_area`] === undefined ? part : `${part}: ${numbers[`${at}.smallest_area`]} to ${numbers[`${at}.largest_area`]} px`; };
  return [...found].map(([part, values]) => ({ cell: label, part: pixels(part), value: 100 * values.reduce((sum, one) => sum + one, 0) / values.length,
    range: `${(100 * Math.min(...values)).toFixed(1)} to ${(100 * Math.max(...values)).toFixed(1)}` }));
}

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

/* Cost. */
const COSTS = { train_s: "seconds of training", image_latency_s: "seconds per image", parameters: "parameters", peak_memory_bytes: "peak memory in bytes", crops_per_s: "crops per second" };
const FRONTS = { image_latency_s: "L", train_s: "T", parameters: "P" };
function fillCosts() {
  const costs = runOf("cost-run").costs;
  const known = Object.keys(COSTS).filter(name => costs.some(one => one[name] > 0));
  options($("cost-what"), known.map(name => [name, COSTS[name]]));
}
function showCosts() {
  const what = $("cost-what").value;
  const rows = runOf("cost-run").costs.filter(one => one[what] > 0 && one.f1_validation !== null);
  delete views.cost;
  const named = spec => JSON.parse(JSON.stringify(spec).replaceAll('"title":"cost","scale"', `"title":${JSON.stringify(COSTS[what] ?? "")},"scale"`));
  chart("cost", rows.map(one => ({ name: one.name, row: one.row, column: one.column, group: one.group, cost: one[what], score: 100 * one.f1_validation,
    text: `${Number(one[what].toPrecision(3))} ${COSTS[what]}`, front: (one.fronts ?? []).includes(FRONTS[what]) })), named);
}

/* The images that decide. */
let shown = PAGE;
const ORDERS = [["difference", "A and B differ most"], ["b-better", "B is better"], ["a-better", "A is better"], ["a-worst", "A is worst"], ["b-worst", "B is worst"], ["a-median", "A is in the middle"]];
const SIZES = [["", "any"], ["q1", "smallest quarter"], ["q2", "second quarter"], ["q3", "third quarter"], ["q4", "largest quarter"], ["none", "no defect"]];
function setNow() { const run = runOf("image-run"); return run.sets[Number($("image-set").value) || 0]; }
function fillImages() {
  const run = runOf("image-run"), number = runs.indexOf(run);
  options($("image-set"), run.sets.map((set, at) => [String(at), `${set.name}, ${set.total} images`]));
  const set = setNow();
  if (!set) return;
  const keys = run.cells.map(cell => cell.id).filter(id => id in set.cells);
  const pairs = keys.map(id => [id, cellOf.get(`${number}/${id}`).name]);
  const byScore = [...keys].sort((one, other) => score(number, other) - score(number, one));
  const last = keys.find(id => axesBut(number, id, byScore[0])) ?? byScore[byScore.length - 1];
  options($("cell-a"), pairs, keys.includes($("cell-a").value) ? $("cell-a").value : last);
  options($("cell-b"), pairs, keys.includes($("cell-b").value) ? $("cell-b").value : byScore[0]);
  options($("image-order"), ORDERS, $("image-order").value || "difference");
  options($("image-type"), [["", "any"], ...unique(set.types.flat()).sort().map(type => [type, type])]);
  options($("image-size"), SIZES);
}
const score = (number, id) => cellOf.get(`${number}/${id}`).numbers["scores.validation.f1"] ?? -1;
/* The first level of the rows beside the best cell: the comparison that a suite asks for. */
function axesBut(number, id, other) {
  const run = runs[number], [one, best] = [id, other].map(key => cellOf.get(`${number}/${key}`).axes);
  return id !== other && run.rows_axes.some(axis => one[axis] !== best[axis]) && Object.keys(one).every(axis => run.rows_axes.includes(axis) || one[axis] === best[axis]);
}
function f1([tp, fp, fn]) { return tp + fn ? 2 * tp / (2 * tp + fp + fn) : null; }
function wrong([, fp, fn]) { return fp + fn; }
function quarters(areas) {
  const sorted = areas.filter(Boolean).sort((a, b) => a - b);
  const at = share => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  return area => !area ? "none" : area < at(0.25) ? "q1" : area < at(0.5) ? "q2" : area < at(0.75) ? "q3" : "q4";
}
function ranked(set, a, b) {
  const [one, other] = [set.cells[a], set.cells[b]];
  const quarter = quarters(set.areas), words = $("image-filter").value.toLowerCase();
  const [type, size, pictured] = [$("image-type").value, $("image-size").value, $("image-pictured").checked && hasPictures(set)];
  const found = set.ids.map((id, at) => ({ id, at, a: one[at], b: other[at], gain: wrong(one[at]) - wrong(other[at]) }));
  const kept = found.filter(image => (!type || (set.types[image.at] ?? []).includes(type)) && (!size || quarter(set.areas[image.at]) === size)
    && (!words || `${image.id} ${set.groups[image.at]}`.toLowerCase().includes(words))
    && (!pictured || (set.pictures.overlay[a]?.[image.at] || set.pictures.overlay[b]?.[image.at])));
  const value = image => f1(image) ?? (wrong(image) ? 0 : 1);
  const better = { "b-better": image => image.gain > 0, "a-better": image => image.gain < 0 }[$("image-order").value];
  if (better) kept.splice(0, kept.length, ...kept.filter(better));
  const by = { difference: image => -Math.abs(image.gain), "b-better": image => -image.gain, "a-better": image => image.gain,
    "a-worst": image => -wrong(image.a), "b-worst": image => -wrong(image.b), "a-median": image => value(image.a) }[$("image-order").value];
  kept.sort((x, y) => by(x) - by(y) || x.at - y.at);
  if ($("image-order").value === "a-median") { const middle = kept.length / 2; kept.sort((x, y) => Math.abs(kept.indexOf(x) - middle) - Math.abs(kept.indexOf(y) - middle)); }
  return kept;
}
const hasPictures = set => Object.keys(set.pictures.image).length > 0;
function showImages() {
  const run = runOf("image-run"), number = runs.indexOf(run), set = setNow(), list = $("image-list");
  if (!set) { fill(list); $("image-note").textContent = "No finished cell has counts per image."; return; }
  const [a, b] = [$("cell-a").value, $("cell-b").value];
  const found = ranked(set, a, b);
  const pictured = Object.keys(set.pictures.image).length;
  const told = set.ids.length < set.total ? ` Told are the ${set.ids.length} images in which cells differ most.` : "";
  const ahead = set.ids.filter((_, at) => wrong(set.cells[b][at]) < wrong(set.cells[a][at])).length;
  const behind = set.ids.filter((_, at) => wrong(set.cells[b][at]) > wrong(set.cells[a][at])).length;
  $("image-note").textContent = `B has fewer wrong pixels on ${ahead}, A on ${behind} of ${set.ids.length} images. ${found.length} of ${set.total} test images fit.` + told
    + (set.why ? ` No pictures: ${set.why}.` : ` Pictures are kept of ${pictured}: some spread over the split, and the worst of each cell.` + (pictured < set.ids.length ? " Untick the box to see the figures of all." : ""));
  fill(list, found.slice(0, shown).map(image => imageItem(set, number, image, a, b)));
  $("image-more").hidden = found.length <= shown;
}
function imageItem(set, number, image, a, b) {
  const item = make("li"), types = (set.types[image.at] ?? []).join(", ") || "no defect";
  const facts = fill(make("p", null, { class: "facts" }), make("strong"), ` group `, named(set.groups[image.at]), `; ${types}` + (set.areas[image.at] ? `, largest defect ${set.areas[image.at].toLocaleString("en")} px` : "")
    + `; ${image.gain > 0 ? "B" : image.gain < 0 ? "A" : "neither"} has fewer wrong pixels` + (image.gain ? `, by ${Math.abs(image.gain).toLocaleString("en")}` : ""));
  facts.firstChild.append(named(image.id));
  const strip = make("div", null, { class: "strip" });
  const source = set.pictures.image[image.at], sides = set.sides[image.at];
  if (source) strip.append(figure(`${image.id}: the image`, [source], "image", sides), figure(`${image.id}: truth`, [source, set.pictures.truth[image.at]], "truth", sides));
  for (const [letter, id, counts] of [["A", a, image.a], ["B", b, image.b]]) {
    const name = cellOf.get(`${number}/${id}`).name, score = f1(counts);
    const text = `${letter}: ${name}. F1 ${score === null ? NOTHING : (100 * score).toFixed(1)}, found ${counts[0].toLocaleString("en")}, false ${counts[1].toLocaleString("en")}, missed ${counts[2].toLocaleString("en")} px`;
    const overlay = set.pictures.overlay[id]?.[image.at], map = set.pictures.map[id]?.[image.at];
    if (source && overlay) strip.append(figure(text, [source, overlay], `prediction ${letter}`, sides, map));
    else strip.append(fill(make("figure"), make("figcaption", source ? `${text}. Its picture was not kept.` : text)));
  }
  item.append(facts, strip);
  return item;
}
function figure(text, layers, kind, sides, map) {
  const stack = make(map ? "button" : "span", null, { class: map ? "stack" : "stack plain" });
  if (map) { stack.type = "button"; stack.title = "hover, or press p, for the probability"; stack.setAttribute("aria-label", `${text}; press to see the probability`); stack.setAttribute("aria-pressed", "false"); stack.addEventListener("click", () => stack.setAttribute("aria-pressed", String(stack.classList.toggle("held")))); }
  layers.filter(Boolean).forEach((source, at) => stack.append(make("img", null, { src: source, alt: at ? "" : map ? "" : text, width: sides[0], height: sides[1], loading: "lazy", class: at ? "over" : "under" })));
  if (map) stack.append(make("img", null, { src: map, alt: "", class: "map", loading: "lazy" }));
  const made = fill(make("figure", null, { "data-kind": kind }), stack);
  made.append(fill(make("figcaption"), named(text)));
  return made;
}

/* Everything together. */
for (const id of ["run", "score", "split", "rule"]) on(id, "change", () => { if (id === "run") { hiddenColumns.delete(""); } fillMeasures(); showBoard(); });
for (const [id, event] of [["filter", "input"], ["state", "change"]]) on(id, event, showBoard);
for (const id of ["effect-run", "effect-axis", "effect-score"]) on(id, "change", () => { fillEffects(); showEffects(); });
for (const id of ["cost-run", "cost-what"]) on(id, "change", () => { fillCosts(); showCosts(); });
for (const id of ["image-run", "image-set"]) on(id, "change", () => { shown = PAGE; fillImages(); showImages(); });
for (const id of ["cell-a", "cell-b", "image-order", "image-type", "image-size", "image-pictured"]) on(id, "change", () => { shown = PAGE; showImages(); });
on("image-filter", "input", () => { shown = PAGE; showImages(); });
on("image-more", "click", () => {
  const first = shown;
  shown += PAGE;
  showImages();
  const item = $("image-list").children[first];
  if (item) { item.tabIndex = -1; item.focus(); }
});
on("image-maps", "change", () => $("images").classList.toggle("maps", $("image-maps").checked));
on("add-cell", "change", () => { if ($("add-cell").value) choose($("add-cell").value); $("add-cell").value = ""; });
on("part-what", "change", showChosen);
document.querySelectorAll("form").forEach(form => form.addEventListener("submit", event => event.preventDefault()));
document.addEventListener("keydown", event => {
  if (event.key !== "p" || event.ctrlKey || event.metaKey || event.altKey || ["INPUT", "SELECT", "TEXTAREA"].includes(event.target.tagName)) return;
  $("image-maps").checked = !$("image-maps").checked;
  $("images").classList.toggle("maps", $("image-maps").checked);
});
fill($("curve-names"), make("legend", "curves"), curveNames.map(name => {
  const box = make("input", null, { type: "checkbox" });
  box.checked = shownCurves.has(name);
  box.addEventListener("change", () => { shownCurves[box.checked ? "add" : "delete"](name); showChosen(); });
  return fill(make("label"), box, name);
}));
options($("part-what"), [["object_recall", "defects found"], ["recall", "their pixels found"], ["overlap", "each defect's pixels found, on average"]]);
const finished = [...cellOf].filter(([, cell]) => cell.state === "done");
options($("add-cell"), [["", "choose a cell"], ...finished.map(([key]) => [key, nameOf(key)])]);
chosen = content.chosen;
fillMeasures(); showBoard(); showChosen(); fillEffects(); showEffects(); fillCosts(); showCosts(); fillImages(); showImages();
document.body.dataset.ready = "yes";
window.addEventListener("beforeprint", () => document.querySelectorAll("details").forEach(node => { node.open = true; }));
if (content.live) {
  const look = async () => {
    try {
      const answer = await fetch("status.json", { cache: "no-store" });
      const status = await answer.json();
      const line = $("live");
      line.hidden = false;
      fill(line, status.lines.flatMap((text, at) => at ? [make("br"), named(text)] : [named(text)]));
      if (status.version !== content.live && !document.querySelector("dialog[open]")) { sessionStorage.setItem("place", String(window.scrollY)); location.reload(); return; }
    } catch { $("live").hidden = false; $("live").textContent = "The server has stopped; what is shown stays as it is."; }
    setTimeout(look, 2000);
  };
  const place = sessionStorage.getItem("place");
  if (place) { window.scrollTo(0, Number(place)); sessionStorage.removeItem("place"); }
  look();
}
})();
