"""``bench data import``: take over what was downloaded by hand."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli import complete
from bench.cli.options import PATH, Workspace, workspace_options
from bench.words import plural


@click.command("import")
@click.argument("name", shell_complete=complete.components("dataset"))
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=PATH)
@click.option("--link", is_flag=True, help="Leave the folder where it is and link to it.")
@click.option("--quick", is_flag=True, help="Let the reader list the files only, instead of decoding every image.")
@workspace_options()
def command(name: str, paths: tuple[Path, ...], link: bool, quick: bool, workspace: Workspace) -> None:
    """Unpack or copy PATH..., archives or a folder, to $BENCH_HOME/data/NAME, once every image has been read."""
    from bench.canonical import printable
    from bench.cli.data.bars import watching
    from bench.cli.data.fetch import say_terms
    from bench.obtain.get import Reading, import_dataset, link_dataset

    if link and len(paths) > 1:
        raise click.UsageError(f"--link takes one folder, not {len(paths)} paths")
    places = workspace.places  # looked into before anything is said
    ref = workspace.ref(name)
    reading: Reading = "list" if quick else "decode"
    say_terms(ref.use, workspace.catalog.find("dataset", ref.use).component.about)
    with watching() as watch:
        if link:
            arrived = link_dataset(workspace.catalog, ref, places, paths[0], watch, reading=reading)
        else:
            arrived = import_dataset(workspace.catalog, ref, places, paths, watch, reading=reading)
    if arrived.verified:
        what = arrived.verified.verdict.sentence
    else:
        what = f"listed only; 'bench data verify {ref.use}' reads them all"
    click.echo(f"{ref.use}: {plural(arrived.images, 'image')} in {printable(str(arrived.root))}; {what}")
