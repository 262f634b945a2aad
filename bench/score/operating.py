"""Operating points: thresholds chosen on validation for a bound, and what they reach.

A point is chosen on validation and applied as it is to test, so a test recall beside ``recall_90`` need not be 0.9:
how far it is off is what a user of the model would meet.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.score.evidence import Evidence
from bench.score.object_scores import AtThreshold
from bench.score.rules import rule_from
from bench.scores import POINTS, rows_of, values

Points = Mapping[str, int | None]
"""Name of a point to the grid index chosen on validation; None where no threshold keeps its bound."""


def choose_points(validation: Evidence) -> Points:
    """The threshold of every point; test evidence must never be passed.

    Raises:
        DataError: the validation split has no valid pixel.
    """
    return {name: rule_from(rule).index(validation) for name, rule in POINTS.items()}


def operating(evidence: Evidence, points: Points, found: float) -> dict[str, dict[str, Any]]:
    """What every point reaches on a split, with its rule; all None where validation has no threshold for it.

    Pooled precision 0/0 is 0, as everywhere; the false-positive rate is None without defect-free pixels.
    """
    reached = {}
    for name, k in points.items():
        scores: dict[str, Any] = dict.fromkeys(row.name for row in rows_of("operating"))
        if k is not None:
            scores = values("operating", AtThreshold(evidence, k, found))
        reached[name] = {"rule": f"{POINTS[name]} on validation", **scores}
    return reached
