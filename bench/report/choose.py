"""Which trial of a position is shown: the one of best mean validation F1, never by a test score."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bench.canonical import canonical
from bench.record import Record, State
from bench.report.measures import measure_of, read
from bench.report.shape import BoardState, Measure
from bench.suite.cells import Cell

Records = Mapping[str, Record]

VALIDATION_F1, TEST_F1 = measure_of("f1@validation"), measure_of("f1@test")

POLICY = (
    "Tuning: of the trials that finished the most seeds, the one of best mean validation F1 over the seeds "
    "they share is shown; ties go to the first in the suite. No test score is read."
)


def state_of(cell: Cell, records: Records) -> tuple[BoardState, str | None]:
    """State and reason of a cell; what the suite says comes before what the store holds."""
    if cell.excluded:
        return "excluded", cell.excluded
    if cell.skipped:
        return "skipped", cell.skipped
    record = records.get(cell.id)
    if record is None:
        return "pending", "not run yet"
    if record.state is State.OK:
        return "done", record.reason
    return record.state.word, record.reason or "no reason was stored"


def done_of(ids: Iterable[str], records: Records) -> list[Record]:
    """Records of the cells that ended well."""
    return [records[id] for id in ids if id in records and records[id].state is State.OK]


def done_cells(cells: Iterable[Cell], records: Records) -> list[Cell]:
    """The cells that are to be run and ended well."""
    return [cell for cell in cells if state_of(cell, records)[0] == "done"]


def done_records(cells: Iterable[Cell], records: Records) -> list[Record]:
    """Records of the cells that are to be run and ended well."""
    return [records[cell.id] for cell in done_cells(cells, records)]


def common_badges(badges: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Badges that all of several records carry, so that they are said once."""
    return tuple(badge for badge in badges[0] if all(badge in other for other in badges)) if badges else ()


def seed_of(cell: Cell) -> str:
    """Label of the cell's seed; empty where the suite has no seed axis."""
    return cell.labels.get("seed", "")


def trials_of(cells: Sequence[Cell]) -> list[list[Cell]]:
    """The cells of one position parted by their tuned settings, in the order of the suite."""
    trials: dict[bytes, list[Cell]] = {}
    for cell in cells:
        trials.setdefault(canonical(dict(cell.tuned)), []).append(cell)
    return list(trials.values())


def chosen(trials: Sequence[Sequence[Cell]], records: Records) -> Sequence[Cell]:
    """The trial to show, by :data:`POLICY`; the first where nothing is finished."""
    scores = [_scores(trial, records, VALIDATION_F1) for trial in trials]
    rivals = _rivals(scores, max(map(len, scores)))
    return trials[max(rivals, key=lambda index: _mean(rivals[index]))]


def gap(trials: Sequence[Sequence[Cell]], shown: Sequence[Cell], records: Records) -> float | None:
    """A diagnosis, never a choice: how far another trial's mean test F1 lies above that of the one shown (0..1).

    Over the trials that finished as many seeds as it, and the seeds they share; None without a rival.
    """
    scores = [_scores(trial, records, TEST_F1) for trial in trials]
    place = trials.index(shown)
    rivals = _rivals(scores, len(scores[place]))
    if len(rivals) < 2 or not rivals[place]:
        return None
    return max(map(_mean, rivals.values())) - _mean(rivals[place])


def _rivals(scores: Sequence[Mapping[str, float]], seeds: int) -> dict[int, list[float]]:
    """The trials with so many seeds by their number, each with its scores of the seeds that they all share."""
    rivals = {index: by_seed for index, by_seed in enumerate(scores) if len(by_seed) == seeds}
    shared = sorted(set.intersection(*map(set, rivals.values())))
    return {index: [by_seed[seed] for seed in shared] for index, by_seed in rivals.items()}


def _mean(scores: Sequence[float]) -> float:
    return sum(scores) / len(scores) if scores else 0.0


def finished(trial: Sequence[Cell], records: Records) -> bool:
    """Whether every seed of the trial that is to be run has ended well."""
    return all(state_of(cell, records)[0] in ("done", "excluded", "skipped") for cell in trial)


def _scores(trial: Sequence[Cell], records: Records, measure: Measure) -> dict[str, float]:
    """A score by seed, of finished cells only."""
    values = {seed_of(cell): read(records[cell.id], measure).value for cell in done_cells(trial, records)}
    return {seed: value for seed, value in values.items() if value is not None}
