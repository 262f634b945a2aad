"""Crop strategy with a weight map: brightness, darkness, gradient, or distance to the defects; borders included."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from bench_plugins.crops._parts import Fallback, OfDefective, Share, with_uniform
from bench_plugins.crops._windows import corners, defect, float_map, grey_sum, moved_inside, window_sums
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
    Index,
    Mask,
    hookimpl,
)

Of = Literal["intensity", "darkness", "gradient", "distance"]
Positive = Annotated[float, Field(gt=0, lt=float("inf"))]
STEPS = 2**24
"""Pixel weights are whole numbers of this many steps, so that sums over windows are exact."""


@dataclass(frozen=True)
class Weighted(OfDefective):
    """Windows by the weights of their pixels: of all of them, or of the pixel that the window is centred on."""

    size: int
    of: Of
    over: Literal["window", "centre"]
    power: float
    reach: float
    share: float
    called: ClassVar[str] = "weight-map"

    def images(self, index: Index, /) -> Float64:
        return super().images(index) if self.of == "distance" else np.ones(len(index.entries))

    def positions(self, image: Image, mask: Mask, /) -> Float32:
        steps = _steps(self.pixels(image, mask))
        if self.over == "window":
            return float_map(window_sums(steps.astype(np.uint32), self.size, STEPS))
        return float_map(moved_inside(steps, self.size // 2, corners(mask, self.size)))

    def pixels(self, image: Image, mask: Mask) -> Float64:
        """Weight of every pixel, ``float64[H, W]``, not negative; 0 where the mask is 255."""
        total, unit = grey_sum(image)
        level = total / (255 * unit)
        if self.of == "distance":
            weights = _nearness(mask, self.reach)
        elif self.of == "gradient":
            weights = _slope(level)
        else:
            weights = level if self.of == "intensity" else 1 - level
        return np.where(mask == IGNORED, 0.0, weights**self.power)


def build_weight_map(
    size: int,
    /,
    *,
    of: Of = "intensity",
    over: Literal["window", "centre"] = "window",
    power: Positive = 1.0,
    reach: Positive = 32.0,
    leak: Share = 0.0,
    fallback: Fallback = "uniform",
) -> CropStrategy:
    """Windows by a weight of their pixels; a share ``leak`` of the crops is uniform.

    The weight of a pixel is its grey level (``intensity``), what it lacks to white (``darkness``), the slope of the
    grey levels (``gradient``), or ``exp(-d / reach)`` at d pixels from the nearest defect (``distance``), all to
    ``power``. A window has the sum of its pixels' weights, or (``centre``) the weight of the pixel it is centred
    on; windows that would reach over the border are moved inside and not left out, so that what lies at the border
    is found as often as its weight says. Weights are rounded up to 2^-24 of the largest.
    ``fallback`` is for images in which nothing has a weight: ``uniform`` takes any window, ``skip`` another image.
    """
    return with_uniform("weight-map", Weighted(size, of, over, power, reach, 1 - leak), size, fallback)


def _steps(weights: Float64) -> Float64:
    """Weights as whole numbers 0..STEPS; what is above 0 stays above 0."""
    largest = weights.max()
    return np.asarray(np.ceil(weights / largest * STEPS) if largest > 0 else weights)


def _slope(level: Float64) -> Float64:
    """Length of the gradient by central differences, one-sided at the border."""
    slopes = [np.gradient(level, axis=axis) if level.shape[axis] > 1 else np.zeros(level.shape) for axis in (0, 1)]
    return np.asarray(np.hypot(*slopes))


def _nearness(mask: Mask, reach: float) -> Float64:
    import cv2

    marked: Bool = defect(mask)
    if not marked.any():
        return np.zeros(mask.shape)
    distance = cv2.distanceTransform((~marked).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(np.exp(-distance.astype(np.float64) / reach))


@hookimpl
def bench_crops() -> Iterable[Component[CropStrategy]]:
    """Windows by a weight map."""
    yield Component(
        "weight-map",
        build_weight_map,
        about=About(
            "windows by a weight map from grey levels, gradients or the distance to defects; the border is not zeroed",
            citation="Perez-Garcia et al., TorchIO, Computer Methods and Programs in Biomedicine 208, 2021 "
            "(WeightedSampler, which leaves out the border)",
            home="https://github.com/TorchIO-project/torchio",
        ),
    )
