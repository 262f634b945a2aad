"""Crop strategies centred on a pixel of a chosen kind: any defect, forced foreground, both sides, class ratios."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import mul
from typing import Annotated, ClassVar, Literal

import numpy as np
from bench_plugins.crops._parts import (
    Alike,
    Fallback,
    OfDefective,
    Pixels,
    Several,
    Share,
    Uniform,
    defects,
    weighing,
    with_uniform,
)
from bench_plugins.crops._windows import centred, corners, defect, float_map, grey_sum, kinds
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
    SettingsError,
    hookimpl,
)

Ratio = Annotated[float, Field(ge=0, lt=float("inf"))]
Side = Literal["positive", "negative"]
NO_RATIO = "positive and negative are both 0; at least one must be above"
NO_RATIOS = "ratios are all 0; at least one class must have a ratio above 0"
NO_CLASSES = "absent: elsewhere needs ratios, one per class with the background first; how many there are is not known"


@dataclass(frozen=True)
class Defects(OfDefective):
    """Crops centred on a random defect pixel, moved inside the image; every defect pixel is equally likely.

    The centre may be moved by up to ``jitter`` pixels in either direction first, all moves equally likely.
    """

    size: int
    jitter: int
    share: float = 1.0
    called: ClassVar[str] = "defect-centred"

    def positions(self, image: Image, mask: Mask, /) -> Float32:  # noqa: ARG002 - the protocol's signature
        return float_map(centred(defect(mask), self.size, self.jitter))


@dataclass(frozen=True)
class DefectCentred:
    """A share of crops centred on defects, the rest from anywhere."""

    defects: Defects

    def parts(self) -> Sequence[Part]:
        anywhere = Uniform(self.defects.size, 1 - self.defects.share)
        return [part for part in (self.defects, anywhere) if part.share > 0]


@dataclass(frozen=True)
class OfAnyClass(OfDefective):
    """Centred on a random pixel of a random class among those that the image shows, moved inside."""

    size: int
    share: float
    called: ClassVar[str] = "forced-foreground"

    def positions(self, image: Image, mask: Mask, /) -> Float32:  # noqa: ARG002 - the protocol's signature
        return _by_ratio(mask, self.size, [0.0, *[1.0] * IGNORED])


@dataclass(frozen=True)
class Signed(Alike):
    """Centred on a random positive or negative pixel; where there is none, the other side is taken if so asked.

    Positive is any defect class; negative is background above ``brighter_than`` where that is given.
    """

    size: int
    side: Side
    brighter_than: float | None
    fallback: Literal["other", "skip"]
    share: float

    def images(self, index: Index, /) -> Float64:
        if self.fallback == "other":
            return super().images(index)
        of_side = (defects(e) if self.side == "positive" else e.pixels[0] for e in index.entries)
        return weighing([pixels > 0 for pixels in of_side], "positive-negative", f"with a {self.side} pixel")

    def positions(self, image: Image, mask: Mask, /) -> Float32:
        flags = self._flags(image, mask, self.side)
        if self.fallback == "other" and not flags.any():
            flags = self._flags(image, mask, "negative" if self.side == "positive" else "positive")
        return float_map(centred(flags, self.size))

    def falls_back(self, image: Image, mask: Mask, positions: Bool | Float32, /) -> bool:  # noqa: ARG002
        return not self._flags(image, mask, self.side).any()

    def _flags(self, image: Image, mask: Mask, side: Side) -> Bool:
        if side == "positive":
            return defect(mask)
        background: Bool = mask == 0
        if self.brighter_than is None:
            return background
        total, unit = grey_sum(image)
        return background & (total > self.brighter_than * unit)


@dataclass(frozen=True)
class ByRatio:
    """Centred on a random pixel of a class drawn by ``ratios`` among the classes of the image; None: all alike."""

    size: int
    ratios: tuple[float, ...] | None
    share: float = 1.0

    def images(self, index: Index, /) -> Float64:
        _check_classes(index, self.ratios)
        weights = [any(map(mul, entry.pixels, self._of_kinds)) for entry in index.entries]
        return weighing(weights, "class-ratios", "with a class of a ratio above 0")

    def positions(self, image: Image, mask: Mask, /) -> Float32:  # noqa: ARG002 - the protocol's signature
        return _by_ratio(mask, self.size, self._of_kinds)

    @property
    def _of_kinds(self) -> Sequence[float]:
        return self.ratios or [1.0] * IGNORED


@dataclass(frozen=True)
class OfClass:
    """Centred on a random pixel of class ``kind`` in a random image that shows it."""

    size: int
    kind: int
    ratios: tuple[float, ...]
    share: float

    def images(self, index: Index, /) -> Float64:
        _check_classes(index, self.ratios)
        name = ["background", *index.classes][self.kind]
        return weighing([entry.pixels[self.kind] > 0 for entry in index.entries], "class-ratios", f"that shows {name}")

    def positions(self, image: Image, mask: Mask, /) -> Float32:  # noqa: ARG002 - the protocol's signature
        return float_map(centred(mask == self.kind, self.size))


def build_defect_centred(size: int, /, *, share: Share = 1.0, jitter: Pixels = 0) -> CropStrategy:
    """A share of crops centred on a random defect pixel of a random image with defects, the rest uniform."""
    return DefectCentred(Defects(size, jitter, share))


def build_forced_foreground(size: int, /, *, share: Share = 1 / 3, fallback: Fallback = "uniform") -> CropStrategy:
    """A share of the crops centred on a random pixel of a random class of the image, moved inside; the rest uniform.

    ``fallback`` is for images without a defect: ``uniform`` draws images first, all alike, and takes any window of
    a clean one, as nnU-Net does; ``skip`` takes the forced crops from defective images only.
    """
    return with_uniform("forced-foreground", OfAnyClass(size, share), size, fallback)


def build_positive_negative(
    size: int,
    /,
    *,
    positive: Ratio = 1.0,
    negative: Ratio = 1.0,
    brighter_than: float | None = None,
    fallback: Literal["other", "skip"] = "other",
) -> CropStrategy:
    """Crops centred on a defect pixel and on a background pixel in the ratio ``positive`` to ``negative``.

    ``brighter_than`` keeps negative centres to grey levels above it (mean over channels, 0..255). ``fallback`` is for
    images that lack one side: the ``other`` side, as in MONAI, or ``skip`` to an image that has it.

    Raises:
        SettingsError: both ratios are 0.
    """
    total = positive + negative
    if not total > 0:
        raise SettingsError(f"positive-negative: {NO_RATIO}")
    found = Signed(size, "positive", brighter_than, fallback, positive / total)
    others = Signed(size, "negative", brighter_than, fallback, negative / total)
    return Several("positive-negative", (found, others))


def supports_positive_negative(_size: int, /, *, positive: float, negative: float, **_: object) -> str | None:
    """Why these settings cannot be, or None."""
    return None if positive + negative > 0 else NO_RATIO


def build_class_ratios(
    size: int, /, *, ratios: tuple[Ratio, ...] | None = None, absent: Literal["others", "elsewhere"] = "others"
) -> CropStrategy:
    """Crops centred on a pixel of a class drawn by ``ratios``, one number per class, the background first.

    Null: every class that the image shows is as likely as the others. ``absent`` is for a class that the image
    lacks: ``others`` gives its ratio to those the image shows, as in MONAI; ``elsewhere`` takes the crop from an
    image that shows it, so that the ratios hold over all crops.

    Raises:
        SettingsError: the ratios are all 0, or there are none where they are needed.
    """
    if reason := supports_class_ratios(size, ratios=ratios, absent=absent):
        raise SettingsError(f"class-ratios: {reason}")
    if ratios is None or absent == "others":
        return Several("class-ratios", (ByRatio(size, ratios),))
    total = sum(ratios)
    parts = (OfClass(size, kind, ratios, ratio / total) for kind, ratio in enumerate(ratios))
    return Several("class-ratios", tuple(parts))


def supports_class_ratios(_size: int, /, *, ratios: tuple[float, ...] | None, absent: str) -> str | None:
    """Why these settings cannot be, or None."""
    if ratios is None:
        return NO_CLASSES if absent == "elsewhere" else None
    return None if sum(ratios) > 0 else NO_RATIOS


def _by_ratio(mask: Mask, size: int, ratios: Sequence[float]) -> Float32:
    """Class by ratio, pixel of the class, window around it: probabilities up to a factor, ``float32``."""
    total = np.zeros(corners(mask, size), np.float32)
    for kind in kinds(mask):
        if ratio := ratios[kind]:
            counts = centred(mask == kind, size)
            total += counts * np.float32(ratio / counts.sum())
    return total


def _check_classes(index: Index, ratios: tuple[float, ...] | None) -> None:
    classes = ["background", *index.classes]
    if ratios is not None and len(ratios) != len(classes):
        raise DataError(
            f"class-ratios has {len(ratios)} ratios, but this data set has {len(classes)} classes: "
            f"{', '.join(classes)}; give one ratio for each, in this order"
        )


@hookimpl
def bench_crops() -> Iterable[Component[CropStrategy]]:
    """Crops around a pixel of a chosen kind."""
    yield Component(
        "defect-centred", build_defect_centred, about=About("windows centred on random defect pixels of the masks")
    )
    yield Component(
        "forced-foreground",
        build_forced_foreground,
        about=About(
            "a third of the crops around a random pixel of a random class of the image, the whole crop inside it",
            citation="Isensee et al., nnU-Net, Nature Methods 18, 2021 (oversampling of the foreground)",
            home="https://github.com/MIC-DKFZ/nnUNet",
        ),
    )
    yield Component(
        "positive-negative",
        build_positive_negative,
        about=About(
            "crops centred on defect pixels and on background pixels in a ratio",
            citation="Cardoso et al., MONAI, arXiv:2211.02701, 2022 (RandCropByPosNegLabel)",
            home="https://github.com/Project-MONAI/MONAI",
        ),
        supports=supports_positive_negative,
    )
    yield Component(
        "class-ratios",
        build_class_ratios,
        about=About(
            "crops centred on a pixel of a class drawn by a ratio per class",
            citation="Cardoso et al., MONAI, arXiv:2211.02701, 2022 (RandCropByLabelClasses)",
            home="https://github.com/Project-MONAI/MONAI",
        ),
        supports=supports_class_ratios,
    )
