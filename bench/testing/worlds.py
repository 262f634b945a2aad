"""A miniature data set in memory, on which crop strategies and preprocessing are tried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.data.index import DatasetIndex, build_index
from bench.types import IGNORED, Image, Mask, Record, Sample

SHAPES = ((40, 50), (33, 64), (48, 31), (32, 32), (36, 36))
"""Height and width of the images: one is narrower than a crop of 32 pixels, one exactly as large as it."""


@dataclass(frozen=True)
class World:
    """Images that brighten to the right, each of a group of its own; the last is black and without a defect.

    Masks hold a defect of class 1 in a corner, one of class 2 in the middle, and some ignored pixels.
    """

    images: Sequence[Image]
    masks: Sequence[Mask]
    classes: tuple[str, ...] = ("scratch", "dent")

    def records(self) -> list[Record]:
        """One record per image; they have no files."""
        return [Record(f"image {number}", f"part {number}") for number in range(len(self.images))]

    def load(self, id: str, /) -> Sample:
        """Copies, so that who changes them changes nothing here."""
        number = int(id.split()[1])
        return Sample(id, self.images[number].copy(), self.masks[number].copy())

    def index(self) -> DatasetIndex:
        """All images, as training images."""
        return build_index("world", self, workers=1)


def world(channels: int, dtype: Any, *, clean: bool = False) -> World:
    """Images ``[H, W, channels]`` of a type that use its whole scale; ``clean`` leaves the defects out."""
    generator = np.random.default_rng(0)
    top = int(np.iinfo(dtype).max)
    images, masks = [], []
    for height, width in SHAPES:
        ramp = np.linspace(0, 0.7 * top, width)[None, :, None]
        noise = generator.uniform(0, 0.3 * top, (height, width, channels))
        mask = np.zeros((height, width), np.uint8)
        if not clean:
            mask[:5, :5], mask[14:18, 12:20], mask[-3:, 8:12] = 1, 2, IGNORED
        images.append((ramp + noise).astype(dtype))
        masks.append(mask)
    images[-1][:], masks[-1][:] = 0, 0
    return World(images, masks)
