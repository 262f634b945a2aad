"""``bench why``: why a cell runs again, or does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from bench.cli import complete
from bench.cli.options import Workspace, workspace_options
from bench.cli.printing import json_option, plain_fields, put_json
from bench.cli.terminal import folded, quiet

if TYPE_CHECKING:
    from bench.engine.invocation import Invocation
    from bench.runs.why import Why
    from bench.suite.cells import Cell
    from bench.suite.reading.load import Suite


@click.command("why")
@click.argument("cell", shell_complete=complete.cells)
@click.option("--suite", help="Ask of this suite file as it is now; by default of the suite as it was run.")
@click.option("--profile", help="Profile of that suite.")
@click.option("-x", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a setting of that suite.")
@workspace_options("--data", "--out")
@json_option
def command(
    cell: str,
    suite: str | None,
    profile: str | None,
    overrides: tuple[str, ...],
    workspace: Workspace,
    as_json: bool,
) -> None:
    """Say why CELL (its id, or the start of it) is done, stale, failed, pending or blocked.

    For a cell that runs again: the first stage that is asked otherwise than it was done, and every field, component
    version, stage version and data fingerprint that differs.
    """
    from bench.runs.why import why

    with quiet():
        wanted, opened, invocation = _found(cell, suite, profile, overrides, workspace)
        found = why(wanted, opened, invocation, lambda text: click.echo(text, err=True))
    if as_json:
        put_json(plain_fields(found))
        return
    for line in folded(lines(found)):
        click.echo(line)


def _found(
    cell: str, suite: str | None, profile: str | None, overrides: tuple[str, ...], workspace: Workspace
) -> tuple[Cell, Suite, Invocation]:
    """The cell with its suite, as it was run or as the file is now."""
    from bench.cli.cells import found_cell
    from bench.runs.starts import cell_by_start

    if suite is not None:
        loaded, invocation = workspace.suite(suite, profile, overrides)
        return cell_by_start(loaded.cells, cell, suite), loaded, invocation
    if profile or overrides:
        raise click.UsageError("--profile and -x say how a suite is read; name it with --suite")
    folder, stored, wanted = found_cell(workspace.out, cell)
    invocation = workspace.invocation(stored.data)
    return wanted, stored, replace(invocation, places=replace(invocation.places, out=folder.parent))


def lines(found: Why) -> Iterator[str]:
    """The state, the first stage that differs with its fields, and what follows from it."""
    yield f"cell {found.cell}: {found.state}: {found.reason}"
    changed = [stage for stage in found.stages if stage.changed]
    for number, stage in enumerate(changed):
        first = "the first that differs" if number == 0 else "differs too" if stage.details else "only because of that"
        yield f"  stage {stage.name}: {first}"
        yield from (f"    {detail}" for detail in stage.details)
    same = [stage.name for stage in found.stages if not stage.changed]
    if same:
        yield f"  unchanged: {', '.join(same)}"
    yield from (f"  {remark}" for remark in found.remarks)
