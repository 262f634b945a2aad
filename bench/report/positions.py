"""Cells as tables: which axes make rows, columns and tables of their own, and which figure of a column is best."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bench.report.choose import Records, common_badges, done_cells, seed_of
from bench.report.entries import Frame, entry_of
from bench.report.measures import NOTHING
from bench.report.shape import CellLike, Entry, Measure, Table
from bench.suite.schema import Board

FROM_SCRATCH = ("pretrain", "none")

Labels = tuple[tuple[str, str], ...]
"""Axes and labels."""


def tables_of(
    cells: Sequence[CellLike], records: Records, board: Board, measures: tuple[Measure, ...]
) -> tuple[Table, ...]:
    """One table per combination of the axes of several levels that are neither rows nor columns."""
    grouping = [axis for axis in _axes(cells, board) if len(_levels(cells, axis)) > 1]
    groups: dict[Labels, list[CellLike]] = {}
    for cell in cells:
        title = tuple((axis, _label(cell, axis)) for axis in grouping)
        groups.setdefault(title, []).append(cell)
    return tuple(_table(title, members, records, board, measures) for title, members in groups.items())


def fixed_labels(cells: Sequence[CellLike], board: Board) -> Labels:
    """Axes of one level: said once, above all tables; that nothing is pretrained goes without saying."""
    found = []
    for axis in _axes(cells, board):
        names = _levels(cells, axis)
        if len(names) == 1 and (axis, names[0]) != FROM_SCRATCH:
            found.append((axis, names[0]))
    return tuple(found)


def _axes(cells: Sequence[CellLike], board: Board) -> list[str]:
    """The axes besides rows, columns, seed and tuned settings, in the order of the suite."""
    names: dict[str, None] = {}
    others = {board.rows, board.columns, "seed"}
    for cell in cells:
        names |= dict.fromkeys(cell.labels)
        others |= set(cell.tuned)
    return [axis for axis in names if axis not in others]


def _levels(cells: Iterable[CellLike], axis: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_label(cell, axis) for cell in cells))


def _label(cell: CellLike, axis: str) -> str:
    return cell.labels.get(axis, NOTHING)


def _table(
    title: Labels, cells: Sequence[CellLike], records: Records, board: Board, measures: tuple[Measure, ...]
) -> Table:
    badges = common_badges([records[cell.id].badges for cell in done_cells(cells, records)])
    frame = Frame(records, measures, len({seed_of(cell) for cell in cells}), badges)
    names = _levels(cells, board.rows)
    places: dict[tuple[str, str], list[CellLike]] = {}
    for cell in cells:
        places.setdefault((_label(cell, board.rows), _label(cell, board.columns)), []).append(cell)
    columns = []
    for column in _levels(cells, board.columns):
        entries = [entry_of(row, column, places.get((row, column), []), frame) for row in names]
        if "dataset" not in board.rows.split(", "):  # scores of different data sets cannot be compared
            entries = _with_best(entries, measures)
        columns.append(entries)
    return Table(title, names, _levels(cells, board.columns), tuple(zip(*columns, strict=True)), badges)


def _with_best(column: Sequence[Entry], measures: Sequence[Measure]) -> list[Entry]:
    """Mark the best figure of every measure; what prints alike is equally good."""
    best = [_best_text(column, index, measure) for index, measure in enumerate(measures)]
    marked = []
    for entry in column:
        figures = []
        for index, figure in enumerate(entry.figures):
            is_best = figure.count == entry.expected and figure.text == best[index]
            figures.append(replace(figure, best=is_best))
        marked.append(replace(entry, figures=tuple(figures)))
    return marked


def _best_text(column: Sequence[Entry], index: int, measure: Measure) -> str | None:
    """Text of the best figure; None where fewer than two positions can be compared."""
    scored = [entry for entry in column if entry.figures]
    rivals = [entry.figures[index] for entry in scored if entry.figures[index].count == entry.expected]
    if len(rivals) < 2 or measure.better is None:
        return None
    sign = 1 if measure.better == "higher" else -1
    return max(rivals, key=lambda rival: sign * (rival.value or 0.0)).text
