"""What a COCO annotation marks: polygons, drawn by ``pycocotools``, and run lengths, plain or compressed.

The C code of ``pycocotools`` believes what it is given, so no polygon reaches it unchecked. A
segmentation is one of::

    [[x1, y1, x2, y2, x3, y3, ...], ...]            polygons, whose union is marked
    {"size": [height, width], "counts": [3, 5, 8]}  lengths of runs, unmarked and marked in turn, down the columns
    {"size": [height, width], "counts": "35:"}      the same, compressed to text
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.api import Bool, DataError, plural

OUTLINE = 1_000_000
"""Longest outline of a polygon in pixels; drawing one takes memory proportional to it."""
CHARACTERS = range(48, 112)
"""Codes of the characters of compressed counts: six bits each, from ``0`` to ``o``."""


def pixels(segmentation: Any, height: int, width: int, where: str) -> Bool:
    """``bool[height, width]`` of what a segmentation marks; ``where`` names the annotation for messages.

    Raises:
        DataError: not of the forms above, does not fit the image, or marks no pixel.
    """
    if isinstance(segmentation, dict):
        counts = _counts(segmentation, height, width, where)
    else:
        polygons = [_polygon(polygon, height, width, where) for polygon in _polygons(segmentation, where)]
        counts = _drawn(polygons, height, width, where)
    columns = np.repeat(np.arange(len(counts)) % 2 == 1, counts).reshape(width, height)
    marked: Bool = np.ascontiguousarray(columns.T)
    if not marked.any():
        raise DataError(f"{where} marks no pixel of its image; correct it, or take it out if there is nothing to mark")
    return marked


def _drawn(polygons: Sequence[Sequence[float]], height: int, width: int, where: str) -> list[int]:
    """Runs of the union of checked polygons; ``decode`` of ``pycocotools`` is left alone, numpy 2 warns of it."""
    from pycocotools import mask as coco

    packed: bytes = coco.merge(coco.frPyObjects(polygons, height, width))["counts"]
    return uncompressed(packed.decode("ascii"), where)


def _polygons(segmentation: Any, where: str) -> Sequence[Any]:
    """The polygons of a list.

    Raises:
        DataError: the segmentation is something else.
    """
    if not isinstance(segmentation, list) or not all(isinstance(polygon, list) for polygon in segmentation):
        raise DataError(
            f"{where}: 'segmentation' is neither a list of polygons, each a list, nor an object with counts"
        )
    return segmentation


def _polygon(polygon: Sequence[Any], height: int, width: int, where: str) -> list[float]:
    """Coordinates as floats.

    Raises:
        DataError: not three or more points of finite numbers, or points farther out than the image is large.
    """
    if len(polygon) < 6 or len(polygon) % 2:
        raise DataError(
            f"{where}: a polygon has {plural(len(polygon), 'number')}; it needs x and y of three points or more"
        )
    wrong = [value for value in polygon if type(value) not in (int, float)]
    if wrong:
        raise DataError(f"{where}: {shown(wrong[0])} in a polygon is not a number")
    size = (width, height)
    outside = [value for k, value in enumerate(polygon) if not -size[k % 2] <= value <= 2 * size[k % 2]]
    if outside:
        raise DataError(
            f"{where}: {shown(outside[0])} in a polygon is far outside its image of {width}x{height} pixels"
        )
    points = np.array(polygon, np.float64).reshape(-1, 2)
    if np.abs(points - np.roll(points, 1, axis=0)).max(axis=1).sum() > OUTLINE:
        raise DataError(f"{where}: the outline of a polygon is longer than {OUTLINE:,} pixels")
    return [float(value) for value in polygon]


def _counts(segmentation: dict[str, Any], height: int, width: int, where: str) -> list[int]:
    """Lengths of runs that fill the image.

    Raises:
        DataError: ``size`` is not the image's, or ``counts`` are not such lengths.
    """
    size, counts = segmentation.get("size"), segmentation.get("counts")
    if size != [height, width] or any(type(side) is not int for side in size):
        raise DataError(f"{where}: its 'size' is {shown(size)}; height and width of its image are {[height, width]}")
    if isinstance(counts, str):
        counts = uncompressed(counts, where)
    if not isinstance(counts, list) or any(type(count) is not int for count in counts):
        raise DataError(f"{where}: 'counts' are neither a list of whole numbers nor compressed text")
    area = height * width
    wrong = [count for count in counts if not 0 <= count <= area]
    if wrong:
        raise DataError(f"{where}: a run of {shown(wrong[0])} pixels; its image has {area}")
    if sum(counts) != area:
        raise DataError(f"{where}: its runs have {sum(counts)} pixels together; its image has {area}")
    return counts


def uncompressed(text: str, where: str) -> list[int]:
    """Lengths of runs from their compressed form, which may come out negative: a check is the caller's.

    Each number is written in groups of five bits, the lowest first; bit 5 of a character says that more follow, bit 4
    of the last is the sign. From the fourth number on, the one two places before is added.
    Source: ``rleFrString`` of ``pycocotools``.

    Raises:
        DataError: a character that cannot be there, a number of more than 35 bits, or one that does not end.
    """
    counts: list[int] = []
    value = bits = 0
    for code in map(ord, text):
        if code not in CHARACTERS or bits >= 35:
            raise DataError(f"{where}: compressed 'counts' hold {chr(code)!r} where it cannot be; export them again")
        value |= ((code - 48) & 31) << bits
        bits += 5
        if (code - 48) & 32:
            continue
        value -= (((code - 48) & 16) << 1) << (bits - 5)
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
        value = bits = 0
    if bits:
        raise DataError(f"{where}: compressed 'counts' end within a number; they may be cut off")
    return counts


def shown(value: object) -> str:
    """A value for a message, shortened."""
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
