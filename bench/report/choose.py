"""Which trial of a position is shown: the one of best mean validation F1, never by a test score."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bench.canonical import canonical
from bench.record import Record, State
from bench.report.measures import measure_of, read
from bench.report.shape import BoardState, CellLike, Measure

Records = Mapping[str, Record]

VALIDATION_F1, TEST_F1 = measure_of("f1@validation"), measure_of("f1@test")

POLICY = (
    "Tuning: of the trials that finished the most seeds, the one of best mean validation F1 over the seeds "
    "they share is shown; ties go to the first in the suite. No test score is read."
)


def state_of(cell: CellLike, records: Records) -> tuple[BoardState, str | None]:
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


def done_cells(cells: Iterable[CellLike], records: Records) -> list[CellLike]:
    """The cells that are to be run and ended well."""
    return [cell for cell in cells if state_of(cell, records)[0] == "done"]


def common_badges(badges: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Badges that all of several records carry, so that they are said once."""
    return tuple(badge for badge in badges[0] if all(badge in other for other in badges)) if badges else ()


def seed_of(cell: CellLike) -> str:
    """Label of the cell's seed; empty where the suite has no seed axis."""
    return cell.labels.get("seed", "")


def trials_of(cells: Sequence[CellLike]) -> list[list[CellLike]]:
    """The cells of one position parted by their tuned settings, in the order of the suite."""
    trials: dict[bytes, list[CellLike]] = {}
    for cell in cells:
        trials.setdefault(canonical(dict(cell.tuned)), []).append(cell)
    return list(trials.values())


def chosen(trials: Sequence[Sequence[CellLike]], records: Records) -> Sequence[CellLike]:
    """The trial to show, by :data:`POLICY`; the first where nothing is finished."""
    scores = [_scores(trial, records, VALIDATION_F1) for trial in trials]
    most = max(len(by_seed) for by_seed in scores)
    rivals = [index for index, by_seed in enumerate(scores) if len(by_seed) == most]
    shared = set.intersection(*(set(scores[index]) for index in rivals))
    if not shared:
        return trials[rivals[0]]
    return trials[max(rivals, key=lambda index: (_mean(scores[index], shared), -index))]


def gap(trials: Sequence[Sequence[CellLike]], shown: Sequence[CellLike], records: Records) -> float | None:
    """A diagnosis, never a choice: how far another trial's mean test F1 lies above that of the one shown (0..1).

    Over the trials that finished as many seeds as it, and the seeds they share; None without a rival.
    """
    scores = [_scores(trial, records, TEST_F1) for trial in trials]
    own = next(by_seed for by_seed, trial in zip(scores, trials, strict=True) if trial is shown)
    rivals = [by_seed for by_seed in scores if len(by_seed) == len(own)]
    shared = set.intersection(*map(set, rivals))
    if len(rivals) < 2 or not shared:
        return None
    return max(_mean(by_seed, shared) for by_seed in rivals) - _mean(own, shared)


def finished(trial: Sequence[CellLike], records: Records) -> bool:
    """Whether every seed of the trial that is to be run has ended well."""
    return all(state_of(cell, records)[0] in ("done", "excluded", "skipped") for cell in trial)


def _scores(trial: Sequence[CellLike], records: Records, measure: Measure) -> dict[str, float]:
    """A score by seed, of finished cells only."""
    values = {seed_of(cell): read(records[cell.id], measure).value for cell in done_cells(trial, records)}
    return {seed: value for seed, value in values.items() if value is not None}


def _mean(by_seed: Mapping[str, float], seeds: set[str]) -> float:
    return sum(by_seed[seed] for seed in sorted(seeds)) / len(seeds)
