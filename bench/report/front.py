"""Pareto fronts: positions that no other one beats at a score and its cost."""

from __future__ import annotations

from collections.abc import Sequence


def front(points: Sequence[tuple[float, float]], *, alike: float = 0.0) -> list[int]:
    """Places of the (score, cost) pairs that no other one beats: a higher score at no more cost, or no lower at less.

    Costs that differ by at most the share ``alike`` count as equal, so that noise of a clock makes no front. The
    cheapest of the best score is never beaten, therefore the front is never empty.
    """
    return [i for i, point in enumerate(points) if not any(_beats(other, point, alike) for other in points)]


def _beats(one: tuple[float, float], other: tuple[float, float], alike: float) -> bool:
    (score, cost), (rival_score, rival_cost) = one, other
    if score > rival_score:
        return cost <= rival_cost * (1 + alike)
    return score == rival_score and cost * (1 + alike) < rival_cost
