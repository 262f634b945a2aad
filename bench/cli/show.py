"""``bench show``: one cell in full."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli import complete
from bench.cli.options import PATH
from bench.cli.printing import format_option, printed, put_json
from bench.cli.terminal import in_blocks, width

if TYPE_CHECKING:
    from bench.render.plot import Curve
    from bench.runs.curves import CellCurves


@click.command("show")
@click.argument("cell", required=False, shell_complete=complete.cells)
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
    from bench.home import bench_home
    from bench.render.plot import plot
    from bench.report.cell_document import cell_document
    from bench.runs.curves import cell_curves
    from bench.runs.folder import told
    from bench.store.home import Places

    path, record = found_record(out, cell)
    seen = cell_curves(record, Places(bench_home(), out, {}))
    pictures = [str(path.parent / picture) for picture in record.pictures]
    whole = told(path.parent.parent, {path.stem: record})[path.stem]
    if form == "json":
        put_json({"record": whole.plain(), "curves": seen, "pictures": pictures})
        return
    click.echo(printed(cell_document(whole, pictures), form), nl=not pictures)
    for curve in drawable(seen) if form == "text" else ():
        click.echo("")
        for text in plot(curve, width(), ascii_only=not in_blocks()):
            click.echo(text)


def drawable(seen: CellCurves) -> Iterator[Curve]:
    """Those of the curves that a cell has which say something."""
    from bench.render.plot import Curve

    if len(seen.epochs) > 1:
        best = dict(seen.epochs).get(seen.best_epoch or 0)
        kept = "" if best is None else f"; kept: epoch {seen.best_epoch:.0f}, {100 * best:.1f}"
        yield Curve(f"F1 on validation over epochs [%]{kept}", seen.epochs, seen.best_epoch)
    if len(seen.thresholds) > 1:
        yield Curve(
            "F1 on validation over the threshold [%]; marked: chosen", seen.thresholds, seen.threshold, digits=3
        )
