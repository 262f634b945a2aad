"""A published data set on disk: found in the folder a user named, listed once, and then decoded image by image."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

from bench.api import (
    Bool,
    Channels,
    DataError,
    Image,
    Mask,
    Record,
    Sample,
    check_partners,
    check_share,
    check_values,
    read_image,
    read_pair,
    release_files,
    release_home,
)


@dataclass(frozen=True, slots=True)
class Layout:
    """By what a release is recognised, and how messages speak of it."""

    holds: Callable[[Path], object]
    """True, or anything that is not empty, for the folder that holds the release."""
    wanted: str
    """What such a folder contains."""
    obtain: str
    """How to get the data."""
    image: str
    """The path of some image below the folder."""
    unknown: str = "no image {!r}"
    """What to say of an id that is not there."""


R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class Released(Generic[R]):
    """The release of ``layout`` below ``root``: ``find`` lists it, given its folder, and ``read`` decodes one image."""

    root: Path
    layout: Layout
    classes: Sequence[str]
    find: Callable[[Path], Iterable[R]]
    read: Callable[[R], tuple[Image, Mask]]

    def records(self) -> Sequence[R]:
        """Everything that ``find`` lists, in its order.

        Raises:
            DataError: the folder is not the data set, or it is damaged.
        """
        return list(self._records.values())

    def load(self, id: str, /) -> Sample:
        """One image with its mask.

        Raises:
            DataError: the id is unknown, or a file is missing, damaged or cannot be the released one.
        """
        if id not in self._records:
            raise DataError(f"{self.root}: {self.layout.unknown.format(id)}")
        image, mask = self.read(self._records[id])
        return Sample(id, image, mask)

    @cached_property
    def _records(self) -> Mapping[str, R]:
        """By id; looked up once, as decoding asks for them one by one."""
        layout = self.layout
        home = release_home(
            self.root, lambda folder: bool(layout.holds(folder)), wanted=layout.wanted, obtain=layout.obtain
        )
        records = {record.id: record for record in self.find(home)}
        if not records:
            raise DataError(f"{home}: holds no image named like {layout.image}; {layout.obtain}")
        return records


def pairs_in(folder: Path, image: str, mask: str) -> dict[str, tuple[Path, Path]]:
    r"""Image and mask file of one folder by what their names share: the group of the patterns, as ``(\d{5})_GT\.png``.

    Raises:
        DataError: an image or a mask stands alone.
    """
    images, masks = release_files(folder, image, mask)
    return matched(images, masks, partial(_named, image), partial(_named, mask))


def matched(
    images: Mapping[str, Path],
    masks: Mapping[str, Path],
    image_of: Callable[[str], Path | str],
    mask_of: Callable[[str], Path | str],
) -> dict[str, tuple[Path, Path]]:
    """Image and mask file by key; ``image_of`` and ``mask_of`` say where those of a key belong.

    Raises:
        DataError: an image or a mask stands alone.
    """
    check_partners(images, masks, "mask", mask_of)
    check_partners(masks, images, "image", image_of)
    return {key: (file, masks[key]) for key, file in images.items()}


def _named(pattern: str, key: str) -> str:
    """The file name of this pattern that has ``key`` in the place of the group."""
    return re.sub(r"\(.*\)", key, pattern).replace("\\", "")


def files_below(folders: Mapping[str, Path], pattern: str) -> dict[str, Path]:
    """Files of the release in several folders, by ``folder/key``: its name and the group of the pattern."""
    found: dict[str, Path] = {}
    for name, folder in folders.items():
        (files,) = release_files(folder, pattern)
        found |= {f"{name}/{key}": path for key, path in files.items()}
    return found


def read_marked(
    image_file: Path, masks: Sequence[Path], channels: Channels, *, most: float = 1.0, why: str = ""
) -> tuple[Image, Bool]:
    """One image, and where its mask of 0 and 255 holds 255: nowhere without a mask, else more than nothing if ``why``.

    Raises:
        DataError: a file is damaged, the sizes differ, or the mask holds other values, or marks nothing or too much.
    """
    if not masks:
        image = read_image(image_file, channels=channels)
        return image, np.zeros(image.shape[:2], np.bool_)
    image, values = read_pair(image_file, masks[0], channels=channels)
    check_values(values, (0, 255), masks[0])
    marked = values == 255
    if why:
        check_marks(marked, masks[0], why)
    check_share(marked, most, masks[0])
    return image, marked


def check_marks(marked: Mask | Bool, mask_file: Path, why: str) -> None:
    """Refuse a mask without a defect where the release has one; ``why`` says how that is known.

    Raises:
        DataError: names the file.
    """
    if not marked.any():
        raise DataError(f"{mask_file}: marks nothing, but {why}; restore the original file")
