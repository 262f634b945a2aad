"""Parts that crop strategies share: any window, and a part that takes any window where another admits none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from bench_plugins.crops._windows import everywhere
from pydantic import Field

from bench.api import Bool, CropStrategy, DataError, Entry, Float32, Float64, Image, Index, Mask, Part

Share = Annotated[float, Field(ge=0, le=1)]
Pixels = Annotated[int, Field(ge=0)]
Fallback = Literal["uniform", "skip"]
"""An image in which a strategy admits no window: any of its windows, or none and another image instead."""


class Alike:
    """A part that draws every image alike."""

    def images(self, index: Index, /) -> Float64:
        return np.ones(len(index.entries))


class OfDefective:
    """A part that draws images with a defect, all alike; ``called`` names its strategy in messages."""

    called: ClassVar[str]

    def images(self, index: Index, /) -> Float64:
        return weighing([defects(entry) > 0 for entry in index.entries], self.called, "with a defect")


@dataclass(frozen=True)
class Uniform(Alike):
    """Every corner of every image is equally likely; also a part of mixtures."""

    size: int
    share: float = 1.0
    unbiased: ClassVar[bool] = True

    def parts(self) -> Sequence[Part]:
        return [self]

    def positions(self, image: Image, mask: Mask, /) -> Bool:  # noqa: ARG002 - the protocol's signature
        return everywhere(mask, self.size)


@dataclass(frozen=True)
class OrAnywhere(Alike):
    """``inner``, but images are drawn first, all alike: where it admits no window, any window is taken."""

    inner: Part
    size: int
    share: float

    def positions(self, image: Image, mask: Mask, /) -> Bool | Float32:
        admitted = self.inner.positions(image, mask)
        return admitted if admitted.any() else everywhere(mask, self.size)

    def falls_back(self, image: Image, mask: Mask, positions: Bool | Float32, /) -> bool:
        if positions.dtype != np.bool_ or not positions.all():
            return False
        return not self.inner.positions(image, mask).any()


@dataclass(frozen=True)
class Several:
    """A strategy whose parts are written down; those without a share are left out."""

    name: str
    given: tuple[Part, ...]

    def parts(self) -> Sequence[Part]:
        return [part for part in self.given if part.share > 0]


def with_uniform(name: str, part: Part, size: int, fallback: Fallback) -> CropStrategy:
    """A part with its share, the rest of the crops from anywhere; ``fallback`` is for images where it admits none."""
    chosen = OrAnywhere(part, size, part.share) if fallback == "uniform" else part
    return Several(name, (chosen, Uniform(size, 1 - part.share)))


def defects(entry: Entry) -> int:
    """Pixels of any defect class."""
    return sum(entry.pixels[1:])


def first_window(positions: Bool | Float32, mask: Mask) -> tuple[slice, slice]:
    """Rows and columns of the window at the first of the most likely corners."""
    top, left = np.unravel_index(positions.argmax(), positions.shape)
    size = mask.shape[0] - positions.shape[0] + 1
    return slice(top, top + size), slice(left, left + size)


def weighing(weights: Sequence[float], name: str, needed: str) -> Float64:
    """The weights as an array.

    Raises:
        DataError: no image has one.
    """
    found = np.array(weights, np.float64)
    if not found.any():
        raise DataError(f"{name} crops need a training image {needed}; check the split and the masks")
    return found
