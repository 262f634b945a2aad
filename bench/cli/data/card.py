"""``bench data card``: what a data set holds, as Markdown with pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli import complete
from bench.cli.options import PATH, Workspace, workspace_options
from bench.cli.printing import json_option, put_json
from bench.cli.terminal import fitted, quiet

if TYPE_CHECKING:
    from bench.audit.card import CardFacts
    from bench.audit.pixels import PixelFacts
    from bench.data.remarks import AssignmentOrWhy
    from bench.pictures.gallery import Thumbnail
    from bench.stages.opening import Opened

FILE = "card.md"


@click.command("card")
@click.argument("dataset", shell_complete=complete.components("dataset"))
@click.option("--to", type=PATH, help="Folder for the card; by default cards/DATASET.")
@workspace_options("--data")
@json_option
def command(dataset: str, to: Path | None, workspace: Workspace, as_json: bool) -> None:
    """Write a card of DATASET: origin, sizes, grey levels, classes, splits, copies, examples.

    DATASET is a name or, with settings, '{use: NAME, settings: {...}}'. Every image is read once.
    """
    from bench.audit.pixels import pixel_facts
    from bench.canonical import printable
    from bench.words import plural

    opened = workspace.opened(dataset)
    click.echo(f"looking at the pixels of {plural(len(opened.records), 'image')}", err=True)
    with quiet():
        pixels = pixel_facts(opened.index, opened.dataset)
        facts, remarks, written = _write(opened, pixels, to)
    if as_json:
        put_json(_plain(facts, remarks, written))
        return
    for remark in fitted(f"- {remark}" for remark in remarks):
        click.echo(remark)
    click.echo(f"card: {printable(str(written))}")


def _plain(facts: CardFacts, remarks: Sequence[str], written: Path) -> dict[str, Any]:
    """What the card says, as data."""
    from bench.data.statistics import class_counts, meta_fields, split_counts

    index, assignment = facts.index, facts.assignment
    return {
        "dataset": facts.name,
        "version": facts.version,
        "badge": facts.badge,
        "about": facts.about,
        "settings": facts.settings,
        "images": len(index.entries),
        "groups": len({entry.group for entry in index.entries}),
        "pixels": facts.pixels.pixels,
        "dark_pixels": facts.pixels.dark,
        "classes": dict(zip(index.classes, class_counts(index.entries, len(index.classes)), strict=True)),
        "splits": None if isinstance(assignment, str) else split_counts(index, assignment),
        "metadata": meta_fields(index),
        "remarks": remarks,
        "card": written,
    }


def _write(opened: Opened, pixels: PixelFacts, to: Path | None) -> tuple[CardFacts, list[str], Path]:
    """Draw the pictures, write the card, and return what it says, its remarks and its file."""
    from bench.audit.card import CardFacts, beware, card
    from bench.data.splits import assign
    from bench.errors import DataError
    from bench.render.markdown import to_markdown
    from bench.report.naming import short_name, slug

    component = opened.offer.component
    name = short_name(component, opened.ref.settings)
    folder = to or Path("cards") / slug(name)
    assignment: AssignmentOrWhy
    try:
        assignment = assign(opened.index, "grouped")
    except DataError as error:
        assignment = str(error)
    facts = CardFacts(
        name=name,
        version=component.version,
        badge=component.badge,
        about=component.about,
        release=component.release,
        settings=opened.ref.settings,
        index=opened.index,
        pixels=pixels,
        assignment=assignment,
        pictures=_draw(opened, pixels, folder),
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(to_markdown(card(facts)), encoding="utf-8", newline="\n")
    return facts, beware(facts), folder / FILE


def _draw(opened: Opened, pixels: PixelFacts, folder: Path) -> dict[str, str]:
    """Draw the pictures of a card into ``folder``: part to file name."""
    from bench.audit.card_pictures import SIDE, areas_plot, examples, levels_plot, sizes_plot
    from bench.component import guarded
    from bench.images import write_png
    from bench.pictures.gallery import thumbnail
    from bench.pictures.style import write_figure

    index = opened.index

    def small(id: str, kind: int | None) -> Thumbnail:
        return thumbnail(guarded(f"load({id!r}) of data set {index.dataset!r}", opened.dataset.load, id), SIDE, kind)

    figures = {"levels": levels_plot(pixels, index.entries[0].dtype)}
    if len({(entry.width, entry.height) for entry in index.entries}) > 1:
        figures["sizes"] = sizes_plot(index)
    if any(areas.size for areas in pixels.areas):
        figures["areas"] = areas_plot(index.classes, pixels.areas)
    for part, figure in figures.items():
        write_figure(figure, folder / f"{part}.png")
    write_png(folder / "examples.png", examples(index, small))
    return {part: f"{part}.png" for part in (*figures, "examples")}
