"""Trainings that have collapsed, cell by cell, for whatever speaks of those that have not."""

from __future__ import annotations

from collections.abc import Sequence

from bench.report.choose import TEST_F1, Records, done_cells, seed_of
from bench.report.flags import flags_of
from bench.report.rows import row_of
from bench.report.shape import Table, is_comparable
from bench.suite.cells import Cell


def collapsed_cells(tables: Sequence[Table], cells: Sequence[Cell], records: Records, rows_axis: str) -> set[str]:
    """Ids of cells that have collapsed by test F1 while others of their position stand; where none stands, none."""
    done = {cell.id: seed_of(cell) for cell in done_cells(cells, records)}
    gone = set()
    for table in tables:
        for _, entries in table.by_column:
            rows = {entry.row: row_of(entry.cells, done, records, TEST_F1) for entry in entries}
            flags = flags_of(rows, together=is_comparable(rows_axis))
            for entry in entries:
                stand = flags[entry.row].standing if entry.row in flags else ()
                if stand:
                    gone |= {id for id in entry.cells if id in done and done[id] not in stand}
    return gone
