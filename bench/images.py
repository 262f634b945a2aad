"""Reading and writing image files: what cannot be read whole is refused, by name."""

from __future__ import annotations

from collections.abc import Collection
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from bench.errors import DataError
from bench.types import Image, Mask


def read_image(path: Path, *, channels: Literal[1, 3] | None = None) -> Image:
    """Decode grey or colour of 8 or 16 bits as ``[H, W, C]`` with C = 1 or 3 as stored; alpha is dropped.

    ``channels`` asks for one layout where a release mixes both: 3 repeats grey, 1 takes colour with equal channels.

    Raises:
        DataError: the file is missing, truncated, not an image, of a pixel type not listed above, or in colour
            where one channel is asked for.
    """
    pixels = _decoded(path)
    pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
    if pixels.shape[2] in (2, 4):  # grey or colour with alpha
        pixels = pixels[:, :, :-1]
    if channels == 3 and pixels.shape[2] == 1:
        return np.repeat(pixels, 3, axis=2)
    if channels == 1 and pixels.shape[2] == 3:
        if (pixels != pixels[..., :1]).any():
            raise DataError(f"{path}: in colour, but this data set is grey; fetch the file again")
        return np.ascontiguousarray(pixels[..., :1])
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


def read_pair(image: Path, mask: Path) -> tuple[Image, Mask]:
    """An image as by :func:`read_image` and the raw values of its mask as by :func:`read_mask`.

    Raises:
        DataError: as these two, or the sizes differ; names both files.
    """
    pixels, values = read_image(image), read_mask(mask)
    check_size(values, pixels.shape[1], pixels.shape[0], mask, image)
    return pixels, values


def check_size(mask: Mask, width: int, height: int, mask_file: Path, image_file: Path) -> None:
    """Refuse a mask ``[H, W]`` of another size than its image.

    Raises:
        DataError: names both files and sizes.
    """
    if mask.shape != (height, width):
        raise DataError(
            f"{mask_file}: the mask is {mask.shape[1]}x{mask.shape[0]} pixels but its image {image_file} is "
            f"{width}x{height}; they must be the same size"
        )


def check_values(mask: Mask, allowed: Collection[int], mask_file: Path) -> None:
    """Refuse a mask with a value that the data set's description does not know.

    Raises:
        DataError: names the file, up to five such values, and those allowed.
    """
    counts = np.bincount(mask.ravel(), minlength=256)
    unknown = [value for value in np.flatnonzero(counts).tolist() if value not in allowed]
    if unknown:
        raise DataError(
            f"{mask_file}: the mask holds {unknown[:5]}; it may hold {_listed(allowed)} only: fetch the file again"
        )


def _listed(values: Collection[int]) -> str:
    """``0, 255`` or, where they follow each other, ``1 to 255``."""
    first, last = min(values), max(values)
    many = len(values) > 4 and len(set(values)) == last - first + 1
    return f"{first} to {last}" if many else ", ".join(map(str, sorted(values)))


def write_png(path: Path, image: Image | Mask) -> None:
    """Write ``uint8[H, W]`` or ``uint8[H, W, 1 or 3]`` or grey ``uint16`` losslessly."""
    from PIL import Image as Pillow

    pixels = image[:, :, 0] if image.ndim == 3 and image.shape[2] == 1 else image
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(np.ascontiguousarray(pixels)).save(path, format="PNG", compress_level=3)


_PLAIN = {"P": "RGB", "PA": "RGB", "1": "L", "LA": "L", "CMYK": "RGB", "YCbCr": "RGB"}
"""Pillow's modes that are turned into grey or colour first."""


def _decoded(path: Path, palette_indices: bool = False) -> npt.NDArray[Any]:
    """Decode with Pillow, which refuses truncated files instead of filling them with grey.

    Checksums are verified where a format has them: Pillow itself reads over a changed byte of a PNG.
    """
    from PIL import Image as Pillow
    from PIL import UnidentifiedImageError

    try:
        content = path.read_bytes()
        Pillow.open(BytesIO(content)).verify()
        with Pillow.open(BytesIO(content)) as file:
            if palette_indices and file.format == "JPEG" and path.suffix.lower() not in (".jpg", ".jpeg"):
                raise ValueError(f"a mask saved as JPEG under the name {path.suffix}, its exact values are lost")
            if file.format == "BMP" and file.mode == "1" and content[28] == 8:
                raise ValueError("an 8-bit BMP with two colours, which Pillow takes for 1-bit; save it as PNG")
            mode = _PLAIN.get(file.mode)
            keep = mode is None or (file.mode == "P" and palette_indices)
            pixels: npt.NDArray[Any] = np.asarray(file if keep else file.convert(mode))
    except FileNotFoundError:
        raise DataError(f"{path}: the file is missing") from None
    except UnidentifiedImageError:
        raise DataError(
            f"{path}: not an image of a known type ({len(content):,} bytes); fetch the file again"
        ) from None
    except Exception as error:  # decoders may raise anything on damaged bytes
        raise DataError(f"{path}: cannot be read as an image ({error}); fetch the file again") from None
    if pixels.dtype == np.int32 and pixels.size and pixels.min() >= 0 and pixels.max() < 2**16:
        pixels = pixels.astype(np.uint16)  # Pillow widens some 16-bit grey files to 32 bits
    if pixels.dtype not in (np.uint8, np.uint16):
        raise DataError(f"{path}: pixels of type {pixels.dtype} are not supported; use 8 or 16 bits")
    return pixels
