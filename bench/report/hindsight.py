"""A diagnosis of tuning: what choosing by validation left behind on test. Never a score."""

from __future__ import annotations

from collections.abc import Sequence

from bench.report.measures import NOTHING
from bench.report.shape import Entry, Section, Table, entries_of, title_text

MEANING = (
    "Diagnosis only, no score: how many points of mean F1_T the trial of best F1_T lies above the trial that "
    "validation chose, over the trials it chose from. Small gaps say that validation orders the trials as test does. "
    "Whoever chose by these numbers would choose by test."
)


def hindsight_section(tables: Sequence[Table], rows_axis: str) -> Section | None:
    """The gap of every tuned position; None where nothing was tuned or no trial has a rival."""
    if not any(entry.trial and entry.trial.gap is not None for entry in entries_of(tables)):
        return None
    grids = []
    values = []
    for table in tables:
        grids.append(table.grid(title_text(table.title), rows_axis, _text))
        for entry in entries_of([table]):
            if entry.trial:
                place = {"table": dict(table.title), "row": entry.row, "column": entry.column}
                values.append({**place, "gap": entry.trial.gap})
    return Section(
        title="Gap between the choice by validation and the best trial on test",
        grids=tuple(grids),
        sentences=(MEANING,),
        values=tuple(values),
    )


def _text(entry: Entry) -> str:
    gap = entry.trial.gap if entry.trial else None
    return NOTHING if gap is None else f"{100 * gap:.1f}"
