"""Estimates that are weighted sums of pooled scores, with their error over seeds and groups (PROTOCOL, section 5).

Seeds and groups are crossed: every seed scores the same test groups. The error of an estimate has a seed part, the
variance of its values over seeds, and for every data set a group part, the jackknife variance of its values without one
group each; the parts are added. Trainings of different levels are independent, and of levels that have trainings in
common, as where one training is tested in two ways, the seed part is taken of both together. The interaction of seeds
and groups is in both parts, so the sum is on the safe side (Owen 2007, The pigeonhole bootstrap). Quantiles are
Student's, with degrees of freedom after Satterthwaite (1946): seeds less one for a seed part,
``2 G / (kurtosis - 1)`` for a group part, which is small where a few large defects decide. Models, thresholds and the
split are held fixed. Units are groups, never images. What the interval covers, and what a bootstrap would, stands in
``docs/statistics.md``.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.errors import DataError
from bench.types import Float64, PixelMetric

LEVEL = 0.95
RELIABLE_GROUPS = 30
"""With fewer groups that hold defects an interval is printed but called unreliable."""
ROUNDING = 1e-12
"""Differences of scores, which lie in 0..1, that arithmetic alone can leave."""


@dataclass(frozen=True, slots=True)
class Block:
    """Scores of the cells of one data set, which share their test groups.

    ``values`` is ``float64[..., levels, contexts, seeds]``; ``without`` is ``float64[..., levels, contexts, groups]``,
    the mean over seeds of the score without one group; ``rechosen`` is ``float64[..., levels, contexts, draws]``, that
    at thresholds chosen anew, and None where nothing is known of it. Leading axes are independent worlds of a
    simulation.

    ``trainings`` has a number for every level: levels with equal ones have trainings of a seed in common. None where
    every level has its own.
    """

    values: Float64
    without: Float64
    rechosen: Float64 | None = None
    trainings: tuple[int, ...] | None = None

    def by_training(self, weight: Float64) -> list[Float64]:
        """The weighted sum by seed over the levels that have trainings in common, ``float64[..., seeds]`` each.

        ``weight`` is ``float64[levels, contexts]``; levels without weight are left out.
        """
        members: dict[int, list[int]] = {}
        for level in np.flatnonzero(weight.any(axis=1)).tolist():
            members.setdefault(self.trainings[level] if self.trainings else level, []).append(level)
        return [
            np.einsum("lc,...lcs->...s", weight[levels], self.values[..., levels, :, :]) for levels in members.values()
        ]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a variance and its degrees of freedom, ``float64[...]`` each."""

    variance: Float64
    freedom: Float64


@dataclass(frozen=True, slots=True)
class Estimate:
    """A weighted sum of scores, its standard error and the degrees of freedom of that, ``float64[...]`` each."""

    value: Float64
    error: Float64
    freedom: Float64

    def interval(self, level: float = LEVEL) -> Float64:
        """Interval of 95 %, or of another level, ``float64[..., 2]``: for differences."""
        half = _quantile(self.freedom, level) * self.error
        return np.stack([self.value - half, self.value + half], axis=-1)

    def share_interval(self) -> Float64:
        """Interval of 95 % on the logit scale, ``float64[..., 2]``: for scores in 0..1, and never outside.

        A score of exactly 0 or 1 has no logit: its interval is everything where its error is not 0.
        """
        value = np.asarray(self.value, np.float64)
        inside = (value > 0) & (value < 1)
        safe = np.where(inside, value, 0.5)
        half = _quantile(self.freedom) * self.error / (safe * (1 - safe))
        odds = safe / (1 - safe)
        with np.errstate(over="ignore"):  # an infinite growth is an end of 0 or 1
            growth = np.exp(half)
            ends = np.stack([odds / (odds + growth), 1 - 1 / (1 + odds * growth)], axis=-1)
        edge = np.where((self.error > 0)[..., None], [0.0, 1.0], value[..., None])
        return np.asarray(np.where(inside[..., None], ends, edge))

    def amount_interval(self) -> Float64:
        """Interval of 95 % on the logarithmic scale, ``float64[..., 2]``: for amounts, and never below 0."""
        value = np.asarray(self.value, np.float64)
        some = value > 0
        half = _quantile(self.freedom) * self.error / np.where(some, value, 1.0)
        with np.errstate(over="ignore"):
            growth = np.exp(half)
            ends = np.stack([value / growth, value * growth], axis=-1)
        return np.asarray(np.where(some[..., None], ends, value[..., None]))

    def p_value(self) -> Float64:
        """Two-sided probability of a value this far from 0 where the truth is 0; without any error 0, or 1 at 0.

        What rounding leaves of equal scores counts as 0.
        """
        from scipy.special import stdtr

        varies = np.asarray(self.error) > ROUNDING
        ratio = np.abs(self.value) / np.where(varies, self.error, 1.0)
        return np.asarray(
            np.where(varies, 2 * stdtr(self.freedom, -ratio), np.where(np.abs(self.value) <= ROUNDING, 1.0, 0.0))
        )


def _quantile(freedom: Float64, level: float = LEVEL) -> Float64:
    from scipy.special import stdtrit  # scipy.stats says the same, and takes a second longer to import

    return np.asarray(stdtrit(freedom, (1 + level) / 2))


def block(counts: Float64, metric: PixelMetric) -> Block:
    """Scores from counts ``float64[..., levels, contexts, seeds, groups, 4]`` (TP, FP, FN, TN).

    Raises:
        DataError: there is no seed, or fewer than two groups.
    """
    seeds, groups = counts.shape[-3:-1]
    if not seeds or groups < 2:
        raise DataError(f"an interval needs at least one seed and two groups; here are {seeds} and {groups}")
    total = counts.sum(axis=-2, keepdims=True)
    return Block(metric.value(total[..., 0, :]), metric.value(total - counts).mean(axis=-2))


def estimate(blocks: Sequence[Block], weights: Sequence[Float64]) -> Estimate:
    """The sum over all blocks and cells of ``weights[block][level, context]`` times the mean score over seeds.

    Data sets are independent, and so are the trainings of levels that have none in common. Contexts of one level may
    share their crops in a seed, so a seed's part is taken from the weighted sum over contexts. With one seed there is
    no seed part.
    """
    sums, parts = [], []
    for one, weight in zip(blocks, weights, strict=True):
        seeds = one.values.shape[-1]
        sums.append(np.einsum("lc,...lcs->...", weight, one.values) / seeds)
        parts.append(group_part(without_groups(one, weight)))
        parts += [seed_part(values) for values in one.by_training(weight)] if seeds > 1 else []
    whole = added(parts)
    return Estimate(np.asarray(sum(sums)), np.sqrt(whole.variance), whole.freedom)


def without_groups(one: Block, weight: Float64) -> Float64:
    """The weighted sum of a block without one group each, ``float64[..., groups]``."""
    return np.asarray(np.einsum("lc,...lcg->...g", weight, one.without))


def seed_part(values: Float64) -> Part:
    """Variance of the mean over seeds of ``float64[..., seeds]``."""
    seeds = values.shape[-1]
    variance = values.var(axis=-1, ddof=1) / seeds
    return Part(variance, np.full_like(variance, seeds - 1.0))


def group_part(without: Float64) -> Part:
    """Jackknife variance of an estimate from its values without one group each, ``float64[..., groups]``.

    Its degrees of freedom make a chi-square of the spread that the kurtosis of the groups' influence gives it; at most
    groups less one.
    """
    groups = without.shape[-1]
    off = without - without.mean(axis=-1, keepdims=True)
    second, fourth = (off**2).mean(axis=-1), (off**4).mean(axis=-1)
    square = second**2
    varies = square > 0  # the square of a least difference is 0 as well
    kurtosis = np.where(varies, fourth / np.where(varies, square, 1.0), 1.0)
    freedom = 2 * groups / np.maximum(kurtosis - 1, 2 * groups / (groups - 1))
    return Part((groups - 1) * second, freedom)


def added(parts: Sequence[Part]) -> Part:
    """The sum of independent parts, with Satterthwaite's degrees of freedom."""
    variance = np.asarray(sum(part.variance for part in parts))
    spread = np.asarray(sum(part.variance**2 / part.freedom for part in parts))
    return Part(variance, np.where(spread > 0, variance**2 / np.where(spread > 0, spread, 1.0), 1.0))


def group_counts(groups: Sequence[Hashable], counts: npt.NDArray[np.int64]) -> tuple[list[Hashable], Float64]:
    """Sum rows of equal group: the groups in order of appearance, and ``float64[groups, 4]``."""
    place = {name: number for number, name in enumerate(dict.fromkeys(groups))}
    total = np.zeros((len(place), counts.shape[1]), np.float64)
    np.add.at(total, [place[group] for group in groups], counts)
    return list(place), total


def mean_estimate(counts: Float64, metric: PixelMetric) -> Estimate:
    """The mean over seeds of a pooled metric with its error over seeds and groups.

    ``counts`` is ``float64[..., seeds, groups, 4]``. The interval to print is its ``share_interval()``; with one seed
    it covers the groups only and must be labelled so.

    Raises:
        DataError: there is no seed, or fewer than two groups.
    """
    return estimate([block(counts[..., None, None, :, :, :], metric)], [np.ones((1, 1))])
