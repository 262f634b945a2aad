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
  const pictured = keys.filter(id => Object.keys(set.pictures.overlay[id] ?? {}).length);
  const first = pictured.length > 1 ? pictured : keys;
  const byScore = [...first].sort((one, other) => score(number, other) - score(number, one));
  const last = first.find(id => axesBut(number, id, byScore[0])) ?? byScore[byScore.length - 1];
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
  const sums = id => [0, 1, 2].map(at => set.cells[id].reduce((sum, counts) => sum + counts[at], 0).toLocaleString("en"));
  const whole = [["A", a], ["B", b]].map(([letter, id]) => { const [tp, fp, fn] = sums(id); return `${letter} found ${tp}, raised ${fp} false and missed ${fn} px in all`; }).join("; ");
  const bare = [["A", a], ["B", b]].filter(([, id]) => hasPictures(set) && !Object.keys(set.pictures.overlay[id] ?? {}).length).map(([letter]) => letter);
  $("image-note").textContent = `${whole}. B has fewer wrong pixels on ${ahead}, A on ${behind} of ${set.ids.length} images. ${found.length} of ${set.total} test images fit.` + told
    + (set.why ? ` No pictures: ${set.why}.` : ` Pictures are kept of ${pictured}: some spread over the split, and the worst of each cell.` + (pictured < set.ids.length ? " Untick the box to see the figures of all." : "") + (bare.length ? ` None are kept here of ${bare.join(" and ")}.` : ""));
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
  const larger = make("button", "larger", { type: "button", class: "larger", "aria-label": `larger: ${text}` });
  larger.addEventListener("click", () => enlarge(text, layers, map));
  made.append(fill(make("figcaption"), named(text), " ", larger));
  return made;
}

/* One picture as large as the window, its pixels as they are. */
function enlarge(text, layers, map) {
  const picture = source => make("img", null, { src: source, alt: "" });
  const stack = fill(make("span", null, { class: "stack plain" }), layers.filter(Boolean).map(picture));
  const controls = [];
  if (map) {
    const box = make("input", null, { type: "checkbox" });
    stack.append(make("img", null, { src: map, alt: "", class: "map" }));
    box.addEventListener("change", () => stack.classList.toggle("held", box.checked));
    controls.push(fill(make("label"), box, " probability"));
  }
  openDialog(text, fill(make("p"), named(text)), make("p", "Reduced for this page; 'bench predict' draws whole images.", { class: "note" }), stack, ...controls).classList.add("large");
}
for (const id of ["image-run", "image-set"]) on(id, "change", () => { shown = PAGE; fillImages(); showImages(); });
for (const id of ["cell-a", "cell-b", "image-order", "image-type", "image-size", "image-pictured"]) on(id, "change", () => { shown = PAGE; showImages(); });
on("image-filter", "input", () => { shown = PAGE; showImages(); });
on("image-maps", "change", () => $("images").classList.toggle("maps", $("image-maps").checked));
on("image-more", "click", () => {
  const first = shown;
  shown += PAGE;
  showImages();
  const item = $("image-list").children[first];
  if (item) { item.tabIndex = -1; item.focus(); }
});
document.addEventListener("keydown", event => {
  if (event.key !== "p" || event.ctrlKey || event.metaKey || event.altKey || ["INPUT", "SELECT", "TEXTAREA"].includes(event.target.tagName)) return;
  $("image-maps").checked = !$("image-maps").checked;
  $("images").classList.toggle("maps", $("image-maps").checked);
});
