"""Scores by defect type: recall of every class under ``union``, all pooled scores of every class under ``each``.

Under ``each`` a pixel is called class c where that class's own probability reaches the threshold that validation
chose for *any* defect: one number for all classes. Beside it stands F1 at a threshold of its own per class
(``f1_own``), chosen on validation too. Objects are asked of 1 - background in both cases: a defect that is seen counts
as found, whatever it is taken for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bench.score.evidence import Evidence
from bench.score.metrics import average_precision
from bench.score.object_scores import mean
from bench.score.parts import Part
from bench.score.thresholds import STEPS, best_index, pooled
from bench.scores import F1, RECALL, values
from bench.types import Float64

ClassThresholds = Sequence[int | None]
"""Grid index per class, chosen on validation; None where validation holds no pixel of it."""


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
        pixels = self.evidence.counts[:, self.row, 2:].sum(axis=(1, 2), dtype=np.int64)
        return len({group for group, some in zip(self.evidence.groups, pixels, strict=True) if some})


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
        occurs = self.counts is not None
        return float(F1.value(self.sweep[self.own])) if occurs and self.own is not None else None

    @property
    def threshold_own(self) -> float | None:
        occurs = self.counts is not None
        return self.own / STEPS if occurs and self.own is not None else None


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
