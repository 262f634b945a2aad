"""What only the pixels tell: grey levels and the areas of defects, from one pass that keeps no image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.component import guarded
from bench.data.index import DatasetIndex
from bench.types import Dataset, Image, Mask, Sample

Int64 = npt.NDArray[np.int64]

DARK = 10
"""A pixel is dark if the mean of its channels is at most this, on the scale 0..255; as in the coverage report."""
LEVELS = 1024
"""Grey levels told apart in images of 16 bits; 8 bits have 256."""
CHUNK = 64
"""Images handed to the threads at once: so many results wait at most."""


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


def _silent(done: int, total: int) -> None:
    """Report nothing."""


def pixel_facts(
    index: DatasetIndex, dataset: Dataset, *, workers: int = 2, progress: Callable[[int, int], None] = _silent
) -> PixelFacts:
    """Decode every image once on ``workers`` threads; the result is the same for any number of them.

    Raises:
        DataError: an image cannot be read any more.
        PluginError: the reader fails.
    """
    classes, ids = len(index.classes), [entry.id for entry in index.entries]

    def look(id: str) -> PixelFacts:
        return facts_of(guarded(f"load({id!r}) of data set {index.dataset!r}", dataset.load, id), classes)

    found: PixelFacts | None = None
    areas: list[tuple[Int64, ...]] = []
    with ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(ids), CHUNK):
            for done, each in enumerate(pool.map(look, ids[start : start + CHUNK]), start + 1):
                areas.append(each.areas)
                found = each if found is None else _added(found, each)
                progress(done, len(ids))
    assert found is not None, "an index has at least one image"
    joined = tuple(np.sort(np.concatenate(of_class)) for of_class in zip(*areas, strict=True))
    return PixelFacts(found.levels, found.pixels, found.dark, found.equal_channels, joined)


def _added(one: PixelFacts, other: PixelFacts) -> PixelFacts:
    """The sums; areas are gathered apart."""
    return PixelFacts(
        levels=one.levels + other.levels,
        pixels=one.pixels + other.pixels,
        dark=one.dark + other.dark,
        equal_channels=one.equal_channels and other.equal_channels,
        areas=(),
    )


def facts_of(sample: Sample, classes: int) -> PixelFacts:
    """The facts of one image."""
    image = sample.image
    return PixelFacts(
        levels=_levels(image),
        pixels=sample.mask.size,
        dark=_dark(image),
        equal_channels=all(np.array_equal(image[:, :, 0], image[:, :, c]) for c in range(1, image.shape[2])),
        areas=tuple(defect_areas(sample.mask, kind) for kind in range(1, classes + 1)),
    )


def _levels(image: Image) -> Int64:
    eight = image.dtype == np.uint8
    binned, bins = (image, 256) if eight else (image >> 6, LEVELS)
    counts = [np.bincount(binned[:, :, channel].ravel(), minlength=bins) for channel in range(image.shape[2])]
    return np.stack(counts).astype(np.int64)


def _dark(image: Image) -> int:
    """Pixels with a mean over channels of at most ``DARK``, in whole numbers."""
    total: npt.NDArray[Any] = image.sum(axis=2, dtype=np.uint32)
    return int(np.count_nonzero(total <= DARK * image.shape[2] * (np.iinfo(image.dtype).max // 255)))


def defect_areas(mask: Mask, kind: int) -> Int64:
    """Pixels of every 8-connected component of class ``kind``, ascending."""
    import cv2

    inside = (mask == kind).view(np.uint8)
    if not inside.any():
        return np.zeros(0, np.int64)
    _, _, stats, _ = cv2.connectedComponentsWithStats(inside, connectivity=8)
    areas: Int64 = np.sort(np.asarray(stats[1:, cv2.CC_STAT_AREA], np.int64))
    return areas


def five_numbers(values: Int64 | Sequence[int]) -> tuple[float, float, float, float, float]:
    """Smallest, lower quartile, median, upper quartile and largest of at least one value."""
    low, quarter, middle, three, high = (float(q) for q in np.percentile(values, [0, 25, 50, 75, 100]))
    return low, quarter, middle, three, high
