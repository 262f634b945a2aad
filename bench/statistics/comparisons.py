"""Paired comparisons of levels over the same test groups, and Holm's adjustment of a family of them.

Both sides of a difference are scored on the same groups, so a group that is hard for both cancels; their seeds are
independent trainings, or the same ones tested in two ways, and then what a training is cancels as well. A level is what
a row of a leaderboard or a level of an axis is; contexts are what it is averaged over. An order is claimed only with at
least :data:`FEWEST_SEEDS` seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from bench.statistics.choices import estimate_rechosen
from bench.statistics.estimates import Block, Estimate, added, estimate, group_part, seed_part
from bench.types import Float64

FEWEST_SEEDS = 3
ALPHA = 0.05
"""Family-wise error: the chance of any false difference where all levels are equal, over all that a column claims."""


@dataclass(frozen=True, slots=True)
class Difference:
    """``first`` minus ``second``, levels by number; ``p`` is adjusted over its family."""

    first: int
    second: int
    estimate: Estimate
    p: Float64

    @property
    def told_apart(self) -> bool:
        """Whether the family's error allows to call the two different."""
        return bool(self.p < ALPHA)

    def turned(self) -> Difference:
        """``second`` minus ``first``."""
        other = Estimate(-self.estimate.value, self.estimate.error, self.estimate.freedom)
        return Difference(self.second, self.first, other, self.p)


def holm(p: Float64) -> Float64:
    """Probabilities of a family ``float64[..., members]`` adjusted after Holm (1979).

    The k-th smallest of m is multiplied by ``m - k + 1`` and never below one before it, at most 1.
    """
    members = p.shape[-1]
    order = np.argsort(p, axis=-1, kind="stable")
    stepped = np.take_along_axis(p, order, axis=-1) * np.arange(members, 0, -1)
    adjusted = np.empty_like(stepped)
    np.put_along_axis(adjusted, order, np.minimum(np.maximum.accumulate(stepped, axis=-1), 1.0), axis=-1)
    return adjusted


def even_shares(blocks: Sequence[Block]) -> list[Float64]:
    """Equal shares of all contexts of all blocks, ``float64[contexts]`` each; they sum to 1."""
    contexts = [one.values.shape[-2] for one in blocks]
    return [np.full(count, 1 / sum(contexts)) for count in contexts]


def weighted(blocks: Sequence[Block], levels: Float64, shares: Sequence[Float64]) -> Estimate:
    """The sum over levels and contexts of ``levels[level] * share[context]`` times the score."""
    return estimate(blocks, [np.outer(levels, share) for share in shares])


def difference_rechosen(blocks: Sequence[Block], first: int, second: int) -> Estimate | None:
    """``first`` minus ``second`` with the choice of thresholds in its error; None where nothing is known of it."""
    unit = np.eye(blocks[0].values.shape[-3])
    return estimate_rechosen(blocks, [np.outer(unit[first] - unit[second], share) for share in even_shares(blocks)])


def all_pairs(blocks: Sequence[Block]) -> list[Difference]:
    """Every pair of levels; one family."""
    return family(blocks, list(combinations(range(blocks[0].values.shape[-3]), 2)))


def to_reference(pairs: Sequence[Difference], reference: int) -> list[Difference]:
    """Of all pairs those with the reference level, every other level less it; their p stay those of all pairs."""
    own = [pair for pair in pairs if reference in (pair.first, pair.second)]
    return [pair if pair.second == reference else pair.turned() for pair in own]


def against_reference(blocks: Sequence[Block], reference: int) -> list[Difference]:
    """Every other level less the reference level, in order, adjusted over all pairs."""
    return to_reference(all_pairs(blocks), reference)


def family(blocks: Sequence[Block], pairs: Sequence[tuple[int, int]]) -> list[Difference]:
    """The differences of these pairs, averaged over all contexts, adjusted together."""
    if not pairs:
        return []
    shares, unit = even_shares(blocks), np.eye(blocks[0].values.shape[-3])
    found = [weighted(blocks, unit[first] - unit[second], shares) for first, second in pairs]
    adjusted = np.moveaxis(holm(np.stack([one.p_value() for one in found], axis=-1)), -1, 0)
    return [Difference(*pair, one, p) for pair, one, p in zip(pairs, found, adjusted, strict=True)]


def of_unlike_seeds(first: Block, second: Block) -> Estimate:
    """``first`` minus ``second``, single levels on the same groups, each with as many seeds as it has."""
    sides = (first, second)
    parts = [group_part(first.without[..., 0, 0, :] - second.without[..., 0, 0, :])]
    parts += [seed_part(side.values[..., 0, 0, :]) for side in sides if side.values.shape[-1] > 1]
    values = [side.values.mean(axis=-1)[..., 0, 0] for side in sides]
    whole = added(parts)
    return Estimate(values[0] - values[1], np.sqrt(whole.variance), whole.freedom)
