"""``bench data fetch``: download data sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bench.cli import complete
from bench.cli.options import Workspace, workspace_options
from bench.errors import BenchError
from bench.words import plural

if TYPE_CHECKING:
    from bench.component import About
    from bench.suite.schema import Ref


@click.command("fetch")
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=complete.components("dataset"))
@workspace_options()
def command(names: tuple[str, ...], workspace: Workspace) -> int:
    """Download the data sets NAME..., check and unpack them under $BENCH_HOME/data; an interrupted fetch goes on."""
    refs = [workspace.ref(name) for name in names]
    fetched = [_fetched(workspace, ref) for ref in refs]
    return 0 if all(fetched) else 2


def _fetched(workspace: Workspace, ref: Ref) -> bool:
    """Fetch one data set; a failure is a line, and the next one is tried. What is made on first use is no failure."""
    from bench.canonical import printable
    from bench.cli.data.bars import watching
    from bench.obtain.get import fetch_dataset, on_demand

    component = workspace.catalog.find("dataset", ref.use).component
    downloads = component.release.downloads if component.release else ()
    try:
        if not downloads and on_demand(workspace.catalog, ref, workspace.places):
            click.echo(f"{ref.use}: needs no download, its images are made by the first use")
            return True
        say_terms(ref.use, component.about)
        with watching() as watch:
            arrived = fetch_dataset(workspace.catalog, ref, workspace.places, watch)
    except BenchError as error:
        click.echo(str(error), err=True)
        return False
    where = printable(str(arrived.root))
    click.echo(f"{ref.use}: {plural(arrived.images, 'image')} in {where}; 'bench data verify {ref.use}' reads them all")
    return True


def say_terms(name: str, about: About | None) -> None:
    """Print licence and citation before anything is taken."""
    for label in ("licence", "citation", "home"):
        if text := getattr(about, label, ""):
            click.echo(f"{name}: {label}: {text}")
