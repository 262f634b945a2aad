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

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from bench_plugins.datasets._grouping import check_groups, groups_of
from bench_plugins.datasets._mask_values import Binary, Declared, Numbers, Palette, Values, declared_colours
from bench_plugins.datasets._pairing import (
    PLAIN,
    Affixes,
    affixes_of,
    by_name,
    no_pictures,
    pictures_in,
    stored_channels,
)

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
    is_picture,
    plural,
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


OR_CLASSES = ", or save class numbers and set 'masks_are: classes'"


@dataclass(frozen=True)
class Folder:
    """Images and masks paired by name. Ids are paths below the images folder without file type and affixes."""

    root: Path
    images: Path
    masks: Path
    image_name: Affixes
    mask_name: Affixes
    values: Values
    classes: Sequence[str]
    channels: Channels | None
    exif: Exif
    groups: str | None
    clean: Literal["refuse", "empty"]

    def records(self) -> Sequence[Record]:
        """Every image in the order of its id.

        Raises:
            DataError: a folder is missing, a name is doubled, a partner is missing, or a group is unknown.
        """
        split_of = _official(self.images, self._pairs)
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
            raise DataError(f"{self.images}: no image {id!r}")
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
        image_files, mask_files = pictures_in(self.images), pictures_in(self.masks)
        if self.images.resolve() == self.masks.resolve():
            mask_files = [path for path in mask_files if self.mask_name.within(path.stem)]
            image_files = sorted(set(image_files) - set(mask_files))
        images = by_name(self.images, image_files, self.image_name)
        masks = by_name(self.masks, mask_files, self.mask_name)
        if not image_files:
            raise no_pictures(self.images)
        self._check_all_named(image_files, images, mask_files, masks)
        bare = [id for id in images if id not in masks]
        self._check_no_other_form(bare)
        if bare and self.clean == "refuse":
            raise DataError(
                f"{images[bare[0]]}: its mask {self.masks / self.mask_name.around(bare[0])}.png is missing "
                f"({plural(len(bare), 'such image')}); add it, or set 'clean: empty' if an image without a "
                "mask is free of defects"
            )
        return {id: (image, masks.get(id)) for id, image in images.items()}

    def _check_no_other_form(self, bare: Sequence[str]) -> None:
        """Refuse images whose mask is there as another kind of file: they would pass for clean.

        Raises:
            DataError: names the first such file.
        """
        wanted = {self.mask_name.around(id) for id in bare}
        for path in sorted(self.masks.rglob("*")) if wanted else ():
            name = path.relative_to(self.masks).with_suffix("").as_posix()
            if name.lstrip(".") in wanted and path.is_file() and not is_picture(path):
                raise DataError(f"{path}: looks like the mask of an image, but is no picture; save it as PNG")

    def _check_all_named(
        self,
        image_files: Sequence[Path],
        images: Mapping[str, Path],
        mask_files: Sequence[Path],
        masks: Mapping[str, Path],
    ) -> None:
        """Refuse pictures that would be left out: masks without an image, and names without the affixes asked for.

        Raises:
            DataError: names the first, and the settings that would pair all where there are such.
        """
        paired = {masks[id] for id in masks if id in images}
        unused = [path for path in mask_files if path not in paired]
        if unused:
            raise DataError(
                f"{unused[0]}: this mask has no image ({len(unused)} such); {self._advice(image_files, mask_files)}"
            )
        unnamed = sorted(set(image_files) - set(images.values()))
        if unnamed:
            raise DataError(
                f"{unnamed[0]}: its name is not of the form {self.image_name.around('NAME')} "
                f"({plural(len(unnamed), 'such image')}); correct the settings 'image_prefix' and "
                "'image_suffix', or move it out of this folder"
            )

    def _advice(self, images: Sequence[Path], masks: Sequence[Path]) -> str:
        """The settings that would pair all of these masks, where there are such: ``part1_GT.png`` is common."""
        fitting = affixes_of([path.stem for path in images], [path.stem for path in masks])
        if fitting is None:
            return "add its image, rename one so that both have one name, or move the mask out of this folder"
        image, mask = fitting
        if image == mask == PLAIN:
            return "its image lies in a sub-folder of another name; masks must lie in sub-folders as their images do"
        settings = {
            "image_prefix": image.prefix,
            "image_suffix": image.suffix,
            "prefix": mask.prefix,
            "suffix": mask.suffix,
        }
        listed = ", ".join(f"{name}: {_plain(affix)}" for name, affix in settings.items() if affix)
        return f"set '{listed}' if that is how images and masks are named"


def _plain(text: str) -> str:
    """The text as YAML takes it for text."""
    return text if re.fullmatch(r"[A-Za-z_][\w-]*", text) else f'"{text}"'


def _official(home: Path, ids: Iterable[str]) -> dict[str, Split]:
    """The split of every image if the images lie in sub-folders named after splits, else nothing.

    Raises:
        DataError: some images lie in such sub-folders and some do not.
    """
    splits = {id: SPLIT_FOLDERS.get(id.partition("/")[0].lower()) if "/" in id else None for id in ids}
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
    image_prefix: str = "",
    image_suffix: str = "",
    prefix: str = "",
    suffix: str = "",
    masks_are: Literal["binary", "classes"] = "binary",
    mask_threshold: int | None = None,
    invert: bool = False,
    palette: Palette | None = None,
    classes: tuple[str, ...] = ("defect",),
    channels: Channels | None = None,
    exif: Exif = "refuse",
    groups: str | None = None,
    clean: Literal["refuse", "empty"] = "refuse",
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
    if masks_are == "binary" and len(classes) != 1:
        raise SettingsError(f"binary masks know one class, not {list(classes)}; set 'masks_are: classes'")
    if masks_are == "classes" and invert:
        raise SettingsError(
            "invert exchanges background and defect of binary masks; numbers of classes have no opposite"
        )
    if masks_are == "binary" and palette == "index":
        raise SettingsError("palette: index is for numbers of classes; set 'masks_are: classes' with it")
    if mask_threshold is not None and not 0 < mask_threshold <= 255:
        raise SettingsError(f"mask_threshold is {mask_threshold}; masks hold 0 to 255, so it must be 1 to 255")
    check_groups(groups)
    image_name, mask_name = Affixes(image_prefix, image_suffix), Affixes(prefix, suffix)
    _check_apart(root / images, root / masks, image_name, mask_name)
    return Folder(
        root=root,
        images=root / images,
        masks=root / masks,
        image_name=image_name,
        mask_name=mask_name,
        values=Binary(mask_threshold, invert, OR_CLASSES) if masks_are == "binary" else Numbers(palette),
        classes=classes,
        channels=channels,
        exif=exif,
        groups=groups,
        clean=clean,
    )


def _check_apart(images: Path, masks: Path, image_name: Affixes, mask_name: Affixes) -> None:
    """Images and masks must be told apart by folder or by the names of masks."""
    images, masks = images.resolve(), masks.resolve()
    if images == masks and mask_name in (PLAIN, image_name):
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
