"""``bench predict``: a trained cell on new images."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli import complete
from bench.cli.options import PATH, Workspace, workspace_options

if TYPE_CHECKING:
    from bench.runs.inputs import Picture
    from bench.runs.predict import Trained
    from bench.stages.kinds import White

HIGHEST = 65535
"""The highest level that a picture may hold."""


@click.command("predict")
@click.argument("cell", shell_complete=complete.cells)
@click.argument("images", nargs=-1, required=True, type=PATH)
@click.option("--save", default="overlay", show_default=True, help="Comma-separated: prob, mask, overlay.")
@click.option("--to", type=PATH, default=Path("predictions"), show_default=True, help="Folder for what is written.")
@click.option("--overwrite", is_flag=True, help="Replace predictions that are there already.")
@click.option(
    "--white",
    metavar="LEVEL[:TRAINED]",
    help="Scale grey levels: LEVEL of a picture stands for TRAINED of the training images, by default the highest of "
    "their pixel type. For a model of 8 bits, 65535 takes files of full 16 bits and 4095 a camera of 12.",
)
@workspace_options("--out")
def command(
    cell: str,
    images: tuple[Path, ...],
    save: str,
    to: Path,
    overwrite: bool,
    white: str | None,
    workspace: Workspace,
) -> int:
    """Predict IMAGES (files or folders) with CELL, at the threshold that its validation chose.

    Writes NAME.prob.png (8 bits, 255 = certain), NAME.mask.png (0 or 255), NAME.overlay.png (prediction in red). NAME
    keeps the folders below the one that was given; of several IMAGES, each has a folder of its own name. A photograph
    is turned as its Exif says. What cannot be predicted is said in one line, the others go on, and the exit code is 3.
    """
    from bench.canonical import printable
    from bench.cli.cells import found_record
    from bench.runs.inputs import find_inputs
    from bench.runs.predict import load_trained
    from bench.runs.products import check_place

    products, level = _products(save), _white(white)
    _, record = found_record(workspace.out, cell)
    inputs = find_inputs(images, to)
    for line in (*inputs.remarks, *inputs.missed):
        click.echo(printable(line), err=True)
    if not inputs.pictures:
        return 2
    check_place(to)
    trained = load_trained(record, workspace.catalog, workspace.places)
    done = [_predicted(trained, picture, to, products, level, overwrite) for picture in inputs.pictures]
    return 0 if all(done) and not inputs.missed else 3


def _predicted(
    trained: Trained, picture: Picture, to: Path, products: Sequence[str], white: White | None, overwrite: bool
) -> bool:
    """Predict one picture and say so, or say why not; returns whether it is predicted.

    Raises:
        StoreError: nothing more can be written.
    """
    from bench.canonical import printable
    from bench.errors import BenchError, StoreError
    from bench.images import read_image
    from bench.runs.products import check_new, product_files, write_products

    files = product_files(to / picture.name, products)
    try:
        if not overwrite:
            check_new(list(files.values()), picture.path)
        image = trained.fitted(read_image(picture.path, exif="turn"), white, str(picture.path))
        write_products(files, image, trained.probabilities(image, str(picture.path))[0], trained.threshold)
    except StoreError:
        raise
    except BenchError as error:
        click.echo(printable(str(error)), err=True)
        return False
    click.echo(printable(f"{picture.path} -> {to / picture.name}.*"))
    return True


def _products(save: str) -> tuple[str, ...]:
    from bench.runs.inputs import PRODUCTS

    products = tuple(part.strip() for part in save.split(",") if part.strip())
    unknown = [part for part in products if part not in PRODUCTS]
    if unknown or not products:
        raise click.UsageError(f"--save {save!r}: choose from {', '.join(PRODUCTS)}")
    return products


def _white(text: str | None) -> White | None:
    from bench.stages.kinds import White

    if text is None:
        return None
    levels = text.split(":")
    if len(levels) > 2 or not all(re.fullmatch("[0-9]{1,5}", level) and 0 < int(level) <= HIGHEST for level in levels):
        raise click.UsageError(
            f"--white {text!r}: give one or two levels from 1 to {HIGHEST}, such as 4095 or 255:4095"
        )
    return White(*map(int, levels))
