"""The likeness of two windows, and of one window with all others of an image at once.

The universal quality index (Wang and Bovik, IEEE Signal Processing Letters 9, 2002): correlation times likeness of
brightness times likeness of contrast, 1 for equal windows and at least -1. Images are compared as means of blocks.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bench.types import Bool, Float32, Float64, Image, Mask


def quality(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> float:
    """The universal quality index of two windows; 0 where both are flat or both black."""
    first, second = one.astype(np.float64), other.astype(np.float64)
    covariance = float(((first - first.mean()) * (second - second.mean())).mean())
    means, spreads = (first.mean(), second.mean()), (first.var(), second.var())
    below = (means[0] ** 2 + means[1] ** 2) * (spreads[0] + spreads[1])
    return float(4 * covariance * means[0] * means[1] / below) if below > 0 else 0.0


def blocks_of(image: Image, block: int) -> Float32:
    """Mean grey level 0..255 of whole blocks, ``float32[H // block, W // block]``."""
    grey = image.mean(axis=2, dtype=np.float32)
    if image.dtype == np.uint16:
        grey /= 257
    height, width = grey.shape[0] // block, grey.shape[1] // block
    means: Float32 = grey[: height * block, : width * block].reshape(height, block, width, block).mean(axis=(1, 3))
    return means


def sound_corners(mask: Mask, block: int, side: int) -> Bool:
    """Corners, in blocks, of the windows of ``side`` blocks that touch neither a defect nor an ignored pixel."""
    import cv2

    height, width = mask.shape[0] // block, mask.shape[1] // block
    blocked = (mask[: height * block, : width * block].reshape(height, block, width, block) != 0).any(axis=(1, 3))
    table = cv2.integral(blocked.astype(np.uint8))
    sums = table[side:, side:] - table[:-side, side:] - table[side:, :-side] + table[:-side, :-side]
    free: Bool = sums == 0
    return free


def moments_of(blocks: Float32, side: int) -> tuple[Float64, Float64]:
    """Mean and variance of all windows of ``side`` blocks."""
    import cv2

    sums, squares = cv2.integral2(blocks.astype(np.float64))
    mean, square = (
        (table[side:, side:] - table[:-side, side:] - table[side:, :-side] + table[:-side, :-side]) / side**2
        for table in (sums, squares)
    )
    return mean, np.maximum(square - mean**2, 0)


def qualities(blocks: Float32, window: Float32, moments: tuple[Float64, Float64]) -> Float64:
    """The index of one window against all windows of its size."""
    import cv2

    level = blocks.mean()
    products = cv2.matchTemplate(blocks - level, window - level, cv2.TM_CCOEFF)
    mean, variance = moments
    one, spread = float(window.mean()), float(window.var())
    below = (mean**2 + one**2) * (variance + spread)
    above = 4 * (products.astype(np.float64) / window.size) * mean * one
    found: Float64 = np.clip(np.divide(above, below, out=np.zeros_like(below), where=below > 0), -1, 1)
    return found
