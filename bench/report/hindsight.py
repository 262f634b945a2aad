"""A diagnosis of tuning: what choosing by validation left behind on test. Never a score."""

from __future__ import annotations

from collections.abc import Sequence

from bench.report.measures import NOTHING
from bench.report.shape import Entry, Grid, Section, Table
from bench.words import line

MEANING = (
    "Diagnosis only, no score: how many points of mean F1_T the trial of best F1_T lies above the trial that "
    "validation chose, over the trials it chose from. Small gaps say that validation orders the trials as test does. "
    "Whoever chose by these numbers would choose by test."
)


def hindsight_section(tables: Sequence[Table], rows_axis: str) -> Section | None:
    """The gap of every tuned position; None where nothing was tuned or no trial has a rival."""
    entries = [entry for table in tables for row in table.entries for entry in row]
    if not any(entry.trial and entry.trial.gap is not None for entry in entries):
        return None
    return Section(
        title="Gap between the choice by validation and the best trial on test",
        grids=tuple(_grid(table, rows_axis) for table in tables),
        sentences=(MEANING,),
        values=tuple(
            {"table": dict(table.title), "row": entry.row, "column": entry.column, "gap": entry.trial.gap}
            for table in tables
            for row in table.entries
            for entry in row
            if entry.trial
        ),
    )


def _grid(table: Table, rows_axis: str) -> Grid:
    return Grid(
        title=line(", ".join(f"{axis} {label}" for axis, label in table.title)),
        header=(rows_axis, *map(line, table.columns)),
        rows=tuple(
            (line(name), *map(_text, row)) for name, row in zip(table.rows, table.entries, strict=True)
        ),
    )  # fmt: skip


def _text(entry: Entry) -> str:
    gap = entry.trial.gap if entry.trial else None
    return NOTHING if gap is None else f"{100 * gap:.1f}"
