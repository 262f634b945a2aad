"""What every axis does, as rows of a chart: the mean of each level over all other axes, with its interval."""

from __future__ import annotations

from collections.abc import Iterator

from bench.errors import SuiteError
from bench.page.run import PageRun
from bench.report.effects import Effects, effects_in, never_compared, why_not_compared
from bench.report.measures import heading, interval_in, measure_of, printed
from bench.suite.joint import naming_axes
from bench.types import JsonValue

ALWAYS = ("f1@test", "f1@validation")
"""Scores whose effects are told, besides those of the board."""


def effects_of(run: PageRun) -> Iterator[Effects]:
    """Effects of every axis whose levels can be compared, by every score of the board that can be."""
    cells = run.suite.cells
    refused = never_compared(cells)
    names = dict.fromkeys([*ALWAYS, *run.suite.board.values])
    scores = [name for name in names if why_not_compared(measure_of(name)) is None]
    for axis in naming_axes([cell.labels for cell in cells]):
        for score in scores if axis not in refused else ():
            try:
                yield effects_in(run.suite, run.records, axis, metric=score)
            except SuiteError:
                continue  # nothing of this axis is finished, or this score has no replicates


def effect_rows(found: Effects) -> Iterator[dict[str, JsonValue]]:
    """One row per level; numbers in percent where the score is."""
    scale = 100 if found.measure.percent else 1
    for line in found.levels:
        low, high = line.interval or (line.mean, line.mean)
        yield {
            "axis": found.axis,
            "measure": found.measure.name,
            "head": heading(found.measure),
            "level": line.level,
            "mean": scale * line.mean,
            "low": scale * low,
            "high": scale * high,
            "text": printed(line.mean, found.measure),
            "interval": interval_in(line.interval, found.measure),
            "tie": line.tie,
        }
