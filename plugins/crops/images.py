"""Crop strategies that choose images: rare classes more often, as many clean images as defective ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from bench_plugins.crops._parts import Several, Share, defects, weighing
from bench_plugins.crops._windows import defect, everywhere, holding
from pydantic import Field

from bench.api import (
    IGNORED,
    About,
    Bool,
    Component,
    CropStrategy,
    DataError,
    Float64,
    Image,
    Index,
    Mask,
    Part,
    PluginError,
    hookimpl,
)


@dataclass(frozen=True)
class OfRareClass:
    """Windows with at least ``least`` pixels of class ``kind``, in a random image with as many."""

    size: int
    kind: int
    least: int
    share: float

    def images(self, index: Index, /) -> Float64:
        return np.array([float(entry.pixels[self.kind] >= self.least) for entry in index.entries])

    def positions(self, image: Image, mask: Mask, /) -> Bool:  # noqa: ARG002 - the protocol's signature
        return holding(mask == self.kind, self.size, self.least)


@dataclass(frozen=True)
class RareClass:
    """Classes by ``exp((1 - frequency) / temperature)``; the frequencies are those of the training pixels."""

    size: int
    temperature: float
    least: int
    row: ClassVar[int] = 2 * IGNORED
    """Length of what ``observe`` returns."""

    def parts(self) -> Sequence[Part]:
        raise PluginError(
            "rare-class has no parts before it has seen the training masks; call fit with the sum of what observe "
            "returns"
        )

    def observe(self, image: Image, mask: Mask, /) -> Float64:  # noqa: ARG002 - the protocol's signature
        """Pixels of every class, and whether there are enough of it: ``float64[510]``."""
        pixels = np.bincount(mask.ravel(), minlength=IGNORED + 1)[:IGNORED]
        return np.concatenate([pixels, pixels >= self.least]).astype(np.float64)

    def fit(self, total: Float64, /) -> CropStrategy:
        pixels, images = np.split(total, 2)
        classes = np.flatnonzero(images)
        if not classes.size:
            raise DataError(f"rare-class: no class has {self.least} pixels in any training image; lower 'pixels'")
        exponents = (1 - pixels[classes] / pixels.sum()) / self.temperature
        chances = np.exp(exponents - exponents.max())
        shares = (chances / chances.sum()).tolist()
        drawn = zip(classes.tolist(), shares, strict=True)
        return Several("rare-class", tuple(OfRareClass(self.size, kind, self.least, share) for kind, share in drawn))


@dataclass(frozen=True)
class Sorted:
    """Images of one kind, equally often; any window, or in defective images one that holds a defect pixel."""

    size: int
    kind: Literal["defective", "clean"]
    window: Literal["uniform", "defect"]
    share: float

    def images(self, index: Index, /) -> Float64:
        wanted, needed = {"defective": (True, "with a defect"), "clean": (False, "without a defect")}[self.kind]
        return weighing([(defects(entry) > 0) == wanted for entry in index.entries], "balanced-negatives", needed)

    def positions(self, image: Image, mask: Mask, /) -> Bool:  # noqa: ARG002 - the protocol's signature
        if self.window == "defect" and self.kind == "defective":
            return holding(defect(mask), self.size)
        return everywhere(mask, self.size)


def build_rare_class(
    size: int,
    /,
    *,
    temperature: Annotated[float, Field(gt=0, lt=float("inf"))] = 0.01,
    pixels: Annotated[int, Field(gt=0)] = 1,
) -> CropStrategy:
    """A class by ``exp((1 - frequency) / temperature)``, an image that shows it, a window that shows it.

    The background is a class like any other, and so frequent that a low temperature never draws it; a high one
    draws all classes alike. ``pixels`` is how many of the class image and window must show at least.
    The training masks are read once more to count the classes.
    """
    return RareClass(size, temperature, pixels)


def build_balanced_negatives(
    size: int, /, *, defective: Share = 0.5, window: Literal["uniform", "defect"] = "uniform"
) -> CropStrategy:
    """A share of the crops from images with a defect, the rest from clean ones; images of a kind equally often.

    ``window`` is for the defective images: any, or one that holds a defect pixel. Clean images take their turns, so
    that none is drawn again before all others were.
    """
    parts = Sorted(size, "defective", window, defective), Sorted(size, "clean", window, 1 - defective)
    return Several("balanced-negatives", parts)


@hookimpl
def bench_crops() -> Iterable[Component[CropStrategy]]:
    """Images by what they show."""
    yield Component(
        "rare-class",
        build_rare_class,
        about=About(
            "rare classes more often: class, then image, then window",
            citation="Hoyer et al., DAFormer, CVPR 2022 (rare class sampling)",
            home="https://github.com/lhoyer/DAFormer",
        ),
    )
    yield Component(
        "balanced-negatives",
        build_balanced_negatives,
        about=About(
            "as many crops from clean images as from defective ones, clean images in turn",
            citation="Bozic et al., Mixed supervision for surface-defect detection, Computers in Industry 129, 2021",
            home="https://github.com/vicoslab/mixed-segdec-net-comind2021",
        ),
    )
