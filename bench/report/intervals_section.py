"""Intervals of the test values that a board shows besides the one that orders its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from bench.report.choose import Records, done_cells, seed_of
from bench.report.measures import NOTHING, heading, interval_in, printed
from bench.report.ordering import Ordering
from bench.report.rows import row_of
from bench.report.shape import Entry, Grid, Measure, Section, Table, title_text
from bench.report.spread import interval_of, mean_of
from bench.suite.cells import Cell
from bench.types import JsonValue

TITLE = "Intervals of the other test values"
MEANING = (
    "Intervals of 95 % over seeds and groups, each by itself; models, thresholds and the split are held fixed. Letters "
    "and differences of a value: name it first of 'board: {values}', or ask 'bench score RUN --metric NAME'."
)

ABSENT = "A dash: without one of the groups the score has no value, or a record comes without its replicates."


def intervals_section(
    tables: Sequence[Table],
    measures: Sequence[Measure],
    how: Ordering | None,
    cells: Sequence[Cell],
    records: Records,
    rows_axis: str,
) -> Section | None:
    """One grid per column; None where records come without replicates, or nothing else is shown of test."""
    done = {cell.id: seed_of(cell) for cell in done_cells(cells, records)}
    if how is None or not any(records[id].replicates for id in done):
        return None
    others = [one for one in measures if one.split == "test" and one.better and one != how.measure]
    grids, values = [], []
    for table in tables if others else ():
        for name, entries in table.by_column:
            lines = []
            for entry in entries:
                found = _intervals(entry, others, done, records)
                values += [{**table.place(name), "row": entry.row, **one} for one in found.values()]
                lines.append((entry.row, *_texts(found, others)))
            heads = [text for one in others for text in (heading(one), "interval")]
            grids.append(Grid(title_text(table.title, name), (rows_axis, *heads), tuple(lines)))
    absent = any(NOTHING in line for grid in grids for line in grid.rows)
    sentences = (MEANING, ABSENT) if absent else (MEANING,)
    return Section(TITLE, tuple(grids), sentences, tuple(values), "real") if values else None


def _intervals(
    entry: Entry, measures: Sequence[Measure], done: Mapping[str, str], records: Records
) -> dict[str, dict[str, JsonValue]]:
    """Mean and interval of every measure whose error is known of all seeds of a position, by its name."""
    found = {}
    for measure in measures:
        spreads = list(row_of(entry.cells, done, records, measure).values())
        if spreads:
            value = float(np.mean([one.value for one in spreads]))
            interval = interval_of(mean_of(spreads), measure)
            found[measure.name] = {"measure": measure.name, "seeds": len(spreads), "value": value, "interval": interval}
    return found


def _texts(found: Mapping[str, Mapping[str, JsonValue]], measures: Sequence[Measure]) -> list[str]:
    texts = []
    for measure in measures:
        one = found.get(measure.name)
        texts += [printed(one["value"], measure), interval_in(one["interval"], measure)] if one else [NOTHING, NOTHING]
    return texts
