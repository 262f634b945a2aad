"""``bench plan``: what a run would do."""

from __future__ import annotations

from typing import Any

import click

from bench.cli.options import open_suite, suite_options


@click.command("plan")
@suite_options
def command(**given: Any) -> None:
    """Show the cells of SUITE by state, inert levels, and disk needed. Opens no image and imports no torch."""
    from bench.cli.planning import plan_lines
    from bench.engine.scheduler import make_plan
    from bench.store.home import check_writable

    suite, invocation = open_suite(**given)
    check_writable(invocation.places.home)
    check_writable(invocation.places.run(suite.name))
    for line in plan_lines(make_plan(suite, invocation), invocation.places):
        click.echo(line)
