"""Intervals over groups, and over groups crossed with seeds (PROTOCOL, section 5).

Units are groups, never images. Every seed scores the same test groups, so one draw of groups serves all seeds and
cells of a replicate, while seeds are redrawn independently. Redrawing groups for every seed (nesting) averages the
group part of the variance away; a test keeps it out. What each of them covers stands in ``docs/statistics.md``: with
several seeds the percentile bootstrap is too narrow, :func:`mean_estimate` is not.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt

from bench.errors import DataError
from bench.statistics.estimates import LEVEL, Estimate, block, estimate
from bench.types import Float64, PixelMetric

REPLICATES = 2000
RELIABLE_GROUPS = 30
"""With fewer groups that hold defects an interval is printed but called unreliable."""


def group_counts(groups: Sequence[Hashable], counts: npt.NDArray[np.int64]) -> tuple[list[Hashable], Float64]:
    """Sum rows of equal group: the groups in order of appearance, and ``float64[groups, 4]``."""
    names = list(dict.fromkeys(groups))
    place = {name: number for number, name in enumerate(names)}
    total = np.zeros((len(names), counts.shape[1]), np.float64)
    np.add.at(total, [place[group] for group in groups], counts)
    return names, total


def mean_estimate(counts: Float64, metric: PixelMetric) -> Estimate:
    """The mean over seeds of a pooled metric with its error over seeds and groups.

    ``counts`` is ``float64[..., seeds, groups, 4]``. The interval to print is its ``share_interval()``; with one seed
    it covers the groups only and must be labelled so.

    Raises:
        DataError: there is no seed, or fewer than two groups.
    """
    return estimate([block(counts[..., None, None, :, :, :], metric)], [np.ones((1, 1))])


def crossed_replicates(
    counts: Float64, metric: PixelMetric, rng: np.random.Generator, replicates: int = REPLICATES
) -> Float64:
    """Bootstrap replicates ``float64[replicates, ...]`` of the mean over seeds of a pooled metric.

    ``counts`` is ``float64[..., seeds, groups, 4]`` (TP, FP, FN, TN); leading axes are cells. Per replicate one
    multinomial draw of groups is shared by all cells and seeds, so that cells are compared in pairs; every cell
    draws its own seeds. Models, thresholds and the split are held fixed.

    Raises:
        DataError: there is no seed or no group.
    """
    *cells, seeds, groups, _ = counts.shape
    if not seeds or not groups:
        raise DataError("an interval needs at least one seed and one group; the split holds no images")
    values = group_replicates(counts, metric, rng, replicates)
    chosen = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=(replicates, *cells))
    return np.asarray((values * chosen).sum(axis=-1) / seeds)


def group_replicates(counts: Float64, metric: PixelMetric, rng: np.random.Generator, replicates: int) -> Float64:
    """The metric of every seed on redrawn groups, ``float64[replicates, ..., seeds]``: one draw for all seeds."""
    groups = counts.shape[-2]
    drawn = rng.multinomial(groups, np.full(groups, 1 / groups), size=replicates).astype(np.float64)
    return metric.value(np.einsum("rg,...sgc->r...sc", drawn, counts, optimize=True))


def crossed_interval(
    counts: Float64, metric: PixelMetric, rng: np.random.Generator, replicates: int = REPLICATES
) -> Float64:
    """Percentile interval of 95 %, ``float64[..., 2]`` (low, high); arguments as in :func:`crossed_replicates`.

    With one seed it covers the groups only and must be labelled so.
    """
    values = crossed_replicates(counts, metric, rng, replicates)
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return np.stack([low, high], axis=-1)
