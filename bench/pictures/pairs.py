"""Pairs of images side by side, to see for oneself whether a leak is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.errors import DataError
from bench.pictures.gallery import Thumbnail
from bench.pictures.overlay import Colour, grey
from bench.pictures.sheet import CAPTION, LETTER, MARGIN, cut

SIDE = 170
"""Longest edge of an image."""
WIDTH = 2 * SIDE + 4
ACROSS, DOWN = 3, 8
"""Pairs in a row and in a column of a sheet."""


@dataclass(frozen=True, slots=True)
class ShownPair:
    """Two images with a line of text for each."""

    pictures: tuple[Thumbnail, Thumbnail]
    captions: tuple[str, str]


def pair_sheet(pairs: Sequence[ShownPair]) -> Colour:
    """Set up to 24 pairs in rows of three; every image has its own tone curve, since copies differ in exposure.

    Raises:
        DataError: no pairs.
    """
    from PIL import Image, ImageDraw

    if not pairs:
        raise DataError("a sheet of pairs needs at least one pair")
    across = min(ACROSS, len(pairs))
    joined = [beside(*pair.pictures) for pair in pairs]
    heights = [max(p.shape[0] for p in joined[start : start + across]) for start in range(0, len(joined), across)]
    tops = [MARGIN, *(MARGIN + np.cumsum([height + CAPTION + MARGIN for height in heights])).tolist()]
    canvas = Image.new("RGB", (MARGIN + across * (WIDTH + 2 * MARGIN), tops[-1]), "white")
    draw = ImageDraw.Draw(canvas)
    for number, (pair, picture) in enumerate(zip(pairs, joined, strict=True)):
        row, column = divmod(number, across)
        left, below = MARGIN + column * (WIDTH + 2 * MARGIN), tops[row] + heights[row] + 2
        canvas.paste(Image.fromarray(picture), (left, tops[row]))
        for place, text in enumerate(pair.captions):
            draw.text((left, below + 16 * place), cut(draw, text, WIDTH), "black", font_size=LETTER)
    return np.asarray(canvas)


def beside(first: Thumbnail, second: Thumbnail) -> Colour:
    """Two images with their upper edges level, white between and below."""
    parts = [grey(thumbnail.pixels) for thumbnail in (first, second)]
    joined = np.full((max(part.shape[0] for part in parts), WIDTH, 3), 255, np.uint8)
    for part, left in zip(parts, (0, WIDTH - SIDE), strict=True):
        joined[: part.shape[0], left : left + part.shape[1]] = part[:, :, None]
    return joined
