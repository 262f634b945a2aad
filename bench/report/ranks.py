"""Plain ranks in place of tie groups, for those who ask for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.report.measures import NOTHING, heading
from bench.report.order import Ordering, lettered, ordering
from bench.report.order_section import TITLE
from bench.report.shape import Entry, Figure, Grid, Leaderboard, Section, Table

RAW = "Plain order by the mean, without any test: neighbours may be equal."


def plain_order(board: Leaderboard) -> Leaderboard:
    """The leaderboard with plain ranks in place of tie groups."""
    how = ordering(board.measures, None)
    if how is None or "dataset" in board.rows_axis.split(", "):  # scores of different data sets have no order
        return board
    grids = tuple(_ranks(table, how, board.rows_axis) for table in board.tables)
    title = f"{TITLE} by {heading(how.measure, '')}"
    return replace(
        board,
        tables=tuple(lettered(table, (), how) for table in board.tables),
        sections=(Section(title, grids, (RAW,)), *(one for one in board.sections if one.title != title)),
    )


def _ranks(table: Table, how: Ordering, rows_axis: str) -> Grid:
    columns = []
    for index in range(len(table.columns)):
        entries = [row[index] for row in table.entries]
        whole = [found for entry in entries if (found := _figure(entry, how)) and found.count == entry.expected]
        values = [found.value for found in whole if found.value is not None]
        columns.append([_rank(_figure(entry, how), entry.expected, values) for entry in entries])
    rows = tuple((name, *(column[k] for column in columns)) for k, name in enumerate(table.rows))
    return Grid(", ".join(f"{axis} {label}" for axis, label in table.title), (rows_axis, *table.columns), rows)


def _figure(entry: Entry, how: Ordering) -> Figure | None:
    return entry.figures[how.index] if entry.figures else None


def _rank(figure: Figure | None, expected: int, values: Sequence[float]) -> str:
    """Rank among the positions with all seeds; one that lacks some has none."""
    if figure is None or figure.value is None:
        return NOTHING
    if figure.count < expected:
        return f"{NOTHING} ({figure.text}, n = {figure.count} of {expected})"
    return f"{1 + sum(value > figure.value for value in values)} ({figure.text})"
