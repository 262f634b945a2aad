"""Effects of an axis: the mean of every level over the other axes, differences to a reference, interactions.

Levels are those of the axis, contexts the combinations of the other axes that all levels have; every context counts
equally. Data sets are blocks: their groups are independent, their scores are averaged but never compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.statistics.comparisons import even_shares, holm, weighted
from bench.statistics.estimates import Block, Estimate
from bench.types import Bool, Float64


@dataclass(frozen=True, slots=True)
class Deviation:
    """How the effect of a level differs in one level of another axis.

    ``effect`` is the level less the reference there; ``deviation`` is that less the mean of it over all levels of the
    other axis, each counted equally; ``p`` is adjusted over all deviations of the two axes.
    """

    level: int
    other: int
    effect: Estimate
    deviation: Estimate
    p: float


def marginal_means(blocks: Sequence[Block]) -> list[Estimate]:
    """The mean score of every level over all contexts."""
    shares = even_shares(blocks)
    return [weighted(blocks, unit, shares) for unit in np.eye(blocks[0].values.shape[-3])]


def interaction(blocks: Sequence[Block], inside: Sequence[Sequence[Bool]], reference: int) -> list[Deviation]:
    """Effects of every level in every level of another axis, and how they deviate from their mean.

    ``inside[other][block]`` is ``bool[contexts]``: which contexts have that level of the other axis. Of two levels
    both deviate by the same, so that only one of them counts in the family.
    """
    shares = [_shares(keep) for keep in inside]
    mean = [sum(parts) / len(shares) for parts in zip(*shares, strict=True)]
    unit = np.eye(blocks[0].values.shape[-3])
    places = [(level, other) for level in range(len(unit)) if level != reference for other in range(len(shares))]
    found = [
        (
            weighted(blocks, unit[level] - unit[reference], shares[other]),
            weighted(blocks, unit[level] - unit[reference], _less(shares[other], mean)),
        )
        for level, other in places
    ]
    adjusted = _adjusted([deviation for _, deviation in found], len(shares))
    return [
        Deviation(level, other, effect, deviation, p)
        for (level, other), (effect, deviation), p in zip(places, found, adjusted, strict=True)
    ]


def _shares(keep: Sequence[Bool]) -> list[Float64]:
    total = sum(int(one.sum()) for one in keep)
    return [one / total for one in keep]


def _less(shares: Sequence[Float64], mean: Sequence[Float64]) -> list[Float64]:
    return [share - part for share, part in zip(shares, mean, strict=True)]


def _adjusted(deviations: Sequence[Estimate], others: int) -> list[float]:
    p = np.array([float(one.p_value()) for one in deviations])
    if others == 2:
        return list(np.repeat(holm(p[::2]), 2))
    return list(holm(p))
