"""Signs that an interval or a comparison rests on too little: seeds that fall apart, a group that decides alone.

Where a flag is up no order is claimed. How often it is up where nothing is wrong stands in ``docs/statistics.md``.
"""

from __future__ import annotations

import numpy as np

from bench.types import Bool, Float64

GAP = 4.0
"""The seeds of a row fall apart where a gap between two neighbours is this many times a usual difference."""
LEAST_GAP = 0.1
"""The least gap of ``arcsin(sqrt)`` that counts: 10 points of F1 at 50 %, 6 at 90 %, 4 at 96 %."""
CARRIED = 0.9
"""A group decides alone where it carries more than this share of an estimate's variance."""


def fallen_apart(scores: Float64) -> Bool:
    """In which rows the seeds form two heaps or one lies far off, ``bool[..., rows]``.

    ``scores`` is ``float64[..., rows, seeds]`` in 0..1; NaN is no training. The widest gap between neighbours in a row
    is held against the median difference between two seeds of a row, over all rows: three seeds alone cannot say
    whether they are near. Scores are taken as ``arcsin(sqrt)``, where a share scatters alike everywhere.
    """
    angles = np.arcsin(np.sqrt(scores))
    first, second = np.triu_indices(scores.shape[-1], 1)
    apart = np.abs(angles[..., first] - angles[..., second])
    apart = apart.reshape(*scores.shape[:-2], -1)
    alone = np.isnan(apart).all(axis=-1, keepdims=True)
    usual = np.nanmedian(np.where(alone, np.inf, apart), axis=-1)[..., None]
    gaps = np.diff(np.sort(angles, axis=-1), axis=-1)
    widest = np.where(np.isnan(gaps), 0.0, gaps).max(axis=-1, initial=0.0)
    return np.asarray(widest > np.maximum(GAP * usual, LEAST_GAP))


def carried(without: Float64, variance: Float64) -> Float64:
    """The share of a variance that each group carries, ``float64[..., groups]``; 0 where there is no variance.

    ``without`` is an estimate without one group each, ``float64[..., groups]``; a group carries its term of the
    jackknife variance, ``(groups - 1) / groups`` times its squared distance from the mean of these.
    """
    groups = without.shape[-1]
    terms = (without - without.mean(axis=-1, keepdims=True)) ** 2 * (groups - 1) / groups
    whole = np.asarray(variance)[..., None]
    return np.asarray(np.where(whole > 0, terms / np.where(whole > 0, whole, 1.0), 0.0))
