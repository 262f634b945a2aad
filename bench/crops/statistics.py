"""Mean and deviation of preprocessed images, exact whatever the order of work."""

from __future__ import annotations

from math import sqrt

import numpy as np
import numpy.typing as npt

from bench.crops.draw import Frame
from bench.crops.prepare import format_of
from bench.threads import Progress, ordered
from bench.types import Float64, Image

STRETCH = 1 << 18
"""Pixels that are summed at once."""


def mean_and_deviation(frame: Frame, progress: Progress) -> tuple[Float64, Float64]:
    """Mean and standard deviation of every channel over all pixels, ``float64[C]``; a constant channel has 1.

    Raises:
        DataError: images differ in channels or pixel type.
    """
    entries = frame.index.entries
    frame, opening = frame.begun(0)
    format = format_of(opening.image)

    def sums(number: int) -> npt.NDArray[np.object_]:
        image = frame.load(number).image
        format.check(image, entries[number].id)
        return _sums(image)

    total = np.zeros((3, format.channels), object)
    for each in ordered(sums, range(len(entries)), frame.workers, progress):
        total += each
    mean, deviation = [], []
    for pixels, first, second in total.T.tolist():
        mean.append(first / pixels)
        deviation.append(sqrt(pixels * second - first * first) / pixels or 1.0)
    return np.array(mean), np.array(deviation)


def _sums(image: Image) -> npt.NDArray[np.object_]:
    """Pixels, sum and sum of squares per channel as exact integers ``[3, C]``: no order of addition matters."""
    flat = image.reshape(-1, image.shape[2])
    total = np.zeros((3, flat.shape[1]), object)
    for start in range(0, len(flat), STRETCH):
        block = flat[start : start + STRETCH].astype(np.float64)  # integers below 2^53
        sums = np.stack([np.full(block.shape[1], len(block)), block.sum(axis=0), np.einsum("nc,nc->c", block, block)])
        total += sums.astype(np.int64).astype(object)
    return total
