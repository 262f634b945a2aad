"""Exact sums over all windows of an image: what the maps of crop strategies are made of."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.api import IGNORED, Bool, Float32, Float64, Image, Mask


@dataclass(frozen=True)
class Windows:
    """A statistic of all windows as exact integers: it is ``sums / (pixels * unit)``.

    ``sums`` is ``int32`` or ``float64`` (of integers) ``[H-h+1, W-w+1]``; ``pixels`` the number of real pixels
    that count, one for all windows or per window.
    """

    sums: npt.NDArray[Any]
    pixels: int | npt.NDArray[np.int32]
    unit: int

    def above(self, threshold: float) -> Bool:
        """Whether the statistic is above the threshold; never where no real pixel counts."""
        limit = threshold * self.unit * self.pixels
        if not isinstance(limit, np.ndarray):
            limit = math.floor(limit)  # sums are integers: the comparison stays one of integers
        admitted: Bool = self.sums > limit
        return admitted if isinstance(self.pixels, int) else admitted & (self.pixels > 0)

    def values(self) -> Float64:
        """The statistic, ``float64[H-h+1, W-w+1]``; -1 where no real pixel counts."""
        values: Float64 = self.sums / (self.unit * np.maximum(self.pixels, 1))
        return values if isinstance(self.pixels, int) else np.where(self.pixels > 0, values, -1.0)


def corners(mask: npt.NDArray[Any], size: int) -> tuple[int, int]:
    return mask.shape[0] - size + 1, mask.shape[1] - size + 1


def grey_sum(image: Image) -> tuple[npt.NDArray[Any], int]:
    """Sum over the channels ``[H, W]``, and what it must be divided by to be a mean grey level of 0..255."""
    channels = image.shape[2]
    total: npt.NDArray[Any] = image[:, :, 0]
    if channels > 1:
        total = total.astype(np.uint16 if image.dtype == np.uint8 and channels < 257 else np.uint32)
        for channel in range(1, channels):
            total += image[:, :, channel]
    return total, channels * (1 if image.dtype == np.uint8 else 257)


def window_means(image: Image, mask: Mask, size: int) -> Windows:
    grey, unit = grey_sum(image)
    pixels = real_pixels(mask, size)
    real = grey if isinstance(pixels, int) else np.where(mask == IGNORED, 0, grey).astype(grey.dtype)
    return Windows(window_sums(real, size, 255 * unit), pixels, unit)


def real_pixels(mask: Mask, size: int) -> int | npt.NDArray[np.int32]:
    """Pixels per window that are not 255 in the mask; one number when that is all of them."""
    if mask.max() < IGNORED:
        return size * size
    return window_sums((mask != IGNORED).astype(np.uint8), size, 1)


def window_sums(values: npt.NDArray[Any], size: int, peak: int) -> npt.NDArray[Any]:
    """Exact sums of integers 0..peak over all windows, ``[H-size+1, W-size+1]``, by running sums."""
    import cv2

    if peak * size * size < 2**31 and values.dtype != np.uint32:
        wide = cv2.CV_32S
    else:
        values, wide = values.astype(np.float32), cv2.CV_64F  # integers below 2^24, summed in float64
    sums = cv2.boxFilter(values, wide, (size, size), anchor=(0, 0), normalize=False, borderType=cv2.BORDER_CONSTANT)
    inside: npt.NDArray[Any] = sums[: values.shape[0] - size + 1, : values.shape[1] - size + 1]
    return inside


def bands(windows: Windows, rows: int = 64) -> Iterable[Windows]:
    """The same windows, some rows at a time: values are float64, eight bytes per window."""
    for top in range(0, len(windows.sums), rows):
        band = slice(top, top + rows)
        pixels = windows.pixels if isinstance(windows.pixels, int) else windows.pixels[band]
        yield Windows(windows.sums[band], pixels, windows.unit)


def moved_inside(counts: npt.NDArray[Any], before: int, shape: tuple[int, int]) -> npt.NDArray[Any]:
    """Keep ``shape`` after the first ``before`` in both directions; the rest goes to the nearest place kept."""
    for length in shape:  # rows of the counts, and then of their transpose
        inside = counts[before : before + length].copy()
        inside[0] += counts[:before].sum(axis=0)
        inside[-1] += counts[before + length :].sum(axis=0)
        counts = inside.T
    return counts


def defect(mask: Mask) -> Bool:
    """Pixels of any defect class."""
    marked: Bool = (mask != 0) & (mask != IGNORED)
    return marked


def kinds(mask: Mask) -> list[int]:
    """Values in the mask, ascending: 0 for background, and the classes; 255 is none."""
    found: list[int] = np.flatnonzero(np.bincount(mask.ravel(), minlength=IGNORED + 1)[:IGNORED]).tolist()
    return found


def everywhere(mask: Mask, size: int) -> Bool:
    """All corners, ``bool[H-size+1, W-size+1]``."""
    return np.ones(corners(mask, size), bool)


def centred(flags: Bool, size: int, jitter: int = 0) -> npt.NDArray[np.int32]:
    """How many (flagged pixel, move) pairs lead to each corner, ``int32[H-size+1, W-size+1]``.

    A pixel leads to the window centred on it, or, after a move by up to ``jitter`` pixels in either direction, on
    where it came to lie; a window that reaches over the border is moved inside, so no pixel is ever lost.
    """
    counts = window_sums(np.pad(flags.astype(np.uint8), 2 * jitter), 2 * jitter + 1, 1)
    return moved_inside(counts, jitter + size // 2, corners(flags, size))


def holding(flags: Bool, size: int, least: int = 1) -> Bool:
    """Corners whose window holds at least ``least`` flagged pixels."""
    held: Bool = window_sums(flags.astype(np.uint8), size, 1) >= least
    return held


def float_map(counts: npt.NDArray[Any]) -> Float32:
    """Weights as the core wants them: ``float32``, row by row."""
    return counts.astype(np.float32, order="C")
