"""Reading and writing image files: what cannot be read whole is refused, by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.errors import DataError
from bench.types import Image, Mask


def read_image(path: Path) -> Image:
    """Decode grey or colour of 8 or 16 bits as ``[H, W, C]`` with C = 1 or 3; alpha is dropped.

    Raises:
        DataError: the file is missing, truncated, not an image, or of a pixel type not listed above.
    """
    pixels = _decoded(path)
    if pixels.ndim == 2:
        return pixels[:, :, None]
    if pixels.shape[2] in (2, 4):  # grey or colour with alpha
        return pixels[:, :, :-1]
    return pixels


def read_mask(path: Path) -> Mask:
    """Decode the raw values of a mask as ``uint8[H, W]``: grey levels, or the indices of a palette.

    A colour file is accepted when its channels are equal.

    Raises:
        DataError: as in :func:`read_image`, or the file is in colour, or of more than 8 bits.
    """
    pixels = _decoded(path, palette_indices=True)
    if pixels.dtype != np.uint8:
        raise DataError(f"{path}: a mask must have 8 bits per pixel, this file has {pixels.dtype}")
    if pixels.ndim == 2:
        return pixels
    if pixels.shape[2] >= 3 and (pixels[..., :3] == pixels[..., :1]).all():
        return np.ascontiguousarray(pixels[..., 0])
    raise DataError(f"{path}: a mask must be grey or palette, this file is in colour")


def write_png(path: Path, image: Image | Mask) -> None:
    """Write ``uint8[H, W]`` or ``uint8[H, W, 1 or 3]`` or grey ``uint16`` losslessly."""
    from PIL import Image as Pillow

    pixels = image[:, :, 0] if image.ndim == 3 and image.shape[2] == 1 else image
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(np.ascontiguousarray(pixels)).save(path, format="PNG", compress_level=3)


_PLAIN = {"P": "RGB", "PA": "RGB", "1": "L", "LA": "L", "CMYK": "RGB", "YCbCr": "RGB"}
"""Pillow's modes that are turned into grey or colour first."""


def _decoded(path: Path, palette_indices: bool = False) -> npt.NDArray[Any]:
    """Decode with Pillow, which refuses truncated files instead of filling them with grey."""
    from PIL import Image as Pillow

    try:
        with Pillow.open(path) as file:
            mode = _PLAIN.get(file.mode)
            keep = mode is None or (file.mode == "P" and palette_indices)
            pixels: npt.NDArray[Any] = np.asarray(file if keep else file.convert(mode))
    except FileNotFoundError:
        raise DataError(f"{path}: the file is missing") from None
    except (OSError, SyntaxError, ValueError, Pillow.DecompressionBombError) as error:
        raise DataError(f"{path}: cannot be read as an image ({error}); fetch the file again") from None
    if pixels.dtype == np.int32 and pixels.size and pixels.min() >= 0 and pixels.max() < 2**16:
        pixels = pixels.astype(np.uint16)  # Pillow widens some 16-bit grey files to 32 bits
    if pixels.dtype not in (np.uint8, np.uint16):
        raise DataError(f"{path}: pixels of type {pixels.dtype} are not supported; use 8 or 16 bits")
    return pixels
