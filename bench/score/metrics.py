"""The metrics of the core, offered through the same hook as anyone else's.

Pooled metrics are functions of TP, FP, FN, TN summed over a split (PROTOCOL, section 3), so intervals follow from
them. Where a quotient is 0/0 the pooled value is 0; the summary says so with a flag.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from bench.component import About, Component
from bench.hookspecs import hookimpl
from bench.scores import F1, PRECISION, RECALL, quotient, rows_of
from bench.types import IGNORED, Float64, PixelMetric, Prediction

if TYPE_CHECKING:
    from bench.score.evidence import Evidence

Empty = Literal["leave-out", "one", "zero"]
"""What an image without true and without predicted positives counts for in a mean over images."""


@dataclass(frozen=True, slots=True)
class ImageF1:
    """Mean over images of F1 at the chosen threshold; rows are (sum of F1, images that count)."""

    empty: Empty = "leave-out"
    range = (0.0, 1.0)

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
        return quotient(total[..., 0], total[..., 1])


def image_counts(evidence: Evidence, k: int) -> npt.NDArray[np.int64]:
    """TP, FP, FN, TN of every image at threshold k / 1000, ``int64[N, 4]``."""
    whole, found = evidence.positive[..., 0], evidence.positive[..., k]
    return np.concatenate([found, whole - found], axis=1)


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
    for row in rows_of("split"):
        if row.metric is not None:
            yield Component(row.name, _builder(row.metric), about=About(row.meaning))
    yield Component("f1_image", _f1_image, about=About("Mean over images of F1; empty images as the setting says"))


def _builder(metric: PixelMetric) -> Callable[[], PixelMetric]:
    def build() -> PixelMetric:
        return metric

    return build
