"""``bench data context``: what smaller crops lose, as a table and a figure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli import complete
from bench.cli.options import PATH, Workspace, workspace_options
from bench.cli.printing import json_option, plain_fields, printed, put_json
from bench.cli.terminal import quiet

if TYPE_CHECKING:
    from bench.data.index import DatasetIndex
    from bench.stages.opening import Opened

SUFFIXES = (".png", ".svg", ".pdf")


@click.command("context")
@click.argument("dataset", shell_complete=complete.components("dataset"))
@click.option("--sizes", default="256,192,128", show_default=True, metavar="A,B,...", help="Edges of crops in pixels.")
@click.option(
    "--split", type=click.Choice(("train", "validation", "test", "all")), default="train", show_default=True,
    help="The images that are looked at.",
)  # fmt: skip
@click.option(
    "--to", type=PATH, default=Path("context.png"), show_default=True,
    help="The figure, a PNG, SVG or PDF file.",
)  # fmt: skip
@workspace_options("--data")
@json_option
def command(
    dataset: str,
    sizes: str,
    split: str,
    to: Path,
    workspace: Workspace,
    as_json: bool,
) -> None:
    """Show how much defects of DATASET and sound surface look alike in smaller crops (supplement, Figure 2).

    DATASET is a name or, with settings, '{use: NAME, settings: {...}}'. For every defect looked at, the sound window
    that is most like it is sought at every size. The likeness is the universal quality index (Wang and Bovik 2002):
    1 for equal windows; it falls with the correlation, and where brightness or contrast differ.
    """
    from bench.audit.context import context
    from bench.audit.context_table import context_document, context_figure
    from bench.component import guarded
    from bench.pictures.style import write_figure

    edges = _edges(sizes)
    if to.suffix not in SUFFIXES:
        raise click.UsageError(f"--to {str(to)!r}: the figure is a PNG, SVG or PDF file; name one that ends so")
    opened = workspace.opened(dataset)
    with quiet():
        index = _images(opened, split)
        found = context(index, opened.dataset, edges)
        what = f"load of data set {index.dataset!r}"
        write_figure(context_figure(found, lambda image: guarded(what, opened.dataset.load, image)), to)
    if as_json:
        put_json({"dataset": index.dataset, **plain_fields(found), "figure": to})
        return
    click.echo(printed(context_document(found, str(to))), nl=False)


def _edges(text: str) -> list[int]:
    from bench.audit.context_table import MOST_SIZES

    try:
        edges = [int(part) for part in text.split(",")]
    except ValueError:
        edges = []
    if not 2 <= len(set(edges)) <= MOST_SIZES or min(edges) < 8:
        raise click.UsageError(
            f"--sizes {text!r}: give two to {MOST_SIZES} different sizes of at least 8 pixels, as 256,192,128"
        )
    return edges


def _images(opened: Opened, split: str) -> DatasetIndex:
    """The index of one split, or of all images."""
    from bench.data.splits import assign, restricted
    from bench.types import SPLITS

    chosen = next((each for each in SPLITS if each == split), None)
    return restricted(opened.index, assign(opened.index, "grouped"), chosen) if chosen else opened.index
