"""Bootstrap intervals of a pooled score, to compare with the interval that is shipped.

One draw of groups serves all seeds and cells of a replicate, while seeds are redrawn independently. Redrawing groups
for every seed (nesting) averages the group part of the variance away; a test keeps it out.
"""

from __future__ import annotations

import numpy as np

from bench.errors import DataError
from bench.statistics.estimates import LEVEL
from bench.types import Float64, PixelMetric

REPLICATES = 2000


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
    return percentiles(crossed_replicates(counts, metric, rng, replicates))


def percentiles(replicates: Float64) -> Float64:
    """The middle 95 % of replicates ``float64[replicates, ...]``, as ``float64[..., 2]``."""
    ends = np.quantile(replicates, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return np.moveaxis(ends, 0, -1)
