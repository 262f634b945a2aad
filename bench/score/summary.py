"""The scores of one split as plain JSON: what a cell record stores and a leaderboard prints."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.errors import DataError
from bench.score.evidence import Evidence
from bench.score.intervals import LEVEL, RELIABLE_GROUPS, REPLICATES, crossed_interval, group_counts
from bench.score.metrics import (
    ACCURACY,
    F1,
    F2,
    IOU,
    PRECISION,
    RECALL,
    ImageF1,
    average_precision,
    image_counts,
)
from bench.score.thresholds import Threshold, degenerate, pooled
from bench.score.zones import CORE, FAR
from bench.types import Float64, PixelMetric

HALF = 500
_POOLED: dict[str, PixelMetric] = {
    "f1": F1,
    "precision": PRECISION,
    "recall": RECALL,
    "f2": F2,
    "accuracy": ACCURACY,
    "iou": IOU,
}


def summarise(evidence: Evidence, threshold: Threshold, *, found: float, rng: np.random.Generator) -> dict[str, Any]:
    """Scores of a split at a threshold chosen elsewhere, JSON-safe: no NaN, plain numbers only.

    ``found`` is the share of a defect's pixels that must be predicted for it to count as found. Quotients 0/0
    are 0 with a flag where they are scores, and null where they are shares of objects or of clean images.
    ``types`` recall at the same threshold; under ``each`` with the probability of that class.

    Raises:
        DataError: the split has no images, or no valid pixel.
    """
    sweep = pooled(evidence)
    if not sweep[0].any():
        raise DataError("there is nothing to score: the split has no images, or all their pixels are ignored")
    per_image = image_counts(evidence, threshold.index)
    types = _types(evidence, threshold.index, found)
    return {
        "images": len(evidence.ids),
        "positive_share": _positive_share(sweep),
        "threshold": threshold.value,
        "threshold_index": threshold.index,
        **{name: float(metric.value(sweep[threshold.index])) for name, metric in _POOLED.items()},
        "ap": average_precision(sweep),
        "f1_half": float(F1.value(sweep[HALF])),
        "floor": _floor(sweep),
        **_image_mean(per_image),
        **_interval(evidence, per_image, rng),
        "tolerance": _tolerance(evidence, threshold.index),
        "types": types,
        "class_balanced_recall": _mean([row["recall"] for row in types.values() if row["pixels"]]),
        **_objects(evidence, threshold.index, found),
        **_false_alarms(evidence, per_image, threshold.index),
        "flags": _flags(sweep, threshold),
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


def _interval(evidence: Evidence, per_image: Any, rng: np.random.Generator) -> dict[str, Any]:
    """Percentile interval of F1 over groups, with what must be said about it."""
    names, counts = group_counts(evidence.groups, per_image)
    defective = int(np.count_nonzero(counts[:, 0] + counts[:, 2]))
    note = "one seed: interval over groups only"
    if defective < RELIABLE_GROUPS:
        note += f"; interval unreliable ({defective} groups with defects)"
    return {
        "groups": len(names),
        "defective_groups": defective,
        "f1_interval": crossed_interval(counts[None], F1, rng).tolist(),
        "interval_note": note,
        "interval_method": {
            "name": "bootstrap over groups, percentile",
            "level": LEVEL,
            "replicates": REPLICATES,
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


def _types(evidence: Evidence, k: int, found: float) -> dict[str, dict[str, Any]]:
    """Pixels, groups, pixel recall, objects and object recall of every class."""
    hit = evidence.defects.found(k, found)
    rows = {}
    for number, name in enumerate(evidence.classes):
        counts = image_counts(evidence, k, number)
        pixels = counts[:, 0] + counts[:, 2]
        mine = evidence.defects.kind == number + 1
        rows[name] = {
            "pixels": int(pixels.sum()),
            "groups": len({group for group, some in zip(evidence.groups, pixels, strict=True) if some}),
            "recall": float(RECALL.value(counts.sum(axis=0).astype(np.float64))) if pixels.any() else None,
            "objects": int(mine.sum()),
            "object_recall": _mean(hit[mine].tolist()),
        }
    return rows


def _objects(evidence: Evidence, k: int, found: float) -> dict[str, Any]:
    """Object recall over all classes and by quartile of area."""
    area, hit = evidence.defects.area, evidence.defects.found(k, found)
    edges = np.quantile(area, [0.25, 0.5, 0.75]) if area.size else np.zeros(3)
    quartile = np.searchsorted(edges, area, side="left")
    by_area = [
        {
            "largest_area": int(area[quartile == q].max(initial=0)),
            "objects": int((quartile == q).sum()),
            "object_recall": _mean(hit[quartile == q].tolist()),
        }
        for q in range(4)
    ]
    return {"object_recall": _mean(hit.tolist()), "objects": int(area.size), "objects_by_area": by_area}


def _false_alarms(evidence: Evidence, per_image: Any, k: int) -> dict[str, Any]:
    """Predicted components that touch no defect, over all images and per image without defects."""
    alarms = evidence.alarms[:, k]
    clean = per_image[:, 0] + per_image[:, 2] == 0
    return {
        "false_alarms": int(alarms.sum()),
        "clean_images": int(clean.sum()),
        "false_alarms_per_clean_image": _mean(alarms[clean].tolist()),
    }


def _mean(values: list[Any]) -> float | None:
    """Mean, or None of nothing: a recall of no objects is not 0."""
    return float(np.mean(values)) if values else None


def _flags(sweep: Float64, threshold: Threshold) -> list[str]:
    """What a reader must know before comparing these scores."""
    tp, fp, fn, _ = sweep[threshold.index]
    flags = [f"threshold: {flag}" for flag in threshold.flags] + list(degenerate(sweep))
    if tp + fp == 0:
        flags.append("nothing is predicted positive: precision is 0/0, printed as 0")
    if tp + fn == 0:
        flags.append("no true positives: recall, F1 and AP are printed as 0")
    return flags
