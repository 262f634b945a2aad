"""Crop strategies that look at no pixel: any window, a grid of windows, the whole image on a canvas."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import numpy.typing as npt
from bench_plugins.crops._parts import Alike, Several, Uniform
from bench_plugins.crops._windows import corners, everywhere
from pydantic import Field

from bench.api import About, Bool, Component, CropStrategy, DataError, Float64, Image, Index, Mask, hookimpl


@dataclass(frozen=True)
class Grid:
    """The fewest windows that cover an image with at least ``overlap`` of their side, spread evenly."""

    size: int
    overlap: float
    share: float = 1.0

    def images(self, index: Index, /) -> Float64:
        sides = ((max(entry.height, self.size), max(entry.width, self.size)) for entry in index.entries)
        return np.array([float(len(self._starts(height)) * len(self._starts(width))) for height, width in sides])

    def positions(self, image: Image, mask: Mask, /) -> Bool:  # noqa: ARG002 - the protocol's signature
        found = np.zeros(corners(mask, self.size), bool)
        found[np.ix_(self._starts(mask.shape[0]), self._starts(mask.shape[1]))] = True
        return found

    def _starts(self, length: int) -> npt.NDArray[np.int64]:
        """The first at 0, the last flush with the border, neighbours at most ``(1 - overlap) * size`` apart."""
        if length == self.size:
            return np.zeros(1, np.int64)
        step = max(1, int(self.size * (1 - self.overlap) + 1e-9))  # 10 * (1 - 0.9) is 0.999...
        gaps = -(-(length - self.size) // step)
        return (np.arange(gaps + 1) * (length - self.size) + gaps // 2) // gaps


@dataclass(frozen=True)
class Whole(Alike):
    """The whole image, padded to the canvas."""

    size: int
    share: float = 1.0

    def images(self, index: Index, /) -> Float64:
        large = [entry for entry in index.entries if max(entry.height, entry.width) > self.size]
        if large:
            needed = max(max(entry.height, entry.width) for entry in large)
            raise DataError(
                f"whole-image: image {large[0].id!r} is {large[0].width}x{large[0].height} pixels, the canvas is "
                f"{self.size}; a crop_size of {needed} holds every training image"
            )
        return super().images(index)

    def positions(self, image: Image, mask: Mask, /) -> Bool:  # noqa: ARG002 - the protocol's signature
        return everywhere(mask, self.size)


@dataclass(frozen=True)
class Canvas(Several):
    """Whole images: nothing is excluded, on purpose."""

    unbiased: ClassVar[bool] = True


def build_uniform(size: int, /) -> CropStrategy:
    """Every corner of every image is equally likely."""
    return Uniform(size)


def build_grid(size: int, /, *, overlap: Annotated[float, Field(ge=0, lt=1)] = 0.0) -> CropStrategy:
    """Windows on a fixed grid, every one of the data set equally often.

    ``overlap`` is the least share of its side that a window has in common with its neighbour; the last window is
    flush with the border, as are test tiles.
    """
    return Several("grid", (Grid(size, overlap),))


def build_whole_image(size: int, /) -> CropStrategy:
    """The whole image: the crop size is the canvas, smaller images are padded, larger ones refused."""
    return Canvas("whole-image", (Whole(size),))


@hookimpl
def bench_crops() -> Iterable[Component[CropStrategy]]:
    """Windows by their place alone."""
    yield Component("uniform", build_uniform, about=About("every window of every image is equally likely"))
    yield Component(
        "grid", build_grid, about=About("a fixed grid of windows, as data sets are cut into patches beforehand")
    )
    yield Component(
        "whole-image",
        build_whole_image,
        about=About("no crop at all: every image whole, padded to a canvas of the crop size"),
    )
