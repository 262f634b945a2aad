"""By which value the rows of a board are ordered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.report.choose import Records
from bench.report.counts import pooled_metric
from bench.report.measures import heading
from bench.report.shape import Measure
from bench.report.spread import spread_of


@dataclass(frozen=True, slots=True)
class Ordering:
    """By which value rows are ordered, and the row that differences are taken to; None is the first.

    ``untested`` are values that came first, but of whose error the records tell nothing.
    """

    index: int
    measure: Measure
    reference: str | None
    untested: tuple[str, ...] = ()


def ordering(measures: Sequence[Measure], reference: str | None, records: Records) -> Ordering | None:
    """Order by the first value on test that can be tested, else by the first on validation that pixels tell."""
    found = None
    untested = []
    for index, measure in enumerate(measures):
        if not measure.better:
            continue
        better = found is None or (found.measure.split != "test" and measure.split == "test")
        if better and is_tested(measure, records):
            found = Ordering(index, measure, reference)
        elif measure.split == "test" and better:
            untested.append(heading(measure, ""))
    return replace(found, untested=tuple(untested)) if found else None


def is_tested(measure: Measure, records: Records) -> bool:
    """Whether the error of a value is known: from counts of pixels, or from replicates of some record."""
    if pooled_metric(measure):
        return True
    return any(spread_of(record, measure) for record in records.values())
