"""Severstal steel (Kaggle 2019): 12,568 images of flat steel, 6,666 with defects of four classes, as run lengths.

Layout of the release, at the folder the user names or one level below it::

    train_images/{id}.jpg    1600 wide, 256 high, colour with three equal channels; id is 9 hexadecimal digits
    train.csv                one row per image and class of defect
    test_images/, ...        without masks: not read

``train.csv`` exists in two forms. ``ImageId,ClassId,EncodedPixels`` has rows for defects only: an image without a row
is clean. The older ``ImageId_ClassId,EncodedPixels`` (``0002cc93b.jpg_1``) has four rows for every image, empty where
there is no defect. ``EncodedPixels`` is pairs of start and length; pixels are counted from 1, down the columns.

Copies that have mask images instead are read with the setting ``masks``, a folder of ``{id}_{class}.png``; a class
that an image does not show has no file or an empty one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from bench_plugins.datasets._miniature import write_jpg, write_stray
from bench_plugins.datasets._released import Layout, Released
from bench_plugins.datasets._settings import check_free
from bench_plugins.datasets._severstal_marks import CLASSES, HEIGHT, WIDTH, Mark, marks_in_folder, marks_in_table

from bench.api import (
    About,
    Bool,
    Component,
    DataError,
    Dataset,
    Image,
    Mask,
    Record,
    Release,
    SettingsError,
    entry,
    hookimpl,
    read_image,
    release_files,
    subfolders,
)

Overlap: TypeAlias = Literal["refuse", "highest"]
IMAGE = r"([0-9a-f]{9})\.jpg"
"""Everything else beside the images is a stray file and is not read."""

OBTAIN = (
    "accept the rules at https://www.kaggle.com/c/severstal-steel-defect-detection, then 'kaggle competitions download "
    "-c severstal-steel-defect-detection' and unpack it; then name the folder in the suite, 'data: {severstal: "
    "path/to/severstal}', or with '--data severstal=path/to/severstal'"
)


@dataclass(frozen=True, slots=True)
class Marked(Record):
    """A training image with what marks its defects."""

    marks: Sequence[Mark] = field(default=(), repr=False, compare=False)


def _records(home: Path, masks: str | None) -> Iterator[Marked]:
    """Every training image in the order of its id, the image name without file type, each a group of its own.

    Raises:
        DataError: ``train.csv`` is damaged or lacks an image, or a mask image has no image.
    """
    (images,) = release_files(entry(home, "train_images"), IMAGE)
    if not images:
        return
    table = entry(home, "train.csv")
    found = marks_in_table(table, images) if masks is None else marks_in_folder(home / masks, images)
    for id, file in images.items():
        marks = found.get(id, ())
        files = (file, table) if masks is None else (file, *[mark.file for mark in marks])
        yield Marked(id, group=id, files=files, marks=marks)


def _read(record: Marked, overlap: Overlap) -> tuple[Image, Mask]:
    """One image ``uint8[256, 1600, 3]`` with the number of the class at every marked pixel.

    Raises:
        DataError: a file is missing or damaged, runs are not valid, sizes differ, or two classes share a pixel and
            ``overlap`` is ``refuse``.
    """
    image = record.files[0]
    pixels = read_image(image, channels=3)
    height, width, _ = pixels.shape
    if (height, width) != (HEIGHT, WIDTH):
        raise DataError(f"{image}: {width}x{height} pixels; images of the release have {WIDTH}x{HEIGHT}")
    mask = np.zeros((height, width), np.uint8)
    for mark in record.marks:
        marked = mark.pixels(image)
        if overlap == "refuse":
            highest = "highest' to give such pixels to the class with the highest number"
            check_free(mask, marked, mark.defect, mark.where, CLASSES, highest)
        mask[marked] = mark.defect
    return pixels, mask


LAYOUT = Layout(
    holds=lambda folder: subfolders(folder, ("train_images",)),
    wanted="folder train_images",
    obtain=f"to get it, {OBTAIN}",
    image="train_images/0002cc93b.jpg",
    unknown="no image {!r}; ids are like '0002cc93b'",
)


def build(root: Path, /, *, masks: str | None = None, overlap: Overlap = "refuse") -> Dataset:
    """Masks from ``train.csv``, or from mask images in the folder ``masks`` beside ``train_images``.

    ``overlap`` says what a pixel of two classes is: a mistake, or of the class with the highest number.

    Raises:
        SettingsError: ``masks`` is the folder of images, or the one that holds it.
    """
    if masks is not None and (root / masks).resolve() in (root.resolve(), (root / "train_images").resolve()):
        raise SettingsError(f"masks: {masks!r} must name a folder of its own, beside train_images")
    return Released(root, LAYOUT, CLASSES, partial(_records, masks=masks), partial(_read, overlap=overlap))


EXAMPLE: Sequence[tuple[int, ...]] = (*((k,) for k in (1, 2, 3, 4) * 3), (3, 4), (), (), (), (), ())
"""Classes on each image of the miniature: three images of every class, one of two classes, five clean ones."""


def example(folder: Path) -> None:
    """Write a miniature of the release: 18 images of the full size, as run lengths count on it, and stray files."""
    rows = ["ImageId,ClassId,EncodedPixels"]
    for number, defects in enumerate(EXAMPLE):
        name = f"{0x0002CC93B + 0x1F0C27D * number:09x}.jpg"
        mask = _write_miniature(folder / "train_images" / name, np.random.default_rng(number), defects)
        rows += [f"{name},{k},{_run_lengths(mask == k)}" for k in defects]
    (folder / "train.csv").write_text("\n".join([*rows, ""]), encoding="utf-8")
    write_stray(folder / "train_images" / "Thumbs.db")
    _write_miniature(folder / "test_images" / "0000f269f.jpg", np.random.default_rng(0), ())
    (folder / "sample_submission.csv").write_text(
        "ImageId,EncodedPixels,ClassId\n0000f269f.jpg,1 409600,0\n", encoding="utf-8"
    )


def _write_miniature(image: Path, rng: np.random.Generator, defects: Sequence[int]) -> Mask:
    """A rolled surface, brighter in bands along its length, with one scratch-like patch per class."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    for place, defect in enumerate(defects):
        row, column = int(rng.integers(10, 150)), int(rng.integers(20, 500)) + 800 * place
        tall, wide = int(rng.integers(20, 90)), int(rng.integers(20, 200))
        mask[row : row + tall, column : column + wide] = defect
    bands = np.repeat(rng.normal(90, 8, (HEIGHT // 8, 1)), 8, axis=0)
    grain = np.tile(rng.normal(0, 6, (HEIGHT, 100)), (1, WIDTH // 100))
    grey = bands + grain + 50 * (mask > 0)
    write_jpg(image, np.repeat(grey[:, :, None], 3, axis=2), quality=90)
    return mask


def _run_lengths(marked: Bool) -> str:
    """``start length`` pairs from 1, down the columns."""
    steps = np.flatnonzero(np.diff(marked.T.ravel().astype(np.int8), prepend=0, append=0))
    return " ".join(f"{start + 1} {end - start}" for start, end in steps.reshape(-1, 2).tolist())


ABOUT = About(
    summary="Severstal: flat steel, 12,568 images with 6,666 defective ones, 4 classes of defect, no official split",
    licence="none stated; rules of the competition",
    withheld="the rules of its competition allow no copies",
    citation="Severstal: Steel Defect Detection, Kaggle competition, 2019",
    home="https://www.kaggle.com/c/severstal-steel-defect-detection",
    obtain=OBTAIN,
)
RELEASE = Release(
    images=12568,
    defective=6666,
    classes=tuple(zip(CLASSES, (897, 247, 5150, 801), strict=True)),
)


@hookimpl
def bench_datasets() -> Iterable[Component[Dataset]]:
    """Offer the steel of the competition."""
    yield Component("severstal", build, about=ABOUT, example=example, release=RELEASE)
