"""An image and what lies over it as small pictures of their own, so that a page can lay any of them on another."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.pictures.overlay import COLOURS, Codes, grey
from bench.pictures.sheet import blocks, frequent
from bench.types import IGNORED, Image, Mask

Bytes = npt.NDArray[np.uint8]

TRUTH, UNKNOWN = (255, 212, 0), (128, 128, 128)
"""Colours of a true pixel where nothing is predicted beside it, and of one that is left out of scoring."""
SEE_THROUGH, HALF = 230, 110
"""Opacity of a colour over the image, and of what is left out."""
SHADES = 8
"""Shades of a map on either side of its threshold."""
BELOW = ((8, 16, 60), (70, 130, 255))
ABOVE = ((255, 170, 60), (255, 255, 215))
"""Colours of the least and the greatest probability below the threshold, and from it on."""
QUALITY = 70
"""Of the image below the layers, as WebP has it."""


@dataclass(frozen=True, slots=True)
class Scale:
    """By which whole number an image is reduced so that its longer edge is at most ``side`` pixels."""

    factor: int

    @staticmethod
    def to(side: int, height: int, width: int) -> Scale:
        """The least reduction that is enough."""
        return Scale(max(1, -(-max(height, width) // side)))

    def mean(self, values: Bytes) -> Bytes:
        """Means of blocks of ``uint8[H, W]``."""
        return np.asarray(np.rint(blocks(values, self.factor).mean(axis=(1, 3))), np.uint8)

    def most(self, values: Bytes) -> Bytes:
        """Greatest values of blocks of ``uint8[H, W]``."""
        return np.asarray(blocks(values, self.factor).max(axis=(1, 3)), np.uint8)

    def codes(self, found: Codes, codes: Sequence[int]) -> Codes:
        """The most frequent code of each block that is not 0, if there is one: thin defects do not fade."""
        return frequent(found, self.factor, codes)


def image_layer(image: Image, scale: Scale) -> bytes:
    """``image [H, W, C]`` in grey, as WebP."""
    from PIL import Image as Pictures

    return _encoded(Pictures.fromarray(scale.mean(grey(image))), format="WEBP", quality=QUALITY)


def truth_layer(mask: Mask, scale: Scale) -> bytes:
    """True pixels and those left out of ``uint8[H, W]``, see-through elsewhere, as PNG."""
    found = np.where(mask == IGNORED, 2, mask > 0).astype(np.uint8)
    palette = [(0, 0, 0), TRUTH, UNKNOWN]
    return _indexed(scale.codes(found, (1, 2)), palette, [0, SEE_THROUGH, HALF])


def codes_layer(found: Codes, scale: Scale) -> bytes:
    """True positives, false positives and false negatives, see-through elsewhere, as PNG."""
    opacity = [0, SEE_THROUGH, SEE_THROUGH, SEE_THROUGH]
    return _indexed(scale.codes(found, (1, 2, 3)), COLOURS.tolist(), opacity)


def map_layer(found: Bytes, scale: Scale) -> bytes:
    """A map ``uint8[H, W]`` around a threshold (128) in :data:`SHADES` below it and as many above, as PNG."""
    shades = scale.most(found) // (128 // SHADES)
    ramp = np.linspace(0, 1, SHADES)[:, None]
    colours = [np.rint((1 - ramp) * ends[0] + ramp * ends[1]) for ends in (np.array(BELOW), np.array(ABOVE))]
    return _indexed(shades, np.concatenate(colours).astype(int).tolist(), [])


def _indexed(indices: Bytes, palette: Sequence[Sequence[int]], opacity: Sequence[int]) -> bytes:
    from PIL import Image as Pictures

    picture = Pictures.fromarray(indices, "P")
    picture.putpalette([value for colour in palette for value in colour])
    bits = 2 if len(palette) <= 4 else 4
    transparency = {"transparency": bytes(opacity)} if opacity else {}
    return _encoded(picture, format="PNG", optimize=True, bits=bits, **transparency)


def _encoded(picture: object, **how: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, **how)  # type: ignore[attr-defined]  # Pillow is imported late
    return buffer.getvalue()
