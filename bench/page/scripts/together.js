/* Everything together. */
document.querySelectorAll("form").forEach(form => form.addEventListener("submit", event => event.preventDefault()));
options($("part-what"), [["object_recall", "defects found"], ["recall", "their pixels found"], ["overlap", "each defect's pixels found, on average"]]);
const finished = [...cellOf].filter(([, cell]) => cell.state === "done");
options($("add-cell"), [["", "choose a cell"], ...finished.map(([key]) => [key, nameOf(key)])]);
chosen = content.chosen;
fillMeasures(); showBoard(); showChosen(); fillEffects(); showEffects(); fillCosts(); showCosts(); fillImages(); showImages();
document.body.dataset.ready = "yes";
window.addEventListener("beforeprint", () => document.querySelectorAll("details:not(.values)").forEach(node => { node.open = true; }));
