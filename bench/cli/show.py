"""``bench show``: one cell in full."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("show")
@click.argument("cell")
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Results folder.")
def command(cell: str, out: Path) -> None:
    """Show axes, scores, costs, keys, provenance and pictures of CELL (its id, or the start of it)."""
    from bench.cli.cells import found_record
    from bench.record import legacy
    from bench.render.show import describe
    from bench.runs.folder import told

    path, record = found_record(out, cell)
    click.echo(describe(legacy(told(path.parent.parent, {path.stem: record}))[path.stem]))
    for picture in record.pictures:
        click.echo(f"picture: {path.parent / picture}")
