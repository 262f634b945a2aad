"""The scores of one split as plain JSON: what a cell record stores and a leaderboard prints."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench.errors import DataError
from bench.score.classes import ClassThresholds, choose_class_thresholds, macro_scores, type_scores
from bench.score.evidence import Evidence
from bench.score.metrics import (
    F1,
    POOLED,
    ImageF1,
    average_precision,
    image_counts,
)
from bench.score.object_scores import false_alarms, mean, object_scores
from bench.score.operating import Points, choose_points, operating
from bench.score.parts import size_scores
from bench.score.ranges import believed
from bench.score.regions import LIMIT, region_overlap
from bench.score.thresholds import Threshold, degenerate, pooled
from bench.score.zones import CORE, FAR
from bench.statistics.estimates import LEVEL
from bench.statistics.intervals import RELIABLE_GROUPS, group_counts, mean_estimate
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
    ``types``, ``sizes`` and ``operating`` are mappings, so that a board may show ``sizes.q1.recall@test``; see
    :mod:`bench.score.classes`, :mod:`bench.score.parts` and :mod:`bench.score.operating`. ``region_overlap`` is that of
    :mod:`bench.score.regions`. A score outside its possible range is null, with an alarm among the flags.

    Raises:
        DataError: the split has no images, or no valid pixel.
    """
    sweep = pooled(evidence)
    if not sweep[0].any():
        raise DataError("there is nothing to score: the split has no images, or all their pixels are ignored")
    per_image, chosen = image_counts(evidence, threshold.index), also or Choices()
    types = type_scores(evidence, threshold.index, found, chosen.classes)
    scores = {
        "images": len(evidence.ids),
        "positive_share": _positive_share(sweep),
        "threshold": threshold.value,
        "threshold_index": threshold.index,
        **{name: float(metric.value(sweep[threshold.index])) for name, metric in POOLED.items()},
        "ap": average_precision(sweep),
        "f1_half": float(F1.value(sweep[HALF])),
        "floor": _floor(sweep),
        **_image_mean(per_image),
        **_interval(evidence, per_image),
        "tolerance": _tolerance(evidence, threshold.index),
        "types": types,
        "class_balanced_recall": mean([row["recall"] for row in types.values() if row["pixels"]]),
        **(macro_scores(types) if chosen.classes is not None else {}),
        **object_scores(evidence, threshold.index, found),
        **false_alarms(evidence, threshold.index),
        "region_overlap": region_overlap(evidence),
        "region_overlap_limit": LIMIT,
        "sizes": size_scores(evidence, threshold.index, found),
        "operating": operating(evidence, chosen.points, found),
    }
    checked, alarms = believed(scores)
    return {
        **checked,
        "flags": [*_flags(sweep, threshold), *alarms],
        "image_counts": {"ids": list(evidence.ids), "groups": list(evidence.groups), "counts": per_image.tolist()},
    }


def _positive_share(sweep: Float64) -> float:
    return float(sweep[0, 0] / sweep[0].sum())


def _floor(sweep: Float64) -> float:
    """F1 of calling everything positive: ``2 pi / (1 + pi)`` with pi the share of positive pixels."""
    share = _positive_share(sweep)
    return 2 * share / (1 + share)


def _image_mean(per_image: Any) -> dict[str, Any]:
    """Mean F1 over the images that have a defect or a prediction."""
    metric = ImageF1()
    rows = metric.rows(per_image.astype(np.float64))
    return {
        "f1_image": float(metric.value(rows.sum(axis=0))),
        "f1_image_images": int(rows[:, 1].sum()),
        "f1_image_empty": metric.empty,
    }


def _interval(evidence: Evidence, per_image: Any) -> dict[str, Any]:
    """Interval of F1 over groups, with what must be said about it; null where a single group tells no spread."""
    names, counts = group_counts(evidence.groups, per_image)
    defective = int(np.count_nonzero(counts[:, 0] + counts[:, 2]))
    note = "one seed: interval over groups only"
    if defective < RELIABLE_GROUPS:
        note += f"; interval unreliable ({defective} groups with defects)"
    return {
        "groups": len(names),
        "defective_groups": defective,
        "f1_interval": mean_estimate(counts[None], F1).share_interval().tolist() if len(names) > 1 else None,
        "interval_note": note,
        "interval_method": {
            "name": "jackknife over groups, Student's t, logit scale",
            "level": LEVEL,
            "held_fixed": ["model", "threshold", "split"],
        },
    }


def _tolerance(evidence: Evidence, k: int) -> dict[str, Any]:
    """F1 had the annotators drawn every border ``pixels`` further out or in, and with the band left out."""
    zones = evidence.counts[:, -1].sum(axis=0, dtype=np.int64)
    positive, negative = zones[:, k:].sum(axis=1), zones[:, :k].sum(axis=1)

    def f1(true: slice, false: slice) -> float:
        counts = [positive[true].sum(), positive[false].sum(), negative[true].sum(), negative[false].sum()]
        return float(F1.value(np.array(counts, np.float64)))

    return {
        "pixels": evidence.tolerance,
        "f1_truth_dilated": f1(slice(FAR + 1, CORE + 1), slice(FAR, FAR + 1)),
        "f1_truth_eroded": f1(slice(CORE, CORE + 1), slice(FAR, CORE)),
        "f1_band_left_out": f1(slice(CORE, CORE + 1), slice(FAR, FAR + 1)),
    }


def _flags(sweep: Float64, threshold: Threshold) -> list[str]:
    """What a reader must know before comparing these scores."""
    tp, fp, fn, _ = sweep[threshold.index]
    flags = [f"threshold: {flag}" for flag in threshold.flags] + list(degenerate(sweep))
    if tp + fp == 0:
        flags.append(NOTHING_PREDICTED)
    if tp + fn == 0:
        flags.append(NO_TRUTH)
    return flags
