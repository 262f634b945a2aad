"""Preprocessing of grey levels and channels: exposure, exposure stack, channel layout, stretch. The grid stays."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeAlias

import numpy as np

from bench.api import About, Component, DataError, Float64, Image, SettingsError, hookimpl

Preprocess: TypeAlias = Callable[[Image], Image]


def exposure(*, ev: float = -1.0, domain: Literal["encoded", "linear"] = "encoded") -> Preprocess:
    """``clip(x * 2**ev)`` on the image's own scale, rounded to its dtype (the supplement's synthetic images: -1).

    ``domain: linear`` multiplies light instead of grey levels: decoded and encoded again by the sRGB curve
    (IEC 61966-2-1). Where the supplement applies the factor is not in the supplement.
    """

    def expose(image: Image) -> Image:
        top = np.iinfo(image.dtype).max
        level = np.arange(top + 1) / top
        if domain == "linear":
            brighter = _encoded(np.minimum(_linear(level) * 2.0**ev, 1.0))
        else:
            brighter = np.minimum(level * 2.0**ev, 1.0)
        return _looked_up(image, brighter)

    return expose


def exposure_stack(
    *, evs: tuple[float, ...] = (-1.0, 0.0, 1.0), domain: Literal["encoded", "linear"] = "encoded"
) -> Preprocess:
    """The image under several exposures: ``[H, W, C]`` becomes ``[H, W, len(evs) * C]``, first ev first.

    Each as in :func:`exposure`. That exposures are stacked is in the supplement (EX), which and how is not.

    Raises:
        SettingsError: ``evs`` is empty or not ascending.
    """
    if not evs or list(evs) != sorted(set(evs)):
        raise SettingsError(f"exposure-stack: evs must ascend, each once, got {list(evs)}")
    steps = [exposure(ev=ev, domain=domain) for ev in evs]

    def stack(image: Image) -> Image:
        return np.concatenate([step(image) for step in steps], axis=2)

    return stack


def channels(*, count: Literal[1, 3] = 3) -> Preprocess:
    """One channel layout for data sets that share weights: grey as three equal channels, or colour as one mean.

    ``[H, W, 1]`` and ``[H, W, 3]`` become ``[H, W, count]``; the mean is rounded to the image's dtype, half to even.
    """

    def lay_out(image: Image) -> Image:
        if image.shape[2] == count:
            return image
        if count == 3 and image.shape[2] == 1:
            return np.concatenate([image] * 3, axis=2)
        if image.shape[2] == 3:
            mean = np.rint(image.mean(axis=2, keepdims=True))
            laid_out: Image = mean.astype(np.uint8) if image.dtype == np.uint8 else mean.astype(np.uint16)
            return laid_out
        raise DataError(f"channels: takes images of 1 or 3 channels, this one has {image.shape[2]}; put it first")

    return lay_out


def _looked_up(image: Image, level: Float64) -> Image:
    """Replace every grey level by ``level[grey]`` (0..1), rounded on the image's own scale."""
    table = np.rint(level * np.iinfo(image.dtype).max)
    if image.dtype == np.uint8:
        return table.astype(np.uint8)[image]
    return table.astype(np.uint16)[image]


def _linear(level: Float64) -> Float64:
    return np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)


def _encoded(light: Float64) -> Float64:
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def stretch(*, low: float = 1.0, high: float = 99.0) -> Preprocess:
    """Map each image's percentiles ``low`` and ``high`` (over all channels) linearly to the ends of its scale.

    An image whose percentiles are equal stays as it is.

    Raises:
        SettingsError: not ``0 <= low < high <= 100``.
    """
    if not 0 <= low < high <= 100:
        raise SettingsError(f"stretch: needs 0 <= low < high <= 100, got {low} and {high}")

    def stretched(image: Image) -> Image:
        darkest, brightest = np.percentile(image, (low, high))
        if darkest == brightest:
            return image
        top = np.iinfo(image.dtype).max
        level = (np.arange(top + 1) - darkest) / (brightest - darkest)
        return _looked_up(image, np.clip(level, 0, 1))

    return stretched


@hookimpl
def bench_preprocess() -> Iterable[Component[Any]]:
    """``exposure``, ``exposure-stack``, ``channels`` and ``stretch``."""
    yield Component("exposure", exposure, about=About("multiply by a power of two, clip, round"))
    yield Component("exposure-stack", exposure_stack, about=About("several exposures of the image as channels (EX)"))
    yield Component("channels", channels, about=About("grey as three equal channels, or colour as one"))
    yield Component("stretch", stretch, about=About("linear stretch between two percentiles of each image"))
