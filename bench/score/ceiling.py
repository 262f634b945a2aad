"""The truth at an output stride: the F1 of the true masks averaged over squares of it, tile by tile, and enlarged.

It says how coarse a stride is beside these defects. It is no bound for a model of that stride: logits may be sharper
than means, and reach a higher F1. It reads test masks, and nothing is chosen by it. Records call it ``ceiling``.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from bench.crops.tiles import cut, grid, pad, stitch
from bench.score.metrics import swept
from bench.score.thresholds import best_index
from bench.score.zones import ANY, INSIDE, OUTSIDE, Counts, histogram
from bench.scores import F1
from bench.threads import beside
from bench.types import IGNORED, Float32, Float64, Mask


def ceiling(
    masks_validation: Iterable[Mask],
    masks_test: Iterable[Mask],
    size: int,
    overlap: float,
    stride: int,
    *,
    threads: int = 0,
) -> float:
    """Pooled F1 on the test masks at the threshold that is best on the validation masks, both after the round trip.

    ``size`` is the side of a tile, ``overlap`` its share, ``stride`` the model's output stride. With stride 1
    nothing is lost on the way: it is exactly 1 where a test mask holds a defect, and 0 where none does.
    """
    if stride == 1:
        return float(any(_truth(mask).any() for mask in masks_test))
    validation = _swept(masks_validation, size, overlap, stride, threads)
    test = _swept(masks_test, size, overlap, stride, threads)
    index, _ = best_index(validation)
    return float(F1.value(test[index]))


def round_trip(mask: Mask, size: int, overlap: float, stride: int) -> Float32:
    """Truth as probability, averaged over squares of ``stride`` per tile, enlarged, stitched: ``float32[H, W]``."""
    padded = pad(_truth(mask)[:, :, None], mask, size)[0][:, :, 0]
    corners = grid(padded.shape[0], padded.shape[1], size, overlap)
    answers = [_answered(tile, stride) for tile in cut(padded, corners, size)]
    stitched: Float32 = stitch(np.stack(answers)[:, None], corners, *mask.shape)[0]
    return stitched


def _truth(mask: Mask) -> Mask:
    """1 on a defect, else 0."""
    truth: Mask = ((mask != 0) & (mask != IGNORED)).view(np.uint8)
    return truth


def _answered(tile: Mask, stride: int) -> Float32:
    """Average-pool one tile by the stride and enlarge it linearly (corners not aligned), ``float32[h, w]``."""
    import cv2

    height, width = tile.shape
    filled = np.pad(tile, ((0, -height % stride), (0, -width % stride)), mode="edge").astype(np.float32)
    rows, columns = filled.shape[0] // stride, filled.shape[1] // stride
    coarse = filled.reshape(rows, stride, columns, stride).mean(axis=(1, 3), dtype=np.float32)
    fine = cv2.resize(coarse, filled.shape[::-1], interpolation=cv2.INTER_LINEAR)
    answered: Float32 = np.clip(np.asarray(fine, np.float32)[:height, :width], 0, 1)
    return answered


def _swept(masks: Iterable[Mask], size: int, overlap: float, stride: int, threads: int) -> Float64:
    """TP, FP, FN, TN of the round trips of all masks at every threshold, ``float64[1001, 4]``."""

    def counted(mask: Mask) -> Counts:
        return histogram(round_trip(mask, size, overlap, stride), mask, ANY, 0, complement=False)

    zones = np.zeros((4, 1001), np.int64)
    for counts in beside(counted, masks, threads):
        zones += counts
    return swept(zones[INSIDE].sum(axis=0), zones[OUTSIDE].sum(axis=0))
