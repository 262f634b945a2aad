"""Pairs of images side by side, to see for oneself whether a leak is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.errors import DataError
from bench.pictures.gallery import Thumbnail
from bench.pictures.overlay import Colour, grey
from bench.pictures.sheet import MARGIN, laid

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
    if not pairs:
        raise DataError("a sheet of pairs needs at least one pair")
    joined = [beside(*pair.pictures) for pair in pairs]
    captions = [pair.captions for pair in pairs]
    across = min(ACROSS, len(pairs))
    canvas, _ = laid(joined, captions, across=across, width=WIDTH, gap=2 * MARGIN, top=MARGIN)
    return np.asarray(canvas)


def beside(first: Thumbnail, second: Thumbnail) -> Colour:
    """Two images with their upper edges level, white between and below."""
    parts = [grey(thumbnail.pixels) for thumbnail in (first, second)]
    joined = np.full((max(map(len, parts)), WIDTH, 3), 255, np.uint8)
    for part, left in zip(parts, (0, WIDTH - SIDE), strict=True):
        height, width = part.shape
        joined[:height, left : left + width] = part[:, :, None]
    return joined
