"""Axes that advance together in a pair become one: their labels name a row together instead of one table each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.report.shape import CellLike
from bench.suite.joint import count_names, joint_axes, joint_label, telling
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
    labels = [cell.labels for cell in cells]
    varying = []
    for group in paired:
        several = [axis for axis in group if count_names(labels, [axis]) > 1]
        varying.append(several)
    rows = joint_axes(board.rows, varying, (board.columns, "seed"))
    columns = joint_axes(board.columns, varying, (board.rows, "seed", *rows))
    if len(rows) == len(columns) == 1:
        return cells, board
    said_rows, said_columns = telling(rows, labels), telling(columns, labels)
    said = dict.fromkeys(rows, said_rows) | dict.fromkeys(columns, said_columns)
    joined = []
    for cell in cells:
        together = _joined(cell.labels, said)
        joined.append(JointCell(cell.id, together, cell.tuned, cell.excluded, cell.skipped, cell.included))
    return joined, board.model_copy(update={"rows": ", ".join(said_rows), "columns": ", ".join(said_columns)})


def _joined(labels: Mapping[str, str], said: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Labels with every group of axes under the names of those that are ``said``, where its first axis stood."""
    joined: dict[str, str] = {}
    for axis, label in labels.items():
        names = said.get(axis, (axis,))
        together = joint_label(labels, names) if len(names) > 1 else labels.get(names[0], label)
        joined.setdefault(", ".join(names), together)
    return joined
