"""Scores of a part of the defects: those of one size, or of one type."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bench.score.evidence import Evidence
from bench.score.metrics import F1, image_counts
from bench.score.object_scores import mean, share
from bench.suite.schema import SIZES


def part_scores(evidence: Evidence, k: int, found: float, chosen: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """Scores of the ``chosen`` defects (``bool[M]``) at threshold k / 1000; shares in 0..1, None of nothing.

    ``recall`` is of their pixels, ``overlap`` the mean over them of the share predicted (small ones count as much as
    large ones). ``f1_alone`` is pooled F1 were they the only defects, the others left out of scoring: all false
    positives of the split stand against them, since no false positive has a size or a type of its own. So compare
    it between cells, not between parts.
    """
    area, predicted = evidence.defects.area[chosen], evidence.defects.predicted_pixels(k)[chosen]
    false = float(image_counts(evidence, k)[:, 1].sum())
    pixels, got = int(area.sum()), float(predicted.sum())
    return {
        "pixels": pixels,
        "objects": area.size,
        "recall": share(got, pixels),
        "object_recall": mean(evidence.defects.found(k, found)[chosen]),
        "overlap": mean(predicted / area) if area.size else None,
        "f1_alone": float(F1.value(np.array([got, false, pixels - got, 0.0]))) if pixels else None,
    }


def size_scores(evidence: Evidence, k: int, found: float) -> dict[str, dict[str, Any]]:
    """:func:`part_scores` by quartile of defect area (q1 the smallest), with the extreme areas of each in pixels.

    The limits are quantiles of this split's own defects, so they are the same for every cell on these images; equal
    areas share a quartile, and a quartile may be empty.
    """
    area = evidence.defects.area
    edges = np.quantile(area, [0.25, 0.5, 0.75]) if area.size else np.zeros(3)
    quartile = np.searchsorted(edges, area, side="left")
    return {name: _quartile(evidence, k, found, quartile == number) for number, name in enumerate(SIZES)}


def _quartile(evidence: Evidence, k: int, found: float, chosen: npt.NDArray[np.bool_]) -> dict[str, Any]:
    area = evidence.defects.area[chosen]
    return {
        "smallest_area": int(area.min()) if area.size else None,
        "largest_area": int(area.max()) if area.size else None,
        **part_scores(evidence, k, found, chosen),
    }
