"""``bench data coverage``: what the crops of a suite contain, before anything trains."""

from __future__ import annotations

import click

from bench.cli.options import SuiteArgument, suite_options
from bench.cli.printing import format_option, printed, put_json
from bench.cli.terminal import quiet


@click.command("coverage")
@suite_options
@format_option("csv")
def command(suite: SuiteArgument, form: str) -> int:
    """Show per data set and crop strategy of SUITE what its crops contain.

    Nothing is trained. A data set that is absent is named in one line, the others are shown, and the exit code is 3.
    """
    from bench.audit.coverage import coverage_document, coverage_rows
    from bench.render.data import rows_csv

    opened, invocation = suite.opened()
    with quiet():
        rows, problems = coverage_rows(opened, invocation, lambda text: click.echo(text, err=True))
    if form == "json":
        put_json({"rows": rows, "problems": problems})
    elif rows:
        click.echo(rows_csv(rows) if form == "csv" else printed(coverage_document(rows), form), nl=False)
    for problem in problems:
        click.echo(problem, err=True)
    return 3 if problems else 0
