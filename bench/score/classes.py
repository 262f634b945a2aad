"""Scores by defect type: recall of every class under ``union``, all pooled scores of every class under ``each``.

Under ``each`` a pixel is called class c where that class's own probability reaches the threshold that validation
chose for *any* defect: one number for all classes. Beside it stands F1 at a threshold of its own per class
(``f1_own``), chosen on validation too. Objects are asked of 1 - background in both cases: a defect that is seen counts
as found, whatever it is taken for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bench.score.evidence import Evidence
from bench.score.metrics import F1, IOU, PRECISION, RECALL, average_precision
from bench.score.object_scores import mean
from bench.score.parts import part_scores
from bench.score.thresholds import STEPS, best_index, pooled
from bench.types import Float64, PixelMetric

OWN: Mapping[str, PixelMetric] = {"recall": RECALL, "precision": PRECISION, "f1": F1, "iou": IOU}
MACRO = ("precision", "recall", "f1", "iou", "ap", "f1_own")
"""Scores of a class whose mean over classes is printed as ``macro_<score>``."""

ClassThresholds = Sequence[int | None]
"""Grid index per class, chosen on validation; None where validation holds no pixel of it."""


def choose_class_thresholds(validation: Evidence) -> ClassThresholds:
    """Threshold of highest pooled F1 of every class's own probability; test evidence must never be passed."""
    sweeps = (pooled(validation, row) for row in range(len(validation.classes)))
    return [best_index(counts)[0] if counts[0, 0] else None for counts in sweeps]


def type_scores(evidence: Evidence, k: int, found: float, own: ClassThresholds | None) -> dict[str, dict[str, Any]]:
    """Pixels, groups and scores of every class at threshold k / 1000; ``own`` is None under ``union``.

    Shares are in 0..1, and None where the class does not occur in this split.
    """
    return {
        name: {
            "groups": _groups(evidence, number),
            **part_scores(evidence, k, found, evidence.defects.kind == number + 1),
            **(_own_scores(pooled(evidence, number), k, own[number]) if own is not None else {}),
        }
        for number, name in enumerate(evidence.classes)
    }


def _groups(evidence: Evidence, row: int) -> int:
    """Groups with a true pixel of a class."""
    pixels = evidence.counts[:, row, 2:].sum(axis=(1, 2), dtype=np.int64)
    return len({group for group, some in zip(evidence.groups, pixels, strict=True) if some})


def _own_scores(counts: Float64, k: int, own: int | None) -> dict[str, float | None]:
    """Scores of one class's own probability, from counts ``float64[1001, 4]``."""
    if not counts[0, 0]:
        return dict.fromkeys([*OWN, "ap", "f1_own", "threshold_own"])
    return {
        **{name: float(metric.value(counts[k])) for name, metric in OWN.items()},
        "ap": average_precision(counts),
        "f1_own": None if own is None else float(F1.value(counts[own])),
        "threshold_own": None if own is None else own / STEPS,
    }


def macro_scores(types: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Mean over the classes that occur in the split of every score of :data:`MACRO`, and how many classes that is."""
    present = [row for row in types.values() if row["pixels"]]
    means = {f"macro_{name}": _mean_of([row[name] for row in present]) for name in MACRO}
    return {**means, "macro_classes": len(present)}


def _mean_of(values: Sequence[float | None]) -> float | None:
    """Mean; None where one is missing, so that no class drops out in silence."""
    return None if None in values else mean(values)
