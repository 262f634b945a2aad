"""``bench plan``: what a run would do, and cost."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from bench.cli.options import SuiteArgument, launcher_option, suite_options
from bench.cli.printing import json_option, put_json
from bench.cli.terminal import fitted
from bench.words import visible

if TYPE_CHECKING:
    from bench.engine.invocation import Invocation
    from bench.engine.plan import Plan
    from bench.suite.reading.load import Suite


@click.command("plan")
@suite_options
@launcher_option
@click.option("--pilot", is_flag=True, help="Measure a few steps of each kind of cell first, in worker processes.")
@click.option("--cells", is_flag=True, help="Print time, memory and disk of each cell too.")
@json_option
def command(suite: SuiteArgument, pilot: bool, cells: bool, as_json: bool) -> None:
    """Show the cells of SUITE by state, inert levels, and the time, memory and disk that they need.

    Opens no image and imports no torch, unless a pilot is asked for. What was measured is kept for this machine.
    """
    from bench.cli.costs import cell_lines, cost_lines, foreseen
    from bench.cli.plan_data import plan_data
    from bench.cli.planning import plan_lines
    from bench.cli.power import power_lines
    from bench.engine.fits import why_unfit
    from bench.engine.invocation import make_plan
    from bench.engine.rates import rates_of
    from bench.engine.sharing import shared
    from bench.store.home import check_writable

    opened, invocation = suite.opened()
    check_writable(invocation.places.home)
    check_writable(invocation.places.run(opened.name))
    plan = _measured(opened, invocation) if pilot else make_plan(opened, invocation)
    plan = shared(plan, invocation.places, rates_of(invocation.places.home, opened.runtime))
    cost = foreseen(plan, invocation.places)
    why = why_unfit(plan, invocation.places, cost)
    if as_json:
        put_json(plan_data(plan, invocation.places, cost, why))
        return
    lines = [*plan_lines(plan, invocation.places), *cost_lines(plan, cost), *power_lines(plan)]
    lines += [] if why is None else [f"  does not fit: {why}"]
    lines += cell_lines(plan, cost) if cells else ()
    for line in fitted(lines):
        click.echo(line)


def _measured(suite: Suite, invocation: Invocation) -> Plan:
    """The plan, after its data are indexed and each kind of its cells was tried."""
    from bench.commands import Silent
    from bench.engine.devices import refuse_graphs, settled
    from bench.engine.measuring import measure
    from bench.engine.rates import rates_of
    from bench.engine.scheduler import index_plan

    refuse_graphs(suite)
    plan = index_plan(replace(suite, runtime=settled(suite.runtime)), invocation, Silent())

    def told(done: int, total: int, name: str) -> None:
        click.echo(f"measuring {done + 1} of {total}: {name}", err=True)

    for problem in measure(plan, invocation, rates_of(invocation.places.home, suite.runtime), told):
        click.echo(f"not measured: {visible(problem)}", err=True)
    return plan
