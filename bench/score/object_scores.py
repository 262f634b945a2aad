"""A split at one threshold: its pixels counted, its defects found or missed, its false alarms.

A defect (8-neighbour component of one class) is found if at least the share ``found`` of its pixels is predicted;
a false alarm is a predicted component that touches no defect. Both are exact at every threshold of the grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bench.score.evidence import Evidence
from bench.score.thresholds import STEPS, pooled
from bench.types import Bool, Float64


@dataclass(frozen=True)
class AtThreshold:
    """A split at threshold ``k`` / 1000; its scores are attributes of their names, each a number or None of nothing.

    A predicted component that touches a defect without finding it counts once, as the missed defect.
    """

    evidence: Evidence
    k: int
    found: float

    @property
    def threshold(self) -> float:
        return self.k / STEPS

    @cached_property
    def counts(self) -> Float64:
        """TP, FP, FN and TN of all pixels."""
        return np.asarray(pooled(self.evidence)[self.k])

    @property
    def false_positive_rate(self) -> float | None:
        _, false_positive, _, true_negative = self.counts
        return share(false_positive, false_positive + true_negative)

    @cached_property
    def hits(self) -> int:
        """Defects that are found."""
        return int(self.evidence.defects.found(self.k, self.found).sum())

    @property
    def objects(self) -> int:
        return int(self.evidence.defects.area.size)

    @property
    def object_recall(self) -> float | None:
        return share(self.hits, self.objects)

    @property
    def object_precision(self) -> float | None:
        return share(self.hits, self.hits + self.false_alarms)

    @property
    def object_f1(self) -> float | None:
        missed = self.objects - self.hits
        return share(2 * self.hits, 2 * self.hits + missed + self.false_alarms)

    @property
    def false_alarms(self) -> int:
        return int(self.evidence.alarms[:, self.k].sum())

    @property
    def clean_images(self) -> int:
        return int(clean_images(self.evidence).sum())

    @property
    def false_alarms_per_clean_image(self) -> float | None:
        return mean(self._alarms_of_clean_images)

    @property
    def clean_images_with_alarm(self) -> float | None:
        return mean(self._alarms_of_clean_images > 0)

    @property
    def _alarms_of_clean_images(self) -> Any:
        return self.evidence.alarms[clean_images(self.evidence), self.k]


def clean_images(evidence: Evidence) -> Bool:
    """Images with valid pixels and no true one among them, ``bool[N]``."""
    valid = evidence.positive[..., 0].any(axis=1)
    return np.asarray(valid & ~evidence.defective[:, -1])


def alarm_rates(evidence: Evidence) -> Float64 | None:
    """False alarms per clean image at every threshold, ``float64[1001]``; None without clean images."""
    clean = clean_images(evidence)
    return np.asarray(evidence.alarms[clean].mean(axis=0), np.float64) if clean.any() else None


def share(part: float, whole: float) -> float | None:
    """Quotient, or None of nothing: a share of no objects is not 0."""
    return float(part / whole) if whole else None


def mean(values: Any) -> float | None:
    """Mean, or None of nothing."""
    return float(np.mean(values)) if len(values) else None
