"""The likeness of two windows, and of one window with all others of an image at once.

The universal quality index (Wang and Bovik, IEEE Signal Processing Letters 9, 2002): correlation times likeness of
brightness times likeness of contrast, 1 for equal windows and at least -1. Images are compared as means of blocks.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bench.types import Bool, Float32, Float64, Image, Mask


def blocks_of(image: Image, block: int) -> Float32:
    """Mean grey level 0..255 of whole blocks, ``float32[H // block, W // block]``."""
    grey = image.mean(axis=2, dtype=np.float32)
    if image.dtype == np.uint16:
        grey /= 257
    means: Float32 = _in_blocks(grey, block).mean(axis=(1, 3))
    return means


def _in_blocks(plane: npt.NDArray[Any], block: int) -> npt.NDArray[Any]:
    """View ``[H, W]`` as ``[rows, block, columns, block]``; what is no whole block is left out."""
    height, width = plane.shape[0] // block, plane.shape[1] // block
    return plane[: height * block, : width * block].reshape(height, block, width, block)


def sound_corners(mask: Mask, block: int, side: int) -> Bool:
    """Corners, in blocks, of the windows of ``side`` blocks that touch neither a defect nor an ignored pixel."""
    import cv2

    blocked = (_in_blocks(mask, block) != 0).any(axis=(1, 3))
    free: Bool = _window_sums(cv2.integral(blocked.astype(np.uint8)), side) == 0
    return free


def _window_sums(table: npt.NDArray[Any], side: int) -> npt.NDArray[Any]:
    """Sums over all square windows, from a summed-area table."""
    sums: npt.NDArray[Any] = table[side:, side:] - table[:-side, side:] - table[side:, :-side] + table[:-side, :-side]
    return sums


def moments_of(blocks: Float32, side: int) -> tuple[Float64, Float64]:
    """Mean and variance of all windows of ``side`` blocks."""
    import cv2

    sums, squares = cv2.integral2(blocks.astype(np.float64))
    mean = _window_sums(sums, side) / side**2
    square = _window_sums(squares, side) / side**2
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
