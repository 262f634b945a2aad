/* One cell in full. */
function showCell(key) {
  const cell = cellOf.get(key), run = runs[cell.run];
  const listing = pairs => fill(make("dl"), pairs.flatMap(([name, text]) => [make("dt", name), fill(make("dd"), named(text))]));
  const numbers = Object.entries(cell.numbers).map(([name, value]) => fill(make("div"), named(name), make("span", String(Number(value.toPrecision(6))))));
  openDialog(`cell ${cell.id}`, make("h3", cell.name), listing([["id", cell.id], ["state", cell.state + (cell.reason ? `: ${cell.reason}` : "")],
    ...Object.entries(cell.axes), ...cell.badges.map(badge => ["badge", badge]), ...cell.outdated.map(text => ["outdated", text]), ["file", cell.file ? `${run.folder}/${cell.file}` : NOTHING]]),
    fill(make("div", null, { class: "columns" }), numbers));
}
