"""How alike two pictures are, from pixels alone: 0..1, hardly moved by exposure, shift, slight crop and coding.

A picture is reduced to about 96 x 96 pixels and only its fine structure is kept: local mean removed, the medians of
rows and columns removed (grinding marks run through pictures of different parts alike), local contrast set to one.
Two pictures are aligned by correlation and then compared in blocks, each of which may move a little further, so that a
slight crop or stretch does no harm. The likeness is the correlation that three quarters of the structured area reach:
one common edge or stripe, however strong, makes no likeness.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise, product
from typing import TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from bench.types import Float32, Float64, Image

AnyPixel = TypeVar("AnyPixel", bound=np.generic)

SIDE = 96
"""A frame has about this squared pixels, in the image's own proportions."""
GRAIN = 3.0
"""Standard deviation in frame pixels of what counts as local; shading and the form of an object are coarser."""
FLOOR = 0.5
"""Contrast in grey levels (0..255) below which structure is taken for noise of sensor or coding."""
RELATIVE_FLOOR = 0.05
"""The same as a share of the picture's own contrast."""
STEPS = 64.0
"""Frames are kept as whole numbers, so many to a unit of local contrast; beyond 2 units they are cut off."""
BLOCKS = 4
"""Blocks along an edge of a square overlap."""
SLACK = 3
"""Frame pixels that a block may move from where the alignment puts it."""
ALIGNED = 0.2
"""Correlation at the best shift below which no blocks are compared; near-duplicates have far more."""
OVERLAP = 0.6
"""Share of the smaller picture that must lie on the other."""
STRUCTURED = 0.15
"""Mean square of a block's frame that makes it fully structured."""
LEAST = 2.0
"""Structured blocks without which there is nothing to compare."""
QUANTILE = 0.25
COARSE = 16
"""Side of the thumbnail by which candidates are found."""
COMPARABLE = 2.0
"""Pictures whose size differs by more than this factor from the usual one are not compared at their own scale."""

Int64: TypeAlias = npt.NDArray[np.int64]
Frame: TypeAlias = npt.NDArray[np.int8]
"""``int8[h, w]``: fine structure in 1/64 of the local contrast."""

TURNS = 8
"""Quarter turns 0 to 3, the same mirrored 4 to 7; turn 0 leaves a picture as it is."""


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What is kept of a picture: 10 to 20 kB.

    ``frames`` hold its structure at equal area, and at the common scale of the data set where that is another one:
    a resized copy is found by the first, a cropped one by the second.
    ``coarse`` is the coarser structure, ``float32[16, 16]`` whatever the proportions. ``structured`` is the number of
    blocks with structure, at most about 16.
    """

    frames: tuple[Frame, ...]
    coarse: Float32
    structured: float

    @property
    def blank(self) -> bool:
        """Whether there is too little structure to compare."""
        return self.structured < LEAST


def descriptor(image: Image, usual: float) -> Descriptor:
    """Reduce ``[H, W, C]``; ``usual`` is the side in pixels of a square as large as most images of the data set."""
    import cv2

    grey = _grey(image)
    side = math.sqrt(grey.size)
    reduced = _resized(grey, SIDE / side)
    frames = [_framed(reduced)]
    if 1 / COMPARABLE <= side / usual <= COMPARABLE and abs(side / usual - 1) > 0.5 / SIDE:
        frames.append(_framed(_resized(grey, SIDE / usual)))
    coarse = cv2.resize(_normalised(reduced, 2 * GRAIN), (COARSE, COARSE), interpolation=cv2.INTER_AREA)
    weight = _structure(_unit(frames[0]), *_cuts(*frames[0].shape))
    return Descriptor(tuple(frames), np.asarray(coarse, np.float32), float(weight.sum()))


def likeness(one: Descriptor, other: Descriptor) -> float:
    """How alike two pictures are, 0 to 1; 1 for a picture and itself, 0 where one of them is blank.

    Where less than 16 full blocks of both pictures have structure the missing part of 1 grows by the root of 16 over
    their number, as the error of a mean over fewer blocks does.
    """
    if one.blank or other.blank:
        return 0.0
    found = _likeness(one.frames[0], other.frames[0])
    if len(one.frames) == len(other.frames) == 1:
        return found
    return max(found, _likeness(one.frames[-1], other.frames[-1]))


def turned(this: Descriptor, turn: int) -> Descriptor:
    """The descriptor of the picture after ``turn``; the coarse thumbnail with it."""
    return replace(
        this,
        frames=tuple(np.ascontiguousarray(turned_pixels(frame, turn)) for frame in this.frames),
        coarse=turned_pixels(this.coarse, turn),
    )


def turned_pixels(pixels: npt.NDArray[AnyPixel], turn: int) -> npt.NDArray[AnyPixel]:
    """``[H, W, ...]`` mirrored left to right for turns 4 to 7, then turned ``turn % 4`` quarters counter-clockwise."""
    return np.rot90(pixels[:, ::-1] if turn >= TURNS // 2 else pixels, turn % 4)


def undone(turn: int) -> int:
    """The turn that undoes ``turn``: mirrored ones undo themselves."""
    return turn if turn >= TURNS // 2 else -turn % (TURNS // 2)


def _grey(image: Image) -> Float32:
    """Mean of the channels on the scale 0..255; 16 bits by what they use of it, as 12 bits in a 16-bit file do."""
    grey: Float32 = image.astype(np.float32).mean(axis=2)
    if image.dtype == np.uint16:
        grey *= 255 / max(255.0, float(grey.max()))
    return grey


def _resized(grey: Float32, factor: float) -> Float32:
    import cv2

    height, width = (max(BLOCKS, round(edge * factor)) for edge in grey.shape)
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(grey, (width, height), interpolation=how), np.float32)


def _normalised(grey: Float32, grain: float) -> Float32:
    """Structure finer than ``grain`` pixels in units of the local contrast."""
    import cv2

    def smooth(pixels: Float32, width: float) -> Float32:
        return np.asarray(cv2.GaussianBlur(pixels, (0, 0), width, borderType=cv2.BORDER_REFLECT), np.float32)

    fine = grey - smooth(grey, grain)
    fine = fine - np.median(fine, axis=0, keepdims=True)
    fine = fine - np.median(fine, axis=1, keepdims=True)
    contrast = np.sqrt(smooth(fine * fine, 1.5 * grain))
    normalised: Float32 = fine / (contrast + np.float32(FLOOR + RELATIVE_FLOOR * float(fine.std())))
    return normalised


def _framed(reduced: Float32) -> Frame:
    whole: Frame = np.clip(np.rint(_normalised(reduced, GRAIN) * STEPS), -127, 127).astype(np.int8)
    return whole


def _unit(frame: Frame) -> Float32:
    return frame.astype(np.float32) / np.float32(STEPS)


def _likeness(first: Frame, second: Frame) -> float:
    one, other = _unit(first), _unit(second)
    found = _aligned(one, other)
    if found is None:
        return 0.0
    correlations, areas = _blockwise(one, other, *found)
    total = float(areas.sum())
    if total < LEAST:
        return 0.0
    order = np.argsort(correlations)
    reached = np.cumsum(areas[order]) >= QUANTILE * total
    lower = float(correlations[order][int(reached.argmax())])
    missing = (1 - lower) * math.sqrt(max(1.0, BLOCKS * BLOCKS / total))
    return min(1.0, max(0.0, 1 - missing))


def _aligned(one: Float32, other: Float32) -> tuple[int, int] | None:
    """Row and column of ``one`` where the corner of ``other`` lies at the best correlation of all shifts.

    Sought at half the resolution, taking contrast as equal everywhere; the blocks make up for both. None where every
    shift leaves too little overlap or correlation.
    """
    import cv2
    from scipy import fft

    a, b = (cv2.resize(x, (x.shape[1] // 2, x.shape[0] // 2), interpolation=cv2.INTER_AREA) for x in (one, other))
    (down, tall), (right, wide) = map(_shifts, a.shape, b.shape)
    size = len(down), len(right)
    product = fft.irfft2(fft.rfft2(a, size) * fft.rfft2(b, size).conj(), size)
    area = np.outer(tall, wide)
    contrast = float(np.sqrt(np.square(a).mean() * np.square(b).mean()))
    allowed = area >= OVERLAP * min(a.size, b.size)
    correlation = np.where(allowed, product / (np.maximum(area, 1) * max(contrast, 1e-6)), -1)
    top, left = np.unravel_index(int(correlation.argmax()), correlation.shape)
    if correlation[top, left] < ALIGNED:
        return None
    return 2 * int(down[top]), 2 * int(right[left])


@lru_cache(maxsize=4096)
def _shifts(first: int, second: int) -> tuple[Int64, Int64]:
    """Shifts of ``second`` pixels over ``first``, by index of a circular correlation, and how many pixels then overlap.

    Shifts of too little overlap may stand for two.
    """
    from scipy import fft

    least = math.ceil(OVERLAP * min(first, second))
    index = np.arange(fft.next_fast_len(first + second - least + 1, real=True))
    shift = np.where(index <= first - least, index, index - len(index))
    overlap = np.minimum(first, shift + second) - np.maximum(0, shift)
    return shift, np.where(overlap < least, 0, overlap)


def _blockwise(one: Float32, other: Float32, top: int, left: int) -> tuple[Float64, Float64]:
    """Best correlation of every block within the slack, and its structured area in full blocks."""
    import cv2

    here = one[max(0, top) :, max(0, left) :]
    there = other[max(0, -top) :, max(0, -left) :]
    around = np.pad(other, SLACK)[max(0, -top) :, max(0, -left) :]
    height, width = map(min, here.shape, there.shape)
    here, there = here[:height, :width], there[:height, :width]
    rows, columns = _cuts(height, width)
    structure = np.sqrt(_structure(here, rows, columns) * _structure(there, rows, columns))
    areas = structure * np.outer(np.diff(rows), np.diff(columns)).astype(np.float64) * (BLOCKS / SIDE) ** 2

    found = []
    for (y, v), (x, u) in product(pairwise(rows), pairwise(columns)):
        field = around[y : v + 2 * SLACK, x : u + 2 * SLACK]
        found.append(cv2.matchTemplate(field, here[y:v, x:u], cv2.TM_CCORR_NORMED).max())
    return np.array(found, np.float64), np.asarray(areas, np.float64).ravel()


def _cuts(height: int, width: int) -> tuple[list[int], list[int]]:
    """Edges of about 16 blocks, as square as may be."""
    side = math.sqrt(height * width) / BLOCKS
    rows, columns = (np.linspace(0, edge, max(1, round(edge / side)) + 1).astype(int) for edge in (height, width))
    return rows.tolist(), columns.tolist()


def _structure(unit: Float32, rows: Sequence[int], columns: Sequence[int]) -> Float64:
    """How structured every block is, ``float64[rows, columns]`` from 0 to 1."""
    squares = np.add.reduceat(np.add.reduceat(unit * unit, rows[:-1], axis=0), columns[:-1], axis=1)
    share: Float64 = np.minimum(1.0, squares / np.outer(np.diff(rows), np.diff(columns)) / STRUCTURED)
    return share
