"""``bench report``: the page of one or several runs."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli import complete
from bench.cli.options import PATH, Workspace, permitted_option, run_named, workspace_options
from bench.cli.terminal import quiet
from bench.words import size_text


@click.command("report")
@click.argument("runs", type=PATH, nargs=-1, required=True, metavar="RUN...", shell_complete=complete.runs)
@click.option("--to", type=PATH, help="The page; by default report.html in the folder of the first run.")
@click.option("--no-pictures", is_flag=True, help="Leave test images out.")
@permitted_option
@click.option("--section", "sections", multiple=True, metavar="NAME", help="A section of a plugin; repeatable.")
@click.option("--as", "form", metavar="NAME", help="Write the tables in the format of a plugin instead of the page.")
@click.option("--coverage", is_flag=True, help="Draw the crops of every strategy anew, and tell what they contain.")
@workspace_options("--data", "--out")
def command(
    runs: tuple[Path, ...],
    to: Path | None,
    no_pictures: bool,
    permitted: tuple[str, ...],
    sections: tuple[str, ...],
    form: str | None,
    coverage: bool,
    workspace: Workspace,
) -> None:
    """Write one HTML file that shows RUN (folders or archives of 'bench export'), to be opened from disk.

    It holds tables, charts, curves, and the test images on which any two cells differ. Where pictures take more than
    8 MB, they lie in a folder beside it.
    """
    from bench.page.gathering import Asked
    from bench.page.writing import write_page

    if form is not None:
        from bench.page.reported import write_as

        for run in runs:
            click.echo(write_as(form, run_named(run, workspace.out), to, workspace.invocation({})))
        return
    named = [run_named(run, workspace.out) for run in runs]
    place = to or (named[0].parent / f"{named[0].stem}.html" if named[0].is_file() else named[0] / "report.html")
    with quiet():
        asked = Asked(not no_pictures, permitted, coverage, sections)
        written = write_page(named, place, workspace.invocation({}), asked, lambda text: click.echo(text, err=True))
    click.echo(f"{place}: {size_text(place.stat().st_size)}")
    if len(written) > 1:
        click.echo(f"{written[1].parent}: {len(set(written)) - 1} pictures; pass the folder on with the page")
