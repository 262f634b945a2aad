"""Zones of an image by distance to the true border, and histograms of probabilities per zone.

The distance is the chessboard distance: a pixel is *near* when the square of ``2 k + 1`` pixels around it
reaches over the border of the truth. So truth dilated by k (square) is "outside near, inside near, inside core",
and truth eroded by k is "inside core", both exactly. What is not known makes no border: neither the edge of
the image nor an ignored pixel does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from bench.errors import Diverged, TrainingError
from bench.types import IGNORED, Float32, Mask

ZONES = ("outside far", "outside near", "inside near", "inside core")
FAR, NEAR, EDGE, CORE = range(len(ZONES))
OUTSIDE, INSIDE = slice(0, 2), slice(2, 4)
_STRIP = 1 << 18
"""Pixels per strip: what a strip needs beside the image fits into the second-level cache."""

Counts: TypeAlias = npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Truth:
    """Which mask values are true: ``low <= value <= high``."""

    low: int
    high: int


ANY = Truth(1, IGNORED - 1)


def zones_of(mask: Mask, truth: Truth, k: int) -> Mask:
    """Zone of every pixel, ``uint8[H, W]``: an index into ZONES, or 4 and more where the mask is ignored."""
    import cv2

    inside, zone = _between(mask, truth.low, truth.high), _between(mask, IGNORED, IGNORED)
    left, top, width, height = cv2.boundingRect(inside)
    if width:  # all the truth and k pixels around it
        window = np.s_[max(top - k, 0) : top + height + k, max(left - k, 0) : left + width + k]
        true, ignored = inside[window], zone[window]
        square = np.ones((2 * k + 1, 2 * k + 1), np.uint8)
        reached = np.asarray(cv2.dilate(true, square), np.uint8)
        core = np.asarray(cv2.erode(true | ignored, square), np.uint8) & true
        zone[window] = (reached & 1) + (true & 1) + (core & 1) | ignored
    return zone


def _between(mask: Mask, low: int, high: int) -> Mask:
    """255 where ``low <= mask <= high``, else 0."""
    import cv2

    return np.asarray(cv2.inRange(mask, np.array([low]), np.array([high])), np.uint8)


def histogram(values: Float32, mask: Mask, truth: Truth, k: int, *, complement: bool) -> Counts:
    """Pixels per zone and bin, ``uint32[4, 1001]``; needs a strip of memory beside ``float32[H, W]`` values.

    The probability is the value, or 1 - value (in float32) with ``complement``, so that the background's
    plane needs no copy. Bin b holds the pixels that are positive at exactly b of the grid's 1000 thresholds.

    Raises:
        Diverged: a probability is NaN.
        TrainingError: a probability is outside [0, 1]. Ignored pixels are not excused.
    """
    from bench.score.kernels import BINS, SLOTS, STRIDE, WAYS, add_histogram

    base, slope = (np.float32(1), np.float32(-1)) if complement else (np.float32(0), np.float32(1))
    counts = np.zeros((WAYS, SLOTS), np.uint32)
    for rows, zone in _strips(mask, truth, k):
        part = np.ascontiguousarray(values[rows], np.float32)
        if add_histogram(part.reshape(-1), zone.reshape(-1), base, slope, counts):
            raise _not_a_probability(part)
    return np.asarray(counts.sum(axis=0, dtype=np.uint32).reshape(-1, STRIDE)[: len(ZONES), :BINS])


def _strips(mask: Mask, truth: Truth, k: int) -> Iterator[tuple[slice, Mask]]:
    """Row ranges of the mask with the zone of their pixels, computed with a margin of k rows."""
    from bench.score.kernels import holds_a_class

    height, width = mask.shape
    step = max(1, _STRIP // width)
    for top in range(0, height, step):
        bottom = min(top + step, height)
        above, below = max(top - k, 0), min(bottom + k, height)
        part = np.ascontiguousarray(mask[above:below])
        zone = zones_of(part, truth, k) if holds_a_class(part.reshape(-1)) else part  # 0 is far, 255 is left out
        yield slice(top, bottom), np.ascontiguousarray(zone[top - above : bottom - above])


def _not_a_probability(values: Float32) -> TrainingError:
    if np.isnan(values).any():
        return Diverged("a predicted probability is NaN; the model has diverged: lower the learning rate")
    return TrainingError(
        f"predicted values span {values.min():g} to {values.max():g}; probabilities must lie in [0, 1]: "
        "apply softmax before scoring"
    )
