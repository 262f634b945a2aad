"""``bench export``: a run as one file."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from bench.cli import complete
from bench.cli.options import PATH, Workspace, run_named, workspace_options
from bench.words import plural


@click.command("export")
@click.argument("run", type=PATH, shell_complete=complete.runs)
@click.option("--to", "to", required=True, type=PATH, help="The archive, such as cropping.zip.")
@click.option("--only", type=click.Choice(["numbers"]), help="Leave out tables, pictures, and what no table shows.")
@workspace_options("--out")
def command(run: Path, to: Path, only: Literal["numbers"] | None, workspace: Workspace) -> None:
    """Write RUN (a run folder, or its name below --out) to one archive.

    It holds suite, records, tables, pictures, citations and versions.

    The same run gives the same bytes. 'bench leaderboard', 'compare' and 'merge' read the archive as it is.
    '--only numbers' makes one that is small enough to lie beside a text that cites it.
    """
    from bench.commands import export

    if to.suffix != ".zip":
        raise click.UsageError(f"--to {str(to)!r}: name a file that ends in .zip")
    count = export(run_named(run, workspace.out), to=to, catalog=workspace.catalog, only=only)
    click.echo(f"{to}: {plural(count, 'file')}, {to.stat().st_size / 1e6:.1f} MB")
