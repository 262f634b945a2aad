"""``bench prepare``: what a machine without a GPU can do of a suite."""

from __future__ import annotations

import click

from bench.cli.options import SuiteArgument, launcher_option, suite_options
from bench.cli.run import CELLS_FAILED
from bench.cli.terminal import quiet
from bench.words import plural, visible


@click.command("prepare")
@suite_options
@launcher_option
def command(suite: SuiteArgument) -> int:
    """Index the data of SUITE, store their images and draw its crops, on the processor; train nothing.

    'bench run' finds all of it in $BENCH_HOME. The exit code is 3 where some could not be prepared.
    """
    from bench.cli.planning import blocked_lines
    from bench.commands import Silent
    from bench.engine.preparing import prepare
    from bench.store.home import check_writable

    opened, invocation = suite.opened()
    check_writable(invocation.places.home)

    def told(done: int, total: int, name: str) -> None:
        click.echo(f"{done} of {total}: {visible(name)}", err=True)

    with quiet():
        prepared = prepare(opened, invocation, Silent(), told)
    for text in (*prepared.problems, *blocked_lines(prepared.plan)):
        click.echo(visible(text), err=True)
    blocked = [cell for cell in prepared.plan.cells if cell.state == "blocked" and not cell.data_absent]
    lost = len(prepared.problems) + len(blocked)
    click.echo(f"prepared in {invocation.places.home}" + (f", but for {plural(lost, 'part')}" if lost else ""))
    return CELLS_FAILED if lost else 0
