"""``bench plan``: what a run would do."""

from __future__ import annotations

import click

from bench.cli.options import SuiteArgument, suite_options


@click.command("plan")
@suite_options
def command(suite: SuiteArgument) -> None:
    """Show the cells of SUITE by state, inert levels, and disk needed. Opens no image and imports no torch."""
    from bench.cli.planning import plan_lines
    from bench.engine.scheduler import make_plan
    from bench.store.home import check_writable

    opened, invocation = suite.opened()
    check_writable(invocation.places.home)
    check_writable(invocation.places.run(opened.name))
    for line in plan_lines(make_plan(opened, invocation), invocation.places):
        click.echo(line)
