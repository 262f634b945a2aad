"""The scores of one split as plain JSON: what a cell record stores and a leaderboard prints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from bench.errors import DataError
from bench.score.borders import Borders
from bench.score.evidence import Evidence
from bench.score.metrics import Empty, ImageF1, average_precision, image_counts
from bench.score.object_scores import AtThreshold
from bench.score.operating import Points, choose_points, operating
from bench.score.parts import ClassThresholds, choose_class_thresholds, mean_over_types, size_scores, type_scores
from bench.score.ranges import believed
from bench.score.regions import LIMIT, region_overlap
from bench.score.thresholds import Threshold, degenerate, pooled
from bench.scores import F1, values
from bench.statistics.estimates import LEVEL, RELIABLE_GROUPS, group_counts, mean_estimate
from bench.types import Float64

HALF = 500

NOTHING_PREDICTED = "nothing is predicted positive: precision is 0/0, printed as 0"
NO_TRUTH = "no true positives: recall, F1 and AP are printed as 0"
"""Flags of a quotient 0/0, as records store them; a report takes such a score out (:mod:`bench.report.undefined`)."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What validation chose besides the threshold: operating points, and under ``each`` a threshold per class."""

    points: Points = field(default_factory=dict)
    classes: ClassThresholds | None = None


def choices_of(validation: Evidence, *, each: bool) -> Choices:
    """Choose on validation; test evidence must never be passed.

    Raises:
        DataError: the split has no valid pixel.
    """
    return Choices(choose_points(validation), choose_class_thresholds(validation) if each else None)


def summarise(evidence: Evidence, threshold: Threshold, *, found: float, also: Choices | None = None) -> dict[str, Any]:
    """Scores of a split at a threshold chosen elsewhere, JSON-safe: no NaN, plain numbers only.

    ``found`` is the share of a defect's pixels that must be predicted for it to count as found. Quotients 0/0
    are 0 with a flag where they are scores, and null where they are shares of objects or of clean images.
    A score outside its possible range is null, with an alarm among the flags.

    Raises:
        DataError: the split has no images, or no valid pixel.
    """
    chosen = also or Choices()
    split = Whole(evidence, threshold.index, found, chosen)
    if not split.counts.any():
        raise DataError("there is nothing to score: the split has no images, or all their pixels are ignored")
    scores, alarms = believed(values("split", split, each=chosen.classes is not None))
    return {
        **scores,
        "flags": [*_flags(split, threshold), *alarms],
        "image_counts": {
            "ids": list(evidence.ids),
            "groups": list(evidence.groups),
            "counts": split.image_counts.tolist(),
        },
    }


def scores_at(evidence: Evidence, k: int, found: float, also: Choices) -> dict[str, Any]:
    """The scores alone, inside each other, at threshold k / 1000; nothing is checked."""
    return values("split", Whole(evidence, k, found, also), each=also.classes is not None)


@dataclass(frozen=True)
class Whole(AtThreshold):
    """A whole split at one threshold; its scores are attributes of their names."""

    chosen: Choices

    @cached_property
    def sweep(self) -> Float64:
        """TP, FP, FN and TN at every threshold, ``float64[1001, 4]``."""
        return pooled(self.evidence)

    @cached_property
    def image_counts(self) -> Any:
        """TP, FP, FN and TN of every image, ``int64[N, 4]``."""
        return image_counts(self.evidence, self.k)

    @property
    def images(self) -> int:
        return len(self.evidence.ids)

    @property
    def positive_share(self) -> float:
        return float(self.sweep[0, 0] / self.sweep[0].sum())

    @property
    def threshold_index(self) -> int:
        return self.k

    @property
    def ap(self) -> float:
        return average_precision(self.sweep)

    @property
    def f1_half(self) -> float:
        return float(F1.value(self.sweep[HALF]))

    @property
    def floor(self) -> float:
        """``2 pi / (1 + pi)`` with pi the share of positive pixels."""
        return 2 * self.positive_share / (1 + self.positive_share)

    @property
    def f1_image(self) -> float:
        return float(ImageF1().value(self._image_rows.sum(axis=0)))

    @property
    def f1_image_images(self) -> int:
        return int(self._image_rows[:, 1].sum())

    @property
    def f1_image_empty(self) -> Empty:
        return ImageF1().empty

    @property
    def _image_rows(self) -> Float64:
        return ImageF1().rows(self.image_counts.astype(np.float64))

    @property
    def groups(self) -> int:
        return len(self._group_counts)

    @property
    def defective_groups(self) -> int:
        counts = self._group_counts
        return int(np.count_nonzero(counts[:, 0] + counts[:, 2]))

    @property
    def f1_interval(self) -> list[float] | None:
        """Null where a single group tells no spread."""
        if self.groups < 2:
            return None
        ends: list[float] = mean_estimate(self._group_counts[None], F1).share_interval().tolist()
        return ends

    @property
    def interval_note(self) -> str:
        note = "one seed: interval over groups only"
        if self.defective_groups < RELIABLE_GROUPS:
            note += f"; interval unreliable ({self.defective_groups} groups with defects)"
        return note

    @property
    def interval_method(self) -> Mapping[str, Any]:
        return {
            "name": "jackknife over groups, Student's t, logit scale",
            "level": LEVEL,
            "held_fixed": ["model", "threshold", "split"],
        }

    @cached_property
    def _group_counts(self) -> Float64:
        """TP, FP, FN and TN of every group, ``float64[groups, 4]``."""
        _, counts = group_counts(self.evidence.groups, self.image_counts)
        return counts

    @property
    def tolerance(self) -> Mapping[str, Any]:
        return values("tolerance", Borders(self.evidence, self.k))

    @cached_property
    def types(self) -> Mapping[str, Mapping[str, Any]]:
        return type_scores(self.evidence, self.k, self.found, self.chosen.classes)

    def mean_over_types(self, score: str) -> float | None:
        """Mean of a score over the types that occur."""
        return mean_over_types(self.types, score)

    @property
    def macro_classes(self) -> int:
        return sum(1 for of_type in self.types.values() if of_type["pixels"])

    @property
    def region_overlap(self) -> float | None:
        return region_overlap(self.evidence)

    @property
    def region_overlap_limit(self) -> float:
        return LIMIT

    @property
    def sizes(self) -> Mapping[str, Mapping[str, Any]]:
        return size_scores(self.evidence, self.k, self.found)

    @property
    def operating(self) -> Mapping[str, Mapping[str, Any]]:
        return operating(self.evidence, self.chosen.points, self.found)


def _flags(split: Whole, threshold: Threshold) -> list[str]:
    """What a reader must know before comparing these scores."""
    tp, fp, fn, _ = split.counts
    flags = [f"threshold: {flag}" for flag in threshold.flags]
    flags += degenerate(split.sweep)
    if tp + fp == 0:
        flags.append(NOTHING_PREDICTED)
    if tp + fn == 0:
        flags.append(NO_TRUTH)
    return flags
