r"""Your own data by a table: a csv file that names every image and its mask, wherever they lie.

::

    data: {listed: ~/my}                       # in the suite; the axis says 'dataset: [listed]'

    my/pairs.csv                               # the setting 'table' names another
        id,image,mask,group
        part1_top,photos/part1_top.jpg,drawn/part1_top.png,part1
        part2_top,photos/part2_top.jpg,,part2

Files are named from the folder of the data set, or by absolute paths. No mask means that the image is free of defects.
The columns ``group``, which images show the same object, and ``split``, one of ``train``, ``validation`` and ``test``,
may be left out; where a row has no split, none may have one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from unicodedata import normalize

import numpy as np
from bench_plugins.datasets._mask_values import Declared, Masks, Palette, Values, declared_colours, values_meant
from bench_plugins.datasets._pairing import stored_channels

from bench.api import (
    SPLITS,
    About,
    Channels,
    Component,
    DataError,
    Dataset,
    Exif,
    Image,
    Record,
    Row,
    Sample,
    Split,
    check_size,
    hookimpl,
    read_csv,
    read_image,
    write_png,
)


@dataclass(frozen=True, slots=True)
class Pair:
    """One row of the table."""

    image: Path
    mask: Path | None
    group: str
    split: Split | None


@dataclass(frozen=True)
class Listed:
    """Images and masks paired by a table."""

    root: Path
    table: Path
    values: Values
    classes: Sequence[str]
    channels: Channels | None
    exif: Exif

    def records(self) -> Sequence[Record]:
        """Every image in the order of the table.

        Raises:
            DataError: the table is damaged, has an id or an image twice, a split that is none, or a file is missing.
        """
        found = []
        for id, pair in self._pairs.items():
            files = (pair.image,) if pair.mask is None else (pair.image, pair.mask)
            for file in files:
                if not file.is_file():
                    raise DataError(
                        f"{file}: the file is missing, and {self.table} lists it; restore it, or correct its row"
                    )
            files = (*files, self.table)  # what it says decides the mask: changed, everything is read again
            found.append(Record(id=id, group=pair.group, split=pair.split, files=files))
        return found

    def load(self, id: str, /) -> Sample:
        """One image as stored, with its mask in class numbers.

        Raises:
            DataError: a file is damaged, the sizes differ, or the mask's values do not fit ``masks_are``.
        """
        if id not in self._pairs:
            raise DataError(f"{self.table}: lists no image {id!r}")
        pair = self._pairs[id]
        image = read_image(pair.image, channels=self._channels, exif=self.exif)
        height, width, _ = image.shape
        if pair.mask is None:
            return Sample(id, image, np.zeros((height, width), np.uint8))
        mask = self.values.read(pair.mask, lambda: self._declared)
        check_size(mask, width, height, pair.mask, pair.image)
        return Sample(id, image, mask)

    @cached_property
    def _channels(self) -> Channels:
        """As asked, or as the first image is stored."""
        return self.channels or stored_channels(next(iter(self._pairs.values())).image)

    @cached_property
    def _declared(self) -> Declared:
        """Looked up once, and only for masks whose palettes are in colour."""
        return declared_colours([pair.mask for pair in self._pairs.values() if pair.mask])

    @cached_property
    def _pairs(self) -> Mapping[str, Pair]:
        """The rows by id; read once, as decoding asks for it image by image."""
        found: dict[str, Pair] = {}
        images: dict[Path, Row] = {}
        for row in read_csv(self.table, ("id", "image", "mask")):
            id = normalize("NFC", row["id"].strip())
            pair = self._pair(row, id)
            first = images.setdefault(pair.image, row)
            if first is not row:
                raise DataError(
                    f"{row.where}: {pair.image.name} stands in {first.where} already; keep one of the two rows"
                )
            if id in found:
                raise DataError(f"{row.where}: the id {id!r} stands here twice; ids must be unique")
            found[id] = pair
        if not found:
            raise DataError(f"{self.table}: lists no image; add a row for each, with id, image and mask")
        without = [id for id, pair in found.items() if pair.split is None]
        if 0 < len(without) < len(found):
            raise DataError(
                f"{self.table}: image {without[0]!r} has no split and others have; fill the column, or leave it out"
            )
        return found

    def _pair(self, row: Row, id: str) -> Pair:
        """What one row says.

        Raises:
            DataError: the row has no id or no image, or its split is none.
        """
        image, mask = row["image"].strip(), row["mask"].strip()
        if not id or not image:
            raise DataError(f"{row.where}: a row needs an id and an image")
        group = row.values.get("group", "").strip() or id
        named = row.values.get("split", "").strip()
        split = next((each for each in SPLITS if each == named), None)
        if named and split is None:
            raise DataError(f"{row.where}: {named!r} is no split; write {', '.join(SPLITS)}, or nothing")
        return Pair(self.root / image, self.root / mask if mask else None, group, split)


def build(
    root: Path,
    /,
    *,
    table: str = "pairs.csv",
    masks_are: Masks = "binary",
    mask_threshold: int | None = None,
    invert: bool = False,
    palette: Palette | None = None,
    classes: tuple[str, ...] = ("defect",),
    channels: Channels | None = None,
    exif: Exif = "refuse",
) -> Dataset:
    """Pair images and masks as ``table`` says, a csv file below the root with columns ``id``, ``image`` and ``mask``.

    ``bench start`` writes such a table where no setting of ``folder`` describes how files are named. What the values of
    masks mean is said as for ``folder``: ``masks_are``, ``mask_threshold``, ``invert``, ``palette`` and ``classes``;
    so are ``channels`` and ``exif``.

    Raises:
        SettingsError: settings that contradict each other.
    """
    values = values_meant(masks_are, mask_threshold, invert, palette, classes)
    return Listed(root, root / table, values, classes, channels, exif)


def example(folder: Path) -> None:
    """Write twelve small parts, each seen from two sides, with a dent on every second part; half have no mask."""
    rng = np.random.default_rng(0)
    rows = ["id,image,mask,group"]
    for part in range(12):
        for view in ("front", "back"):
            id = f"part{part}_{view}"
            image: Image = rng.integers(60, 120, (48, 64, 1), dtype=np.uint8)
            drawn = ""
            if part % 2 and view == "front":
                row, column = rng.integers(4, 30, 2)
                mask = np.zeros((48, 64), np.uint8)
                mask[row : row + 8, column : column + 9] = 255
                image[mask > 0] += 80
                drawn = f"drawn/{part}.png"
                write_png(folder / drawn, mask)
            write_png(folder / "photos" / f"{id}.png", image)
            rows.append(f"{id},photos/{id}.png,{drawn},part{part}")
    (folder / "pairs.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


ABOUT = About(
    summary="Your own data: a table that names every image and its mask, wherever they lie",
    licence="yours",
    obtain="name the folder that holds pairs.csv: 'data: {listed: path}' or '--data listed=path'",
)


@hookimpl
def bench_datasets() -> Iterable[Component[Dataset]]:
    """Offer any pairs of files as a data set."""
    yield Component("listed", build, about=ABOUT, example=example)
