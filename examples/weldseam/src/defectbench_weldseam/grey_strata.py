"""``grey-strata``: dark, middling and bright windows of an image equally often.

Uniform crops show what an image has most of, and a bias towards bright windows shows one end of its range. Here the
range of the window means of each image is divided into strata of equal width, and every stratum that holds a window is
drawn equally often, so that the rare grey levels of an image are met as often as the common ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from bench.api import IGNORED, About, Component, CropStrategy, Float32, Float64, Image, Index, Mask, Part, hookimpl


@dataclass(frozen=True)
class GreyStrata:
    """Windows weighted by one over the number of windows in their stratum."""

    size: int
    strata: int
    share: float = 1.0

    def parts(self) -> Sequence[Part]:
        """One part: no mixture."""
        return [self]

    def images(self, index: Index, /) -> Float64:
        """Every image as often as any other."""
        return np.ones(len(index.entries))

    def positions(self, image: Image, mask: Mask, /) -> Float32:
        """Weights ``float32[H-h+1, W-w+1]``: each stratum's sum to 1; 0 where a window has padding only."""
        real = mask != IGNORED
        pixels = window_sums(real, self.size)
        sums = window_sums(image.sum(axis=2, dtype=np.int64) * real, self.size)
        means = sums / np.maximum(pixels, 1)
        stratum = stratum_of(means, pixels > 0, self.strata)
        counts = np.bincount(stratum.ravel(), minlength=self.strata + 1)
        weights = 1 / np.maximum(counts, 1)
        weights[self.strata] = 0
        return weights.astype(np.float32)[stratum]


def stratum_of(means: Float64, real: npt.NDArray[np.bool_], strata: int) -> npt.NDArray[np.int64]:
    """Number of each window's stratum, 0 the darkest; ``strata`` itself where ``real`` is false."""
    if not real.any():
        return np.full(means.shape, strata)
    low, high = means[real].min(), means[real].max()
    level = (means - low) / (high - low) if high > low else np.zeros(means.shape)
    return np.where(real, np.clip(level * strata, 0, strata - 1).astype(np.int64), strata)


def window_sums(values: npt.NDArray[Any], size: int) -> npt.NDArray[np.int64]:
    """Exact sums over all windows of ``size`` x ``size``, ``int64[H-h+1, W-w+1]``, from one table of running sums."""
    table = np.pad(values.astype(np.int64), ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    return np.asarray(table[size:, size:] - table[:-size, size:] - table[size:, :-size] + table[:-size, :-size])


def build(size: int, /, *, strata: Annotated[int, Field(ge=2, le=64)] = 4) -> CropStrategy:
    """Each of ``strata`` ranges of the window mean equally often, image by image."""
    return GreyStrata(size, strata)


@hookimpl
def bench_crops() -> Iterable[Component[CropStrategy]]:
    """Offer ``grey-strata``."""
    yield Component("grey-strata", build, about=About("dark, middling and bright windows of each image equally often"))
