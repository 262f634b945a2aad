"""Evidence: what is kept of a split's predictions, and all that metrics are made from.

Per image a histogram ``uint32[D + 1, 4, 1001]``: rows are the data set's classes and then ``any``, zones lie around
the border of that row's truth (:mod:`bench.score.zones`), bins are a grid of thresholds: positive if p >= k / 1000,
compared in float32, k = 1..1000; bin b holds the pixels that are positive at exactly b of them. The row ``any``
uses p = 1 - background. Under ``union`` (a model of one class) every row uses that p against its own truth;
under ``each`` the row of class c uses the model's probability of class c. Ignored pixels are in no histogram.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bench.errors import DataError, TrainingError
from bench.score.objects import (
    LEVELS,
    Bins,
    Defects,
    Int32,
    Int64,
    Predicted,
    join_defects,
    join_predicted,
    predicted_components,
    true_defects,
)
from bench.score.zones import ANY, FAR, INSIDE, OUTSIDE, ZONES, Counts, Truth, histogram
from bench.types import IGNORED, Bool, Float32, Mask
from bench.words import shown


@dataclass(frozen=True)
class Evidence:
    """Predictions of one split, N images of a data set with D classes.

    ``counts`` is ``uint32[N, D + 1, 4, 1001]``; ``alarms`` is ``int32[N, 1001]``: at k the predicted components
    that touch no defect. ``predicted`` holds the ladder of 19 levels and, where ``threshold`` is not None, that
    grid index too. ``tolerance`` is the k of the zones in pixels.
    """

    ids: tuple[str, ...]
    groups: tuple[str, ...]
    classes: tuple[str, ...]
    tolerance: int
    threshold: int | None
    counts: Counts
    defects: Defects
    predicted: Predicted
    alarms: Int32

    @cached_property
    def zones(self) -> Int64:
        """Counts over all images, ``int64[D + 1, 4, 1001]``."""
        return np.asarray(self.counts.sum(axis=0, dtype=np.int64))

    @cached_property
    def positive(self) -> Int64:
        """Pixels of every image on and off any defect that are positive at k, ``int64[N, 2, 1001]``; at 0 all."""
        together = self.counts[:, -1]
        on, off = (together[:, part].sum(axis=1, dtype=np.int64) for part in (INSIDE, OUTSIDE))
        return np.stack([on, off], axis=1)[..., ::-1].cumsum(axis=-1)[..., ::-1]

    @cached_property
    def defective(self) -> Bool:
        """Whether an image has a pixel of a class, or in the last column of any, ``bool[N, D + 1]``."""
        return np.asarray(self.counts[:, :, INSIDE].any(axis=(2, 3)))


@dataclass(frozen=True, slots=True)
class Measured:
    """Evidence of one image."""

    id: str
    group: str
    counts: Counts
    defects: Defects
    predicted: Predicted
    alarms: Int32


class Collector:
    """Gathers the evidence of a split image by image.

    ``threshold`` is the chosen grid index where it is known already (test), or None (validation, which chooses).
    """

    def __init__(self, classes: Sequence[str], *, tolerance: int = 2, threshold: int | None = None) -> None:
        self._classes = tuple(classes)
        self._tolerance = tolerance
        self._threshold = threshold
        self._images: list[Measured] = []

    def observe(self, id: str, group: str, probabilities: Float32, mask: Mask) -> None:
        """Measure one image and add it; arguments and errors as in :func:`measure`."""
        self.add(self.measured(id, group, probabilities, mask))

    def measured(self, id: str, group: str, probabilities: Float32, mask: Mask) -> Measured:
        """Evidence of one image of this split, not yet added; any thread may ask."""
        classes, tolerance, threshold = len(self._classes), self._tolerance, self._threshold
        return measure((id, group), probabilities, mask, classes, tolerance=tolerance, threshold=threshold)

    def add(self, image: Measured) -> None:
        """Add the evidence of one image."""
        self._images.append(image)

    def evidence(self) -> Evidence:
        """Everything observed so far, in the order of observation.

        Raises:
            DataError: an image id came twice.
        """
        ids = tuple(image.id for image in self._images)
        if len(set(ids)) < len(ids):
            twice = next(id for i, id in enumerate(ids) if id in ids[:i])
            raise DataError(f"image {twice!r} was scored twice; image ids must be unique within a split")
        counts = np.array([image.counts for image in self._images], np.uint32)
        alarms = np.array([image.alarms for image in self._images], np.int32)
        return Evidence(
            ids=ids,
            groups=tuple(image.group for image in self._images),
            classes=self._classes,
            tolerance=self._tolerance,
            threshold=self._threshold,
            counts=counts.reshape(-1, len(self._classes) + 1, len(ZONES), 1001),
            defects=join_defects([image.defects for image in self._images]),
            predicted=join_predicted([image.predicted for image in self._images]),
            alarms=alarms.reshape(-1, 1001),
        )


def measure(
    name: tuple[str, str],
    probabilities: Float32,
    mask: Mask,
    classes: int,
    *,
    tolerance: int = 2,
    threshold: int | None = None,
) -> Measured:
    """Evidence of one image; ``name`` is its id and group. Runs without the interpreter lock for the most part.

    ``probabilities`` is ``float32[1 + K, H, W]``, background first, K = 1 (union) or K = ``classes`` (each);
    ``mask`` is ``uint8[H, W]``.

    Raises:
        DataError: the mask holds a value that is neither 0..classes nor 255.
        TrainingError: shapes do not fit, or a value is NaN (:class:`bench.errors.Diverged`) or outside [0, 1].
    """
    id, group = name
    _check(id, probabilities, mask, classes)
    with _named(id):
        counts = _counts(probabilities, mask, classes, tolerance)
    bins = bins_of(probabilities[0])
    levels = LEVELS if threshold is None else (*LEVELS, threshold)
    predicted, alarms = predicted_components(mask, bins, levels)
    return Measured(id, group, counts, true_defects(mask, bins, classes), predicted, alarms)


def true_and_false(id: str, probabilities: Float32, mask: Mask, classes: int) -> Int64:
    """What pooled scores of the row ``any`` need of one image: pixels on and off a defect by bin, ``int64[2, 1001]``.

    Arguments and errors as in :func:`measure`.
    """
    _check(id, probabilities, mask, classes)
    with _named(id):
        zones = histogram(probabilities[0], mask, ANY, 0, complement=True)
    return np.stack([zones[INSIDE].sum(axis=0, dtype=np.int64), zones[OUTSIDE].sum(axis=0, dtype=np.int64)])


@contextmanager
def _named(id: str) -> Iterator[None]:
    """Say of which image an error is."""
    try:
        yield
    except TrainingError as error:
        raise type(error)(f"image {id!r}: {error}") from None


def bins_of(background: Float32) -> Bins:
    """Bins of 1 - background, ``uint16[H, W]`` in 0..1000; the image is positive at k / 1000 where bin >= k."""
    from bench.score.kernels import write_bins

    bins = np.empty(background.shape, np.uint16)
    flat = np.ascontiguousarray(background, np.float32).reshape(-1)
    write_bins(flat, np.float32(1), np.float32(-1), bins.reshape(-1))
    return bins


def _check(id: str, probabilities: Float32, mask: Mask, classes: int) -> None:
    import cv2

    if probabilities.ndim != 3 or probabilities.shape[1:] != mask.shape or probabilities.dtype != np.float32:
        raise TrainingError(
            f"image {id!r}: predictions are {shown(probabilities)}, "
            f"they must be float32[1 + classes, {mask.shape[0]}, {mask.shape[1]}] like the mask"
        )
    if probabilities.shape[0] not in (2, 1 + classes):
        raise TrainingError(
            f"image {id!r}: the model gives {probabilities.shape[0]} planes; it must give 2 (classes: union) "
            f"or {1 + classes} (classes: each)"
        )
    amounts = cv2.calcHist([np.ascontiguousarray(mask)], [0], None, [256], [0, 256])  # needs no wider copy of the mask
    unknown = np.flatnonzero(amounts[classes + 1 : IGNORED]) + classes + 1
    if unknown.size:
        raise DataError(f"mask of image {id!r} holds {unknown[0]}; values must be 0 to {classes}, or 255 for ignored")


def _counts(probabilities: Float32, mask: Mask, classes: int, tolerance: int) -> Counts:
    """Histograms ``uint32[classes + 1, 4, 1001]`` of one image."""
    background = probabilities[0]
    together = histogram(background, mask, ANY, tolerance, complement=True)
    rows = []
    for c in range(1, classes + 1):
        if len(probabilities) == 2:
            rows.append(_class_row(background, mask, c, tolerance, together))
        else:
            rows.append(histogram(probabilities[c], mask, Truth(c, c), tolerance, complement=False))
    return np.stack([*rows, together])


def _class_row(background: Float32, mask: Mask, c: int, tolerance: int, together: Counts) -> Counts:
    """Histogram of 1 - background around class c: counted near that class only, the rest is the difference."""
    import cv2

    left, top, width, height = cv2.boundingRect(cv2.inRange(mask, c, c))
    row = np.zeros_like(together)
    if width and height:
        rows = slice(max(top - tolerance, 0), top + height + tolerance)
        columns = slice(max(left - tolerance, 0), left + width + tolerance)
        row = histogram(background[rows, columns], mask[rows, columns], Truth(c, c), tolerance, complement=True)
    row[FAR] = together.sum(axis=0, dtype=np.uint32) - row[FAR + 1 :].sum(axis=0, dtype=np.uint32)
    return row
