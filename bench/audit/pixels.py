"""What only the pixels tell: grey levels and the areas of defects, from one pass that keeps no image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.data.index import DatasetIndex, loaded
from bench.threads import Progress, ordered, silent
from bench.types import Dataset, Mask, Sample

Int64 = npt.NDArray[np.int64]

DARK = 10
"""A pixel is dark if the mean of its channels is at most this, on the scale 0..255; as in the coverage report."""
LEVELS = 1024
"""Grey levels told apart in images of 16 bits; 8 bits have 256."""


@dataclass(frozen=True, slots=True)
class PixelFacts:
    """Sums over all images of a data set.

    ``levels`` is ``int64[C, L]``, how often each grey level occurs per channel; L is 256 for 8 bits, 1,024 for 16
    (level i stands for the 64 values from 64 i). ``dark`` counts the pixels at or below ``DARK``.
    ``areas[k - 1]`` holds the pixels of every defect of class k, ascending: 8-connected components of that class.
    """

    levels: Int64
    pixels: int
    dark: int
    equal_channels: bool
    areas: tuple[Int64, ...]


def pixel_facts(index: DatasetIndex, dataset: Dataset, *, workers: int = 2, progress: Progress = silent) -> PixelFacts:
    """Decode every image once on ``workers`` threads; the result is the same for any number of them.

    Raises:
        DataError: an image cannot be read any more.
        PluginError: the reader fails.
    """

    def one_image(id: str) -> PixelFacts:
        return facts_of(loaded(index.dataset, dataset, id), len(index.classes))

    found = list(ordered(one_image, [entry.id for entry in index.entries], workers, progress))
    areas = zip(*(each.areas for each in found), strict=True)
    return PixelFacts(
        levels=np.asarray(sum(each.levels for each in found)),
        pixels=sum(each.pixels for each in found),
        dark=sum(each.dark for each in found),
        equal_channels=all(each.equal_channels for each in found),
        areas=tuple(np.sort(np.concatenate(of_class)) for of_class in areas),
    )


def facts_of(sample: Sample, classes: int) -> PixelFacts:
    """The facts of one image."""
    image = sample.image
    total: npt.NDArray[Any] = image.sum(axis=2, dtype=np.uint32)
    dark = total <= DARK * image.shape[2] * (np.iinfo(image.dtype).max // 255)  # their mean, in whole numbers
    binned, bins = (image, 256) if image.dtype == np.uint8 else (image >> 6, LEVELS)
    counts = [np.bincount(channel.ravel(), minlength=bins) for channel in np.moveaxis(binned, 2, 0)]
    return PixelFacts(
        levels=np.stack(counts).astype(np.int64),
        pixels=sample.mask.size,
        dark=int(np.count_nonzero(dark)),
        equal_channels=bool((image == image[:, :, :1]).all()),
        areas=tuple(defect_areas(sample.mask, kind) for kind in range(1, classes + 1)),
    )


def defect_areas(mask: Mask, kind: int) -> Int64:
    """Pixels of every 8-connected component of class ``kind``, ascending."""
    import cv2

    inside = (mask == kind).view(np.uint8)
    if not inside.any():
        return np.zeros(0, np.int64)
    _, _, stats, _ = cv2.connectedComponentsWithStats(inside, connectivity=8)
    areas: Int64 = np.sort(np.asarray(stats[1:, cv2.CC_STAT_AREA], np.int64))
    return areas


def five_numbers(values: Int64) -> list[float]:
    """Smallest, lower quartile, median, upper quartile and largest of at least one value."""
    numbers: list[float] = np.percentile(values, [0, 25, 50, 75, 100]).tolist()
    return numbers
