"""Crop strategy biased towards bright windows: by a statistic of their grey levels and a threshold."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal

import numpy as np
from bench_plugins.crops._parts import Alike, Share, Uniform, first_window
from bench_plugins.crops._windows import (
    Windows,
    bands,
    grey_sum,
    real_pixels,
    window_means,
    window_sums,
)
from pydantic import Field

from bench.api import (
    IGNORED,
    About,
    Bool,
    Component,
    CropStrategy,
    Float32,
    Float64,
    Image,
    Mask,
    Part,
    PluginError,
    SettingsError,
    hookimpl,
)

Percent = Annotated[float, Field(gt=0, le=100)]
Name = Literal["mean", "centre", "fraction", "percentile"]
NO_QUANTILE = "a threshold {quantile: ...} needs the statistic mean, centre or fraction, not percentile"


@dataclass(frozen=True)
class Quantile:
    """A threshold at a quantile of all training windows: the share ``quantile`` of them is not admitted."""

    quantile: Annotated[float, Field(ge=0, lt=1)]
    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}


@dataclass(frozen=True)
class Statistic:
    """What is compared to the threshold, over the real pixels of a window (255 in the mask is not real).

    ``mean``: mean grey level; ``centre``: grey level of the centre pixel; ``fraction``: share of pixels above
    ``level``; ``percentile``: grey level that ``percentile`` per cent of the pixels do not exceed (nearest rank).
    Grey levels are means over the channels on the scale 0..255.
    """

    name: Name
    size: int
    level: float
    percentile: float

    def above(self, image: Image, mask: Mask, threshold: float) -> Bool:
        """Corners whose window has the statistic above the threshold, ``bool[H-h+1, W-w+1]``."""
        if self.name != "percentile":
            return self.windows(image, mask).above(threshold)
        bright = self._brighter(image, mask, threshold)
        admitted: Bool = bright.sums > (bright.pixels - np.ceil(self.percentile / 100 * bright.pixels)).astype(np.int32)
        return admitted

    def windows(self, image: Image, mask: Mask) -> Windows:
        """The statistic of every window; ``percentile`` has none, it is known only against a threshold."""
        if self.name == "mean":
            return window_means(image, mask, self.size)
        if self.name == "fraction":
            return self._brighter(image, mask, self.level)
        before, after = self.size // 2, (self.size - 1) // 2
        middle = tuple(slice(before, side - after) for side in mask.shape)
        return window_means(image[middle], mask[middle], 1)

    def _brighter(self, image: Image, mask: Mask, level: float) -> Windows:
        """How many pixels of every window are above the level."""
        grey, unit = grey_sum(image)
        bright = ((grey > math.floor(level * unit)) & (mask != IGNORED)).astype(np.uint8)
        return Windows(window_sums(bright, self.size, 1), real_pixels(mask, self.size), 1)


@dataclass(frozen=True)
class Bright(Alike):
    """Windows above a threshold, equally likely; where there is none, the brightest or nothing."""

    statistic: Statistic
    threshold: float
    fallback: Literal["brightest", "skip"]
    share: float = 1.0

    def positions(self, image: Image, mask: Mask, /) -> Bool:
        admitted = self.statistic.above(image, mask, self.threshold)
        if self.fallback == "skip" or admitted.any():
            return admitted
        means = window_means(image, mask, self.statistic.size).values()
        return np.asarray(means == means.max())

    def falls_back(self, image: Image, mask: Mask, positions: Bool | Float32, /) -> bool:
        window = first_window(positions, mask)
        return not self.statistic.above(image[window], mask[window], self.threshold).any()


@dataclass(frozen=True)
class IntensityBias:
    """Bright windows, mixed with a share ``leak`` of windows from anywhere."""

    bright: Bright
    leak: float

    def parts(self) -> Sequence[Part]:
        anywhere = Uniform(self.bright.statistic.size, self.leak)
        return [part for part in (replace(self.bright, share=1 - self.leak), anywhere) if part.share > 0]


@dataclass(frozen=True)
class IntensityQuantile:
    """Intensity bias whose threshold is a quantile of all training windows, every window counting once.

    The quantile is taken on a grid of 1/256 grey level (1/65536 for a share): the smallest grid value that at
    least the given share of the windows does not exceed. It is exact there and independent of the image order.
    """

    bias: IntensityBias
    quantile: float

    def parts(self) -> Sequence[Part]:
        raise PluginError(
            f"intensity-bias with threshold {{quantile: {self.quantile}}} has no parts before it has seen the "
            "training windows; call fit with the sum of what observe returns"
        )

    def observe(self, image: Image, mask: Mask, /) -> Float64:
        """Histogram of the statistic of all windows: ``float64[M]``, in bin k values in ((k - 1) step, k step]."""
        steps, _ = self._grid()
        windows = self.bias.bright.statistic.windows(image, mask)
        row = np.zeros(self.row)
        for band in bands(windows):
            places = np.ceil(band.values() * steps)
            row += np.bincount(places[places >= 0].astype(np.int64), minlength=len(row))
        return row

    def fit(self, total: Float64, /) -> CropStrategy:
        steps, _ = self._grid()
        not_above = np.concatenate([[0.0], np.cumsum(total)])
        place = np.searchsorted(not_above, self.quantile * not_above[-1]) - 1
        return replace(self.bias, bright=replace(self.bias.bright, threshold=float(place / steps)))

    @property
    def row(self) -> int:
        """Length of what ``observe`` returns."""
        steps, top = self._grid()
        return steps * top + 1

    def _grid(self) -> tuple[int, int]:
        """Steps per unit, and the largest value."""
        return (65536, 1) if self.bias.bright.statistic.name == "fraction" else (256, 255)


def build_intensity_bias(
    size: int,
    /,
    *,
    threshold: float | Quantile = 10.0,
    statistic: Name = "mean",
    level: float = 10.0,
    percentile: Percent = 90.0,
    fallback: Literal["brightest", "skip"] = "brightest",
    leak: Share = 0.0,
) -> CropStrategy:
    """Windows whose statistic is above the threshold; see :class:`Statistic`.

    Raises:
        SettingsError: a quantile of ``percentile``, which is known only against a threshold.
    """
    measure = Statistic(statistic, size, level, percentile)
    if not isinstance(threshold, Quantile):
        return IntensityBias(Bright(measure, threshold, fallback), leak)
    if reason := supports_intensity_bias(size, threshold=threshold, statistic=statistic):
        raise SettingsError(f"intensity-bias: {reason}")
    return IntensityQuantile(IntensityBias(Bright(measure, math.nan, fallback), leak), threshold.quantile)


def supports_intensity_bias(
    _size: int, /, *, threshold: float | Quantile, statistic: Name, **_others: object
) -> str | None:
    """Why these settings cannot be, or None."""
    return NO_QUANTILE if isinstance(threshold, Quantile) and statistic == "percentile" else None


@hookimpl
def bench_crops() -> Iterable[Component[CropStrategy]]:
    """Bright windows."""
    yield Component(
        "intensity-bias",
        build_intensity_bias,
        about=About("windows brighter than a threshold; what the threshold means is not in the supplement"),
        supports=supports_intensity_bias,
    )
