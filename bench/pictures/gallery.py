"""Rows of labelled pictures with masks outlined, all brought to the screen by one tone curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt

from bench.errors import DataError
from bench.pictures.overlay import Colour, grey
from bench.pictures.sheet import cut
from bench.types import IGNORED, Bool, Image, Sample

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

AnyPixel = TypeVar("AnyPixel", bound=np.generic)

OUTLINE = np.array([255, 0, 170], dtype=np.uint8)
"""Magenta: neither metal nor any overlay of predictions has it."""
MARGIN, LETTER, LINE = 10, 13, 18
"""Pixels around pictures, of letters, and from one line of text to the next."""
NARROWEST = 170
"""Pixels of a column at least, so that captions of tall images can be read."""


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A reduced image ``uint16[h, w, 1 or 3]``, with what its mask marks as ``bool[h, w]``."""

    pixels: npt.NDArray[np.uint16]
    marked: Bool


@dataclass(frozen=True, slots=True)
class Tile:
    """One picture of a gallery with the line under it."""

    picture: Thumbnail
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Strip:
    """One row of a gallery: its heading, and a tile or nothing per column."""

    heading: str
    tiles: tuple[Tile | None, ...]


def thumbnail(sample: Sample, side: int, kind: int | None = None) -> Thumbnail:
    """Bring the longer edge to at most ``side`` pixels; three channels stay colour, others become their mean.

    Marked are the pixels of class ``kind``, or of any class.
    A larger image is averaged down and a reduced pixel is marked if any pixel under it is, or thin defects would
    vanish. A smaller one is repeated by a whole factor.
    """
    import cv2

    pixels = _sixteen_bits(sample.image)
    marked = sample.mask == kind if kind else (sample.mask != 0) & (sample.mask != IGNORED)
    longer = max(marked.shape)
    if longer <= side:
        factor = side // longer
        return Thumbnail(_enlarged(pixels, factor), _enlarged(marked, factor))
    height, width = (max(1, round(edge * side / longer)) for edge in marked.shape)
    reduced = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA).reshape(height, width, -1)
    share = cv2.resize(marked.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    return Thumbnail(np.asarray(reduced, np.uint16), np.asarray(share > 0))


def _enlarged(pixels: npt.NDArray[AnyPixel], factor: int) -> npt.NDArray[AnyPixel]:
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1)


def _sixteen_bits(image: Image) -> npt.NDArray[np.uint16]:
    """``uint16[H, W, 1 or 3]`` on the whole scale of 16 bits, whatever the image has."""
    if image.shape[2] not in (1, 3):
        mean = image.mean(axis=2, keepdims=True, dtype=np.float32)
        image = np.rint(mean).astype(image.dtype)
    return image.astype(np.uint16) * np.uint16(257) if image.dtype == np.uint8 else image.astype(np.uint16)


def toned(pictures: Sequence[Thumbnail]) -> list[Colour]:
    """All pictures as RGB by one curve, so that a darker picture stays the darker one."""
    together = np.concatenate([picture.pixels.reshape(-1) for picture in pictures])
    shown = grey(together[:, None, None])[:, 0]
    ends = np.cumsum([picture.pixels.size for picture in pictures])
    parts = zip(np.split(shown, ends[:-1]), pictures, strict=True)
    return [np.broadcast_to(part.reshape(p.pixels.shape), (*p.marked.shape, 3)).copy() for part, p in parts]


def outlined(picture: Colour, marked: Bool) -> Colour:
    """Draw a line around what is marked, outside of it so that the defect stays visible, or on the picture's edge."""
    import cv2

    grown = cv2.dilate(marked.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    edge = np.ones(marked.shape, bool)
    edge[1:-1, 1:-1] = False
    drawn = picture.copy()
    drawn[grown & (edge | ~marked)] = OUTLINE
    return drawn


def gallery(strips: Sequence[Strip], *, heads: Sequence[str] = (), outline: bool = True) -> Colour:
    """Set strips under each other; ``heads`` are the lines above the columns, parted by line breaks.

    Raises:
        DataError: there is no picture.
    """
    from PIL import Image, ImageDraw

    tiles = [tile for tile in chain.from_iterable(strip.tiles for strip in strips) if tile]
    if not tiles:
        raise DataError("a gallery needs at least one picture")
    pictures = toned([tile.picture for tile in tiles])
    if outline:
        pictures = [outlined(picture, tile.picture.marked) for picture, tile in zip(pictures, tiles, strict=True)]
    width = max(NARROWEST, *(picture.shape[1] for picture in pictures))
    columns = max(len(strip.tiles) for strip in strips)
    tops = _tops(strips, heads)
    canvas = Image.new("RGB", (MARGIN + columns * (width + MARGIN), tops[-1]), "white")
    draw = ImageDraw.Draw(canvas)
    for column, head in enumerate(heads):
        for number, text in enumerate(head.split("\n")):
            _write(draw, text, _left(column, width), MARGIN + number * LINE, width)
    left_to_draw = iter(pictures)
    for strip, top in zip(strips, tops, strict=False):
        _write(draw, strip.heading, MARGIN, top, canvas.width - 2 * MARGIN, size=LETTER + 2)
        for column, tile in enumerate(strip.tiles):
            if tile:
                picture = next(left_to_draw)
                left, under = _left(column, width), top + _heading(strip)
                canvas.paste(Image.fromarray(picture), (left, under))
                _write(draw, tile.caption, left, under + picture.shape[0] + 3, width)
    return np.asarray(canvas)


def _tops(strips: Sequence[Strip], heads: Sequence[str]) -> list[int]:
    """Where every strip begins, and after the last the height of the canvas."""
    tops = [MARGIN + LINE * max((1 + head.count("\n") for head in heads), default=0)]
    for strip in strips:
        tiles = [tile for tile in strip.tiles if tile]
        tall = max((len(tile.picture.marked) for tile in tiles), default=0)
        under = LINE if any(tile.caption for tile in tiles) else 0
        tops.append(tops[-1] + _heading(strip) + tall + under + MARGIN)
    return tops


def _heading(strip: Strip) -> int:
    return LINE + 4 if strip.heading else 0


def _left(column: int, width: int) -> int:
    return MARGIN + column * (width + MARGIN)


def _write(draw: ImageDraw, text: str, left: int, top: int, width: int, *, size: int = LETTER) -> None:
    draw.text((left, top), cut(draw, text, width, size), "black", font_size=size)
