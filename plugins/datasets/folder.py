"""Your own data: a folder of images and a folder of masks.

::

    data: {folder: ~/my/parts}         # in the suite; the axis says 'dataset: [folder]'

    my/parts/images/part1_top.png      # any of the file types below, sub-folders welcome
    my/parts/masks/part1_top.png       # same name, any of the types; settings change names and meaning

If the images folder consists of sub-folders ``train``, ``validation`` (or ``val``) and ``test``, or some of them,
those are the official splits; otherwise splits are made from the groups. Say which images show the same object:
without ``groups`` every image counts as an object of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from bench_plugins.datasets.grouping import check_groups, groups_of
from bench_plugins.datasets.pairing import TYPES, by_name, marked, picture_files

from bench.api import (
    About,
    Component,
    DataError,
    Dataset,
    Image,
    Mask,
    Record,
    Sample,
    SettingsError,
    Split,
    hookimpl,
    read_image,
    read_pair,
    write_png,
)

SPLIT_FOLDERS: Mapping[str, Split] = {
    "train": "train",
    "validation": "validation",
    "val": "validation",
    "test": "test",
}


@dataclass(frozen=True)
class Folder:
    """Images and masks paired by name. Ids are paths below the images folder without file type."""

    root: Path
    images: str
    masks: str
    suffix: str
    masks_are: Literal["binary", "classes"]
    mask_threshold: int
    classes: Sequence[str]
    groups: str | None
    clean: Literal["refuse", "empty"]

    def records(self) -> Sequence[Record]:
        """Every image in the order of its id.

        Raises:
            DataError: a folder is missing, a name is doubled, a partner is missing, or a group is unknown.
        """
        split_of = _official(self.root / self.images, self._pairs)
        group_of = groups_of(self.root, self.groups, list(self._pairs))
        return [
            Record(
                id=id,
                group=group_of[id],
                split=split_of.get(id),
                files=(image,) if mask is None else (image, mask),
            )
            for id, (image, mask) in self._pairs.items()
        ]

    def load(self, id: str, /) -> Sample:
        """One image as stored, with its mask in class numbers.

        Raises:
            DataError: a file is damaged, the sizes differ, or the mask's values do not fit ``masks_are``.
        """
        if id not in self._pairs:
            raise DataError(f"{self.root / self.images}: no image {id!r}")
        image_file, mask_file = self._pairs[id]
        if mask_file is None:
            image = read_image(image_file)
            return Sample(id, image, np.zeros(image.shape[:2], np.uint8))
        image, mask = read_pair(image_file, mask_file)
        return Sample(id, image, self._in_classes(mask, mask_file))

    def _in_classes(self, mask: Mask, file: Path) -> Mask:
        """Class numbers for the stored values; a mask that fits only the other meaning is refused."""
        if self.masks_are == "classes" and file.suffix.lower() in (".jpg", ".jpeg"):
            raise DataError(f"{file}: JPEG changes class numbers; save masks of classes as PNG")
        if self.masks_are == "classes":
            return mask
        advice = "lower it, or set 'masks_are: classes' if the values are class numbers"
        return marked(mask, self.mask_threshold, file, advice)

    @cached_property
    def _pairs(self) -> Mapping[str, tuple[Path, Path | None]]:
        """Image and mask file by id; looked up once, as decoding asks for it image by image."""
        home, masks_home = self.root / self.images, self.root / self.masks
        image_files, mask_files = picture_files(home), picture_files(masks_home)
        if home.resolve() == masks_home.resolve():
            image_files = [path for path in image_files if not path.stem.endswith(self.suffix)]
            mask_files = [path for path in mask_files if path.stem.endswith(self.suffix)]
        images, masks = by_name(home, image_files), by_name(masks_home, mask_files)
        if not images:
            raise DataError(f"{home}: holds no image; files of type {', '.join(TYPES)} are read")
        wanted = {id + self.suffix for id in images}
        unused = [path for name, path in masks.items() if name not in wanted]
        if unused:
            raise DataError(
                f"{unused[0]}: this mask has no image ({len(unused)} such); "
                + (_suffix_advice(images, unused) or "remove it or add the image")
            )
        bare = [id for id in images if id + self.suffix not in masks]
        if bare and self.clean == "refuse":
            raise DataError(
                f"{images[bare[0]]}: its mask {masks_home / (bare[0] + self.suffix)}.png is missing ({len(bare)} such "
                "image(s)); add it, or set 'clean: empty' if an image without a mask is free of defects"
            )
        return {id: (image, masks.get(id + self.suffix)) for id, image in images.items()}


def _suffix_advice(images: Mapping[str, Path], masks: Sequence[Path]) -> str | None:
    """The setting that would pair all of these masks, where there is one: ``part1_GT.png`` is common."""
    names = {Path(id).name for id in images}
    ends = {mask.stem[len(name) :] for mask in masks for name in names if mask.stem.startswith(name)}
    fitting = [end for end in sorted(ends) if end and all(mask.stem.removesuffix(end) in names for mask in masks)]
    return f"set 'suffix: {fitting[0]}' if that ends the names of all masks" if fitting else None


def _official(home: Path, ids: Iterable[str]) -> dict[str, Split]:
    """The split of every image if the images lie in sub-folders named after splits, else nothing.

    Raises:
        DataError: some images lie in such sub-folders and some do not.
    """
    splits = {id: SPLIT_FOLDERS.get(id.partition("/")[0]) if "/" in id else None for id in ids}
    official = {id: split for id, split in splits.items() if split}
    if official and len(official) < len(splits):
        stray = next(id for id, split in splits.items() if not split)
        raise DataError(
            f"{home}: some images lie in folders named after splits, {stray!r} and {len(splits) - len(official) - 1} "
            "more do not; move them, or rename the folders if they are no splits"
        )
    return official


def build(
    root: Path,
    /,
    *,
    images: str = "images",
    masks: str = "masks",
    suffix: str = "",
    masks_are: Literal["binary", "classes"] = "binary",
    mask_threshold: int = 128,
    classes: tuple[str, ...] = ("defect",),
    groups: str | None = None,
    clean: Literal["refuse", "empty"] = "refuse",
) -> Dataset:
    r"""Pair ``images`` and ``masks``, folders below the root.

    A mask is named like its image, followed by ``suffix``. ``binary`` masks mark a defect by values of
    ``mask_threshold`` or more; masks of ``classes`` hold 0, the numbers of ``classes`` from 1, and 255 for
    pixels to be ignored. ``groups`` says which images show one object: a csv file (``id,group``) below the
    root, or a pattern whose one pair of brackets finds the group in the id, as ``^(part\d+)``.
    ``clean`` says what an image without a mask file is: a mistake, or free of defects.

    Raises:
        SettingsError: settings that contradict each other.
    """
    if masks_are == "binary" and len(classes) != 1:
        raise SettingsError(f"binary masks know one class, not {list(classes)}; set 'masks_are: classes'")
    if not 0 < mask_threshold <= 255:
        raise SettingsError(f"mask_threshold is {mask_threshold}; masks hold 0 to 255, so it must be 1 to 255")
    check_groups(groups)
    _check_apart(root / images, root / masks, suffix)
    return Folder(root, images, masks, suffix, masks_are, mask_threshold, classes, groups, clean)


def _check_apart(images: Path, masks: Path, suffix: str) -> None:
    """Images and masks must be told apart by folder or by suffix."""
    images, masks = images.resolve(), masks.resolve()
    if images == masks and not suffix:
        raise SettingsError(f"images and masks are both in {images}; set 'suffix', or give them folders of their own")
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
    yield Component("folder", build, about=ABOUT, example=example)
