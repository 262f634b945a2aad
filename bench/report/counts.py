"""Pixel counts per group out of cell records: what intervals and comparisons are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.record import Record
from bench.report.shape import Measure
from bench.scores import pooled_metrics
from bench.statistics.estimates import RELIABLE_GROUPS, group_counts
from bench.types import Float64, PixelMetric
from bench.words import plural

Images = tuple[tuple[str, ...], tuple[str, ...]]
"""Images, and the group of each."""


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts of one cell on one split: ``float64[groups, 4]``, which images they are of, and the group of each."""

    images: tuple[str, ...]
    groups: tuple[str, ...]
    values: Float64

    @property
    def same_images(self) -> Images:
        """Equal for cells that scored the same images in the same groups."""
        return self.images, self.groups

    @property
    def defective(self) -> int:
        """Groups with a defect."""
        return int(np.count_nonzero(self.values[:, 0] + self.values[:, 2]))


def counts_of(record: Record, split: str) -> Counts | None:
    """The counts in a record; None where it has none, or of fewer than two groups."""
    found = record.of_split(split).image_counts
    if found is None or len(set(found.groups)) < 2:
        return None
    _, values = group_counts(found.groups, np.asarray(found.counts, np.int64))
    return Counts(found.ids, found.groups, values)


def pooled_metric(measure: Measure) -> PixelMetric | None:
    """The metric of a board value such as ``f1@test``; None where it does not follow from pixel counts."""
    return pooled_metrics().get(".".join(measure.path)) if measure.split else None


def reliability(defective: int) -> str:
    """What must be said of an interval over so few groups; empty where nothing must."""
    return f"interval unreliable ({plural(defective, 'group')} with defects)" if defective < RELIABLE_GROUPS else ""
