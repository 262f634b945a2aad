"""``bench repro``: a cell run again from its record."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli import complete
from bench.cli.options import PATH, Workspace, workspace_options
from bench.cli.printing import json_option, plain_fields, put_json
from bench.cli.terminal import folded, quiet

if TYPE_CHECKING:
    from bench.runs.repro import Repeated

DIFFERENT = 3
SHOWN = 12
"""Changed scores that are printed."""


@click.command("repro")
@click.argument("cell", shell_complete=complete.cells)
@click.option("--run", "run", type=PATH, help="Its run folder; by default any below --out.")
@click.option("--device", help="Device to run on, such as cpu or cuda:0.")
@workspace_options("--data", "--out")
@json_option
def command(
    cell: str,
    run: Path | None,
    device: str | None,
    workspace: Workspace,
    as_json: bool,
) -> int:
    """Run CELL (its id, or the start of it) again from its stored record, in a fresh store that is thrown away.

    The verdict is identical (every stored score equal; costs do not count), within noise, or different (exit code 3).
    Within noise: on both splits F1 moves by no more than two seeds of the cell differ in 95 of 100 pairs; with fewer
    than three seeds, by no more than 0.1 points.
    """
    import tempfile

    from bench.cli.cells import found_record
    from bench.cli.progress import watching
    from bench.runs.repro import repeat

    path, record = found_record(run or workspace.out, cell)
    invocation = workspace.invocation({})
    with (
        tempfile.TemporaryDirectory(prefix="bench-repro-") as place,
        watching(invocation.places, plain=not sys.stderr.isatty()) as watcher,
        quiet(),
    ):
        found = repeat(path, record, invocation, Path(place), watcher, device)
    if as_json:
        put_json(plain_fields(found))
    else:
        for line in folded(lines(found)):
            click.echo(line)
    return DIFFERENT if found.verdict == "different" else 0


def lines(found: Repeated) -> list[str]:
    """The verdict, what it rests on, and what was made otherwise."""
    from bench.runs.repro import RULE

    said = [f"cell {found.cell}: {found.verdict}", *(f"  {note}" for note in found.notes)]
    if found.verdict != "identical":
        said.append(f"  ({RULE})")
    said += [f"  score {change.text}" for change in found.changed[:SHOWN]]
    if len(found.changed) > SHOWN:
        said.append(f"  and {len(found.changed) - SHOWN} more scores that differ")
    if found.missing:
        said.append(f"  not made again, so not judged (late scores): {', '.join(found.missing[:SHOWN])}")
    return [*said, *(f"  otherwise: {text}" for text in found.origin or ("nothing that is recorded",))]
