"""``bench run``: the main job."""

from __future__ import annotations

import signal
import sys
import time
from typing import TYPE_CHECKING

import click

from bench.cli.options import SHARD, SuiteArgument, launcher_option, observe_option, suite_options
from bench.cli.printing import board_text, json_option
from bench.cli.terminal import command_line, quiet
from bench.words import visible

if TYPE_CHECKING:
    from bench.engine.only import Shard

CELLS_FAILED = 3


@click.command("run")
@suite_options
@launcher_option
@observe_option
@click.option("--plain", is_flag=True, help="Plain lines instead of a live display.")
@click.option(
    "--only", multiple=True, metavar="WHICH", help="Only cells that are failed, missing or stale, or by id; repeatable."
)
@click.option(
    "--shard", type=SHARD, metavar="I/N", help="Only the I-th of N parts of the suite: for machines that share nothing."
)
@click.option("--raw-rank", is_flag=True, help="Print plain ranks by the mean in place of tie groups.")
@json_option
def command(
    suite: SuiteArgument, plain: bool, only: tuple[str, ...], shard: Shard | None, raw_rank: bool, as_json: bool
) -> int:
    """Run every cell of SUITE that is not done yet, then print its leaderboard.

    Interrupt it at any time, once to let trainings keep where they are, twice to stop at once: the same command
    continues. A data set that is not here is a row that says how to get
    it; the exit code is 3 for cells that failed, or when nothing could be done at all. With --only or --shard, all
    other cells are left and shown as they are; 'bench merge' puts the runs of shards together.
    """
    from bench.cli.planning import blocked_lines
    from bench.cli.progress import watching
    from bench.cli.streams import lasting
    from bench.commands import run_and_file
    from bench.engine.only import only_of
    from bench.engine.scheduler import unsettled
    from bench.report.ranks import plain_order

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # nohup has the second ignored
            signal.signal(number, signal.default_int_handler)  # a cluster's warning is answered as Ctrl-C is
    sys.stdout = lasting(sys.stdout)  # a terminal that is gone costs the messages, not the cells
    opened, invocation = suite.opened()
    which = only_of(only, opened.cells, shard)
    started = time.monotonic()
    with watching(invocation.places, plain=plain or not sys.stderr.isatty()) as watcher, quiet():
        plan, board = run_and_file(opened, invocation, watcher, command_line(), only=which)
    click.echo(board_text(plain_order(board) if raw_rank else board, "json" if as_json else "text"))
    for text in blocked_lines(plan):
        click.echo(visible(text), err=True)
    minutes = (time.monotonic() - started) / 60
    folder = invocation.places.run(opened.name)
    click.echo(f"results: {folder} (this run took {minutes:.1f} minutes)", err=as_json)
    click.echo(f"on one page: bench report {folder}", err=as_json)
    return CELLS_FAILED if unsettled(plan) else 0
