"""The leaderboard as a pure function of a suite's cells and the stored records.

Shape: the supplement's Table 1 (rows crop, columns model, sub-columns F1_V, F1_T, E) for any two axes and
any values; every other axis with several levels gives one table per combination.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.report.choose import Records, state_of
from bench.report.costs import cost_lines, cost_section
from bench.report.data_remarks import data_section
from bench.report.footer import footer
from bench.report.hindsight import hindsight_section
from bench.report.measures import measure_of
from bench.report.notes import numbered, remarks
from bench.report.order import ordered, ordering
from bench.report.order_section import order_section
from bench.report.positions import advance_together, fixed_labels, tables_of
from bench.report.reference import published_by_cell, published_section
from bench.report.shape import CellLine, Leaderboard, entries_of
from bench.report.standing import standings
from bench.report.tolerance import tolerance_section
from bench.report.undefined import all_shown
from bench.suite.cells import Cell
from bench.suite.schema import Board, Published

__all__ = ["Leaderboard", "leaderboard"]


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
    records = all_shown(records)
    measures = tuple(measure_of(name) for name in board.values)
    unfitted = _baseline_ids(cells, records)
    compared, board = advance_together([cell for cell in cells if cell.id not in unfitted], board, paired)
    tables = tables_of(compared, records, board, measures)
    how = ordering(measures, board.reference)
    tables, columns = ordered(tables, how, cells, records, board.rows)
    notes, tables = numbered(tables)
    shown = set(unfitted)
    for entry in entries_of(tables):
        shown.update(entry.cells)
    costs = cost_lines(cells, tables, records)
    printed = published_by_cell(tables, measures, published)
    sections = (
        data_section(cells, records),
        order_section(columns, how, board.rows),
        published_section(tables, measures, published, board.rows, records),
        cost_section(costs),
        tolerance_section(tables, board.rows, records),
        hindsight_section(tables, board.rows),
    )
    return Leaderboard(
        suite=suite_name,
        suite_hash=suite_hash,
        profile=profile,
        rows_axis=board.rows,
        columns_axis=board.columns,
        measures=measures,
        fixed=fixed_labels(compared or cells, board),
        tables=tables,
        standings=standings(cells, unfitted, tables, records),
        notes=notes,
        remarks=remarks(tables),
        footer=footer(cells, records, suite=suite_name, suite_hash=suite_hash, command=command, profile=profile),
        cells=tuple(_cell_line(cell, records, shown, unfitted, printed) for cell in cells),
        sections=tuple(section for section in sections if section),
        costs=costs,
        description=description,
    )


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
    found = set()
    for cell in cells:
        model = cell.labels.get("model", "")
        if not fits.get(model, model in crossed):
            found.add(cell.id)
    return found


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
