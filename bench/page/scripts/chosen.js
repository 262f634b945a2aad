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
  const curves = [], training = [], parts = [], gone = [];
  const what = $("part-what").value;
  for (const key of chosen) {
    const cell = cellOf.get(key), run = runs[cell.run], name = nameOf(key);
    const found = run.curves[cell.id];
    if (!found) gone.push(name);
    curves.push({ cell: name, curve: "f1", threshold: null, score: null }); // every chart knows every cell, so colours agree
    for (const label of ["validation F1", "validation"]) training.push({ cell: name, what: label, epoch: null, value: null });
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
  $("chosen-note").textContent = gone.length ? `No curves and no epochs are kept here of ${gone.join("; ")}: their files are no longer in the store that the page was made from.` : "";
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
on("add-cell", "change", () => { if ($("add-cell").value) choose($("add-cell").value); $("add-cell").value = ""; });
on("part-what", "change", showChosen);
fill($("curve-names"), make("legend", "curves"), curveNames.map(name => {
  const box = make("input", null, { type: "checkbox" });
  box.checked = shownCurves.has(name);
  box.addEventListener("change", () => { shownCurves[box.checked ? "add" : "delete"](name); showChosen(); });
  return fill(make("label"), box, name);
}));
