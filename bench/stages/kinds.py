"""Kinds of pictures: what a model was trained on, and what may be put in its place."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.crops.prepare import apply
from bench.errors import DataError
from bench.types import Image
from bench.words import plural

if TYPE_CHECKING:
    from bench.data.index import DatasetIndex

BITS = {"uint8": 8, "uint16": 16}


@dataclass(frozen=True, slots=True)
class Kind:
    """Channels and pixel type of pictures as read, before preprocessing; ``grey`` where the channels are equal."""

    channels: int
    dtype: str
    grey: bool = False


@dataclass(frozen=True, slots=True)
class White:
    """Level ``file`` of a picture stands for level ``trained`` of the training images; None is the highest there is."""

    file: int
    trained: int | None = None


def kind_of(index: DatasetIndex) -> Kind:
    """The kind of a data set's images: an index refuses mixtures."""
    first = index.entries[0]
    grey = all(len(set(zip(entry.sums, entry.squares, strict=True))) == 1 for entry in index.entries)
    return Kind(first.channels, first.dtype, grey)


def kinds_taken(
    noted: Mapping[str, Any] | None, tiles: Path, chain: Sequence[Callable[[Image], Image]]
) -> tuple[Kind, ...]:
    """The kinds that a model may be given: the one ``noted`` with its ``tiles``.

    Where an earlier version noted none, all that the preprocessing turns into what the tiles are.
    """
    if noted is not None:
        return (Kind(noted["channels"], noted["dtype"], noted["grey"]),)
    from bench.crops.bank import format_of_bank

    format = format_of_bank(tiles)
    possible = [Kind(channels, dtype, channels == 1) for channels in (1, 3) for dtype in BITS]
    return tuple(kind for kind in possible if _prepared(kind, chain) == (format.channels, format.dtype))


def _prepared(kind: Kind, chain: Sequence[Callable[[Image], Image]]) -> tuple[int, str] | None:
    """Channels and pixel type after preprocessing; None where a step refuses such images."""
    image = np.zeros((32, 32, kind.channels), kind.dtype)
    try:
        for step in chain:
            image = apply(step, image, "black")
    except Exception:  # a step of anybody; what it cannot take it was not trained on
        return None
    return image.shape[2], image.dtype.name


def fitted(image: Image, kinds: Sequence[Kind], white: White | None, name: str) -> Image:
    """A picture ``[H, W, 1 or 3]`` as the training images were: nothing is changed but what is exact or asked for.

    Colour with equal channels is grey. Without ``kinds`` nothing is known, and nothing checked.

    Raises:
        DataError: it has another pixel type and no ``white``, other channels, or levels that ``white`` has no room for.
    """
    if white is not None:
        image = _scaled(image, white, {kind.dtype for kind in kinds}, name)
    elif kinds and image.dtype.name not in {kind.dtype for kind in kinds}:
        raise DataError(_other_bits(image, kinds[0], name))
    fitting = [kind for kind in kinds if kind.channels == image.shape[2]]
    if fitting or not kinds:
        return image
    if any(kind.channels == 1 for kind in kinds) and (image == image[..., :1]).all():
        return image[..., :1].copy()
    if any(kind.channels == 3 and kind.grey for kind in kinds) and image.shape[2] == 1:
        return image.repeat(3, axis=2)
    raise DataError(_other_channels(image, kinds[0], name))


def _scaled(image: Image, white: White, dtypes: Collection[str], name: str) -> Image:
    """Map levels linearly, rounded to the pixel type of the training images."""
    if len(dtypes) != 1:
        raise DataError(f"{name}: what --white means is unknown, an old cell does not say its pixel type; run it again")
    (dtype,) = map(np.dtype, dtypes)
    top = int(np.iinfo(dtype).max)
    trained = top if white.trained is None else white.trained
    if trained > top:
        raise DataError(f"{name}: --white asks for level {trained}, but the model was trained on levels up to {top}")
    if white.file > np.iinfo(image.dtype).max:
        raise DataError(
            f"{name}: a picture of {_bits(image)} bits has no level {white.file}, which --white names; "
            "predict it in a call of its own"
        )
    if image.max() > white.file:
        raise DataError(
            f"{name}: its highest level {image.max()} lies above {white.file}, the white of --white; give a higher one"
        )
    levels = np.rint(np.arange(white.file + 1) * (trained / white.file))
    scaled: Image = levels.astype(dtype)[image]
    return scaled


def _bits(image: Image) -> int:
    return BITS[image.dtype.name]


def _other_bits(image: Image, kind: Kind, name: str) -> str:
    trained = BITS[kind.dtype]
    what = f"{name}: {_bits(image)} bits with levels up to {image.max()}, but the model was trained on {trained} bits"
    if trained == 8:
        return f"{what}; say which level is white: --white 65535, or --white 4095 from a camera of 12 bits"
    return f"{what}; say which of its levels white is: --white 255:65535, or --white 255:4095 for a camera of 12 bits"


def _other_channels(image: Image, kind: Kind, name: str) -> str:
    if (image.shape[2], kind.channels) == (3, 1):
        return f"{name}: in colour, but the model was trained on grey pictures; save it as grey, as those were made"
    if (image.shape[2], kind.channels) == (1, 3):
        return (
            f"{name}: grey, but the model was trained on colour; take it in colour, or save it as RGB if no colour "
            "is meant, or train on grey with the preprocessing 'channels'"
        )
    return (
        f"{name}: {plural(image.shape[2], 'channel')}, but the model was trained on images of {kind.channels}, "
        "which no picture file holds; use a cell trained on 1 or 3"
    )
