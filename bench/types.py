"""What travels between the rooms: records, samples, tasks, and the protocols plugins meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt

from bench.errors import DataError
from bench.words import shown

IGNORED = 255
"""Mask value of pixels that take no part in training or scoring."""

Split: TypeAlias = Literal["train", "validation", "test"]
"""A part of a data set, by name."""
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
"""All of them, in the order in which they are used."""

Image: TypeAlias = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
"""``[H, W, C]``."""
Mask: TypeAlias = npt.NDArray[np.uint8]
"""``[H, W]``: 0 background, k the k-th defect class, 255 ignored."""
Float64: TypeAlias = npt.NDArray[np.float64]
"""An array of 64-bit numbers, of any shape."""
Float32: TypeAlias = npt.NDArray[np.float32]
"""An array of 32-bit numbers, of any shape."""
Bool: TypeAlias = npt.NDArray[np.bool_]
"""An array of truth values, of any shape."""


@dataclass(frozen=True, slots=True)
class Record:
    """One image of a data set, before anything is decoded.

    ``group`` names the physical object (tile, part, specimen): a group is never split.
    ``split`` is the official one, or None where the data set has none for this image.
    ``files`` are what ``load`` reads; their sizes and times tell whether the index is still true. A data set with
    a record that names none is read again by every run.
    ``meta`` holds plain values such as viewpoint or exposure.
    """

    id: str
    group: str
    split: Split | None = None
    files: tuple[Path, ...] = ()
    meta: Mapping[str, str | int | float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.split is not None and self.split not in SPLITS:
            raise DataError(f"image {self.id!r}: split {self.split!r} is none of {', '.join(SPLITS)}")
        if not isinstance(self.files, tuple):
            raise DataError(f"image {self.id!r}: files is {self.files!r}; it must be a tuple of paths, as (path,)")


@dataclass(frozen=True, slots=True)
class Sample:
    """One decoded image with its mask, checked at construction: a wrong sample cannot exist.

    ``image`` is ``uint8`` or ``uint16`` ``[H, W, C]``; ``mask`` is ``uint8`` ``[H, W]``
    with 0 for background, k for the k-th defect class and 255 for ignored pixels.

    Raises:
        DataError: wrong dtype, wrong number of axes, no pixels, or mask and image differ in size.
    """

    id: str
    image: Image
    mask: Mask

    def __post_init__(self) -> None:
        image, mask = self.image, self.mask
        if image.dtype not in (np.uint8, np.uint16) or image.ndim != 3:
            raise DataError(
                f"image {self.id!r} is {shown(image)}; it must be uint8 or uint16 [height, width, channels]"
            )
        if mask.dtype != np.uint8 or mask.ndim != 2:
            raise DataError(f"mask of image {self.id!r} is {shown(mask)}; it must be uint8 [height, width]")
        if image.size == 0:
            raise DataError(f"image {self.id!r} has no pixels: its shape is {list(image.shape)}")
        if mask.shape != image.shape[:2]:
            raise DataError(
                f"image {self.id!r} is {image.shape[1]}x{image.shape[0]} pixels "
                f"but its mask is {mask.shape[1]}x{mask.shape[0]}; they must be the same size"
            )


@dataclass(frozen=True, slots=True)
class Task:
    """What a model is asked for: ``channels`` in, ``1 + classes`` logits out (class 0 is background)."""

    channels: int
    classes: int


class Dataset(Protocol):
    """Images and masks on disk (or made on demand), read one by one."""

    @property
    def classes(self) -> Sequence[str]:
        """Names of the defect classes; ``classes[k - 1]`` has mask value k."""
        ...

    def records(self) -> Sequence[Record]:
        """Every image in a stable order, without decoding any.

        Raises:
            DataError: files are missing, doubled or without a partner.
        """
        ...

    def load(self, id: str, /) -> Sample:
        """Decode one image and its mask. Called from several threads at once."""
        ...


class Entry(Protocol):
    """One image as the index knows it."""

    @property
    def id(self) -> str: ...
    @property
    def group(self) -> str: ...
    @property
    def height(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def pixels(self) -> Sequence[int]:
        """Pixels of background, class 1, class 2, ...; ignored pixels are not counted."""
        ...


class Index(Protocol):
    """The training images of a data set as a crop strategy may see them: nothing is decoded."""

    @property
    def classes(self) -> Sequence[str]: ...
    @property
    def entries(self) -> Sequence[Entry]: ...


class Part(Protocol):
    """One component of a crop strategy's mixture."""

    @property
    def share(self) -> float:
        """Share of all crops drawn by this part; the shares of a strategy sum to 1."""
        ...

    def images(self, index: Index, /) -> Float64:
        """Weight of every image, ``float64[images]``, not negative, not all zero."""
        ...

    def positions(self, image: Image, mask: Mask, /) -> Bool | Float32:
        """Map over top-left corners, ``[H - h + 1, W - w + 1]``.

        Bool: the true corners are equally likely. Float32: weights, not negative.
        ``mask`` is 255 in padding, so a statistic over real pixels leaves those out.
        An all-false map means that no crop is taken from this image.
        """
        ...


class CropStrategy(Protocol):
    """Where crops are taken. The core draws: part, then image, then position.

    Optional: ``unbiased = True`` on a reference strategy that excludes nothing on purpose, so that it is never
    reported as inert; ``name``, what messages call it instead of its class; :class:`Fitting` on a strategy,
    :class:`FallingBack` on a part.
    """

    def parts(self) -> Sequence[Part]: ...


@runtime_checkable
class Fitting(Protocol):
    """A crop strategy that must see the training images first, for a quantile of their windows say.

    The core decodes every training image once more, adds the rows and uses what ``fit`` returns.
    """

    def observe(self, image: Image, mask: Mask, /) -> Float64:
        """One row ``float64[M]`` per training image, from its guide and padded mask; called from several threads."""
        ...

    def fit(self, total: Float64, /) -> CropStrategy:
        """The strategy for the sum of all rows, ``float64[M]``; rows are added in the order of the index."""
        ...


@runtime_checkable
class FallingBack(Protocol):
    """A part that stands in a fallback window where it admits none, and can tell so cheaply."""

    def falls_back(self, image: Image, mask: Mask, positions: Bool | Float32, /) -> bool:
        """Whether ``positions``, which this part just returned for this image, is its fallback."""
        ...


@runtime_checkable
class Choosing(Protocol):
    """A model with nothing to fit in several settings, of which validation chooses one, as it chooses a checkpoint.

    The core tries all on the validation tiles and keeps the one of highest pooled F1 at its own best threshold, the
    first of equals. What was chosen is in the state dict, and a model that is given it answers by it.
    """

    @property
    def choices(self) -> Sequence[str]:
        """The settings in words that a board can print: ``bright, sigma 2``."""
        ...

    def choose(self, number: int, /) -> None:
        """Answer by the setting of this number from now on."""
        ...


@dataclass(frozen=True, slots=True)
class Prediction:
    """One predicted image on its own pixel grid, as an ``ImageMetric`` sees it.

    ``probability`` is ``float32[H, W]``, 1 minus the background's probability; ``mask`` is the truth.
    """

    id: str
    probability: Float32
    mask: Mask
    classes: Sequence[str]


class PixelMetric(Protocol):
    """A function of pooled counts; intervals and late scoring follow from it."""

    @property
    def range(self) -> tuple[float, float]:
        """Smallest and largest possible value."""
        ...

    def value(self, counts: Float64, /) -> Float64:
        """Map ``float64[..., 4]`` (TP, FP, FN, TN) to ``float64[...]``."""
        ...


class ImageMetric(Protocol):
    """A metric that must see whole images at the chosen threshold; its rows add."""

    @property
    def range(self) -> tuple[float, float]: ...

    def observe(self, image: Prediction, threshold: float, /) -> Float64:
        """One row ``float64[M]`` per image."""
        ...

    def value(self, total: Float64, /) -> Float64:
        """Map summed rows ``float64[..., M]`` to ``float64[...]``."""
        ...


JsonValue: TypeAlias = Any
"""What ``json.loads`` returns; recursive types are of no use to a reader here."""
