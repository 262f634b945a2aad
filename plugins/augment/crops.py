"""Crop strategies: uniform, biased towards bright windows, centred on defects."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from bench.api import (
    IGNORED,
    About,
    Bool,
    Component,
    CropStrategy,
    DataError,
    Float32,
    Float64,
    Image,
    Index,
    Mask,
    Part,
    PluginError,
    SettingsError,
    hookimpl,
)

Share = Annotated[float, Field(ge=0, le=1)]
Percent = Annotated[float, Field(gt=0, le=100)]
Pixels = Annotated[int, Field(ge=0)]
Name = Literal["mean", "centre", "fraction", "percentile"]


@dataclass(frozen=True)
class Uniform:
    """Every corner of every image is equally likely; also a part of mixtures."""

    size: int
    share: float = 1.0
    unbiased: ClassVar[bool] = True

    def parts(self) -> Sequence[Part]:
        return [self]

    def images(self, index: Index, /) -> Float64:
        return np.ones(len(index.entries))

    def positions(self, image: Image, mask: Mask, /) -> Bool:  # noqa: ARG002 - the protocol's signature
        return np.ones(_corners(mask, self.size), bool)


@dataclass(frozen=True)
class Quantile:
    """A threshold at a quantile of all training windows: the share ``quantile`` of them is not admitted."""

    quantile: Annotated[float, Field(ge=0, lt=1)]
    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}


@dataclass(frozen=True)
class Windows:
    """A statistic of all windows as exact integers: it is ``sums / (pixels * unit)``.

    ``sums`` is ``int32`` or ``float64`` (of integers) ``[H-h+1, W-w+1]``; ``pixels`` the number of real pixels
    that count, one for all windows or per window.
    """

    sums: npt.NDArray[Any]
    pixels: int | npt.NDArray[np.int32]
    unit: int

    def above(self, threshold: float) -> Bool:
        """Whether the statistic is above the threshold; never where no real pixel counts."""
        limit = threshold * self.unit * self.pixels
        if not isinstance(limit, np.ndarray):
            limit = math.floor(limit)  # sums are integers: the comparison stays one of integers
        admitted: Bool = self.sums > limit
        return admitted if isinstance(self.pixels, int) else admitted & (self.pixels > 0)

    def values(self) -> Float64:
        """The statistic, ``float64[H-h+1, W-w+1]``; -1 where no real pixel counts."""
        values: Float64 = self.sums / (self.unit * np.maximum(self.pixels, 1))
        return values if isinstance(self.pixels, int) else np.where(self.pixels > 0, values, -1.0)


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
            return _means(image, mask, self.size)
        if self.name == "fraction":
            return self._brighter(image, mask, self.level)
        rows, columns = _corners(mask, self.size)
        middle = slice(self.size // 2, self.size // 2 + rows), slice(self.size // 2, self.size // 2 + columns)
        return _means(image[middle], mask[middle], 1)

    def _brighter(self, image: Image, mask: Mask, level: float) -> Windows:
        grey, unit = _grey(image)
        bright = ((grey > math.floor(level * unit)) & (mask != IGNORED)).astype(np.uint8)
        return Windows(_window_sums(bright, self.size, 1), _real_pixels(mask, self.size), 1)


@dataclass(frozen=True)
class Bright:
    """Windows above a threshold, equally likely; where there is none, the brightest or nothing."""

    statistic: Statistic
    threshold: float
    fallback: Literal["brightest", "skip"]
    share: float = 1.0

    def images(self, index: Index, /) -> Float64:
        return np.ones(len(index.entries))

    def positions(self, image: Image, mask: Mask, /) -> Bool:
        admitted = self.statistic.above(image, mask, self.threshold)
        if self.fallback == "skip" or admitted.any():
            return admitted
        means = _means(image, mask, self.statistic.size).values()
        brightest: Bool = means == means.max()
        return brightest

    def falls_back(self, image: Image, mask: Mask, positions: Bool | Float32, /) -> bool:
        top, left = np.unravel_index(positions.argmax(), positions.shape)
        window = slice(top, top + self.statistic.size), slice(left, left + self.statistic.size)
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
        steps, top = self._grid()
        windows = self.bias.bright.statistic.windows(image, mask)
        row = np.zeros(steps * top + 1)
        for band in _bands(windows):
            places = np.ceil(band.values() * steps)
            row += np.bincount(places[places >= 0].astype(np.int64), minlength=len(row))
        return row

    def fit(self, total: Float64, /) -> CropStrategy:
        steps, _ = self._grid()
        not_above = np.concatenate([[0.0], np.cumsum(total)])
        place = np.searchsorted(not_above, self.quantile * not_above[-1]) - 1
        return replace(self.bias, bright=replace(self.bias.bright, threshold=float(place / steps)))

    def _grid(self) -> tuple[int, int]:
        """Steps per unit, and the largest value."""
        return (65536, 1) if self.bias.bright.statistic.name == "fraction" else (256, 255)


@dataclass(frozen=True)
class Defects:
    """Crops centred on a random defect pixel, moved inside the image; every defect pixel is equally likely.

    The centre may be moved by up to ``jitter`` pixels in either direction first, all moves equally likely.
    """

    size: int
    jitter: int
    share: float = 1.0

    def images(self, index: Index, /) -> Float64:
        weights = np.array([float(sum(entry.pixels[1:]) > 0) for entry in index.entries])
        if not weights.any():
            raise DataError("defect-centred crops need a training image with a defect; check the split and the masks")
        return weights

    def positions(self, image: Image, mask: Mask, /) -> Float32:  # noqa: ARG002 - the protocol's signature
        """Number of (defect pixel, move) pairs that lead to each corner, ``float32[H-h+1, W-w+1]``."""
        defect = ((mask != 0) & (mask != IGNORED)).astype(np.uint8)
        centres = _window_sums(np.pad(defect, 2 * self.jitter), 2 * self.jitter + 1, 1)
        rows, columns = _corners(mask, self.size)
        before = self.jitter + self.size // 2
        return _moved_inside(_moved_inside(centres, before, rows).T, before, columns).T.astype(np.float32, order="C")


@dataclass(frozen=True)
class DefectCentred:
    """A share of crops centred on defects, the rest from anywhere."""

    defects: Defects

    def parts(self) -> Sequence[Part]:
        anywhere = Uniform(self.defects.size, 1 - self.defects.share)
        return [part for part in (self.defects, anywhere) if part.share > 0]


def build_uniform(size: int, /) -> CropStrategy:
    """Every corner of every image is equally likely."""
    return Uniform(size)


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
    if statistic == "percentile":
        raise SettingsError(
            "intensity-bias: a threshold {quantile: ...} needs the statistic mean, centre or fraction, not percentile"
        )
    return IntensityQuantile(IntensityBias(Bright(measure, math.nan, fallback), leak), threshold.quantile)


def build_defect_centred(size: int, /, *, share: Share = 1.0, jitter: Pixels = 0) -> CropStrategy:
    """A share of crops centred on a random defect pixel of a random image with defects, the rest uniform."""
    return DefectCentred(Defects(size, jitter, share))


@hookimpl
def bench_crops() -> Iterable[Component[CropStrategy]]:
    """The crop strategies of the supplement, and one that uses the masks."""
    yield Component("uniform", build_uniform, about=About("every window of every image is equally likely"))
    yield Component(
        "intensity-bias",
        build_intensity_bias,
        about=About("windows brighter than a threshold; what the threshold means is not in the supplement"),
    )
    yield Component(
        "defect-centred", build_defect_centred, about=About("windows centred on random defect pixels of the masks")
    )


def _corners(mask: Mask, size: int) -> tuple[int, int]:
    return mask.shape[0] - size + 1, mask.shape[1] - size + 1


def _grey(image: Image) -> tuple[npt.NDArray[Any], int]:
    """Sum over the channels ``[H, W]``, and what it must be divided by to be a mean grey level of 0..255."""
    channels = image.shape[2]
    if channels == 1:
        total: npt.NDArray[Any] = image[:, :, 0]
    else:
        total = image[:, :, 0].astype(np.uint16 if image.dtype == np.uint8 and channels < 257 else np.uint32)
        for channel in range(1, channels):
            total += image[:, :, channel]
    return total, channels * (1 if image.dtype == np.uint8 else 257)


def _means(image: Image, mask: Mask, size: int) -> Windows:
    grey, unit = _grey(image)
    pixels = _real_pixels(mask, size)
    real = grey if isinstance(pixels, int) else np.where(mask == IGNORED, 0, grey).astype(grey.dtype)
    return Windows(_window_sums(real, size, 255 * unit), pixels, unit)


def _real_pixels(mask: Mask, size: int) -> int | npt.NDArray[np.int32]:
    """Pixels per window that are not 255 in the mask; one number when that is all of them."""
    if mask.max() < IGNORED:
        return size * size
    return _window_sums((mask != IGNORED).astype(np.uint8), size, 1)


def _window_sums(values: npt.NDArray[Any], size: int, peak: int) -> npt.NDArray[Any]:
    """Exact sums of integers 0..peak over all windows, ``[H-size+1, W-size+1]``, by running sums."""
    import cv2

    if peak * size * size < 2**31 and values.dtype != np.uint32:
        wide = cv2.CV_32S
    else:
        values, wide = values.astype(np.float32), cv2.CV_64F  # integers below 2^24, summed in float64
    sums = cv2.boxFilter(values, wide, (size, size), anchor=(0, 0), normalize=False, borderType=cv2.BORDER_CONSTANT)
    inside: npt.NDArray[Any] = sums[: values.shape[0] - size + 1, : values.shape[1] - size + 1]
    return inside


def _bands(windows: Windows, rows: int = 64) -> Iterable[Windows]:
    """The same windows, some rows at a time: values are float64, eight bytes per window."""
    for top in range(0, len(windows.sums), rows):
        band = slice(top, top + rows)
        pixels = windows.pixels if isinstance(windows.pixels, int) else windows.pixels[band]
        yield Windows(windows.sums[band], pixels, windows.unit)


def _moved_inside(counts: npt.NDArray[np.int32], before: int, length: int) -> npt.NDArray[np.int32]:
    """Keep ``length`` rows after the first ``before``; what lies outside is added to the nearest row kept."""
    inside = counts[before : before + length].copy()
    inside[0] += counts[:before].sum(axis=0)
    inside[-1] += counts[before + length :].sum(axis=0)
    return inside
