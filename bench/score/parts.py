"""Scores of a part of the defects: those of one size, or of one type.

By type there is recall of every class under ``union``, and all pooled scores of every class under ``each``: a pixel is
called class c where that class's own probability reaches the threshold that validation chose for *any* defect, one
number for all classes. Beside it stands F1 at a threshold of its own per class (``f1_own``), chosen on validation too.
Objects are asked of 1 - background in both cases: a defect that is seen counts as found, whatever it is taken for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress
from typing import Any

import numpy as np

from bench.score.evidence import Evidence
from bench.score.metrics import average_precision
from bench.score.object_scores import mean, share
from bench.score.objects import Int32
from bench.score.thresholds import STEPS, best_index, pooled
from bench.scores import F1, RECALL, SIZES, values
from bench.types import Bool, Float64

ClassThresholds = Sequence[int | None]
"""Grid index per class, chosen on validation; None where validation holds no pixel of it."""


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
        false = pooled(self.evidence)[self.k, 1]
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


def choose_class_thresholds(validation: Evidence) -> ClassThresholds:
    """Threshold of highest pooled F1 of every class's own probability; test evidence must never be passed."""
    sweeps = (pooled(validation, row) for row in range(len(validation.classes)))
    return [best_index(counts)[0] if counts[0, 0] else None for counts in sweeps]


@dataclass(frozen=True)
class Type(Part):
    """The defects of one class; ``row`` is its row of the evidence."""

    row: int

    @property
    def groups(self) -> int:
        """Groups with a true pixel of the class."""
        return len(set(compress(self.evidence.groups, self.evidence.defective[:, self.row])))


@dataclass(frozen=True)
class PredictedType(Type):
    """A class with a probability of its own; ``own`` is the threshold that validation chose for it alone."""

    own: int | None

    @cached_property
    def sweep(self) -> Float64:
        """Counts of its own probability at every threshold, ``float64[1001, 4]``."""
        return pooled(self.evidence, self.row)

    @property
    def counts(self) -> Float64 | None:
        """TP, FP, FN, TN of its own probability; None where the class does not occur."""
        return self.sweep[self.k] if self.sweep[0, 0] else None

    @property
    def recall(self) -> float | None:
        return None if self.counts is None else float(RECALL.value(self.counts))

    @property
    def ap(self) -> float | None:
        return None if self.counts is None else average_precision(self.sweep)

    @property
    def f1_own(self) -> float | None:
        return None if self.counts is None or self.own is None else float(F1.value(self.sweep[self.own]))

    @property
    def threshold_own(self) -> float | None:
        return None if self.counts is None or self.own is None else self.own / STEPS


def type_scores(evidence: Evidence, k: int, found: float, own: ClassThresholds | None) -> dict[str, dict[str, Any]]:
    """Scores of every class at threshold k / 1000; ``own`` is None under ``union``.

    Shares are in 0..1, and None where the class does not occur in this split.
    """
    scores = {}
    for row, name in enumerate(evidence.classes):
        chosen = evidence.defects.kind == row + 1
        if own is None:
            scores[name] = values("types", Type(evidence, k, found, chosen, row))
        else:
            scores[name] = values("types", PredictedType(evidence, k, found, chosen, row, own[row]), each=True)
    return scores


def mean_over_types(types: Mapping[str, Mapping[str, Any]], score: str) -> float | None:
    """Mean of a score over the classes that occur; None where one has none, so that no class drops out in silence."""
    scores = [of_type[score] for of_type in types.values() if of_type["pixels"]]
    return None if None in scores else mean(scores)
