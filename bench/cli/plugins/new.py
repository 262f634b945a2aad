"""``bench plugins new``: a complete plugin distribution to start from."""

from __future__ import annotations

from pathlib import Path
from shlex import quote

import click

from bench.catalog import KINDS
from bench.cli.options import PATH


@click.command("new")
@click.argument("name")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice(KINDS),
    metavar="KIND",
    help=f"What it offers: {', '.join(KINDS)}; repeatable. By default a dataset.",
)
@click.option("--to", "folder", type=PATH, default=Path(), help="Folder to write NAME/ into.")
def command(name: str, kinds: tuple[str, ...], folder: Path) -> None:
    """Write NAME/: pyproject.toml, a plugin that works, its tests, a suite and a README."""
    from bench.catalog import load_catalog
    from bench.scaffold import write_distribution

    chosen = tuple(dict.fromkeys(kinds)) or ("dataset",)
    home = write_distribution(name, folder, chosen, load_catalog())
    for path in sorted(path for path in home.rglob("*") if path.is_file()):
        click.echo(f"wrote {path}")
    where = str(home) if home.is_absolute() else f"./{home}"
    click.echo(
        "next:\n"
        f"  python -m pip install -e {quote(where + '[test]')}\n"
        f"  bench plugins check {name}\n"
        f"  python -m pytest {quote(where)}"
    )
