"""Scores of defects as objects: how many are found, how many false alarms there are.

A defect (8-neighbour component of one class) is found if at least the share ``found`` of its pixels is predicted;
a false alarm is a predicted component that touches no defect. Both are exact at every threshold of the grid.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.score.evidence import Evidence
from bench.types import Bool, Float64


def object_scores(evidence: Evidence, k: int, found: float) -> dict[str, Any]:
    """Object recall, precision and F1 of a split at threshold k / 1000, each in 0..1 or None.

    ``object_precision`` is found defects among found defects and false alarms, ``object_f1`` is
    ``2 found / (2 found + missed + false alarms)``: a predicted component that touches a defect without finding it
    counts once, as the missed defect. None where there is nothing to count: no defects for recall, nothing found
    and no false alarm for precision, neither defects nor false alarms for F1.
    """
    hit = evidence.defects.found(k, found)
    hits, alarms = int(hit.sum()), int(evidence.alarms[:, k].sum())
    missed = hit.size - hits
    return {
        "object_recall": share(hits, hit.size),
        "object_precision": share(hits, hits + alarms),
        "object_f1": share(2 * hits, 2 * hits + missed + alarms),
        "objects": hit.size,
    }


def false_alarms(evidence: Evidence, k: int) -> dict[str, Any]:
    """Predicted components that touch no defect, over all images and per clean image (None without one)."""
    alarms, clean = evidence.alarms[:, k], clean_images(evidence)
    return {
        "false_alarms": int(alarms.sum()),
        "clean_images": int(clean.sum()),
        "false_alarms_per_clean_image": mean(alarms[clean]),
        "clean_images_with_alarm": mean(alarms[clean] > 0),
    }


def clean_images(evidence: Evidence) -> Bool:
    """Images with valid pixels and no true one among them, ``bool[N]``."""
    zones = evidence.counts[:, -1].sum(axis=2, dtype=np.int64)
    return np.asarray((zones[:, 2:].sum(axis=1) == 0) & (zones.sum(axis=1) > 0))


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
