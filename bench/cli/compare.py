"""``bench compare``: two runs, cell by cell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli import complete
from bench.cli.options import Workspace, workspace_options
from bench.cli.printing import format_option, printed
from bench.cli.terminal import quiet

if TYPE_CHECKING:
    from bench.report.compare import Comparison, Met
    from bench.report.sides import Side

SHOWN = ("f1@validation", "f1@test")
GATE_MET = 3


@click.command("compare")
@click.argument("first", metavar="A", shell_complete=complete.run_folders)
@click.argument("second", metavar="B", shell_complete=complete.run_folders)
@click.option(
    "--measure",
    "measures",
    multiple=True,
    shell_complete=complete.measures,
    help="A measure, such as recall@test or cost.train_s; repeatable.",
)
@click.option(
    "--fail-if", "gates", multiple=True, metavar="EXPR", help="Exit with 3 where B less A meets it; repeatable."
)
@format_option("csv")
@workspace_options("--out")
def command(
    first: str, second: str, measures: tuple[str, ...], gates: tuple[str, ...], form: str, workspace: Workspace
) -> int:
    """Compare run B with run A: run folders, archives, exported leaderboards (csv, json), or suites.

    A gate names a measure of B less A, as 'f1@test < -2' (points) or 'cost.train_s > 20%' (percent of A). A cell that
    B no longer scores meets every gate.
    """
    from bench.commands import compare
    from bench.report.gates import gate_from

    for text in gates:
        gate_from(text)  # a mistake is told before anything is read
    with quiet():
        sides = [_side(name, workspace) for name in (first, second)]
        found, met = compare(*sides, measures=measures or SHOWN, fail_if=gates)
    click.echo(_rendered(found, met, form), nl=form != "text")
    return GATE_MET if met else 0


def _side(name: str, workspace: Workspace) -> Side:
    """A run, or the run of a suite in ``--out``."""
    from bench.runs.folder import read_side

    path = Path(name)
    if path.is_dir() or path.suffix in (".json", ".csv", ".zip"):
        return read_side(path)
    suite, invocation = workspace.suite(name)
    return read_side(invocation.places.run(suite.name))


def _rendered(found: Comparison, met: list[Met], form: str) -> str:
    from bench.render.data import comparison_csv, comparison_json
    from bench.report.comparison_document import comparison_document

    if form == "csv":
        return comparison_csv(found)
    if form == "json":
        return comparison_json(found, met)
    return printed(comparison_document(found, met), form)
