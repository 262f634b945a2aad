"""Reading and writing image files: what cannot be read as it is meant is refused, by name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from bench.decoding import Exif, decode_image, decode_mask, decode_palette
from bench.errors import DataError
from bench.types import Bool, Image, Mask

Channels: TypeAlias = Literal[1, 3]
"""Grey, or red, green and blue."""
DARK = 16
"""Levels below this, and above 255 minus this, are those of a mask; smoothing and lossy files miss them by less."""
LITTLE, FEW_LEVELS, GRAINY = 0.05, 32, 0.15
"""What any drawing may have in between: this share of its pixels, so many levels, or this share of local extremes.

Soft edges fill 0.009 of a mask of the magnetic tiles at most.
"""
Colour: TypeAlias = tuple[int, int, int]
"""Red, green, blue."""


def read_image(path: Path, *, channels: Channels | None = None, exif: Exif = "refuse") -> Image:
    """Decode grey of 8 or 16 bits or colour of 8 bits as ``[H, W, C]`` with C = 1 or 3 as stored; alpha is dropped.

    ``channels`` asks for one layout where files mix both: 3 repeats grey, 1 takes colour with equal channels.
    ``exif`` says what becomes of a photograph that viewers turn.

    Raises:
        DataError: the file is missing, damaged, of a pixel type not listed above, to be turned where that is refused,
            or in colour where one channel is asked for.
    """
    pixels = decode_image(path, exif)
    pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
    if channels == 3 and pixels.shape[2] == 1:
        return np.repeat(pixels, 3, axis=2)
    if channels == 1 and pixels.shape[2] == 3:
        if (pixels != pixels[..., :1]).any():
            raise DataError(
                f"{path}: in colour, where grey is expected; convert it, or set 'channels: 3' if the data set has that "
                "setting"
            )
        return np.ascontiguousarray(pixels[..., :1])
    return pixels


def read_mask(path: Path) -> Mask:
    """Decode the levels of a mask as ``uint8[H, W]``: what every viewer shows, so a palette is looked up.

    A file in colour, or with a palette, is accepted where everything it shows is grey.

    Raises:
        DataError: as in :func:`read_image`, or something in the file is in colour or transparent, it has more than
            8 bits, or is a JPEG or the like under the name of another type.
    """
    found = read_indices(path)
    if not found.colours:
        return found.values
    levels = np.zeros(256, np.uint8)
    for index, (red, green, blue) in found.colours.items():
        if not red == green == blue:
            raise DataError(
                f"{path}: its palette shows index {index} in colour, {(red, green, blue)}; a mask must be grey, as "
                "what a colour stands for is unknown"
            )
        levels[index] = red
    return levels[found.values]


@dataclass(frozen=True, slots=True)
class Indices:
    """Values of a mask as stored, ``uint8[H, W]``; ``colours`` of those that occur, empty without a palette."""

    values: Mask
    colours: Mapping[int, Colour]

    @property
    def are_grey(self) -> bool:
        """Whether everything that the palette shows is grey."""
        return all(red == green == blue for red, green, blue in self.colours.values())


def read_indices(path: Path) -> Indices:
    """Decode a mask without looking its palette up: for files whose indices are numbers of classes.

    Raises:
        DataError: as in :func:`read_mask`, coloured palettes aside.
    """
    decoded = decode_mask(path)
    values = _one_channel(decoded.pixels, path)
    if decoded.palette is None:
        return Indices(values, {})
    used = np.flatnonzero(np.bincount(values.ravel(), minlength=256))
    if used.size and used[-1] >= len(decoded.palette):
        raise DataError(f"{path}: index {used[-1]} has no colour in its palette; save it anew as PNG")
    colours = {int(index): _colour(decoded.palette[index]) for index in used}
    return Indices(values, colours)


def read_palette(path: Path) -> tuple[Colour, ...]:
    """The colours of a file's palette by index; none for a file without one. Pixels are not decoded.

    Raises:
        DataError: as in :func:`read_image`.
    """
    return tuple(_colour(entry) for entry in decode_palette(path))


def _colour(entry: npt.NDArray[np.uint8]) -> Colour:
    red, green, blue = entry.tolist()
    return red, green, blue


def _one_channel(pixels: npt.NDArray[Any], path: Path) -> Mask:
    """``uint8[H, W]`` of a grey picture, or of a colour one with equal channels."""
    if pixels.dtype != np.uint8:
        raise DataError(f"{path}: a mask must have 8 bits per pixel, this file has {pixels.dtype}; save it with 8 bits")
    if pixels.ndim == 2:
        return pixels
    if (pixels == pixels[..., :1]).all():
        return np.ascontiguousarray(pixels[..., 0])
    raise DataError(f"{path}: a mask must be grey or have a palette, this file is in colour; save it with one channel")


def read_pair(
    image: Path, mask: Path, *, channels: Channels | None = None, exif: Exif = "refuse"
) -> tuple[Image, Mask]:
    """An image as by :func:`read_image` and the levels of its mask as by :func:`read_mask`.

    Raises:
        DataError: as these two, or the sizes differ; names both files.
    """
    pixels, values = read_image(image, channels=channels, exif=exif), read_mask(mask)
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
            f"{mask_file}: the mask holds {unknown[:5]}; it may hold {_listed(allowed)} only: restore the original file"
        )


def check_share(marked: Bool, most: float, mask_file: Path) -> None:
    """Refuse a mask that marks more of its image than any of the data set does: background and defect exchanged.

    ``marked`` is ``bool[H, W]``, ``most`` the largest share that is known or believed to occur.

    Raises:
        DataError: names the file and both shares.
    """
    share = float(marked.mean())
    if share > most:
        raise DataError(
            f"{mask_file}: marks {share:.0%} of its image, and no mask of the release more than {most:.0%}; it looks "
            "inverted: restore the original file"
        )


def check_drawn(values: Mask, mask_file: Path) -> None:
    """Refuse a photograph in the place of a mask with soft edges.

    ``values`` are levels, ``uint8[H, W]``. What is neither dark nor bright is little in a drawn mask, has few levels,
    or rises and falls smoothly; in a photograph it is most of the image, or grainy.

    Raises:
        DataError: names the file and the share of such pixels.
    """
    between = (values >= DARK) & (values < 256 - DARK)
    share = float(between.mean()) if values.size else 0.0
    if share < LITTLE or np.unique(values[between]).size <= FEW_LEVELS:
        return
    if share > 0.5 or _graininess(values, between) > GRAINY:
        raise DataError(
            f"{mask_file}: looks like a photograph and not like a mask: {share:.0%} of its pixels are neither dark nor "
            "bright; if it was exchanged with its image, exchange them back"
        )


def _graininess(values: Mask, among: Bool) -> float:
    """Share of the pixels ``among`` that are above both of their neighbours in a row, or below both."""
    steps = np.sign(np.diff(values.astype(np.int16), axis=1))
    extreme = steps[:, :-1] * steps[:, 1:] < 0
    return float(extreme[among[:, 1:-1]].mean()) if among[:, 1:-1].any() else 0.0


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
