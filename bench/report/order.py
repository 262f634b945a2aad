"""The order of the rows of a column: intervals over seeds and groups, tie groups, differences to a reference.

Rows are compared inside one column of one table, over the test groups they share, and never where they are data sets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from bench.errors import DataError
from bench.report.choose import Records, done_cells, seed_of
from bench.report.family import family_of
from bench.report.flags import Flags, flags_of
from bench.report.ordering import Ordering
from bench.report.places import Place, compared, place_of
from bench.report.power import Power, power_of
from bench.report.retuned import other_trials, retuned_rows
from bench.report.rows import Row, row_of
from bench.report.shape import Entry, Labels, Table, is_comparable
from bench.suite.cells import Cell


@dataclass(frozen=True, slots=True)
class Column:
    """The places of one column of a table, and what must be said of its order.

    ``some_seeds``: rows are compared over fewer seeds than their figures in the table are means of. ``power`` says what
    could have been found; None where no order is claimed. ``tuned``: what is rechosen are settings too; None where none
    are tuned. ``flags`` are of the rows with enough seeds for an order.
    """

    table: Labels
    name: str
    places: tuple[Place, ...]
    remarks: tuple[str, ...] = ()
    some_seeds: bool = False
    power: Power | None = None
    tuned: bool | None = None
    reference: str = ""
    flags: Mapping[str, Flags] = field(default_factory=dict)


def ordered(
    tables: Sequence[Table], how: Ordering | None, cells: Sequence[Cell], records: Records, rows_axis: str
) -> tuple[tuple[Table, ...], list[Column]]:
    """Tables whose figures carry their tie groups, and their columns, in reading order; without ``how`` none."""
    if how is None:
        return tuple(tables), []
    done = {cell.id: seed_of(cell) for cell in done_cells(cells, records)}
    trials = other_trials(cells)
    columns: list[Column] = []
    marked = []
    for table in tables:
        own = []
        for name, entries in table.by_column:
            shown = {}
            rivals = {}
            for entry in entries:
                shown[entry.row] = row_of(entry.cells, done, records, how.measure)
                if entry.cells and entry.cells[0] in trials:
                    rivals[entry.row] = trials[entry.cells[0]]
            rows, tuned = retuned_rows(shown, rivals, done, records, how.measure)
            column = _column(table, name, rows, how, comparable=is_comparable(rows_axis))
            own.append(replace(column, tuned=tuned))
        columns += own
        marked.append(lettered(table, own, how))
    return tuple(marked), columns


def _column(table: Table, name: str, rows: Mapping[str, Row], how: Ordering, *, comparable: bool) -> Column:
    flags = flags_of(rows, together=comparable)
    places = {row: place_of(row, spreads, how.measure, flags) for row, spreads in rows.items() if spreads}
    reference = (how.reference or next(iter(rows))) if comparable else ""
    column = Column(table.title, name, tuple(places.values()), reference=reference, flags=flags)
    if not comparable or len(rows) < 2 or all(len(row) < 2 for row in rows.values()):
        return column
    try:
        family = family_of(rows, reference)
    except DataError as reason:
        return replace(column, remarks=(str(reason),))
    places |= compared(family.rows, how.measure, reference, flags)
    unflagged = {row: spreads for row, spreads in family.rows.items() if not flags[row].why}
    return replace(
        column,
        places=tuple(places.values()),
        remarks=family.remarks,
        some_seeds=family.some_seeds,
        power=power_of(unflagged, len(family.rows)),
    )


def lettered(table: Table, columns: Sequence[Column], how: Ordering) -> Table:
    """The table with the ties of these columns at the figures that decide the order; without columns none.

    Where rows were compared over other seeds than the figures are means of, the letters stand in the section only.
    """
    ties: dict[tuple[str, str], str] = {}
    for column in columns:
        if not column.some_seeds:
            ties |= {(place.row, column.name): place.tie for place in column.places}

    def tied(entry: Entry) -> Entry:
        if not entry.figures:
            return entry
        tie = ties.get((entry.row, entry.column), "")
        return entry.with_figure(how.index, replace(entry.figures[how.index], tie=tie))

    return table.changed(tied)
