"""The power of a comparison: which difference it finds, and how many seeds or groups would find another.

The test is that of :mod:`bench.statistics.comparisons` at Holm's first step, the hardest of a family: the smallest of
``family`` p-values must lie below ``ALPHA / family``. Its degrees of freedom are estimated together with its variances
(Satterthwaite), and with three seeds they vary so much that the power of a noncentral t with fixed degrees would
promise too much. So the share is taken over the variances that a repetition could have estimated: even steps of three
chi-squares, those of either level's seeds and of the groups; where both levels are of the same trainings, of two.

More seeds shrink the seed part alone, more groups the group part alone. What depends on both is in both parts, so that
the difference found is told too large rather than too small.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, starmap

import numpy as np

from bench.statistics.comparisons import ALPHA, FEWEST_SEEDS, even_shares
from bench.statistics.estimates import Block, Part, added, group_part, without_groups
from bench.types import Float64

FOUND = 0.8
"""The share of repetitions in which a difference must be found to be called one that can be found."""
STEPS = 12
"""Steps of each chi-square."""
MOST_SEEDS = 1000
MOST_GROUPS = 100_000
"""Of more seeds or groups no design is told."""


@dataclass(frozen=True, slots=True)
class Scatter:
    """By how much the difference of two levels scatters.

    ``seeds`` is the variance over seeds of one of its ``sides``: of a level's score, or of the difference itself where
    both levels are of the same trainings. ``groups`` is the variance that the groups give to the difference, with
    ``freedom`` degrees of freedom.
    """

    seeds: float
    groups: float
    freedom: float
    sides: int = 2

    def over(self, times: float) -> Scatter:
        """The same with so many times the groups."""
        return replace(self, groups=self.groups / times, freedom=self.freedom * times)


def scatter_of(blocks: Sequence[Block], pairs: Sequence[tuple[int, int]]) -> Scatter:
    """The scatter of a family of differences, each averaged over all contexts: the mean over its pairs.

    Every block has at least two seeds.
    """
    shares, unit = even_shares(blocks), np.eye(blocks[0].values.shape[-3])
    found = []
    for first, second in pairs:
        weights = [np.outer(unit[first] - unit[second], share) for share in shares]
        sides = [one.by_training(weight) for one, weight in zip(blocks, weights, strict=True)]
        count = max(map(len, sides))
        of_seeds = sum(values.var(ddof=1) for values in chain.from_iterable(sides))
        groups = added([group_part(values) for values in starmap(without_groups, zip(blocks, weights, strict=True))])
        found.append(Scatter(float(of_seeds) / count, float(groups.variance), float(groups.freedom), count))
    return mean_scatter(found)


def mean_scatter(scatters: Sequence[Scatter]) -> Scatter:
    """The mean of variances and degrees of freedom, with the sides of the one that has most."""
    sides = max(one.sides for one in scatters)
    seeds = [one.seeds * one.sides / sides for one in scatters]
    groups, freedom = zip(*((one.groups, one.freedom) for one in scatters), strict=True)
    return Scatter(float(np.mean(seeds)), float(np.mean(groups)), float(np.mean(freedom)), sides)


def power(difference: float, scatter: Scatter, seeds: int, family: int) -> float:
    """The share of repetitions that find a true difference (0..1) with so many seeds of both levels, at least two."""
    return _found(difference, *_widths(scatter, seeds, family))


def detectable(scatter: Scatter, seeds: int, family: int) -> float:
    """The smallest true difference that is found in :data:`FOUND` of all repetitions, to 1 in 10,000 of itself."""
    widths, error = _widths(scatter, seeds, family)
    if error == 0:
        return 0.0
    low, high = 0.0, error
    while _found(high, widths, error) < FOUND:
        low, high = high, 2 * high
    while high - low > 1e-4 * high:
        middle = (low + high) / 2
        if _found(middle, widths, error) < FOUND:
            low = middle
        else:
            high = middle
    return high


def seeds_for(difference: float, scatter: Scatter, family: int) -> int | None:
    """The fewest seeds, of those that a claim needs, that find it with these groups; None where no number does."""
    return _fewest(lambda seeds: power(difference, scatter, seeds, family) >= FOUND, FEWEST_SEEDS, MOST_SEEDS)


def groups_for(difference: float, scatter: Scatter, seeds: int, family: int, groups: int) -> int | None:
    """The fewest groups, of which ``groups`` are at hand, that find it with these seeds; None where no number does."""

    def enough(number: int) -> bool:
        return power(difference, scatter.over(number / groups), seeds, family) >= FOUND

    return _fewest(enough, 2, MOST_GROUPS)


def _widths(scatter: Scatter, seeds: int, family: int) -> tuple[Float64, float]:
    """Half the width of the interval that decides, ``float64[repetitions]``, and the true standard error."""
    from scipy.special import chdtri, stdtrit

    of_seeds, degrees = scatter.seeds / seeds, seeds - 1.0
    upper = (np.arange(STEPS) + 0.5) / STEPS
    shares, of_groups = chdtri(degrees, upper) / degrees, chdtri(scatter.freedom, upper) / scatter.freedom
    *seeds_parts, groups_part = np.meshgrid(*[of_seeds * shares] * scatter.sides, scatter.groups * of_groups)
    parts = [Part(part, np.full_like(part, degrees)) for part in seeds_parts]
    estimated = added([*parts, Part(groups_part, np.full_like(groups_part, scatter.freedom))])
    quantile = -stdtrit(estimated.freedom, ALPHA / family / 2)
    return (quantile * np.sqrt(estimated.variance)).ravel(), float(np.sqrt(scatter.sides * of_seeds + scatter.groups))


def _found(difference: float, widths: Float64, error: float) -> float:
    from scipy.special import ndtr

    if error == 0:
        return float(difference > 0)
    return float(np.mean(ndtr((difference - widths) / error) + ndtr((-difference - widths) / error)))


def _fewest(enough: Callable[[int], bool], first: int, most: int) -> int | None:
    """The smallest number from ``first`` to ``most`` that is enough: doubling first, for far more need not be enough.

    Where groups hardly matter any more, only the few degrees of freedom of the seeds are left.
    """
    low, high = first - 1, first
    while not enough(high):
        if high == most:
            return None
        low, high = high, min(2 * high, most)
    while high - low > 1:
        middle = (low + high) // 2
        if enough(middle):
            high = middle
        else:
            low = middle
    return high
