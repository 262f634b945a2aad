"""Whatever can be told, as a document, set by the renderers."""

from __future__ import annotations

from typing import Any

from bench.document import Document, Table, bare
from bench.record import Record, record_from
from bench.render import latex, markdown, text
from bench.render.data import board_csv, board_json
from bench.render.formats import FORMATS
from bench.report.board_document import board_document
from bench.report.cell_document import cell_document
from bench.report.effects import Effects
from bench.report.effects_document import effects_document
from bench.report.shape import Grid, Leaderboard
from bench.report.tables import table_of


def document_of(told: Any) -> Document:
    """The document of a leaderboard, effects, a grid or a cell record."""
    match told:
        case Document():
            return told
        case Leaderboard():
            return board_document(told)
        case Effects():
            return effects_document(told)
        case Grid():
            return Document("", [table_of(told)])
    return cell_document(told if isinstance(told, Record) else record_from(told, "a record"))


def to_text(told: Any, width: int = 100, colour: bool = False) -> str:
    return text.to_text(document_of(told), width, colour)


def to_markdown(told: Any) -> str:
    return markdown.to_markdown(document_of(told))


def to_latex(told: Any) -> str:
    return latex.to_latex(document_of(told))


def board_in(form: str, board: Leaderboard) -> str:
    """A leaderboard in a format of documents or data."""
    exports = {"csv": board_csv, "json": board_json}
    return exports[form](board) if form in exports else FORMATS[form].render(board_document(board))


def header_of(table: Table) -> tuple[str, ...]:
    return (bare(table.corner), *(bare(column.head) for column in table.columns))


def rows_of(table: Table) -> list[tuple[str, ...]]:
    return [(bare(row.name), *(str(cell) for cell, _ in table.cells(row))) for row in table.rows]
