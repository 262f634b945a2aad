"""Effects of an axis: the mean of every level over the other axes, differences to a reference, interactions.

Levels are those of the axis, contexts the combinations of the other axes that all levels have; every context counts
equally. Data sets are blocks: their groups are independent, their scores are averaged but never compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from bench.statistics.comparisons import even_shares, holm, weighted
from bench.statistics.estimates import Block, Estimate
from bench.types import Bool


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
    ends = np.cumsum([len(keep) for keep in inside[0]])[:-1]
    kept = np.stack([np.concatenate(keep) for keep in inside])
    shares = kept / kept.sum(axis=1, keepdims=True)
    deviating = shares - sum(shares) / len(shares)
    unit = np.eye(blocks[0].values.shape[-3])
    found = []
    for level, other in product(range(len(unit)), range(len(shares))):
        if level != reference:
            less = unit[level] - unit[reference]
            effect = weighted(blocks, less, np.split(shares[other], ends))
            found.append((level, other, effect, weighted(blocks, less, np.split(deviating[other], ends))))
    p = np.array([float(deviation.p_value()) for *_, deviation in found])
    adjusted = np.repeat(holm(p[::2]), 2) if len(shares) == 2 else holm(p)
    return [Deviation(*one, float(p)) for one, p in zip(found, adjusted, strict=True)]
