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


@dataclass(frozen=True, slots=True)
class Ratio:
    """One sum of counts over another: how often TP, FP, FN and TN are in each; 0 where the lower sum is 0."""

    part: tuple[float, float, float, float]
    whole: tuple[float, float, float, float]
    range = UNIT

    def value(self, counts: Float64, /) -> Float64:
        given = np.asarray(counts, np.float64)
        return _ratio(given @ self.part, given @ self.whole)


F1 = Ratio((2, 0, 0, 0), (2, 1, 1, 0))
F2 = Ratio((5, 0, 0, 0), (5, 1, 4, 0))
"""F-beta is (1 + b^2) TP over (1 + b^2) TP + b^2 FN + FP (van Rijsbergen 1979)."""
PRECISION = Ratio((1, 0, 0, 0), (1, 1, 0, 0))
RECALL = Ratio((1, 0, 0, 0), (1, 0, 1, 0))
ACCURACY = Ratio((1, 0, 0, 1), (1, 1, 1, 1))
IOU = Ratio((1, 0, 0, 0), (1, 1, 1, 0))

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
        nothing = ~counts[..., :3].any(axis=-1)
        f1 = np.where(nothing, float(self.empty == "one"), F1.value(counts))
        return np.stack([f1, 1.0 - (nothing & (self.empty == "leave-out"))], axis=-1)

    def observe(self, image: Prediction, threshold: float, /) -> Float64:
        valid = image.mask != IGNORED
        truth = image.mask[valid] != 0
        positive = image.probability[valid] >= np.float32(threshold)
        cells = np.bincount(2 * truth + positive, minlength=4)  # TN, FP, FN, TP
        return self.rows(cells[[3, 1, 2, 0]].astype(np.float64))

    def value(self, total: Float64, /) -> Float64:
        return _ratio(total[..., 0], total[..., 1])


def image_counts(evidence: Evidence, k: int, row: int = -1) -> npt.NDArray[np.int64]:
    """TP, FP, FN, TN of every image at threshold k / 1000, ``int64[N, 4]``; ``row`` -1 is ``any``."""
    per_bin = evidence.counts[:, row]
    inside = per_bin[:, INSIDE].sum(axis=1, dtype=np.int64)
    outside = per_bin[:, OUTSIDE].sum(axis=1, dtype=np.int64)
    cells = inside[:, k:], outside[:, k:], inside[:, :k], outside[:, :k]
    return np.stack([cell.sum(axis=1) for cell in cells], axis=1)


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


def _f1_image(*, empty: Empty = "leave-out") -> ImageF1:
    """``empty`` is the value of an image with neither true nor predicted positives, or leaves it out."""
    return ImageF1(empty)


@hookimpl
def bench_metrics() -> Iterator[Component[Any]]:
    """Metrics of pooled counts, and the mean over images under its own name."""
    yield Component("f1", lambda: F1, about=About("Pooled F1: 2 TP / (2 TP + FP + FN)"))
    yield Component("f2", lambda: F2, about=About("Pooled F2: recall counts four times as much as precision"))
    yield Component("precision", lambda: PRECISION, about=About("Pooled precision: TP / (TP + FP)"))
    yield Component("recall", lambda: RECALL, about=About("Pooled recall: TP / (TP + FN)"))
    yield Component("accuracy", lambda: ACCURACY, about=About("Share of valid pixels that are right"))
    yield Component("iou", lambda: IOU, about=About("Pooled intersection over union: TP / (TP + FP + FN)"))
    yield Component("f1_image", _f1_image, about=About("Mean over images of F1; empty images as the setting says"))
