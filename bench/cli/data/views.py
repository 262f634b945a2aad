"""``bench data views``: corresponding viewpoints of two data sets side by side."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli import complete
from bench.cli.options import PATH, Workspace, workspace_options
from bench.cli.printing import json_option, plain_fields, put_json
from bench.cli.terminal import quiet

if TYPE_CHECKING:
    from bench.pictures.gallery import Thumbnail
    from bench.types import Dataset, Record


@click.command("views")
@click.argument("first", metavar="A", shell_complete=complete.components("dataset"))
@click.argument("second", metavar="B", shell_complete=complete.components("dataset"))
@click.option(
    "--instances", type=click.IntRange(1, 100), default=4, show_default=True, help="Objects shown, a row each."
)
@click.option("--outline/--no-outline", default=False, help="Outline what the masks mark.")
@click.option(
    "--to",
    type=PATH,
    default=Path("views.png"),
    show_default=True,
    help="The picture, a PNG file.",
)
@workspace_options("--data")
@json_option
def command(
    first: str,
    second: str,
    instances: int,
    outline: bool,
    to: Path,
    workspace: Workspace,
    as_json: bool,
) -> None:
    """Show the same objects from the same viewpoints in data sets A and B (supplement, Figure 1).

    A and B are names or, with settings, '{use: NAME, settings: {...}}'. Images of equal group and equal metadata
    'viewpoint' correspond.
    """
    from bench.audit.views import correspondence, views
    from bench.canonical import printable
    from bench.images import write_png
    from bench.words import plural

    if to.suffix != ".png":
        raise click.UsageError(f"--to {str(to)!r}: the picture is a PNG file; name one that ends in .png")
    with quiet():
        one, other = _Side.of(workspace, first), _Side.of(workspace, second)
        names = one.name, other.name
        found = correspondence(one.records, other.records, names)
        picture = views(found, names, (one.small, other.small), instances=instances, outline=outline)
    write_png(to, picture)
    if as_json:
        put_json({"first": one.name, "second": other.name, **plain_fields(found), "picture": to})
        return
    groups = len({pair.group for pair in found.pairs})
    click.echo(f"{plural(len(found.pairs), 'viewpoint')} of {plural(groups, 'group')} in both")
    click.echo(f"without a partner: {found.alone_in_first:,} of {one.name}, {found.alone_in_second:,} of {other.name}")
    if found.several:
        click.echo(f"several images of one viewpoint: {found.several:,} times; the first is shown")
    click.echo(f"picture: {printable(str(to))}")


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two data sets; none of its images is read before it is shown."""

    name: str
    dataset: Dataset
    records: tuple[Record, ...]

    @classmethod
    def of(cls, workspace: Workspace, text: str) -> _Side:
        """Open the data set that ``text`` means.

        Raises:
            BenchError: it does not exist, is absent, or its reader fails.
        """
        from bench.report.naming import short_name

        ref = workspace.ref(text)
        component = workspace.catalog.find("dataset", ref.use).component
        return cls(short_name(component, ref.settings), *workspace.listed(ref))

    def small(self, id: str) -> Thumbnail:
        """One image, reduced."""
        from bench.audit.views import SIDE
        from bench.component import guarded
        from bench.pictures.gallery import thumbnail

        return thumbnail(guarded(f"load({id!r}) of data set {self.name!r}", self.dataset.load, id), SIDE)
