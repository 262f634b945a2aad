"""``bench data coverage``: what the crops of a suite contain, before anything trains."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import Any

import click

from bench.cli.options import open_suite, suite_options


@click.command("coverage")
@suite_options
@click.option("--format", "form", type=click.Choice(("text", "markdown", "csv")), default="text", show_default=True)
def command(form: str, **given: Any) -> int:
    """Show per data set and crop strategy of SUITE what its crops contain.

    Nothing is trained. A data set that is absent is named in one line, the others are shown, and the exit code is 3.
    """
    from bench.audit.coverage import coverage_rows
    from bench.audit.coverage_table import coverage_grids
    from bench.render.data import rows_csv
    from bench.render.markdown import grid_markdown
    from bench.render.text import grid_text

    suite, invocation = open_suite(**given)
    with redirect_stdout(sys.stderr):  # what a plugin prints must not spoil the table
        rows, problems = coverage_rows(suite, invocation, lambda text: click.echo(text, err=True))
    if form == "csv" and rows:
        click.echo(rows_csv(rows), nl=False)
    else:
        for grid in coverage_grids(rows):
            click.echo(grid_text(grid) if form == "text" else grid_markdown(grid))
    for problem in problems:
        click.echo(problem, err=True)
    return 3 if problems else 0
