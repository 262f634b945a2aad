"""A metric of pooled pixel counts: mean of recall and specificity; the place for your own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bench.api import About, Component, Float64, ImageMetric, PixelMetric, hookimpl

NAME = "my-plugin"


@dataclass(frozen=True)
class Balanced:
    """Mean of recall and specificity; 0 where neither defect nor background was scored."""

    range: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def value(self, counts: Float64, /) -> Float64:
        """Map ``float64[..., 4]`` (TP, FP, FN, TN) to ``float64[...]``."""
        tp, fp, fn, tn = np.moveaxis(np.asarray(counts, np.float64), -1, 0)
        recall, specificity = tp / np.maximum(tp + fn, 1), tn / np.maximum(tn + fp, 1)
        return np.asarray((recall + specificity) / 2)


def build() -> PixelMetric:
    """The metric has no settings."""
    return Balanced()


@hookimpl
def bench_metrics() -> Iterable[Component[PixelMetric | ImageMetric]]:
    """Offer the metric."""
    yield Component(NAME, build, about=About("mean of recall and specificity over pooled pixels"))
