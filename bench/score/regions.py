"""Per-region overlap: every defect counts alike, whatever its size (PRO, Bergmann et al. 2021, MVTec AD).

At each threshold the overlap is the mean over true components of the share of their pixels that is predicted. As a
function of the pixel false-positive rate it is integrated up to a limit and divided by it, so that 1 is perfect.
"""

from __future__ import annotations

import numpy as np

from bench.score.evidence import Evidence
from bench.score.thresholds import pooled
from bench.types import Float64

LIMIT = 0.3
"""Highest false-positive rate of the integral, as in the paper."""


def region_overlap(evidence: Evidence, limit: float = LIMIT) -> float | None:
    """Area under mean overlap over false-positive rate up to ``limit``, divided by it: 0..1, never above.

    The curve runs over the grid of thresholds from (0, 0), nothing positive, to (1, 1), everything positive, with
    straight lines between. None where the split has no defect or no defect-free pixel.
    """
    counts = pooled(evidence)
    negatives = counts[0, 1]
    if not evidence.defects.area.size or not negatives:
        return None
    rate = np.append(0.0, counts[::-1, 1] / negatives)
    overlap = np.append(0.0, mean_overlap(evidence)[::-1])
    below = rate <= limit
    x, y = np.append(rate[below], limit), np.append(overlap[below], np.interp(limit, rate, overlap))
    return min(1.0, float((np.diff(x) * (y[1:] + y[:-1])).sum() / 2 / limit))


def mean_overlap(evidence: Evidence) -> Float64:
    """Mean over true components of their predicted share at every threshold, ``float64[1001]``, falling."""
    defects = evidence.defects
    shares = defects.pixels / defects.area[defects.owner]
    per_bin = np.bincount(defects.bin, weights=shares, minlength=1001)
    found: Float64 = per_bin[::-1].cumsum()[::-1] / defects.area.size
    return np.minimum(found, 1.0)
