"""Documents on standard output, in any format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from bench.cli.options import Command
from bench.cli.terminal import in_colour, width
from bench.render.formats import FORMATS

if TYPE_CHECKING:
    from bench.document import Document
    from bench.report.board import Leaderboard


JSON = click.option("--json", "as_json", is_flag=True, help="Print the data as JSON, see docs/terminal.md.")


def json_option(function: Command) -> Command:
    """Give a command that has no formats the option ``--json``, as ``as_json``."""
    return JSON(function)


def format_option(*exports: str) -> Callable[[Command], Command]:
    """``--format`` and ``--json``: every format of documents, JSON, and the data ``exports`` of this command."""

    def decorate(function: Command) -> Command:
        @wraps(function)
        def command(*, form: str, as_json: bool, **others: Any) -> Any:
            return function(form="json" if as_json else form, **others)

        choice = click.Choice((*FORMATS, *exports, "json"))
        option = click.option(
            "--format", "form", type=choice, default="text", show_default=True, help="How it is printed."
        )
        return option(json_option(command))

    return decorate


def plain_fields(result: Any) -> dict[str, Any]:
    """A typed result by the names of its fields."""
    return {field.name: getattr(result, field.name) for field in fields(result)}


def put_json(content: Mapping[str, Any]) -> None:
    """Print a result as JSON on standard output."""
    from bench.render.plain import json_text

    click.echo(json_text(content), nl=False)


def printed(document: Document, form: str = "text") -> str:
    """A document in a format of documents; plain text fits the terminal that it is printed on."""
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
