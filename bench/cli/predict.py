"""``bench predict``: a trained cell on new images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.options import open_catalog, plugin_options

if TYPE_CHECKING:
    from bench.types import Float32, Image

PRODUCTS = ("prob", "mask", "overlay")


@click.command("predict")
@click.argument("cell")
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--save", default="overlay", show_default=True, help="Comma-separated: prob, mask, overlay.")
@click.option("--to", type=click.Path(path_type=Path), default=Path("predictions"), show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Results folder.")
@plugin_options
def command(
    cell: str, images: tuple[Path, ...], save: str, to: Path, out: Path, plugin: tuple[Path, ...], no_plugins: bool
) -> int:
    """Predict IMAGES (files or folders) with CELL, at the threshold that its validation chose.

    Writes NAME.prob.png (8 bits, 255 = certain), NAME.mask.png (0 or 255), NAME.overlay.png (prediction in red).
    """
    from bench.cli.cells import found_record
    from bench.engine.home import Places, bench_home
    from bench.engine.trained import load_trained
    from bench.errors import BenchError
    from bench.images import read_image

    products = _products(save)
    _, record = found_record(out, cell)
    trained = load_trained(record, open_catalog(plugin, no_plugins), Places(bench_home(), out, {}))
    failed = 0
    for path, name in _files(images):
        try:
            image = read_image(path)
            _save(to / name, products, image, trained.probabilities(image, str(path))[0], trained.threshold)
        except BenchError as error:
            failed += 1
            click.echo(str(error), err=True)
        else:
            click.echo(f"{path} -> {to / name}.*")
    return 3 if failed else 0


def _products(save: str) -> tuple[str, ...]:
    products = tuple(part.strip() for part in save.split(",") if part.strip())
    unknown = [part for part in products if part not in PRODUCTS]
    if unknown or not products:
        raise click.UsageError(f"--save {save!r}: choose from {', '.join(PRODUCTS)}")
    return products


def _files(given: tuple[Path, ...]) -> list[tuple[Path, str]]:
    """Every image file with the name its products get; two of one name keep their suffix apart.

    Raises:
        DataError: a path is missing, or a folder holds no image.
    """
    from bench.errors import DataError

    found: list[Path] = []
    for path in given:
        inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES) if path.is_dir() else [path]
        if not inside or not inside[0].exists():
            raise DataError(f"{path}: no image here")
        found += inside
    stems = [path.stem for path in found]
    names = [
        path.stem if stems.count(path.stem) == 1 else path.as_posix().strip("/").replace("/", "_") for path in found
    ]
    return list(zip(found, names, strict=True))


SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")


def _save(stem: Path, products: tuple[str, ...], image: Image, background: Float32, threshold: int) -> None:
    import numpy as np

    from bench.images import write_png
    from bench.report.overlay import overlay

    probability = 1 - background
    positive = probability >= np.float32(threshold / 1000)
    nowhere = np.zeros(positive.shape, np.uint8)  # without a truth every predicted pixel is drawn in red
    pictures: dict[str, Callable[[], Image]] = {
        "prob": lambda: (probability * 255).round().astype(np.uint8),
        "mask": lambda: positive.astype(np.uint8) * 255,
        "overlay": lambda: overlay(image, nowhere, positive),
    }
    for product in products:
        write_png(stem.with_name(f"{stem.name}.{product}.png"), pictures[product]())
