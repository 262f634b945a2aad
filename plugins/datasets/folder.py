"""Your own data: a folder of images and a folder of masks.

::

    data: {folder: ~/my/parts}         # in the suite; the axis says 'dataset: [folder]'

    my/parts/images/part1_top.png      # any of the file types below, sub-folders welcome
    my/parts/masks/part1_top.png       # same name, any of the types; settings change names and meaning

If the images folder consists of sub-folders ``train``, ``validation`` (or ``val``, ``valid``) and ``test``, or some of
them, in capitals or not, those are the official splits; otherwise splits are made from the groups. Say which images
show the same object: without ``groups`` every image counts as an object of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from bench_plugins.datasets._affixes import PLAIN, Affixes
from bench_plugins.datasets._grouping import check_groups, groups_of
from bench_plugins.datasets._mask_values import Declared, Masks, Palette, Values, declared_colours, values_meant
from bench_plugins.datasets._pairing import Side, paired, stored_channels
from bench_plugins.datasets._settings import Clean

from bench.api import (
    About,
    Channels,
    Component,
    DataError,
    Dataset,
    Exif,
    Image,
    Record,
    Sample,
    SettingsError,
    Split,
    check_size,
    hookimpl,
    read_image,
    write_png,
)

SPLIT_FOLDERS: Mapping[str, Split] = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "test": "test",
    "testing": "test",
}


@dataclass(frozen=True)
class Folder:
    """Images and masks paired by name. Ids are paths below the images folder without file type and affixes."""

    root: Path
    images: Side
    masks: Side
    values: Values
    classes: Sequence[str]
    channels: Channels | None
    exif: Exif
    groups: str | None
    clean: Clean

    def records(self) -> Sequence[Record]:
        """Every image in the order of its id.

        Raises:
            DataError: a folder is missing, a name is doubled, a partner is missing, or a group is unknown.
        """
        split_of = _official(self.images.folder, self._pairs)
        group_of = groups_of(self.root, self.groups, list(self._pairs))
        found = []
        for id, files in self._pairs.items():
            found.append(Record(id, group_of[id], split_of.get(id), tuple(filter(None, files))))
        return found

    def load(self, id: str, /) -> Sample:
        """One image as stored, with its mask in class numbers.

        Raises:
            DataError: a file is damaged, the sizes differ, or the mask's values do not fit ``masks_are``.
        """
        if id not in self._pairs:
            raise DataError(f"{self.images.folder}: no image {id!r}")
        image_file, mask_file = self._pairs[id]
        image = read_image(image_file, channels=self._channels, exif=self.exif)
        height, width, _ = image.shape
        if mask_file is None:
            return Sample(id, image, np.zeros((height, width), np.uint8))
        mask = self.values.read(mask_file, lambda: self._declared)
        check_size(mask, width, height, mask_file, image_file)
        return Sample(id, image, mask)

    @cached_property
    def _channels(self) -> Channels:
        """As asked, or as the first image is stored: grey saved in three equal channels is grey all the same."""
        first, _ = next(iter(self._pairs.values()))
        return self.channels or stored_channels(first)

    @cached_property
    def _declared(self) -> Declared:
        """Looked up once, and only for masks whose palettes are in colour."""
        return declared_colours([mask for _, mask in self._pairs.values() if mask])

    @cached_property
    def _pairs(self) -> Mapping[str, tuple[Path, Path | None]]:
        """Image and mask file by id; looked up once, as decoding asks for it image by image."""
        return paired(self.images, self.masks, self.clean)


def _official(home: Path, ids: Iterable[str]) -> dict[str, Split]:
    """The split of every image if the images lie in sub-folders named after splits, else nothing.

    Raises:
        DataError: some images lie in such sub-folders and some do not.
    """
    official: dict[str, Split] = {}
    strays: list[str] = []
    for id in ids:
        split = SPLIT_FOLDERS.get(id.partition("/")[0].lower())
        if split and "/" in id:
            official[id] = split
        else:
            strays.append(id)
    if official and strays:
        raise DataError(
            f"{home}: some images lie in folders named after splits, {strays[0]!r} and {len(strays) - 1} "
            "more do not; move them, or rename the folders if they are no splits"
        )
    return official


def build(
    root: Path,
    /,
    *,
    images: str = "images",
    masks: str = "masks",
    image_prefix: str = "",
    image_suffix: str = "",
    prefix: str = "",
    suffix: str = "",
    masks_are: Masks = "binary",
    mask_threshold: int | None = None,
    invert: bool = False,
    palette: Palette | None = None,
    classes: tuple[str, ...] = ("defect",),
    channels: Channels | None = None,
    exif: Exif = "refuse",
    groups: str | None = None,
    clean: Clean = "refuse",
) -> Dataset:
    r"""Pair ``images`` and ``masks``, folders below the root.

    A mask is named like its image, file types aside. Where names differ, ``prefix`` and ``suffix`` say what stands
    before and after the shared part in the names of masks, ``image_prefix`` and ``image_suffix`` in those of images:
    ``image_prefix: img_, prefix: mask_`` pairs ``img_001`` with ``mask_001``.

    ``binary`` masks mark a defect by levels of ``mask_threshold`` or more, with ``invert`` by lower ones; without the
    setting it is 128, and masks in which several levels fill areas are refused. Masks of ``classes`` hold 0, the
    numbers of ``classes`` from 1, and 255 for pixels to be ignored. Of a mask with a palette the levels that it shows
    are taken; for numbers of classes ``palette: index`` takes the indices instead, and without the setting a palette is
    read where both are equal, or where it shows colours, the same in all files.

    ``channels`` makes all images grey (1) or colour (3); without it they are as the first one. ``exif`` says what
    becomes of a photograph that viewers turn: ``turn`` it if masks were drawn on what is seen, or ``keep`` it as
    stored. ``groups`` says which images show the same object: a csv file (``id,group``) below the root, or a pattern
    whose one pair of brackets finds the group in the id, as ``^(part\d+)``. ``clean`` says what an image without a mask
    file is: a mistake, or free of defects.

    Raises:
        SettingsError: settings that contradict each other.
    """
    values = values_meant(masks_are, mask_threshold, invert, palette, classes)
    check_groups(groups)
    image_side = Side(root / images, Affixes(image_prefix, image_suffix))
    mask_side = Side(root / masks, Affixes(prefix, suffix))
    _check_apart(image_side, mask_side)
    return Folder(root, image_side, mask_side, values, classes, channels, exif, groups, clean)


def _check_apart(image_side: Side, mask_side: Side) -> None:
    """Images and masks must be told apart by folder or by the names of masks."""
    images, masks = image_side.folder.resolve(), mask_side.folder.resolve()
    if images == masks and mask_side.names in (PLAIN, image_side.names):
        raise SettingsError(
            f"images and masks are both in {images}; set 'suffix' or 'prefix' of the masks, or give them folders of "
            "their own"
        )
    if images in masks.parents or masks in images.parents:
        raise SettingsError(f"of {images} and {masks} one lies in the other; put them beside each other")


def example(folder: Path) -> None:
    """Write twelve small parts, each seen from two sides, with a scratch on every second part."""
    rng = np.random.default_rng(0)
    for part in range(12):
        for view in ("front", "back"):
            image: Image = rng.integers(60, 120, (48, 64, 1), dtype=np.uint8)
            mask = np.zeros((48, 64), np.uint8)
            if part % 2 and view == "front":
                row, column = rng.integers(4, 30, 2)
                mask[row : row + 3, column : column + 20] = 255
            image[mask > 0] += 80
            write_png(folder / "images" / f"part{part}_{view}.png", image)
            write_png(folder / "masks" / f"part{part}_{view}.png", mask)


ABOUT = About(
    summary="Your own data: a folder of images and a folder of masks, paired by name",
    licence="yours",
    obtain="name the folder that holds images/ and masks/: 'data: {folder: path}' or '--data folder=path'",
)


@hookimpl
def bench_datasets() -> Iterable[Component[Dataset]]:
    """Offer any pair of folders as a data set."""
    yield Component("folder", build, version=2, about=ABOUT, example=example)
