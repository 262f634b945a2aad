"""``bench data list``: every data set on offer, and what lies here of it."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.canonical import printable
from bench.cli.options import data_desk, dataset_options
from bench.cli.printing import format_option, printed
from bench.document import Document

if TYPE_CHECKING:
    from bench.obtain.holdings import Holding

WIDTH = 100
HEADER = ("data set", "state", "images", "size", "licence", "where, or how to get it")


@click.command("list")
@dataset_options
@format_option("csv")
def command(form: str, data: tuple[str, ...], plugin: tuple[Path, ...], no_plugins: bool) -> None:
    """List every data set: where it is, licence, size, state. Opens no image."""
    from bench.obtain.holdings import holdings

    desk = data_desk(data, plugin, no_plugins)
    with redirect_stdout(sys.stderr):
        found = holdings(desk.catalog, desk.places)
    if form == "csv":
        from bench.render.data import rows_csv

        click.echo(rows_csv([_row(one) for one in found]), nl=False)
    elif form == "text":
        for line in text_lines(found):
            click.echo(line)
    else:
        from bench.report.tables import plain_table

        rows = [(*_cells(one), "; ".join(_where(one))) for one in found]
        click.echo(printed(Document("", [plain_table(HEADER, rows)]), form), nl=False)


def _row(one: Holding) -> dict[str, str | int | None]:
    return {
        "name": one.name,
        "state": one.state,
        "images": one.images,
        "released": one.released,
        "bytes": one.size,
        "licence": one.licence,
        "folder": printable(str(one.root)),
        "note": printable(one.note),
    }


def _cells(one: Holding) -> tuple[str, str, str, str, str]:
    from bench.obtain.space import size_text

    images = "-" if one.images is None else f"{one.images:,}"
    if one.images is not None and one.released not in (None, one.images):
        images += f" of {one.released:,}"
    return one.name, one.state, images, "-" if one.size is None else size_text(one.size), one.licence or "not stated"


def _where(one: Holding) -> list[str]:
    """The folder of what is here; how to get what is not; both for what is damaged."""
    if one.state in ("absent", "begun", "on demand"):
        return [printable(one.note)]
    return [printable(text) for text in (str(one.root), one.note) if text]


def text_lines(found: Sequence[Holding]) -> Iterator[str]:
    """A line of figures for each data set, and under it where it is; a path is never broken."""
    rows = [HEADER[:5], *(_cells(one) for one in found)]
    widths = [max(len(row[k]) for row in rows) for k in range(4)]
    indent = " " * (widths[0] + 2)
    for row, one in zip(rows, [None, *found], strict=True):
        name, state, images, size = (
            text.ljust(w) if k < 2 else text.rjust(w) for k, (text, w) in enumerate(zip(row[:4], widths, strict=True))
        )
        start = f"{name}  {state}  {images}  {size}  "
        yield from _wrapped(row[4], start, " " * len(start))
        for text in _where(one) if one else ():
            yield from _wrapped(text, indent, indent)


def _wrapped(text: str, first: str, others: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=others, break_long_words=False, break_on_hyphens=False
    )
