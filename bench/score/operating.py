"""Operating points: thresholds chosen on validation for a bound, and what they reach.

A point is chosen on validation and applied as it is to test, so a test recall beside ``recall_90`` need not be 0.9:
how far it is off is what a user of the model would meet.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bench.score.evidence import Evidence
from bench.score.metrics import F1, PRECISION, RECALL, image_counts
from bench.score.object_scores import false_alarms, object_scores, share
from bench.score.rules import Rule
from bench.score.thresholds import STEPS

POINTS = {
    "recall_50": Rule("recall", 0.5),
    "recall_80": Rule("recall", 0.8),
    "recall_90": Rule("recall", 0.9),
    "precision_90": Rule("precision", 0.9),
    "fpr_1_per_mille": Rule("fpr", 0.001),
    "fpr_10_per_mille": Rule("fpr", 0.01),
    "alarm_per_10_clean_images": Rule("alarms", 0.1),
    "alarm_per_clean_image": Rule("alarms", 1.0),
}
"""Name to rule: precision at a fixed recall, recall at a fixed precision, at a fixed pixel false-positive rate, and at
a fixed number of false alarms per clean image."""

REACHED = ("precision", "recall", "f1", "false_positive_rate", "object_recall", "false_alarms_per_clean_image")
"""What is told of a point, besides ``rule`` (text) and ``threshold``."""

Points = Mapping[str, int | None]
"""Name of a point to the grid index chosen on validation; None where no threshold keeps its bound."""


def choose_points(validation: Evidence) -> Points:
    """The threshold of every point; test evidence must never be passed.

    Raises:
        DataError: the validation split has no valid pixel.
    """
    return {name: rule.index(validation) for name, rule in POINTS.items()}


def operating(evidence: Evidence, points: Points, found: float) -> dict[str, dict[str, Any]]:
    """What every point reaches on a split: its rule, threshold and :data:`REACHED`; all None where validation has none.

    Shares are in 0..1. Pooled precision 0/0 is 0, as everywhere; the false-positive rate is None without
    defect-free pixels.
    """
    return {
        name: {
            "rule": f"{POINTS[name].text} on validation",
            "threshold": None if k is None else k / STEPS,
            **(dict.fromkeys(REACHED) if k is None else _reached(evidence, k, found)),
        }
        for name, k in points.items()
    }


def _reached(evidence: Evidence, k: int, found: float) -> dict[str, float | None]:
    counts = image_counts(evidence, k).sum(axis=0).astype(np.float64)
    return {
        "precision": float(PRECISION.value(counts)),
        "recall": float(RECALL.value(counts)),
        "f1": float(F1.value(counts)),
        "false_positive_rate": share(counts[1], counts[1] + counts[3]),
        "object_recall": object_scores(evidence, k, found)["object_recall"],
        "false_alarms_per_clean_image": false_alarms(evidence, k)["false_alarms_per_clean_image"],
    }
