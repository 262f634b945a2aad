"""Overlays of truth and prediction in the supplement's colours, countable pixel by pixel.

True positives green, false positives red, false negatives blue (supplement, figures 3-5). Every other pixel
stays grey with equal channels, so the codes can be read back from the picture.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bench.errors import DataError
from bench.types import IGNORED, Bool, Float64, Image, Mask

Codes = npt.NDArray[np.uint8]
"""``uint8[H, W]``: 0 nothing to show, 1 true positive, 2 false positive, 3 false negative."""
Colour = npt.NDArray[np.uint8]
"""``uint8[H, W, 3]`` RGB."""

NOTHING, TRUE_POSITIVE, FALSE_POSITIVE, FALSE_NEGATIVE = range(4)
COLOURS = np.array([[0, 0, 0], [0, 255, 40], [255, 30, 20], [30, 110, 255]], dtype=np.uint8)
ALPHA = 0.8
"""Share of the colour in a coloured pixel; the rest is the grey image below."""

BRIGHTEST_GAIN = 8.0
"""Dark images are lifted by at most this factor: more shows only noise."""
TONES = (
    "Grey levels are the mean of the channels, stretched between their 0.5 and 99.5 percentiles (at most "
    f"{BRIGHTEST_GAIN:g} times); dark images are lifted by a gamma of at least 0.45."
)
"""What :func:`grey` does, for captions: publishers want what is not linear to be said."""


def codes(truth: Mask, predicted: Bool) -> Codes:
    """Compare ``uint8[H, W]`` truth with ``bool[H, W]`` prediction; ignored pixels (255) get no code.

    Raises:
        DataError: the two differ in shape.
    """
    if truth.shape != predicted.shape:
        raise DataError(f"truth is {list(truth.shape)} but the prediction is {list(predicted.shape)}")
    valid, positive = truth != IGNORED, truth > 0
    found = np.zeros(truth.shape, dtype=np.uint8)
    found[valid & positive & predicted] = TRUE_POSITIVE
    found[valid & ~positive & predicted] = FALSE_POSITIVE
    found[valid & positive & ~predicted] = FALSE_NEGATIVE
    return found


def overlay(image: Image, truth: Mask, predicted: Bool) -> Colour:
    """Colour the pixels of ``image [H, W, C]`` where truth or prediction is positive.

    Raises:
        DataError: image, truth and prediction differ in size.
    """
    if image.shape[:2] != truth.shape:
        raise DataError(f"the image is {list(image.shape[:2])} but the truth is {list(truth.shape)}")
    return coloured(grey(image), codes(truth, predicted))


def coloured(base: npt.NDArray[np.uint8], found: Codes) -> Colour:
    """Blend the colour of each code over ``base: uint8[H, W]``; code 0 keeps the grey."""
    picture = np.repeat(base[:, :, None], 3, axis=2)
    marked = found != NOTHING
    blend = (1 - ALPHA) * picture[marked] + ALPHA * COLOURS[found[marked]]
    picture[marked] = np.rint(blend).astype(np.uint8)
    return picture


def colours(picture: Colour) -> Codes:
    """Read the codes back from an overlay: the largest channel of a coloured pixel tells its code."""
    codes_of_channels = np.array([FALSE_POSITIVE, TRUE_POSITIVE, FALSE_NEGATIVE], np.uint8)
    ascending = np.sort(picture, axis=2)
    one_is_largest = ascending[:, :, 2] > ascending[:, :, 1]
    return np.where(one_is_largest, codes_of_channels[picture.argmax(axis=2)], np.uint8(NOTHING))


def grey(image: Image) -> npt.NDArray[np.uint8]:
    """Mean over channels as ``uint8[H, W]``, dark images lifted so that their content can be seen.

    The 0.5 and 99.5 percentiles are stretched towards 0..255; a gamma then lifts what is still dark.
    """
    mean: Float64 = image.astype(np.float64).mean(axis=2) * (255 / np.iinfo(image.dtype).max)
    low, high = np.percentile(mean, [0.5, 99.5])
    gain = min(255 / max(high - low, 1.0), BRIGHTEST_GAIN)
    stretched = np.clip((mean - low) * gain, 0, 255) / 255
    middle = float(stretched.mean())
    gamma = 1.0
    if 0 < middle < 0.35:
        gamma = float(np.clip(np.log(0.35) / np.log(middle), 0.45, 1.0))
    lifted: npt.NDArray[np.uint8] = np.rint(255 * stretched**gamma).astype(np.uint8)
    return lifted
