"""Crop strategies that choose windows by what they hold: a defect pixel anywhere, no category alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from bench_plugins.crops._parts import (
    Alike,
    Fallback,
    OfDefective,
    Several,
    Share,
    first_window,
    with_uniform,
)
from bench_plugins.crops._windows import (
    corners,
    defect,
    everywhere,
    float_map,
    holding,
    kinds,
    real_pixels,
    window_sums,
)
from pydantic import Field

from bench.api import About, Bool, Component, CropStrategy, Float32, Float64, Image, Mask, hookimpl

By = Literal["window", "pixel", "defect"]
Mixed = Literal["uniform", "most-mixed", "skip"]
ROWS = 64
"""Rows of windows whose shares are worked out at a time."""


@dataclass(frozen=True)
class Holding(OfDefective):
    """Windows that hold a defect pixel, wherever in the window; ``by`` says what is equally likely."""

    size: int
    by: By
    share: float
    called: ClassVar[str] = "defect-anywhere"

    def positions(self, image: Image, mask: Mask, /) -> Bool | Float32:  # noqa: ARG002 - the protocol's signature
        return BY[self.by](defect(mask), self.size)


@dataclass(frozen=True)
class Limited(Alike):
    """Windows of at least two categories, the largest with less than ``limit`` of the pixels, equally likely."""

    size: int
    limit: float
    fallback: Mixed
    share: float = 1.0

    def positions(self, image: Image, mask: Mask, /) -> Bool:  # noqa: ARG002 - the protocol's signature
        admitted = self._admitted(mask)
        if self.fallback == "skip" or admitted.any():
            return admitted
        return everywhere(mask, self.size) if self.fallback == "uniform" else _most_mixed(mask, self.size)

    def falls_back(self, image: Image, mask: Mask, positions: Bool | Float32, /) -> bool:  # noqa: ARG002
        return not self._admitted(mask[first_window(positions, mask)]).any()

    def _admitted(self, mask: Mask) -> Bool:
        admitted = np.zeros(corners(mask, self.size), bool)
        for rows, largest, categories in _shares(mask, self.size):
            admitted[rows] = (largest < self.limit) & (categories > 1)
        return admitted


def build_defect_anywhere(
    size: int, /, *, share: Share = 1.0, by: By = "window", fallback: Fallback = "uniform"
) -> CropStrategy:
    """A share of the crops holds a defect pixel, anywhere in the crop and not just at its centre; the rest is uniform.

    ``by: window``: every window that holds a defect pixel is equally likely. ``pixel``: a defect pixel first, then
    any window that holds it. ``defect``: a defect first (8-connected), small ones as likely as large, then any
    window that holds a pixel of it. ``fallback`` is for images without a defect: ``uniform`` takes any window, as
    Albumentations does; ``skip`` takes the crop from an image with a defect.
    """
    return with_uniform("defect-anywhere", Holding(size, by, share), size, fallback)


def build_category_limit(
    size: int,
    /,
    *,
    limit: Annotated[float, Field(gt=0, le=1)] = 0.75,
    fallback: Mixed = "uniform",
) -> CropStrategy:
    """Windows of at least two categories (background is one), the largest with less than ``limit`` of the pixels.

    mmsegmentation tries ten random windows and keeps the last; here a window is admitted whenever there is one.
    ``fallback`` is for images without: ``uniform`` takes any window, as mmsegmentation does; ``most-mixed`` the
    windows whose largest category is smallest; ``skip`` another image.
    """
    return Several("category-limit", (Limited(size, limit, fallback),))


def _by_pixel(marked: Bool, size: int) -> Float32:
    """A flagged pixel, all alike, then a window among those that hold it."""
    rows, columns = (_windows_over(length, size) for length in marked.shape)
    weights = marked.astype(np.float64) / (rows[:, None] * columns[None, :])
    sums = _float_sums(weights, size)
    return float_map(np.where(holding(marked, size), np.maximum(sums, np.finfo(np.float32).tiny), 0))


def _windows_over(length: int, size: int) -> npt.NDArray[np.int64]:
    """Through how many windows each of ``length`` pixels in a line can be seen."""
    place = np.arange(length)
    counts: npt.NDArray[np.int64] = np.minimum(place, length - size) - np.maximum(place - size + 1, 0) + 1
    return counts


def _by_defect(marked: Bool, size: int) -> Float32:
    """An 8-connected component, all alike, then a window among those that hold a pixel of it."""
    import cv2

    total = np.zeros(corners(marked, size), np.float32)
    found, labels, boxes, _ = cv2.connectedComponentsWithStats(marked.astype(np.uint8), connectivity=8)
    for number in range(1, found):
        left, top, width, height = boxes[number, :4].tolist()
        rows = _reach(top, height, total.shape[0], size)
        columns = _reach(left, width, total.shape[1], size)
        seen = labels[rows.start : rows.stop + size - 1, columns.start : columns.stop + size - 1] == number
        windows = holding(seen, size)
        total[rows, columns] += windows * np.float32(1 / np.count_nonzero(windows))
    return total


BY: Mapping[By, Callable[[Bool, int], Bool | Float32]] = {"window": holding, "pixel": _by_pixel, "defect": _by_defect}
"""The windows of flagged pixels, by what is equally likely."""


def _reach(first: int, length: int, windows: int, size: int) -> slice:
    """Corners, along one direction, of the windows that touch ``length`` pixels from ``first`` on."""
    return slice(max(0, first - size + 1), min(windows, first + length))


def _float_sums(weights: Float64, size: int) -> Float64:
    """Sums of weights over all windows in double precision, ``[H-size+1, W-size+1]``."""
    import cv2

    sums: Any = cv2.boxFilter(
        weights, cv2.CV_64F, (size, size), anchor=(0, 0), normalize=False, borderType=cv2.BORDER_CONSTANT
    )
    inside: Float64 = sums[: weights.shape[0] - size + 1, : weights.shape[1] - size + 1]
    return inside


def _shares(mask: Mask, size: int) -> Iterator[tuple[slice, npt.NDArray[np.floating[Any]], npt.NDArray[np.int32]]]:
    """Some rows of windows at a time: the share of the largest category, and how many categories there are."""
    present = kinds(mask)
    height = corners(mask, size)[0]
    for first in range(0, height, ROWS):
        rows = slice(first, min(first + ROWS, height))
        band = mask[rows.start : rows.stop + size - 1]
        pixels = real_pixels(band, size)
        largest: npt.NDArray[Any] = np.zeros(corners(band, size), np.int32)
        categories = np.zeros(largest.shape, np.int32)
        for kind in present:
            counts = window_sums((band == kind).astype(np.uint8), size, 1)
            np.maximum(largest, counts, out=largest)
            categories += counts > 0
        yield rows, largest / np.maximum(pixels, 1), categories


def _most_mixed(mask: Mask, size: int) -> Bool:
    """Windows with real pixels whose largest category has the smallest share of them."""
    share: Float64 = np.ones(corners(mask, size))
    real = np.zeros(share.shape, bool)
    for rows, largest, categories in _shares(mask, size):
        share[rows], real[rows] = largest, categories > 0
    mixed: Bool = real & (share == share.min(where=real, initial=1.0))
    return mixed


@hookimpl
def bench_crops() -> Iterable[Component[CropStrategy]]:
    """Windows by what they hold."""
    yield Component(
        "defect-anywhere",
        build_defect_anywhere,
        about=About(
            "windows that hold a defect pixel anywhere, so that defects are not always in the middle",
            citation="Buslaev et al., Albumentations, Information 11, 2020 (CropNonEmptyMaskIfExists)",
            home="https://github.com/albumentations-team/albumentations",
        ),
    )
    yield Component(
        "category-limit",
        build_category_limit,
        about=About(
            "windows in which no category has more than a share of the pixels",
            citation="MMSegmentation contributors, 2020 (RandomCrop, cat_max_ratio)",
            home="https://github.com/open-mmlab/mmsegmentation",
        ),
    )
