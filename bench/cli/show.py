"""``bench show``: one cell in full."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli.printing import format_option, printed


@click.command("show")
@click.argument("cell")
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Results folder.")
@format_option()
def command(cell: str, out: Path, form: str) -> None:
    """Show axes, scores, costs, keys, provenance and pictures of CELL (its id, or the start of it)."""
    from bench.cli.cells import found_record
    from bench.record import legacy
    from bench.report.cell_document import cell_document
    from bench.runs.folder import told

    path, record = found_record(out, cell)
    pictures = [str(path.parent / picture) for picture in record.pictures]
    whole = legacy(told(path.parent.parent, {path.stem: record}))[path.stem]
    click.echo(printed(cell_document(whole, pictures), form), nl=not pictures)
