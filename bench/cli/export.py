"""``bench export``: a run as one file."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli.options import PATH, Workspace, workspace_options
from bench.words import plural


@click.command("export")
@click.argument("run", type=PATH)
@click.option("--to", "to", required=True, type=PATH, help="The archive, such as cropping.zip.")
@workspace_options()
def command(run: Path, to: Path, workspace: Workspace) -> None:
    """Write RUN (a run folder) to one archive: suite, records, tables, pictures, citations, versions.

    The same run gives the same bytes. 'bench leaderboard', 'compare' and 'merge' read the archive as it is.
    """
    from bench.commands import export

    if to.suffix != ".zip":
        raise click.UsageError(f"--to {str(to)!r}: name a file that ends in .zip")
    count = export(run, to=to, catalog=workspace.catalog)
    click.echo(f"{to}: {plural(count, 'file')}, {to.stat().st_size / 1e6:.1f} MB")
