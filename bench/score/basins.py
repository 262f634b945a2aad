"""Compiled loops for the components of a prediction at every threshold, in time that hardly depends on the prediction.

A pixel that has a higher neighbour (of equals the earlier one is higher) points to one, so every pixel leads up to
one local maximum, whose basin it is in. What of a basin is positive is connected at every threshold, so components
are unions of basins, and basins meet only at pixels whose higher neighbours are not connected among themselves. These
are few unless all is noise; everything else passes over the image in its own order, which is what memory is fast at.
Imported inside functions only, like :mod:`bench.score.kernels`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit  # noqa: TID253 - as in bench.score.kernels

from bench.score.kernels import BINS
from bench.types import IGNORED

RING = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))
"""Steps (rows, columns) to the eight neighbours in the order of pixels; bit i of a code is of neighbour i."""

LONELY, TOUCHING = np.int32(-1), np.int32(-2)
"""Parents of roots: of a component that touches no true pixel, and of one that does."""

_ONE, _CLASSES, _IGNORED, _NEVER = np.uint8(1), np.uint8(IGNORED - 1), np.uint8(IGNORED), np.uint16(0)

_jit: Any = njit(nogil=True, cache=True, error_model="numpy")


def _gates() -> npt.NDArray[np.int8]:
    """Of every code one neighbour of each connected group of its higher ones, ``int8[256, 4]``; the rest is -1."""
    gates = np.full((256, 4), -1, np.int8)
    for code in range(256):
        left = [place for place in range(8) if code >> place & 1]
        groups = 0
        while left:
            group = [left.pop(0)]
            gates[code, groups] = group[0]
            groups += 1
            for member in group:
                near = [other for other in left if _adjacent(RING[member], RING[other])]
                left = [other for other in left if other not in near]
                group += near
    return gates


def _adjacent(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return max(abs(one[0] - other[0]), abs(one[1] - other[1])) == 1


GATES = _gates()
GROUPS = (GATES >= 0).sum(axis=1).astype(np.uint8)
"""Connected groups of higher neighbours of every code; none is a local maximum."""


@_jit
def framed(bins, mask):  # type: ignore[no-untyped-def]
    """Bins ``uint16[H + 2, W + 2]`` in a frame of 0; ignored pixels are 0 too: never positive."""
    height, width = mask.shape
    result = np.zeros((height + 2, width + 2), np.uint16)
    for row in range(height):
        into, bin, value = result[row + 1, 1:-1], bins[row], mask[row]
        for i in range(width):
            into[i] = _NEVER if value[i] == _IGNORED else bin[i]
    return result


@_jit
def higher_neighbours(field):  # type: ignore[no-untyped-def]
    """Codes ``uint8[H, W]`` of a framed field; of equals the earlier pixel is higher."""
    height, width = field.shape[0] - 2, field.shape[1] - 2
    codes = np.empty((height, width), np.uint8)
    for row in range(height):
        above, here, below, code = field[row], field[row + 1], field[row + 2], codes[row]
        for i in range(width):  # vectorised: 16 pixels at a time
            p = here[i + 1]
            earlier = np.uint8(above[i] >= p) | np.uint8(above[i + 1] >= p) << np.uint8(1)
            earlier |= np.uint8(above[i + 2] >= p) << np.uint8(2) | np.uint8(here[i] >= p) << np.uint8(3)
            later = np.uint8(here[i + 2] > p) << np.uint8(4) | np.uint8(below[i] > p) << np.uint8(5)
            later |= np.uint8(below[i + 1] > p) << np.uint8(6) | np.uint8(below[i + 2] > p) << np.uint8(7)
            code[i] = earlier | later
    return codes


@_jit
def point_upwards(field, codes, step, groups):  # type: ignore[no-untyped-def]
    """Where every positive pixel leads, ``int32[H * W]``: a higher pixel, or -1 - basin; and counts per bin.

    ``step`` is ``int32[256]``, the way to a higher neighbour of each code. The counts ``int64[3, 1001]`` are of
    positive pixels, of basins by their maximum, and of meetings (one for every further group of higher neighbours).
    """
    height, width = codes.shape
    up = np.empty(height * width, np.int32)
    counts = np.zeros((3, BINS), np.int64)
    pixels, maxima, meetings = counts[0], counts[1], counts[2]
    basins = np.int32(0)
    for row in range(height):
        bins, code = field[row + 1, 1:-1], codes[row]
        for i in range(width):
            bin, pixel = bins[i], row * width + i
            if bin == 0:
                continue
            pixels[bin] += 1
            if code[i] == 0:
                up[pixel] = -1 - basins
                basins += np.int32(1)
                maxima[bin] += 1
                continue
            meetings[bin] += groups[code[i]] - 1
            higher = pixel + step[code[i]]
            if higher < pixel and up[higher] < 0:
                higher = up[higher]
            up[pixel] = higher
    return up, counts


@_jit
def _basin(up, pixel):  # type: ignore[no-untyped-def]
    """The basin of a positive pixel; all pixels on the way are pointed there."""
    place = up[pixel]
    while place >= 0:
        place = up[place]
    while up[pixel] >= 0:
        up[pixel], pixel = place, up[pixel]
    return -1 - place


@_jit
def sort_pixels(field, mask, up, steps, ends, basins):  # type: ignore[no-untyped-def]
    """Positive pixels by the step of their bin, and the highest true bin of every basin.

    ``steps`` is ``uint16[1001]``: of the bins of a step the pixels lie at ``ends[step + 1]`` to ``ends[step]`` of
    ``int32[n]``, each as ``2 * basin + whether it is true``; those of step 0 are left out.
    """
    height, width = mask.shape
    result, truest = np.empty(ends[0], np.int32), np.zeros(basins, np.uint16)
    place = ends[1:].copy()
    for row in range(height):
        bins, value = field[row + 1, 1:-1], mask[row]
        for i in range(width):
            bin = bins[i]
            if bin == 0:
                continue
            basin = _basin(up, row * width + i)
            true = np.uint8(value[i] - _ONE) < _CLASSES
            if true and bin > truest[basin]:
                truest[basin] = bin
            step = steps[bin]
            if step > 0:
                result[place[step]] = basin << 1 | true
                place[step] += 1
    return result, truest


@_jit
def sort_meetings(field, codes, up, gate, groups, ends):  # type: ignore[no-untyped-def]
    """Meetings by bin: pairs of basins ``int32[n, 2]``, those of a bin at ``ends[bin + 1]`` to ``ends[bin]``.

    ``gate`` is ``int32[256, 4]``: the ways to one neighbour of each group of higher ones.
    """
    height, width = codes.shape
    result = np.empty((ends[0], 2), np.int32)
    place = ends[1:].copy()
    for row in range(height):
        bins, code = field[row + 1, 1:-1], codes[row]
        for i in range(width):
            if groups[code[i]] < 2 or bins[i] == 0:
                continue
            pixel = row * width + i
            for group in range(1, groups[code[i]]):
                here = place[bins[i]]
                result[here, 0] = -1 - up[pixel]
                result[here, 1] = -1 - up[pixel + gate[code[i], group]]
                place[bins[i]] += 1
    return result


@_jit
def _root(parent, i):  # type: ignore[no-untyped-def]
    """Follow parents to the root, halving the path."""
    while parent[i] >= 0:
        if parent[parent[i]] >= 0:
            parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@_jit
def join(meetings, ends, true_basins, true_ends, top, bottom, parent, alarms):  # type: ignore[no-untyped-def]
    """Join basins that meet in the bins ``top`` down to ``bottom``; ``alarms[bin]`` is lowered by lonely ones lost.

    ``parent`` is ``int32[basins]``: LONELY or TOUCHING at a root, else another basin. ``true_basins`` are sorted by
    their highest true bin, those of a bin at ``true_ends[bin + 1]`` to ``true_ends[bin]``.
    """
    for bin in range(top, bottom - 1, -1):
        for i in range(true_ends[bin + 1], true_ends[bin]):
            root = _root(parent, true_basins[i])
            alarms[bin] -= parent[root] == LONELY
            parent[root] = TOUCHING
        for i in range(ends[bin + 1], ends[bin]):
            one, other = _root(parent, meetings[i, 0]), _root(parent, meetings[i, 1])
            if one == other:
                continue
            alarms[bin] -= parent[one] == LONELY or parent[other] == LONELY
            if one > other:
                one, other = other, one
            parent[one] = min(parent[one], parent[other])
            parent[other] = one


@_jit
def count(pixels, parent, area, hits):  # type: ignore[no-untyped-def]
    """Add sorted pixels to ``int32`` area and true pixels of their components; what was joined has 0 of its own."""
    for basin in range(area.size):
        if area[basin] > 0 and parent[basin] >= 0:
            root = _root(parent, basin)
            area[root] += area[basin]
            hits[root] += hits[basin]
            area[basin] = hits[basin] = 0
    for i in range(pixels.size):
        root = _root(parent, pixels[i] >> 1)
        area[root] += 1
        if pixels[i] & 1:
            hits[root] += 1
