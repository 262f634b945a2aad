"""Axes that advance together in a pair become one: their labels name a row together instead of one table each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.report.shape import CellLike
from bench.suite.joint import joint_axes, joint_label, telling
from bench.suite.schema import Board
from bench.types import JsonValue


@dataclass(frozen=True, slots=True)
class JointCell:
    """A cell under the labels of the leaderboard."""

    id: str
    labels: Mapping[str, str]
    tuned: Mapping[str, JsonValue]
    excluded: str | None
    skipped: str | None
    included: bool


def advance_together(
    cells: Sequence[CellLike], board: Board, paired: Sequence[Sequence[str]]
) -> tuple[Sequence[CellLike], Board]:
    """Cells and board in which the row and the column axis take in the axes that are paired with them.

    An axis of a single level stays on its own: it is said once, above all tables.
    """
    varying = [[axis for axis in group if len({cell.labels.get(axis) for cell in cells}) > 1] for group in paired]
    rows = joint_axes(board.rows, varying, (board.columns, "seed"))
    columns = joint_axes(board.columns, varying, (board.rows, "seed", *rows))
    if len(rows) == len(columns) == 1:
        return cells, board
    labels = [cell.labels for cell in cells]
    groups = [(group, telling(group, labels)) for group in (rows, columns)]
    joined = [
        JointCell(cell.id, _joined(cell.labels, groups), cell.tuned, cell.excluded, cell.skipped, cell.included)
        for cell in cells
    ]
    named = [", ".join(said) for _, said in groups]
    return joined, board.model_copy(update={"rows": named[0], "columns": named[1]})


def _joined(labels: Mapping[str, str], groups: Sequence[tuple[Sequence[str], Sequence[str]]]) -> dict[str, str]:
    """Labels with every group of axes under the names of those that are said, where its first axis stood."""
    found: dict[str, str] = {}
    for axis, label in labels.items():
        said = next((said for group, said in groups if axis in group), (axis,))
        found.setdefault(", ".join(said), joint_label(labels, said) if len(said) > 1 else labels.get(said[0], label))
    return found
