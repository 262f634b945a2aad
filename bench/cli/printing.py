"""Documents on standard output, in any format."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from bench.cli.terminal import in_colour, width
from bench.render.formats import FORMATS

if TYPE_CHECKING:
    from bench.document import Document
    from bench.report.board import Leaderboard


def format_option(*exports: str) -> Callable[[Any], Any]:
    """``--format``: every format of documents, and the data ``exports`` of this command."""
    choice = click.Choice((*FORMATS, *exports))
    return click.option("--format", "form", type=choice, default="text", show_default=True, help="How it is printed.")


def printed(document: Document, form: str = "text") -> str:
    """A document in a format; plain text fits the terminal that it is printed on."""
    if form != "text":
        return FORMATS[form].render(document)
    from bench.render.text import to_text

    return to_text(document, width(), in_colour())


def board_text(board: Leaderboard, form: str) -> str:
    """A leaderboard in one of the formats."""
    from bench.render.data import board_csv, board_json
    from bench.report.board_document import board_document

    exports = {"csv": board_csv, "json": board_json}
    return exports[form](board) if form in exports else printed(board_document(board), form)
