"""One image after preprocessing: what is cropped, what a crop strategy sees, and the mask."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from bench.crops.tiles import pad
from bench.errors import DataError, PluginError
from bench.types import Dataset, Image, Mask
from bench.words import plural, shown


@dataclass(frozen=True, slots=True)
class Format:
    """Channels and pixel type (``uint8`` or ``uint16``) of images."""

    channels: int
    dtype: str

    @property
    def itemsize(self) -> int:
        """Bytes of one value."""
        return np.dtype(self.dtype).itemsize

    @property
    def pixel_bytes(self) -> int:
        """Bytes of one pixel."""
        return self.channels * self.itemsize

    def check(self, image: Image, id: str) -> None:
        """Refuse an image of another format.

        Raises:
            DataError: names the image and both formats.
        """
        if format_of(image) != self:
            raise DataError(
                f"image {id!r} has {plural(image.shape[2], 'channel')} of {image.dtype} after preprocessing, others "
                f"have {self.channels} of {self.dtype}; convert them with a preprocessing step"
            )


def format_of(image: Image) -> Format:
    """The format of an image ``[H, W, C]``."""
    return Format(image.shape[2], image.dtype.name)


@dataclass(frozen=True, slots=True)
class Prepared:
    """``image`` after the whole chain, ``guide`` after the last step before the channel count changes, ``mask``.

    Crop strategies see the guide: a threshold on grey levels then means the same with and without an
    exposure stack behind it (PROTOCOL, section 3).
    """

    image: Image
    guide: Image
    mask: Mask


class ImageSource(Protocol):
    """Preprocessed images by id: decoded on the way (:class:`Source`), or read from the image store."""

    def prepared(self, id: str, /) -> Prepared:
        """One image, guide and mask; called from several threads at once."""
        ...


@dataclass(frozen=True)
class Source:
    """A data set behind its preprocessing chain."""

    dataset: Dataset
    chain: Sequence[Callable[[Image], Image]] = ()

    def prepared(self, id: str, /) -> Prepared:
        """Decode one image and send it through the chain. Called from several threads at once.

        Raises:
            DataError: the data set cannot load the image.
            PluginError: a step changed the pixel grid, or returned something that is no image.
        """
        sample = self.dataset.load(id)
        image, guide = chained(self.chain, sample.image, id)
        return Prepared(image, guide, sample.mask)


class AtHand:
    """A source of which one image is decoded already: it is given once, and read like any other after that."""

    def __init__(self, source: ImageSource, id: str, prepared: Prepared) -> None:
        self._source = source
        self._ready = {id: prepared}

    def prepared(self, id: str, /) -> Prepared:
        """See :class:`ImageSource`."""
        return self._ready.pop(id, None) or self._source.prepared(id)


def chained(chain: Sequence[Callable[[Image], Image]], image: Image, id: str) -> tuple[Image, Image]:
    """Send an image through a preprocessing chain; returns it and its guide, see :class:`Prepared`.

    Raises:
        PluginError: a step changed the pixel grid, or returned something that is no image.
    """
    guide = image
    for step in chain:
        image, guide = advanced(step, image, guide, id)
    return image, guide


def advanced(step: Callable[[Image], Image], image: Image, guide: Image, id: str) -> tuple[Image, Image]:
    """Image and guide after one more step.

    Raises:
        PluginError: as for :func:`chained`.
    """
    after = apply(step, image, id)
    if guide is image and after.shape[2] == image.shape[2]:
        guide = after
    return after, guide


def padded(prepared: Prepared, size: int) -> Prepared:
    """Pad image, guide and mask to at least ``size`` in both directions; see :func:`bench.crops.tiles.pad`."""
    image, mask = pad(prepared.image, prepared.mask, size)
    if prepared.guide is prepared.image:
        return Prepared(image, image, mask)
    return Prepared(image, pad(prepared.guide, prepared.mask, size)[0], mask)


def apply(step: Callable[[Image], Image], before: Image, id: str) -> Image:
    """Run one preprocessing step on an image ``[H, W, C]`` and check what it returns.

    Raises:
        PluginError: it changed the pixel grid, or returned something that is no image.
    """
    after = step(before)
    name = getattr(step, "__qualname__", type(step).__qualname__)
    if not isinstance(after, np.ndarray) or after.ndim != 3 or after.dtype not in (np.uint8, np.uint16):
        raise PluginError(
            f"preprocessing step {name!r} returned {shown(after)} for image {id!r}; "
            "it must return uint8 or uint16 [height, width, channels]"
        )
    if after.shape[:2] != before.shape[:2] or after.shape[2] == 0:
        raise PluginError(
            f"preprocessing step {name!r} turned image {id!r} from {list(before.shape)} into {list(after.shape)}; "
            "it must keep height and width and at least one channel"
        )
    return after
