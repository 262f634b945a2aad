"""Whole images and their tiles: pad, lay a grid, cut, and stitch back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.errors import DataError
from bench.types import IGNORED, Float32, Image, Mask


def pad(image: Image, mask: Mask, size: int) -> tuple[Image, Mask]:
    """Pad at the bottom and right to at least ``size`` x ``size``; nothing is copied when it is large enough.

    The image is reflected about its last row and column as often as needed (numpy's ``reflect``);
    the mask is 255 in the padding, so that no pixel counts twice.
    """
    height, width = mask.shape
    margins = (0, max(0, size - height)), (0, max(0, size - width))
    if margins == ((0, 0), (0, 0)):
        return image, mask
    reflected: Any = np.pad(image, (*margins, (0, 0)), mode="reflect")
    return reflected, np.pad(mask, margins, constant_values=IGNORED)


def grid(height: int, width: int, size: int, overlap: float) -> npt.NDArray[np.int32]:
    """Top-left corners ``int32[T, 2]`` of the fewest tiles that overlap by at least ``overlap`` of their side.

    They are spread evenly, row by row, the first at (0, 0), the last flush with the far border. An image
    smaller than the tile has the one corner 0 in that direction and must be padded before it is cut.

    Raises:
        DataError: size or image is empty, or the overlap is not in [0, 1).
    """
    if min(height, width, size) < 1 or not 0 <= overlap < 1:
        raise DataError(
            f"no grid of tiles of {size} pixels with overlap {overlap} on an image of {width}x{height}; "
            "sizes must be positive and the overlap at least 0 and below 1"
        )
    rows, columns = _starts(height, size, overlap), _starts(width, size, overlap)
    mesh = np.meshgrid(rows, columns, indexing="ij")
    return np.stack(mesh, axis=-1).reshape(-1, 2).astype(np.int32)


def _starts(length: int, size: int, overlap: float) -> npt.NDArray[np.int64]:
    """Evenly spread starts along one direction; neighbours are at most ``(1 - overlap) * size`` apart."""
    if length <= size:
        return np.zeros(1, np.int64)
    step = max(1, int(size * (1 - overlap) + 1e-9))  # 10 * (1 - 0.9) is 0.999...
    gaps = -(-(length - size) // step)
    return (np.arange(gaps + 1) * (length - size) + gaps // 2) // gaps


def cut(array: npt.NDArray[Any], corners: npt.NDArray[np.int32], size: int) -> npt.NDArray[Any]:
    """Copy the tiles of ``[H, W, ...]`` at ``int32[T, 2]`` corners into ``[T, size, size, ...]``.

    Raises:
        DataError: a tile reaches over the border; pad first.
    """
    height, width = array.shape[:2]
    if len(corners) and ((corners < 0).any() or (corners > (height - size, width - size)).any()):
        raise DataError(
            f"a tile of {size} pixels reaches over the border of an image of {width}x{height}; pad it first"
        )
    tiles = np.empty((len(corners), size, size, *array.shape[2:]), array.dtype)
    for tile, (top, left) in zip(tiles, corners.tolist(), strict=True):
        tile[...] = array[top : top + size, left : left + size]
    return tiles


def cut_padded(image: Image, mask: Mask, corner: Sequence[int], image_out: Image, mask_out: Mask) -> None:
    """Copy the square of ``[H, W, C]`` and ``uint8[H, W]`` at a corner, padded like :func:`pad` where they are smaller.

    The outputs are ``[size, size, C]`` and ``uint8[size, size]``. In a direction that is padded the corner is 0.
    """
    size, (top, left) = len(mask_out), corner
    window = slice(top, top + size), slice(left, left + size)
    found = mask[window]
    if found.shape == mask_out.shape:
        image_out[...] = image[window]
        mask_out[...] = found
        return
    height, width = found.shape
    mask_out[...] = IGNORED
    mask_out[:height, :width] = found
    image_out[:height, :width] = image[window]
    image_out[:height, width:] = image_out[:height, reflected(width, size)]
    image_out[height:] = image_out[reflected(height, size)]


def reflected(length: int, size: int) -> npt.NDArray[np.int64]:
    """Which of ``length`` pixels stand in the places ``length`` to ``size`` when they are reflected about the ends."""
    places = np.arange(length, size) % max(1, 2 * length - 2)
    return np.minimum(places, 2 * length - 2 - places)


def stitch(tiles: Float32, corners: npt.NDArray[np.int32], height: int, width: int) -> Float32:
    """Average ``float32[T, K, h, w]`` into ``float32[K, height, width]``; what lies outside (padding) is trimmed.

    A running mean, so that pixels whose tiles agree keep exactly that value.

    Raises:
        DataError: a pixel is covered by no tile.
    """
    size = tiles.shape[2:]
    mean = np.zeros((tiles.shape[1], height, width), np.float32)
    seen = np.zeros((height, width), np.uint16)
    for tile, (top, left) in zip(tiles, corners.tolist(), strict=True):
        window = slice(top, min(top + size[0], height)), slice(left, min(left + size[1], width))
        seen[window] += 1
        inside = tile[:, : window[0].stop - top, : window[1].stop - left]
        there = mean[:, *window]
        there += (inside - there) / seen[window].astype(np.float32)
    if not seen.all():
        row, column = np.argwhere(seen == 0)[0]
        raise DataError(f"pixel ({row}, {column}) of an image of {width}x{height} is covered by no tile")
    return mean
