"""One position of a table: which trial is shown, the means over its seeds, and what is missing there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.report.choose import Records, chosen, done_cells, finished, gap, state_of, trials_of
from bench.report.measures import figure, read
from bench.report.reasons import missing_seeds, unfinished, warnings
from bench.report.shape import BoardState, CellLike, Entry, Measure, Trial

WORST_FIRST: tuple[BoardState, ...] = ("failed", "diverged", "blocked", "pending", "skipped", "excluded")


@dataclass(frozen=True, slots=True)
class Frame:
    """What every entry of one table needs to know."""

    records: Records
    measures: tuple[Measure, ...]
    seeds: int
    badges: tuple[str, ...]


def entry_of(row: str, column: str, cells: Sequence[CellLike], frame: Frame) -> Entry:
    """Choose the trial, average its seeds, say what is missing and why."""
    if not cells:
        return Entry(row, column, "absent", figures=(), cells=(), seeds=0, expected=frame.seeds)
    records = frame.records
    trials = trials_of(cells)
    shown = chosen(trials, records)
    known = [records[cell.id] for cell in shown if cell.id in records]
    done = [records[cell.id] for cell in done_cells(shown, records)]
    figures = []
    alarms: dict[str, None] = {}
    for measure in frame.measures if done else ():
        readings = [read(record, measure) for record in done]
        figures.append(figure(readings, measure))
        alarms |= dict.fromkeys(reading.alarm for reading in readings if reading.alarm)
    reasons = [
        *missing_seeds(figures, frame.measures, done, frame.seeds),
        *unfinished(trials, shown, records),
        *alarms,
        *warnings(done, frame.badges),
    ]
    state = "done" if done else _worst(shown, records)
    return Entry(
        row=row,
        column=column,
        state=state,
        figures=tuple(figures),
        cells=tuple(cell.id for cell in shown),
        seeds=len(done),
        expected=frame.seeds,
        inert=any(record.inert for record in known),
        trial=_trial(trials, shown, records),
        reason="; ".join(reasons) or None,
        data_absent=state == "blocked" and any(record.data_absent for record in known),
    )


def _worst(cells: Sequence[CellLike], records: Records) -> BoardState:
    states = {state_of(cell, records)[0] for cell in cells}
    return next(state for state in WORST_FIRST if state in states)


def _trial(trials: Sequence[Sequence[CellLike]], shown: Sequence[CellLike], records: Records) -> Trial | None:
    """What was tuned at this position; None where nothing was."""
    if not shown[0].tuned:
        return None
    count = sum(finished(trial, records) for trial in trials)
    return Trial(dict(shown[0].tuned), count, len(trials), gap(trials, shown, records))
