"""A published data set on disk: found in the folder a user named, listed once, and then decoded image by image."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

from bench.api import Bool, DataError, Image, Mask, Record, Sample, check_partners, release_files, release_home


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
    check_partners(images, masks, "mask", partial(_named, mask))
    check_partners(masks, images, "image", partial(_named, image))
    return {key: (file, masks[key]) for key, file in images.items()}


def _named(pattern: str, key: str) -> str:
    """The file name of this pattern that has ``key`` in the place of the group."""
    return re.sub(r"\(.*\)", key, pattern).replace("\\", "")


def check_marks(marked: Mask | Bool, mask_file: Path, why: str) -> None:
    """Refuse a mask without a defect where the release has one; ``why`` says how that is known.

    Raises:
        DataError: names the file.
    """
    if not marked.any():
        raise DataError(f"{mask_file}: marks nothing, but {why}; restore the original file")


def without_defect(image: Image) -> tuple[Image, Mask]:
    """An image of which the release says that nothing is to be marked."""
    return image, np.zeros(image.shape[:2], np.uint8)
