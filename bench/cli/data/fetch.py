"""``bench data fetch``: download data sets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.options import DataDesk, data_desk, plugin_options
from bench.errors import BenchError
from bench.words import plural

if TYPE_CHECKING:
    from bench.component import About
    from bench.suite.schema import Ref


@click.command("fetch")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@plugin_options
def command(names: tuple[str, ...], plugin: tuple[Path, ...], no_plugins: bool) -> int:
    """Download the data sets NAME..., check and unpack them under $BENCH_HOME/data; an interrupted fetch goes on."""
    desk = data_desk((), plugin, no_plugins)
    failed = [ref.use for ref in [desk.ref(name) for name in names] if not _fetched(desk, ref)]
    return 2 if failed else 0


def _fetched(desk: DataDesk, ref: Ref) -> bool:
    """Fetch one data set; a failure is a line, and the next one is tried. What is made on first use is no failure."""
    from bench.canonical import printable
    from bench.cli.data.bars import watching
    from bench.obtain.get import fetch_dataset, on_demand

    component = desk.catalog.find("dataset", ref.use).component
    downloads = component.release.downloads if component.release else ()
    try:
        if not downloads and on_demand(desk.catalog, ref, desk.places):
            click.echo(f"{ref.use}: needs no download, its images are made by the first use")
            return True
        say_terms(ref.use, component.about)
        with watching() as watch:
            arrived = fetch_dataset(desk.catalog, ref, desk.places, watch)
    except BenchError as error:
        click.echo(str(error), err=True)
        return False
    where = printable(str(arrived.root))
    click.echo(f"{ref.use}: {plural(arrived.images, 'image')} in {where}; 'bench data verify {ref.use}' reads them all")
    return True


def say_terms(name: str, about: About | None) -> None:
    """Print licence and citation before anything is taken."""
    told = (("licence", about.licence), ("citation", about.citation), ("home", about.home)) if about else ()
    for label, text in told:
        if text:
            click.echo(f"{name}: {label}: {text}")
