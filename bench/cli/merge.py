"""``bench merge``: one run made of several."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli import complete
from bench.cli.options import PATH
from bench.words import plural


@click.command("merge")
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=PATH, shell_complete=complete.run_folders)
@click.option("--to", "to", required=True, type=PATH, help="Run folder of the result.")
def command(runs: tuple[Path, ...], to: Path) -> None:
    """Merge RUNs of one suite (run folders, or archives of 'bench export') into one run, for its leaderboard.

    One of them must have all cells. A cell done in two of them with different scores is refused; nothing is written
    then. Scores that only one of them has are kept. Stages are not merged: they stay where they were made.
    """
    from bench.commands import merge

    merged = merge(runs, to=to)
    for name, count in merged.taken.items():
        click.echo(f"{name}: {plural(count, 'record')} taken")
    for name in merged.left_out:
        click.echo(f"late/{name}: left out, the runs differ in it")
    click.echo(f"{merged.folder}: {merged.records:,} of {plural(merged.cells, 'cell')} with a record")
