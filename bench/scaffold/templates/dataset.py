"""Photographs of parts with masks, a folder per part; the place for your own layout.

::

    part01/view0.png         image
    part01/view0_mask.png    its mask: 255 on a defect, 0 elsewhere
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.api import About, Component, DataError, Dataset, Record, Sample, check_values, hookimpl, read_pair, write_png

NAME = "my-plugin"
ABOUT = About(
    summary="Photographs of parts, one kind of defect",
    licence="none stated yet",
    citation="none stated yet",
    home="none stated yet",
    obtain="say here how to get the images; name their folder with '--data NAME=DIR'",
)


@dataclass(frozen=True)
class Parts:
    """The folder on disk. Ids are ``part01/view0``."""

    root: Path
    classes: Sequence[str] = ("defect",)

    def records(self) -> Sequence[Record]:
        """Every image in the order of names; the views of a part are one group, which no split divides."""
        images = sorted(self.root.glob("part[0-9][0-9]/view[0-9].png"))
        if not images:
            raise DataError(f"{self.root}: no image named like part01/view0.png in it; {ABOUT.obtain}")
        return [
            Record(f"{image.parent.name}/{image.stem}", group=image.parent.name, files=(image, _mask_of(image)))
            for image in images
        ]

    def load(self, id: str, /) -> Sample:
        """One image with its mask: 0 background, 1 defect."""
        image = self.root / f"{id}.png"
        pixels, values = read_pair(image, _mask_of(image))
        check_values(values, {0, 255}, _mask_of(image))
        return Sample(id, pixels, (values == 255).astype(np.uint8))


def _mask_of(image: Path) -> Path:
    return image.with_name(f"{image.stem}_mask.png")


def build(root: Path, /) -> Dataset:
    """Read the images below ``root``."""
    return Parts(root)


def example(folder: Path) -> None:
    """Write a miniature: two views of 48 x 48 pixels of each of ten parts; every fifth part is clean."""
    for part in range(10):
        for view in range(2):
            rng = np.random.default_rng([part, view])
            mask = np.zeros((48, 48), np.uint8)
            if part % 5:
                row, column = rng.integers(4, 30, 2)
                mask[row : row + 6, column : column + 12] = 255
            grey = rng.normal(90, 6, mask.shape) - 50 * (mask == 255)
            image = folder / f"part{part:02d}" / f"view{view}.png"
            write_png(image, grey.clip(0, 255).astype(np.uint8))
            write_png(_mask_of(image), mask)


@hookimpl
def bench_datasets() -> Iterable[Component[Dataset]]:
    """Offer the data set."""
    yield Component(NAME, build, about=ABOUT, example=example)
