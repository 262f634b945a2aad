"""Reading and writing image files: what cannot be read whole is refused, by name."""

from __future__ import annotations

from collections.abc import Callable, Collection
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from bench.errors import DataError
from bench.types import Image, Mask

if TYPE_CHECKING:
    from PIL.Image import Image as ImageFile


def read_image(path: Path, *, channels: Literal[1, 3] | None = None) -> Image:
    """Decode grey of 8 or 16 bits or colour of 8 bits as ``[H, W, C]`` with C = 1 or 3 as stored; alpha is dropped.

    ``channels`` asks for one layout where a release mixes both: 3 repeats grey, 1 takes colour with equal channels.

    Raises:
        DataError: the file is missing, truncated, not an image, of a pixel type not listed above, or in colour
            where one channel is asked for.
    """
    pixels = _decoded(path, _image_mode)
    pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
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
        DataError: as in :func:`read_image`, or the file is in colour, transparent anywhere, of more than 8 bits, or a
            JPEG under the name of another type.
    """
    pixels = _decoded(path, _mask_mode)
    if pixels.dtype != np.uint8:
        raise DataError(f"{path}: a mask must have 8 bits per pixel, this file has {pixels.dtype}")
    if pixels.ndim == 2:
        return pixels
    if (pixels == pixels[..., :1]).all():
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


PLAIN = ("L", "RGB", "I;16", "I;16L", "I;16B", "I")
"""Pillow's modes that are taken as they are; ``I`` where 16-bit grey was widened."""
GREY = {"1": "L", "LA": "L", "La": "L"}
COLOUR = {"P": "RGB", "PA": "RGB", "RGBA": "RGB", "RGBa": "RGB", "RGBX": "RGB", "CMYK": "RGB", "YCbCr": "RGB"}
ORIENTATION = 0x0112
"""Exif tag; 1 is upright."""


def _decoded(path: Path, mode_of: Callable[[ImageFile], str]) -> npt.NDArray[Any]:
    """Decode in the mode that ``mode_of`` asks for, ``[H, W]`` or ``[H, W, 3]``.

    Pillow refuses truncated files instead of filling them with grey. Checksums are verified where a format has them:
    Pillow itself reads over a changed byte of a PNG.
    """
    from PIL import UnidentifiedImageError

    if not path.is_file():
        raise DataError(f"{path}: " + ("not a file" if path.exists() else "the file is missing"))
    try:
        content = path.read_bytes()
        pixels = _pixels(path, content, mode_of)
    except UnidentifiedImageError:
        raise DataError(
            f"{path}: not an image of a known type ({len(content):,} bytes); fetch the file again"
        ) from None
    except Exception as error:  # decoders may raise anything on damaged bytes
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{path}: cannot be read as an image ({reason}); fetch the file again") from None
    if pixels.dtype == np.int32 and pixels.size and pixels.min() >= 0 and pixels.max() < 2**16:
        pixels = pixels.astype(np.uint16)  # Pillow widens some 16-bit grey files to 32 bits
    pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    if pixels.dtype not in (np.uint8, np.uint16):
        raise DataError(f"{path}: pixels of type {pixels.dtype} are not supported; use 8 or 16 bits")
    return pixels


def _pixels(path: Path, content: bytes, mode_of: Callable[[ImageFile], str]) -> npt.NDArray[Any]:
    from PIL import Image as Pillow

    Pillow.open(BytesIO(content)).verify()
    with Pillow.open(BytesIO(content)) as file:
        _check_kind(file, content)
        if mode_of is _mask_mode and file.format == "JPEG" and path.suffix.lower() not in (".jpg", ".jpeg"):
            raise ValueError(f"a mask saved as JPEG under the name {path.suffix}, its exact values are lost")
        mode = mode_of(file)
        pixels: npt.NDArray[Any] = np.asarray(file if file.mode == mode else file.convert(mode))
    return pixels


def _check_kind(file: ImageFile, content: bytes) -> None:
    """Refuse what Pillow opens but would not give back as it is stored.

    Raises:
        ValueError: several pictures in one file, colour of more than 8 bits, a picture to be turned, or a
            bitmap that Pillow misreads.
    """
    if getattr(file, "n_frames", 1) > 1:
        raise ValueError("several pictures in one file; save each as a file of its own")
    if file.getexif().get(ORIENTATION, 1) != 1:
        raise ValueError("Exif says that it is to be turned, and its mask may not be; save it upright")
    if file.mode in ("RGB", "RGBA") and _bits(file, content) > 8:
        raise ValueError("colour of 16 bits, of which Pillow reads 8; save it as grey, or with 8 bits")
    if file.format == "BMP" and file.mode == "1" and content[28] == 8:
        raise ValueError("an 8-bit BMP with two colours, which Pillow takes for 1-bit; save it as PNG")


def _bits(file: ImageFile, content: bytes) -> int:
    """Bits of a channel as stored, where the format says so."""
    if file.format == "PNG":
        return content[24]
    if file.format == "TIFF":
        stored: Any = file.tag_v2.get(258, (8,))  # type: ignore[attr-defined]  # BitsPerSample of a TIFF
        return int(max(stored) if isinstance(stored, tuple) else stored)
    return 8


def _image_mode(file: ImageFile) -> str:
    """The mode in which an image is read: alpha dropped, palettes looked up."""
    if file.mode in PLAIN:
        return file.mode
    if file.mode in {**GREY, **COLOUR}:
        return {**GREY, **COLOUR}[file.mode]
    raise ValueError(f"pixels of Pillow's mode {file.mode} are not supported; save grey or RGB")


def _mask_mode(file: ImageFile) -> str:
    """As for an image, but the indices of a palette, and nothing transparent: what was meant there is unknown."""
    if file.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in file.info:
        lowest, _ = file.convert("RGBA").getchannel("A").getextrema()
        if lowest != 255:
            raise ValueError("the mask has transparent pixels; save it without alpha")
    return "P" if file.mode == "P" else _image_mode(file)
