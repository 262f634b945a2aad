"""The score of one position by seed, with what its error is made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from bench.report.choose import Records
from bench.report.shape import Measure
from bench.report.spread import Spread, interval_of, mean_of, spread_of

Row = Mapping[str, Spread]
"""Seed to the score with what its error is made of."""


def row_of(ids: Iterable[str], seeds: Mapping[str, str], records: Records, measure: Measure) -> Row:
    """The score by seed of the cells that have one; empty unless its error is known of all, over the same images."""
    row: dict[str, Spread] = {}
    for id in ids:
        if id not in seeds:
            continue
        spread = spread_of(records[id], measure)
        if spread is None:
            return {}
        row[seeds[id]] = spread
    return row if same_images([row]) else {}


def seeds_interval(ids: Sequence[str], records: Records, measure: Measure) -> tuple[float, float] | None:
    """Interval of the mean over the seeds of one position; None where its error is not known or images differ."""
    row = row_of(ids, {id: id for id in ids}, records, measure)
    return interval_of(mean_of(list(row.values())), measure) if row else None


def same_images(rows: Iterable[Row]) -> bool:
    """Whether all cells of these rows were scored on the same images; False of none."""
    images = {spread.counts.same_images for spread in chain.from_iterable(row.values() for row in rows)}
    return len(images) == 1
