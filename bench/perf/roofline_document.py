"""Rooflines as a document."""

from __future__ import annotations

from collections.abc import Sequence

from bench.document import Document, Paragraph
from bench.perf.peaks import Roofline, Stage
from bench.report.measures import plain
from bench.report.tables import plain_table

HEADER = ("stage", "achieved", "limit", "unit", "achieved / limit", "the limit is")
MEANING = (
    "Medians of rounds in turns, on a few images of each data set and on the threads of one operation; on a busy "
    "machine only achieved / limit says something. The limit of the step follows from its counted operations and bytes "
    "and from the peaks of a matrix product and of memcpy measured beside it."
)


def roofline_document(found: Sequence[Roofline]) -> Document:
    """A table for each shape of work, and the stage of each that is furthest from its limit."""
    tables = []
    furthest = []
    for one in found:
        tables.append(plain_table(HEADER, map(_row, one.stages), title=one.name))
        last = min(one.stages, key=lambda stage: stage.share)
        furthest.append(f"{one.name}: {last.name} is furthest from its limit, at {last.share:.3f} of it.")
    return Document("Achieved and limit", [*tables, Paragraph([*furthest, MEANING])])


def _row(stage: Stage) -> Sequence[str]:
    return stage.name, plain(stage.achieved), plain(stage.limit), stage.unit, f"{stage.share:.3f}", stage.bound
