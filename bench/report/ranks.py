"""Plain ranks in place of tie groups, for those who ask for them."""

from __future__ import annotations

from dataclasses import replace

from bench.report.measures import NOTHING, heading
from bench.report.order import lettered
from bench.report.order_section import TITLE
from bench.report.ordering import Ordering
from bench.report.shape import Entry, Grid, Leaderboard, Section, Table, entries_of, is_comparable, title_text

RAW = "Plain order by the mean, without any test: neighbours may be equal."


def plain_order(board: Leaderboard) -> Leaderboard:
    """The leaderboard with plain ranks in place of tie groups."""
    scores = [(index, one) for index, one in enumerate(board.measures) if one.split and one.better]
    if not scores:
        return board
    how = Ordering(*next(((index, one) for index, one in scores if one.split == "test"), scores[0]), None)
    if not is_comparable(board.rows_axis):
        return board
    grids = tuple(_ranks(table, how, board.rows_axis) for table in board.tables)
    title = f"{TITLE} by {heading(how.measure, '')}"
    others = (one for one in board.sections if not one.title.startswith(TITLE))
    return replace(
        board,
        tables=tuple(lettered(table, (), how) for table in board.tables),
        sections=(Section(title, grids, (RAW,)), *others),
    )


def _ranks(table: Table, how: Ordering, rows_axis: str) -> Grid:
    """Ranks among the positions of a column with all seeds; one that lacks some has none."""
    values: dict[str, list[float]] = {}
    for entry in entries_of([table]):
        figure = entry.figures[how.index] if entry.figures else None
        if figure and figure.value is not None and figure.count == entry.expected:
            values.setdefault(entry.column, []).append(figure.value)

    def rank(entry: Entry) -> str:
        figure = entry.figures[how.index] if entry.figures else None
        if figure is None or figure.value is None:
            return NOTHING
        if figure.count < entry.expected:
            return f"{NOTHING} ({figure.text}, n = {figure.count} of {entry.expected})"
        sign = -1 if how.measure.better == "lower" else 1
        better = [value for value in values[entry.column] if sign * value > sign * figure.value]
        return f"{1 + len(better)} ({figure.text})"

    return table.grid(title_text(table.title), rows_axis, rank)
