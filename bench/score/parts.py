"""Scores of a part of the defects: those of one size, or of one type."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bench.score.evidence import Evidence
from bench.score.metrics import image_counts
from bench.score.object_scores import mean, share
from bench.score.objects import Int32
from bench.scores import F1, SIZES, values
from bench.types import Bool


@dataclass(frozen=True)
class Part:
    """The ``chosen`` defects (``bool[M]``) at threshold ``k`` / 1000; its scores are attributes of their names.

    Shares are in 0..1, and None of nothing.
    """

    evidence: Evidence
    k: int
    found: float
    chosen: Bool

    @cached_property
    def area(self) -> Int32:
        """True pixels of every defect."""
        return self.evidence.defects.area[self.chosen]

    @cached_property
    def predicted(self) -> Any:
        """Predicted pixels of every defect."""
        return self.evidence.defects.predicted_pixels(self.k)[self.chosen]

    @property
    def smallest_area(self) -> int | None:
        return int(self.area.min()) if self.area.size else None

    @property
    def largest_area(self) -> int | None:
        return int(self.area.max()) if self.area.size else None

    @property
    def pixels(self) -> int:
        return int(self.area.sum())

    @property
    def objects(self) -> int:
        return self.area.size

    @property
    def recall(self) -> float | None:
        return share(float(self.predicted.sum()), self.pixels)

    @property
    def object_recall(self) -> float | None:
        return mean(self.evidence.defects.found(self.k, self.found)[self.chosen])

    @property
    def overlap(self) -> float | None:
        return mean(self.predicted / self.area)

    @property
    def f1_alone(self) -> float | None:
        """All false positives of the split stand against the part: none has a size or a type of its own."""
        if not self.pixels:
            return None
        found = float(self.predicted.sum())
        false = float(image_counts(self.evidence, self.k)[:, 1].sum())
        return float(F1.value(np.array([found, false, self.pixels - found, 0.0])))


def size_scores(evidence: Evidence, k: int, found: float) -> dict[str, dict[str, Any]]:
    """Scores by quartile of defect area, q1 the smallest.

    The limits are quantiles of this split's own defects, so they are the same for every cell on these images; equal
    areas share a quartile, and a quartile may be empty.
    """
    area = evidence.defects.area
    edges = np.quantile(area, [0.25, 0.5, 0.75]) if area.size else np.zeros(3)
    quartile = np.searchsorted(edges, area, side="left")
    scores = {}
    for number, name in enumerate(SIZES):
        scores[name] = values("sizes", Part(evidence, k, found, quartile == number))
    return scores
