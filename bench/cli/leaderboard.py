"""``bench leaderboard``: the tables of a run, in any format."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli.options import open_suite, suite_options

if TYPE_CHECKING:
    from bench.report.board import Leaderboard

FORMATS = ("text", "markdown", "latex", "csv", "json")


@click.command("leaderboard")
@suite_options
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("--raw-rank", is_flag=True, help="Plain ranks by the mean in place of tie groups.")
def command(suite: str, form: str, raw_rank: bool, **given: Any) -> None:
    """Print the leaderboard of a run folder (such as runs/cropping), or of a suite with results in --out."""
    from bench.report.ranks import plain_order

    board = _board(suite, given)
    click.echo(render(plain_order(board) if raw_rank else board, form))


def _board(suite: str, given: dict[str, Any]) -> Leaderboard:
    from bench.commands import board_of_plan, board_of_run

    if Path(suite).is_dir() or (Path(suite).suffix == ".zip" and Path(suite).is_file()):
        return board_of_run(Path(suite))
    from bench.cli.run import command_line
    from bench.engine.scheduler import make_plan

    opened, invocation = open_suite(suite=suite, **given)
    with redirect_stdout(sys.stderr):
        return board_of_plan(make_plan(opened, invocation), command_line())


def render(board: Leaderboard, form: str) -> str:
    """A leaderboard as text of one of the formats; plain text fits the terminal it is printed on."""
    if form == "text":
        import os
        import shutil

        from bench.render.text import to_text

        colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        return to_text(board, width=shutil.get_terminal_size((100, 24)).columns, colour=colour)
    from bench.commands import RENDERERS

    return RENDERERS[form](board)
