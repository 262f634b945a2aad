"""The leaderboard as a pure function of a suite's cells and the stored records.

Shape: the supplement's Table 1 (rows crop, columns model, sub-columns F1_V, F1_T, E) for any two axes and
any values; every other axis with several levels gives one table per combination.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.report.above import above_section
from bench.report.choose import Records, state_of
from bench.report.collapsed import collapsed_cells
from bench.report.costs import cost_lines, cost_section
from bench.report.data_remarks import data_section
from bench.report.footer import footer
from bench.report.hindsight import hindsight_section
from bench.report.intervals_section import intervals_section
from bench.report.measures import measure_of
from bench.report.notes import numbered, remarks
from bench.report.order import ordered
from bench.report.order_section import order_section
from bench.report.ordering import ordering
from bench.report.positions import advance_together, fixed_labels, tables_of
from bench.report.power_section import power_section
from bench.report.reference import published_by_cell, published_section
from bench.report.shape import CellLine, Leaderboard, Measure, Table, entries_of
from bench.report.standing import standings
from bench.report.tolerance import tolerance_section
from bench.report.undefined import all_shown
from bench.suite.cells import Cell
from bench.suite.resolved import Suite
from bench.suite.schema import Board, Published

__all__ = ["Leaderboard", "board_of_records", "leaderboard"]


def leaderboard(
    cells: Sequence[Cell],
    records: Records,
    board: Board,
    *,
    suite_name: str,
    suite_hash: str,
    command: str,
    profile: str,
    paired: Sequence[Sequence[str]] = (),
    published: Published | None = None,
    description: str = "",
) -> Leaderboard:
    """Build the report of a run, finished or not; ``records`` maps cell ids to cell records.

    Scores without a value are absent (:mod:`bench.report.undefined`).
    Only the order of ``cells`` shows in the result, never that of ``records``. ``paired`` are groups of axes that
    advance together.
    """
    found = numbers(cells, records, board, paired)
    records, measures, axes = found.records, found.measures, found.board
    how = ordering(measures, axes.reference, records)
    tables, columns = ordered(found.tables, how, cells, records, axes.rows)
    notes, tables = numbered(tables)
    shown = found.unfitted.union(*(entry.cells for entry in entries_of(tables)))
    costs = cost_lines(cells, tables, records)
    printed = published_by_cell(tables, measures, published)
    gone = collapsed_cells(tables, cells, records, axes.rows)
    stood = standings(cells, found.unfitted, tables, records, gone)
    sections = (
        data_section(cells, records),
        order_section(columns, how, axes.rows),
        power_section(columns, how),
        above_section(tables, stood, cells, records, axes.rows, gone),
        intervals_section(tables, measures, how, cells, records, axes.rows),
        published_section(tables, measures, published, axes.rows, records),
        cost_section(costs),
        tolerance_section(tables, axes.rows, records),
        hindsight_section(tables, axes.rows),
    )
    return Leaderboard(
        suite=suite_name,
        suite_hash=suite_hash,
        profile=profile,
        rows_axis=axes.rows,
        columns_axis=axes.columns,
        measures=measures,
        fixed=fixed_labels(found.compared or cells, axes),
        tables=tables,
        standings=stood,
        notes=notes,
        remarks=remarks(tables),
        footer=footer(cells, records, suite=suite_name, suite_hash=suite_hash, command=command, profile=profile),
        cells=tuple(_cell_line(cell, records, shown, found.unfitted, printed) for cell in cells),
        sections=tuple(section for section in sections if section),
        costs=costs,
        description=description,
    )


def board_of_records(suite: Suite, records: Records, command: str) -> Leaderboard:
    """The leaderboard of a suite whose records are at hand, such as those with late scores."""
    return leaderboard(
        suite.cells,
        records,
        suite.board,
        suite_name=suite.name,
        suite_hash=suite.hash,
        command=command,
        profile=suite.profile or "",
        paired=suite.paired,
        published=suite.reference,
        description=suite.description or "",
    )


@dataclass(frozen=True, slots=True)
class Numbers:
    """What a board counts, before anything is said of it.

    ``compared`` are the cells in its ``tables``, all but the ``unfitted``, under the labels of ``board``.
    """

    records: Records
    unfitted: set[str]
    compared: Sequence[Cell]
    board: Board
    measures: tuple[Measure, ...]
    tables: tuple[Table, ...]


def numbers(cells: Sequence[Cell], records: Records, board: Board, paired: Sequence[Sequence[str]] = ()) -> Numbers:
    """The means of every position and the best of every column; ties, notes and all sections are made from these."""
    records = all_shown(records)
    measures = tuple(measure_of(name) for name in board.values)
    unfitted = _baseline_ids(cells, records)
    compared, board = advance_together([cell for cell in cells if cell.id not in unfitted], board, paired)
    return Numbers(records, unfitted, compared, board, measures, tables_of(compared, records, board, measures))


def _baseline_ids(cells: Sequence[Cell], records: Records) -> set[str]:
    """Cells of models with nothing to fit; they stand in a table of their own.

    A model that only ``include`` names counts as one until a record says how many parameters it has.
    """
    fits: dict[str, bool] = {}
    crossed = set()
    for cell in cells:
        model = cell.labels.get("model", "")
        count = records[cell.id].parameters if cell.id in records else None
        if count is not None:
            fits[model] = fits.get(model, False) or count > 0
        if not cell.included:
            crossed.add(model)
    models = {cell.id: cell.labels.get("model", "") for cell in cells}
    return {id for id, model in models.items() if not fits.get(model, model in crossed)}


def _cell_line(
    cell: Cell,
    records: Records,
    shown: set[str],
    unfitted: set[str],
    published: Mapping[str, Mapping[str, float]],
) -> CellLine:
    state, reason = state_of(cell, records)
    return CellLine(
        id=cell.id,
        labels=dict(cell.labels),
        tuned=dict(cell.tuned),
        state=state,
        reason=reason,
        shown=cell.id in shown,
        baseline=cell.id in unfitted,
        record=dict(records[cell.id].stored) if cell.id in records else {},
        published=published.get(cell.id, {}),
    )
