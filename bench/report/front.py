"""Pareto fronts: positions that no other one beats at a score and its cost."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def front(points: Sequence[tuple[float, float]], *, alike: float = 0.0) -> list[int]:
    """Places of the (score, cost) pairs that no other one beats: a higher score at no more cost, or no lower at less.

    Costs that differ by at most the share ``alike`` count as equal, so that noise of a clock makes no front. The
    cheapest of the best score is never beaten, therefore the front is never empty.
    """
    score, cost = np.array(points, np.float64).reshape(-1, 2).T
    better = (score[:, None] > score) & (cost[:, None] <= cost * (1 + alike))
    cheaper = (score[:, None] == score) & (cost[:, None] * (1 + alike) < cost)
    return [int(place) for place in np.flatnonzero(~(better | cheaper).any(axis=0))]
