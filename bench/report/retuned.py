"""A tuned position with the choice of its trial: what other validation groups would have had chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from bench.report.choose import Records, trials_of
from bench.report.rows import Row, row_of
from bench.report.shape import Measure
from bench.report.spread import Choice
from bench.suite.cells import Cell

Trials = Sequence[Sequence[Cell]]


def other_trials(cells: Sequence[Cell]) -> dict[str, Trials]:
    """The other trials of the position of every cell, by its id; cells of positions that nothing tunes are left out."""
    positions: dict[tuple[tuple[str, str], ...], list[Cell]] = {}
    for cell in cells:
        if cell.tuned:
            place = tuple(item for item in cell.labels.items() if item[0] != "seed" and item[0] not in cell.tuned)
            positions.setdefault(place, []).append(cell)
    found: dict[str, Trials] = {}
    for members in positions.values():
        trials = trials_of(members)
        for trial in trials:
            others = [other for other in trials if other is not trial]
            found |= {cell.id: others for cell in trial}
    return found


def retuned_rows(
    rows: Mapping[str, Row], others: Mapping[str, Trials], done: Mapping[str, str], records: Records, measure: Measure
) -> tuple[dict[str, Row], bool | None]:
    """Rows whose choice is that of the trial too, of the ``others`` of each that is tuned.

    Also whether that is known of all that are tuned; None where none are.
    """
    found = dict(rows)
    known = []
    for name, trials in others.items():
        if rows[name]:
            rivals = [row_of([cell.id for cell in trial], done, records, measure) for trial in trials]
            again = retuned(rows[name], rivals)
            known.append(again is not None)
            found[name] = again or rows[name]
    return found, all(known) if known else None


def retuned(shown: Row, others: Sequence[Row]) -> Row | None:
    """The seeds of the trial shown, whose scores at a threshold chosen anew are those of the trial chosen with it.

    On every draw the trial of best mean validation F1 over the seeds is taken, the one shown among equals. Trials that
    lack a seed take no part, as on the board. None where nothing is known of some seed of a trial, or draws differ.
    """
    trials = [shown, *(trial for trial in others if trial.keys() >= shown.keys())]
    choices: list[list[Choice]] = []
    for trial in trials:
        known = [trial[seed].choice for seed in shown]
        choices.append([choice for choice in known if choice is not None])
    draws = {choice.draws for trial in choices for choice in trial}
    if len(draws) != 1 or any(len(trial) < len(shown) for trial in choices):
        return None
    validation = np.array([[choice.validation for choice in trial] for trial in choices]).mean(axis=1)
    rechosen = np.array([[choice.rechosen for choice in trial] for trial in choices])
    best = validation.argmax(axis=0)
    taken = np.take_along_axis(rechosen, best[None, None], axis=0)[0]
    found = {}
    for (seed, spread), own, choice in zip(shown.items(), taken, choices[0], strict=True):
        found[seed] = replace(spread, choice=replace(choice, rechosen=own))
    return found
