"""``bench show``: one cell in full."""

from __future__ import annotations

import json
from pathlib import Path

import click

from bench.cli.options import PATH
from bench.cli.printing import format_option, printed, put_json


@click.command("show")
@click.argument("cell", required=False)
@click.option("--out", type=PATH, default=Path("runs"), show_default=True, help="Results folder.")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of a cell's record instead.")
@format_option()
def command(cell: str | None, out: Path, schema: bool, form: str) -> None:
    """Show axes, scores, costs, keys, provenance and pictures of CELL (its id, or the start of it)."""
    from bench.record import record_schema

    if schema:
        click.echo(json.dumps(record_schema(), indent=1))
    elif cell is None:
        raise click.UsageError("name a CELL by the start of its id, or give --schema")
    else:
        _show(cell, out, form)


def _show(cell: str, out: Path, form: str) -> None:
    from bench.cli.cells import found_record
    from bench.report.cell_document import cell_document
    from bench.runs.folder import told

    path, record = found_record(out, cell)
    pictures = [str(path.parent / picture) for picture in record.pictures]
    whole = told(path.parent.parent, {path.stem: record})[path.stem]
    if form == "json":
        put_json({"record": whole.plain(), "pictures": pictures})
        return
    click.echo(printed(cell_document(whole, pictures), form), nl=not pictures)
