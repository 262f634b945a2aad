"""Trainings that collapse: an outcome of its own, a share with an exact interval, compared exactly.

A training that ends at the floor says nothing of how well the others find defects, and a mean over both is a mean of
two things: with a fifth of the trainings collapsing, an interval of 95 % for that mean covers 67 to 90 % of the truths
(``docs/statistics.md``). So they are counted, and the scores of the others are given beside the count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np

from bench.scores import F1
from bench.statistics.comparisons import holm
from bench.statistics.estimates import LEVEL
from bench.types import Bool, Float64

RISE = 0.1
"""A training has collapsed where it rises from the floor by at most this share of the best training's rise."""


@dataclass(frozen=True, slots=True)
class Share:
    """``count`` of ``of`` trainings, at least one."""

    count: int
    of: int

    def interval(self) -> tuple[float, float]:
        """Exact interval of 95 % of the share among all possible trainings (Clopper and Pearson 1934)."""
        from scipy.special import betaincinv

        outside = (1 - LEVEL) / 2
        low = betaincinv(self.count, self.of - self.count + 1, outside) if self.count else 0.0
        high = betaincinv(self.count + 1, self.of - self.count, 1 - outside) if self.count < self.of else 1.0
        return float(low), float(high)


def floors(counts: Float64) -> Float64:
    """F1 of calling every pixel a defect, ``float64[...]``, of counts ``float64[..., groups, 4]`` (TP, FP, FN, TN)."""
    true, false, missed, clean = np.moveaxis(counts.sum(axis=-2), -1, 0)
    nothing = np.zeros_like(true)
    return F1.value(np.stack([true + missed, false + clean, nothing, nothing], axis=-1))


def collapsed(scores: Float64, floor: Float64) -> Bool:
    """Which trainings have collapsed, ``bool[..., rows, seeds]``: F1 at the floor, or hardly above it.

    ``scores`` is the F1 of the trainings of all rows of a column; NaN is no training. ``floor`` is that of the same
    groups. Hardly is :data:`RISE` of what the best training of the column rises above the floor.
    """
    best = np.nanmax(scores, axis=(-2, -1), keepdims=True)
    return np.asarray(scores <= floor + RISE * np.maximum(best - floor, 0.0))


def fisher(first: Share, second: Share) -> float:
    """Two-sided probability of shares this unlike where both are one (Fisher's exact test).

    The probabilities of all tables of the same margins that are no likelier than this one are added.
    """
    both = first.count + second.count
    counts = range(max(0, both - second.of), min(first.of, both) + 1)
    ways = [comb(first.of, count) * comb(second.of, both - count) for count in counts]
    seen = comb(first.of, first.count) * comb(second.of, second.count)
    return sum(way for way in ways if way <= seen) / comb(first.of + second.of, both)


def compared_shares(shares: Sequence[Share]) -> dict[tuple[int, int], float]:
    """Fisher's p of every pair of rows by their numbers, adjusted after Holm over all pairs; one family."""
    pairs = list(combinations(range(len(shares)), 2))
    if not pairs:
        return {}
    plain = np.array([fisher(shares[first], shares[second]) for first, second in pairs])
    return dict(zip(pairs, holm(plain).tolist(), strict=True))
