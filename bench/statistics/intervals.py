"""The interval of a pooled score over groups, and over groups crossed with seeds (PROTOCOL, section 5).

Units are groups, never images, and every seed scores the same test groups. What the interval covers, and what a
bootstrap would, stands in ``docs/statistics.md``.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt

from bench.statistics.estimates import Estimate, block, estimate
from bench.types import Float64, PixelMetric

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
