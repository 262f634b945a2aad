"""``bench leaderboard``: the tables of a run, in any format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.options import SuiteArgument, suite_options
from bench.cli.printing import board_text, format_option
from bench.cli.terminal import command_line, quiet

if TYPE_CHECKING:
    from bench.report.board import Leaderboard


@click.command("leaderboard")
@suite_options
@format_option("csv")
@click.option("--raw-rank", is_flag=True, help="Plain ranks by the mean in place of tie groups.")
def command(suite: SuiteArgument, form: str, raw_rank: bool) -> None:
    """Print the leaderboard of a run folder (such as runs/cropping), or of a suite with results in --out."""
    from bench.report.ranks import plain_order

    board = _board(suite)
    click.echo(board_text(plain_order(board) if raw_rank else board, form))


def _board(suite: SuiteArgument) -> Leaderboard:
    from bench.commands import board_of_plan, board_of_run
    from bench.runs.folder import is_named

    run = Path(suite.name)
    if is_named(run):
        return board_of_run(run)
    from bench.engine.invocation import make_plan

    opened, invocation = suite.opened()
    with quiet():
        folder = invocation.places.run(opened.name)
        return board_of_plan(make_plan(opened, invocation), command_line(), folder)
