"""A score of one cell with what its error is made of: from its counts of pixels, or from its replicates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.record import Record
from bench.report.counts import Counts, counts_of, pooled_metric
from bench.report.measures import read
from bench.report.shape import Measure
from bench.statistics.estimates import Block, Estimate, estimate
from bench.types import Float64


@dataclass(frozen=True, slots=True)
class Spread:
    """A score on one split: its ``value``, and ``without`` one group each, ``float64[groups]``; ``counts`` say of what.

    ``rechosen`` is ``float64[draws]``: the score at thresholds chosen anew; None where nothing is known of that.
    """

    counts: Counts
    value: float
    without: Float64
    rechosen: Float64 | None = None


def spread_of(record: Record, measure: Measure) -> Spread | None:
    """None where the record lacks the score, counts of at least two groups, or replicates where pixels do not tell."""
    counts = counts_of(record, measure.split or "")
    if counts is None or read(record, measure).value is None:
        return None
    metric = pooled_metric(measure)
    if metric is None:
        return None
    total = counts.values.sum(axis=0)
    return Spread(counts, float(metric.value(total)), metric.value(total - counts.values))


def block_of(cells: Sequence[Spread], levels: int = 1, contexts: int = 1) -> Block:
    """The block of cells of the same images: levels by contexts by seeds, in this order.

    Raises:
        ValueError: the cells do not fill it evenly.
    """
    values = np.array([cell.value for cell in cells]).reshape(levels, contexts, -1)
    without = np.stack([cell.without for cell in cells]).reshape(*values.shape, -1)
    return Block(values, without.mean(axis=-2))


def mean_of(cells: Sequence[Spread]) -> Estimate:
    """The mean over the seeds of one position."""
    return estimate([block_of(cells)], [np.ones((1, 1))])
