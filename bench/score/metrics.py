"""The metrics of the core, offered through the same hook as anyone else's.

Pooled metrics are functions of TP, FP, FN, TN summed over a split (PROTOCOL, section 3), so intervals follow from
them. Where a quotient is 0/0 the pooled value is 0; the summary says so with a flag.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from bench.component import About, Component
from bench.hookspecs import hookimpl
from bench.score.zones import INSIDE, OUTSIDE
from bench.types import IGNORED, Float64, PixelMetric, Prediction

if TYPE_CHECKING:
    from bench.score.evidence import Evidence

UNIT = (0.0, 1.0)
"""Smallest and largest value of every metric here."""


def _ratio(part: Float64, whole: Float64) -> Float64:
    """Quotient; 0 where the whole is 0."""
    empty = whole == 0
    return np.asarray(np.where(empty, 0.0, part / np.where(empty, 1.0, whole)))


def _split(counts: Float64) -> tuple[Float64, Float64, Float64, Float64]:
    """TP, FP, FN, TN, each ``float64[...]``."""
    true_positive, false_positive, false_negative, true_negative = np.moveaxis(np.asarray(counts, np.float64), -1, 0)
    return true_positive, false_positive, false_negative, true_negative


@dataclass(frozen=True, slots=True)
class FBeta:
    """``(1 + b^2) TP / ((1 + b^2) TP + b^2 FN + FP)`` (van Rijsbergen 1979); 0 without true and predicted positives."""

    beta: float
    range = UNIT

    def value(self, counts: Float64, /) -> Float64:
        tp, fp, fn, _ = _split(counts)
        weight = self.beta**2
        return _ratio((1 + weight) * tp, (1 + weight) * tp + weight * fn + fp)


@dataclass(frozen=True, slots=True)
class Precision:
    """``TP / (TP + FP)``; 0 without predicted positives."""

    range = UNIT

    def value(self, counts: Float64, /) -> Float64:
        tp, fp, _, _ = _split(counts)
        return _ratio(tp, tp + fp)


@dataclass(frozen=True, slots=True)
class Recall:
    """``TP / (TP + FN)``; 0 without true positives."""

    range = UNIT

    def value(self, counts: Float64, /) -> Float64:
        tp, _, fn, _ = _split(counts)
        return _ratio(tp, tp + fn)


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Share of valid pixels that are right; 0 without valid pixels."""

    range = UNIT

    def value(self, counts: Float64, /) -> Float64:
        tp, fp, fn, tn = _split(counts)
        return _ratio(tp + tn, tp + fp + fn + tn)


@dataclass(frozen=True, slots=True)
class IoU:
    """``TP / (TP + FP + FN)``; 0 without true and predicted positives."""

    range = UNIT

    def value(self, counts: Float64, /) -> Float64:
        tp, fp, fn, _ = _split(counts)
        return _ratio(tp, tp + fp + fn)


F1, F2 = FBeta(1.0), FBeta(2.0)
PRECISION, RECALL, ACCURACY, IOU = Precision(), Recall(), Accuracy(), IoU()

POOLED: Mapping[str, PixelMetric] = {
    "f1": F1,
    "precision": PRECISION,
    "recall": RECALL,
    "f2": F2,
    "accuracy": ACCURACY,
    "iou": IOU,
}
"""Scores that follow from pixel counts, so that their error over seeds and groups is known."""

Empty = Literal["leave-out", "one", "zero"]
"""What an image without true and without predicted positives counts for in a mean over images."""


@dataclass(frozen=True, slots=True)
class ImageF1:
    """Mean over images of F1 at the chosen threshold; rows are (sum of F1, images that count)."""

    empty: Empty = "leave-out"
    range = UNIT

    def rows(self, counts: Float64) -> Float64:
        """Rows ``float64[..., 2]`` of images with ``float64[..., 4]`` counts."""
        tp, fp, fn, _ = _split(counts)
        nothing = tp + fp + fn == 0
        f1 = np.where(nothing, float(self.empty == "one"), F1.value(counts))
        return np.stack([f1, 1.0 - (nothing & (self.empty == "leave-out"))], axis=-1)

    def observe(self, image: Prediction, threshold: float, /) -> Float64:
        truth, valid = image.mask != 0, image.mask != IGNORED
        positive = image.probability >= np.float32(threshold)
        cells = [truth & positive, ~truth & positive, truth & ~positive, ~truth & ~positive]
        return self.rows(np.array([np.count_nonzero(cell & valid) for cell in cells], np.float64))

    def value(self, total: Float64, /) -> Float64:
        return _ratio(total[..., 0], total[..., 1])


def image_counts(evidence: Evidence, k: int, row: int = -1) -> npt.NDArray[np.int64]:
    """TP, FP, FN, TN of every image at threshold k / 1000, ``int64[N, 4]``; ``row`` -1 is ``any``."""
    per_bin = evidence.counts[:, row]
    inside, outside = per_bin[:, INSIDE], per_bin[:, OUTSIDE]
    sums = (part.sum(axis=(1, 2), dtype=np.int64) for part in (inside[..., k:], outside[..., k:], inside[..., :k]))
    tp, fp, fn = sums
    return np.stack([tp, fp, fn, outside[..., :k].sum(axis=(1, 2), dtype=np.int64)], axis=1)


def swept(positive: npt.NDArray[np.int64], negative: npt.NDArray[np.int64]) -> Float64:
    """TP, FP, FN, TN at every threshold, ``float64[1001, 4]``, from pixels per bin, ``int64[1001]`` each.

    Row k is threshold k / 1000; row 0 calls everything positive.
    """
    tp, fp = positive[::-1].cumsum()[::-1], negative[::-1].cumsum()[::-1]
    return np.stack([tp, fp, tp[0] - tp, fp[0] - fp], axis=1).astype(np.float64)


def average_precision(counts: Float64) -> float:
    """Step-wise sum over the grid, ``sum (R_n - R_n-1) P_n``, without interpolation; ``counts`` as :func:`swept`.

    scikit-learn's ``average_precision_score`` on the bins as scores; 0 without true positives.
    """
    recall, precision = RECALL.value(counts), PRECISION.value(counts)
    gained = recall - np.append(recall[1:], 0.0)
    return float((gained * precision).sum())


def _f1() -> FBeta:
    return F1


def _f2() -> FBeta:
    return F2


def _f1_image(*, empty: Empty = "leave-out") -> ImageF1:
    """``empty`` is the value of an image with neither true nor predicted positives, or leaves it out."""
    return ImageF1(empty)


@hookimpl
def bench_metrics() -> Iterator[Component[Any]]:
    """Metrics of pooled counts, and the mean over images under its own name."""
    yield Component("f1", _f1, about=About("Pooled F1: 2 TP / (2 TP + FP + FN)"))
    yield Component("f2", _f2, about=About("Pooled F2: recall counts four times as much as precision"))
    yield Component("precision", Precision, about=About("Pooled precision: TP / (TP + FP)"))
    yield Component("recall", Recall, about=About("Pooled recall: TP / (TP + FN)"))
    yield Component("accuracy", Accuracy, about=About("Share of valid pixels that are right"))
    yield Component("iou", IoU, about=About("Pooled intersection over union: TP / (TP + FP + FN)"))
    yield Component("f1_image", _f1_image, about=About("Mean over images of F1; empty images as the setting says"))
