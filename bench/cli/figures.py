"""``bench figures``: the figures of a run for a paper."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli import complete
from bench.cli.options import PATH, Workspace, permitted_option, run_named, workspace_options
from bench.cli.terminal import quiet
from bench.figures.asked import FORMATS, KINDS, Asked, names_of
from bench.pictures.journals import JOURNALS, MM

if TYPE_CHECKING:
    from bench.figures.write import Outcome

FIGURES_MISSING = 3
"""Exit code where a figure could not be made."""


@click.command("figures")
@click.argument("run", type=PATH, shell_complete=complete.runs)
@click.option(
    "--only", metavar="KIND,...", help=f"Some of: {', '.join(KINDS)}."
)  # fmt: skip
@click.option(
    "--cell", "cells", multiple=True, metavar="CELL", help="Show this cell, by the start of its id; repeatable."
)
@click.option(
    "--by", metavar="AXIS", help="Show the best cell of each level of this axis; by default the board's columns."
)
@click.option(
    "--journal",
    type=click.Choice(list(JOURNALS)),
    default="elsevier",
    show_default=True,
    help="Whose columns widths are.",
)
@click.option(
    "--width", "widths", multiple=True, metavar="[KIND=]WIDTH",
    help="1, 1.5 or 2 columns, or a length such as 88mm; of one kind of figure as aprf=1. Repeatable.  [default: 2]",
)  # fmt: skip
@click.option("--font", help="A font that is installed; by default one that comes with bench, the same everywhere.")
@click.option(
    "--format", "formats", default=",".join(FORMATS), show_default=True, metavar="FORMAT,...", help="File types."
)
@click.option("--to", type=PATH, help="Folder for the files; by default 'figures' in the run's folder.")
@permitted_option
@workspace_options("--data", "--out")
def command(
    run: Path,
    only: str | None,
    cells: tuple[str, ...],
    by: str | None,
    journal: str,
    widths: tuple[str, ...],
    font: str | None,
    formats: str,
    to: Path | None,
    permitted: tuple[str, ...],
    workspace: Workspace,
) -> int:
    """Write figures of RUN (a run folder, its name below --out, or an archive) with captions and LaTeX tables.

    Kinds: corresponding viewpoints of two data sets, context lost by smaller crops, predictions, APRF plots and
    training curves of the best cells by validation, effects of axes with intervals, score against cost. What cannot be
    made is said in one line, all others are written, and the exit code is 3. The same run gives the same files.
    """
    from bench.canonical import printable
    from bench.commands import figures

    own = dict(text.split("=", 1) for text in widths if "=" in text)
    common = [text for text in widths if "=" not in text] or ["2"]
    asked = Asked(
        kinds=names_of(only, KINDS, "figure") if only else KINDS,
        cells=cells,
        by=by,
        formats=names_of(formats, FORMATS, "format"),
        journal=journal,
        width=common[-1],
        widths=own,
        font=font,
    )
    folder = run_named(run, workspace.out)
    if to is None and not folder.is_dir() and folder.suffix == ".zip":
        raise click.UsageError(f"{folder}: name a folder for the figures of an archive with --to")
    place = to or folder / "figures"
    with quiet():
        done = figures(
            folder, to=place, asked=asked, permitted=permitted, catalog=workspace.catalog, places=workspace.places
        )
    _say(done, place)
    for kind, why in done.missing.items():
        click.echo(printable(f"{kind}: not drawn: {why}"), err=True)
    for kind, why in done.nothing.items():
        click.echo(printable(f"{kind}: nothing to draw: {why}"), err=True)
    return FIGURES_MISSING if done.missing or (only and done.nothing) else 0


def _say(done: Outcome, place: Path) -> None:
    """What was written, a line for each figure."""
    from bench.canonical import printable

    for one in done.figures:
        suffixes = ", ".join(path.suffix.removeprefix(".") for path in one.files)
        click.echo(printable(f"{place / one.name}: {suffixes}; {one.width / MM:.0f} mm wide"))
    for path in done.texts:
        click.echo(printable(str(path)))
