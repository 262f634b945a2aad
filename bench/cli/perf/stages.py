"""What ``bench perf data``, ``step`` and ``all`` have in common: stages beside their limits."""

from __future__ import annotations

from collections.abc import Sequence

import click

from bench.cli.options import SuiteArgument
from bench.cli.printing import printed, put_json
from bench.cli.terminal import quiet
from bench.errors import BenchError


def show(suite: SuiteArgument, parts: Sequence[str], form: str) -> None:
    """Measure these parts of the cells of a suite, one of each distinct shape, and print them."""
    from bench.commands import Silent
    from bench.engine.scheduler import index_plan
    from bench.perf.roofline import rooflines
    from bench.perf.roofline_document import roofline_document

    opened, invocation = suite.opened()
    with quiet():
        plan = index_plan(opened, invocation, Silent())
        found = list(rooflines(plan, invocation, parts, lambda cell: click.echo(f"measuring {cell}", err=True)))
    if not found:
        raise BenchError("nothing to measure: no cell can run ('bench plan' says why), or none has a model that learns")
    if form == "json":
        put_json({"shapes": found})
    else:
        click.echo(printed(roofline_document(found), form), nl=False)
