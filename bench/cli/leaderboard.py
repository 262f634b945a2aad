"""``bench leaderboard``: the tables of a run, in any format."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli.options import open_suite, suite_options
from bench.cli.printing import format_option, printed

if TYPE_CHECKING:
    from bench.report.board import Leaderboard


@click.command("leaderboard")
@suite_options
@format_option("csv", "json")
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
    """A leaderboard in one of the formats."""
    from bench.render.data import board_csv, board_json
    from bench.report.board_document import board_document

    exports = {"csv": board_csv, "json": board_json}
    return exports[form](board) if form in exports else printed(board_document(board), form)
