"""Defects as objects: true components with their overlap at every threshold, and predicted components.

Components are 8-neighbour. True ones are taken per defect class, so touching defects of two classes are two;
predicted ones from p = 1 - background, outside ignored pixels. A false alarm is a predicted component that
touches no true pixel of any class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from operator import attrgetter
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from bench.types import Mask

LEVELS = tuple(range(50, 1000, 50))
"""The ladder of 19 thresholds, as grid indices: 0.05, 0.10, ..., 0.95."""

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Bins = npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Defects:
    """True components; M of them, in the order of image, class and first pixel.

    ``image``, ``kind`` (mask value) and ``area`` (pixels) are ``int32[M]``; ``box`` is ``int32[M, 4]``: top, left,
    bottom, right, the last two exclusive. The overlap histogram is sparse: component ``owner[i]`` has
    ``pixels[i]`` pixels whose probability (1 - background) falls into bin ``bin[i]``.
    """

    image: Int32
    kind: Int32
    area: Int32
    box: Int32
    owner: Int32
    bin: Bins
    pixels: Int32

    def predicted_pixels(self, k: int) -> Int64:
        """Pixels of every component that are positive at threshold k / 1000, ``int64[M]``."""
        positive = self.bin >= k
        pixels = np.bincount(self.owner[positive], weights=self.pixels[positive], minlength=self.area.size)
        return pixels.astype(np.int64)

    def found(self, k: int, share: float) -> npt.NDArray[np.bool_]:
        """Whether at least ``share`` of a component's pixels are positive at threshold k / 1000, ``bool[M]``."""
        return self.predicted_pixels(k) >= (share - 1e-9) * self.area  # 0.55 of 100 is 55, whatever floats say


@dataclass(frozen=True, slots=True)
class Predicted:
    """Predicted components on a ladder of thresholds: equal ones share a row and are counted.

    All ``int32[R]``: ``image``, ``level`` (grid index k), ``area``, ``overlap`` (pixels on a true defect;
    0 = false alarm) and ``count``, how many such components the image has.
    """

    image: Int32
    level: Int32
    area: Int32
    overlap: Int32
    count: Int32


Table = TypeVar("Table", Defects, Predicted)

_NONE: Int32 = np.zeros(0, np.int32)
_NO_DEFECTS = Defects(_NONE, _NONE, _NONE, np.zeros((0, 4), np.int32), _NONE, np.zeros(0, np.uint16), _NONE)
_NO_COMPONENTS = Predicted(_NONE, _NONE, _NONE, _NONE, _NONE)


def true_defects(mask: Mask, bins: Bins, classes: int) -> Defects:
    """Components of every class of one mask; ``bins`` is ``uint16[H, W]``, the bins of 1 - background."""
    tables = []
    for kind in range(1, classes + 1):
        inside = (mask == kind).view(np.uint8)
        if inside.any():
            tables.append(_components(kind, inside, bins))
    found = join_defects(tables)
    return replace(found, image=np.zeros_like(found.image))


def _components(kind: int, inside: Mask, bins: Bins) -> Defects:
    """Components of one class; ``inside`` is 1 in it and not empty. Only the box around them is labelled."""
    import cv2

    left, top, width, height = cv2.boundingRect(inside)
    window = (slice(top, top + height), slice(left, left + width))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(inside[window], connectivity=8)
    x, y, wide, high, area = np.asarray(stats[1:], np.int32).T
    corner = np.stack([y + top, x + left], axis=1)
    box = np.concatenate([corner, corner + np.stack([high, wide], axis=1)], axis=1)
    owner, bin, pixels = _overlaps(np.asarray(labels, np.int32), inside[window], bins[window])
    return Defects(np.zeros_like(area), np.full_like(area, kind), area, box, owner, bin, pixels)


def _overlaps(labels: Int32, inside: Mask, bins: Bins) -> tuple[Int32, Bins, Int32]:
    """Sparse histogram of bins per label: owner (from 0), bin, pixels."""
    rows, columns = np.nonzero(inside)
    keys = (labels[rows, columns].astype(np.int64) - 1) * 1024 + bins[rows, columns]
    distinct, pixels = np.unique(keys, return_counts=True)
    return (distinct // 1024).astype(np.int32), (distinct % 1024).astype(np.uint16), pixels.astype(np.int32)


def join_defects(tables: Sequence[Defects]) -> Defects:
    """The tables of several images as one; table i becomes image i."""
    numbered, start = [], 0
    for i, table in enumerate(tables):
        numbered.append(replace(table, image=np.full_like(table.image, i), owner=table.owner + np.int32(start)))
        start += table.area.size
    return _joined(_NO_DEFECTS, numbered)


def _joined(empty: Table, tables: Sequence[Table]) -> Table:
    """Tables column by column behind one without rows, which gives the columns their types."""
    rows = map(attrgetter(*(field.name for field in fields(empty))), (empty, *tables))
    return type(empty)(*map(np.concatenate, zip(*rows, strict=True)))


def predicted_components(mask: Mask, bins: Bins, levels: Sequence[int]) -> tuple[Predicted, Int32]:
    """Components of one prediction at the given grid indices, and the false alarms at every threshold.

    ``bins`` is ``uint16[H, W]``. The second value is ``int32[1001]``: at k the number of components of
    ``bins >= k`` that touch no true pixel (at 0 that of k = 1: nothing below the first threshold is a prediction).
    One descent over the basins of the prediction visits every threshold; 15 to 20 bytes per pixel.
    """
    from bench.score import basins

    levels = sorted(set(levels))
    ways = np.array([row * mask.shape[1] + column for row, column in basins.RING], np.int32)[basins.GATES]
    field = basins.framed(bins, mask)
    codes = basins.higher_neighbours(field)
    up, (amounts, maxima, meeting) = basins.point_upwards(field, codes, ways[:, 0], basins.GROUPS)

    steps = np.searchsorted(levels, np.arange(amounts.size), side="right").astype(np.uint16)
    positive = np.bincount(steps, weights=amounts, minlength=len(levels) + 1)[1:].astype(np.int64)
    pixel_ends, meeting_ends = _falling_ends(np.append(0, positive)), _falling_ends(meeting)
    pixels, truest = basins.sort_pixels(field, mask, up, steps, pixel_ends, maxima.sum())
    meetings = basins.sort_meetings(field, codes, up, ways, basins.GROUPS, meeting_ends)
    true, true_ends = np.argsort(truest, kind="stable")[::-1], _falling_ends(np.bincount(truest, minlength=maxima.size))

    parent = np.full(truest.size, basins.LONELY)
    area, hits = np.zeros(truest.size, np.int32), np.zeros(truest.size, np.int32)
    rows, top = [], maxima.size - 1
    for step, level in reversed(list(enumerate(levels, 1))):
        basins.join(meetings, meeting_ends, true, true_ends, top, level, parent, maxima)
        basins.count(pixels[pixel_ends[step + 1] : pixel_ends[step]], parent, area, hits)
        rows.append(_counted(level, area, hits))
        top = level - 1
    basins.join(meetings, meeting_ends, true, true_ends, top, 1, parent, maxima)
    alarms = np.cumsum(maxima[::-1])[::-1].astype(np.int32)
    level, area, overlap, count = np.concatenate([np.zeros((4, 0), np.int32), *rows], axis=1)
    return Predicted(np.zeros_like(level), level, area, overlap, count), alarms


def _falling_ends(amounts: Int64) -> Int64:
    """Where what is sorted by falling bin ends, ``int64[B + 1]``: bin b holds ``ends[b + 1]`` to ``ends[b]``."""
    return np.append(np.cumsum(amounts[::-1])[::-1], 0)


def _counted(level: int, area: Int32, hits: Int32) -> Int32:
    """Components of one level as ``int32[4, R]``: level, area, overlap, count."""
    roots = np.flatnonzero(area)
    pairs = (area[roots].astype(np.int64) << 32) | hits[roots]
    distinct, count = np.unique(pairs, return_counts=True)
    return np.stack([np.full_like(count, level), distinct >> 32, distinct & 0xFFFFFFFF, count]).astype(np.int32)


def join_predicted(tables: Sequence[Predicted]) -> Predicted:
    """The tables of several images as one; table i becomes image i."""
    numbered = [replace(table, image=np.full_like(table.image, i)) for i, table in enumerate(tables)]
    return _joined(_NO_COMPONENTS, numbered)
