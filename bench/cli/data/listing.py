"""``bench data list``: every data set on offer, and what lies here of it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from bench.canonical import printable
from bench.cli.options import Workspace, workspace_options
from bench.cli.printing import format_option, printed, put_json
from bench.cli.terminal import NARROWEST, quiet, width
from bench.document import Document

if TYPE_CHECKING:
    from bench.obtain.inventory import InventoryRow

HEADER = ("data set", "state", "images", "size", "licence", "where, or how to get it")


@click.command("list")
@workspace_options("--data")
@format_option("csv")
def command(form: str, workspace: Workspace) -> None:
    """List every data set: where it is, licence, size, state. Opens no image."""
    from bench.obtain.inventory import inventory

    with quiet():
        found = inventory(workspace.catalog, workspace.places)
    if form == "json":
        put_json({"datasets": [_row(one) for one in found]})
    elif form == "csv":
        from bench.render.data import rows_csv

        click.echo(rows_csv([_row(one) for one in found]), nl=False)
    elif form == "text":
        for line in text_lines(found):
            click.echo(line)
    else:
        from bench.report.tables import plain_table

        rows = [(*_cells(one), "; ".join(_where(one))) for one in found]
        click.echo(printed(Document("", [plain_table(HEADER, rows)]), form), nl=False)


def _row(one: InventoryRow) -> dict[str, str | int | None]:
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


def _cells(one: InventoryRow) -> tuple[str, str, str, str, str]:
    from bench.words import size_text

    images = "-" if one.images is None else f"{one.images:,}"
    if one.images is not None and one.released not in (None, one.images):
        images += f" of {one.released:,}"
    return one.name, one.state, images, "-" if one.size is None else size_text(one.size), one.licence or "not stated"


def _where(one: InventoryRow) -> list[str]:
    """The folder of what is here; how to get what is not; both for what is damaged."""
    if one.state in ("absent", "begun", "on demand"):
        return [printable(one.note)]
    return [printable(text) for text in (str(one.root), one.note) if text]


def text_lines(found: Sequence[InventoryRow]) -> Iterator[str]:
    """A line of figures for each data set, and under it where it is; a path is never broken."""
    rows = [HEADER[:5], *map(_cells, found)]
    wide_name, wide_state, wide_images, wide_size, _ = (max(map(len, column)) for column in zip(*rows, strict=True))
    indent = " " * (wide_name + 2)
    places: list[list[str]] = [[], *map(_where, found)]
    for (name, state, images, size, licence), texts in zip(rows, places, strict=True):
        start = f"{name:{wide_name}}  {state:{wide_state}}  {images:>{wide_images}}  {size:>{wide_size}}  "
        yield from _wrapped(licence, start, " " * len(start))
        for text in texts:
            yield from _wrapped(text, indent, indent)


def _wrapped(text: str, first: str, others: str) -> list[str]:
    return textwrap.wrap(
        text,
        max(width(), NARROWEST),
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=False,
        break_on_hyphens=False,
    )
