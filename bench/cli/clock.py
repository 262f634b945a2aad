"""The time that a run has left, and each job of it: measured where it can be, foreseen where not, else untold."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

from bench.engine.outlook import PAUSE, Outlook
from bench.engine.plan import Planned
from bench.jobs import Progress

ORDER = ("images", "tiles", "crops", "train", "predict", "score")
"""Stages as a job does them."""
TRUST = 0.05
"""Share of a training for which its forecast counts as much as what was measured since it began."""
FEWEST = 2
"""Epochs after which the pace of a training is told where it was never measured."""
FILED = "filed"
"""What a job notes at the end of a stage."""
LEAST = 0.05
"""Share of a forecast that is left at least, for as long as its stage has not ended."""


@dataclass(slots=True)
class AtWork:
    """A job in hand: where it is, since when, and the epochs from which its pace is counted (monotonic seconds)."""

    key: str
    at: Progress
    since: float
    stage_since: float
    base: tuple[int, float] | None = None
    told: float = 0.0
    start_up: float = 0.0

    def moved(self, at: Progress, now: float) -> None:
        """Take what the job says of itself."""
        if at.stage != self.at.stage or at.total != self.at.total or at.done < self.at.done:
            self.stage_since, self.base = now, None
        if self.base is None and at.done > 0:
            self.base = (0, self.stage_since) if at.done == 1 else (at.done, now)  # more: it went on from there
        self.at, self.told = at, now

    @property
    def pace(self) -> float | None:
        """Seconds of a unit of its stage, of those done since it was first heard of; None before the first."""
        if self.base is None:
            return None
        first, began = self.base
        return (self.told - began) / (self.at.done - first) if self.at.done > first and self.told > began else None


@dataclass(frozen=True, slots=True)
class Left:
    """Seconds that are left; only of the ``training`` where what follows it was never measured."""

    seconds: float
    of: str = ""


def job_left(job: AtWork, outlook: Outlook, now: float) -> Left | None:
    """What is left of a job, None where nothing tells."""
    stages = outlook.stages(job.key)
    stage = job.at.stage
    if stage not in ORDER:
        return _whole(job, outlook, now)
    here = _stage_left(job, stages.get(stage), now)
    later = [stages[each] for each in ORDER[ORDER.index(stage) + 1 :] if each in stages]
    known = [seconds for seconds in later if seconds is not None]
    if here is None:
        return _whole(job, outlook, now)
    if stages and len(known) == len(later):
        return Left(here + sum(known))
    whole = _whole(job, outlook, now)
    return whole or (Left(here, "training") if stage == "train" else None)


def _whole(job: AtWork, outlook: Outlook, now: float) -> Left | None:
    """By what the whole job is foreseen to take."""
    seconds = outlook.seconds(job.key)
    if seconds is None:
        return None
    seconds += job.start_up
    return Left(max(seconds - (now - job.since), LEAST * seconds))


def _stage_left(job: AtWork, foreseen: float | None, now: float) -> float | None:
    spent = now - job.stage_since
    if job.at.stage == "train" and job.at.total > 1:
        return _training_left(job, foreseen, now)
    return None if foreseen is None else max(foreseen - spent, LEAST * foreseen)


def _training_left(job: AtWork, foreseen: float | None, now: float) -> float | None:
    """By its own pace, and by its forecast for as long as it has hardly begun."""
    total, done = job.at.total, job.at.done
    first, began = job.base or (0, job.stage_since)
    counted, spent = done - first, job.told - began
    if foreseen is not None:
        each = (TRUST * foreseen + (spent if counted else 0.0)) / (TRUST * total + counted)
    elif counted >= FEWEST:
        each = spent / counted
    else:
        return None
    since = now - job.told if counted else now - began
    return max(each * (total - done) - since, LEAST * each)


def wall_left(
    left: Collection[float], waiting: Sequence[str], seconds: Mapping[str, float], workers: int, made: Mapping[str, str]
) -> float:
    """Seconds until the last job ends: each that waits goes, in order, to the worker that is free first.

    ``left`` is of the jobs at work; ``made`` says which job another one waits for.
    """
    free = sorted(left)[:workers]
    free += [0.0] * (workers - len(free))
    heapify(free)
    ends: dict[str, float] = {}
    for key in waiting:
        start = max(heappop(free), ends.get(made.get(key, ""), 0.0))
        ends[key] = start + seconds[key]
        heappush(free, ends[key])
    return max((*left, *ends.values()), default=0.0)


@dataclass(frozen=True, slots=True)
class Remaining:
    """Seconds until a run ends, and the jobs that are not counted in it because nothing tells how long they take."""

    seconds: float
    unknown: int


@dataclass(slots=True)
class Clock:
    """What a run and its jobs have left."""

    outlook: Outlook
    workers: int
    started: float = field(default_factory=time.monotonic)
    jobs: dict[str, AtWork] = field(default_factory=dict)
    _begun: int = 0
    _counted: Remaining | None = None
    _due: float = 0.0

    def moved(self, at: Progress) -> None:
        """A job is where it says; the first job of a worker began with the run."""
        now = time.monotonic()
        if at.key not in self.jobs:
            is_first = self._begun < self.workers
            self._begun += 1
            start_up = self.outlook.start_up if is_first else 0.0
            self.jobs[at.key] = AtWork(at.key, at, self.started if is_first else now, now, start_up=start_up, told=now)
        self.jobs[at.key].moved(at, now)
        if at.note == FILED and at.stage == "train" and at.key in self.outlook.sources:
            del self.jobs[at.key]  # a pretraining run, of whose end nobody else tells
            self.outlook.forget(at.key)

    def ended(self, planned: Planned, seconds: float, *, well: bool) -> None:
        """A cell has ended."""
        self.jobs.pop(planned.cell.id, None)
        self.outlook.ended(planned, seconds, well=well)

    def of(self, job: AtWork) -> Left | None:
        """What a job has left."""
        return job_left(job, self.outlook, time.monotonic())

    def waiting(self) -> list[str]:
        """Jobs that have not begun, in the order they start."""
        return [key for key in self.outlook.waiting if key not in self.jobs]

    def left(self) -> Remaining:
        """What the run has left, counted anew unless that would cost the run anything."""
        now = time.monotonic()
        if self._counted is None or now >= self._due:
            self._counted = self._count()
            self._due = time.monotonic() + PAUSE * (time.monotonic() - now)
        return self._counted

    def _count(self) -> Remaining:
        self.outlook.refresh()
        known, unknown = [], 0
        for job in self.jobs.values():
            one = self.of(job)
            known += [one.seconds] if one else []
            unknown += one is None or bool(one.of)
        seconds: dict[str, float] = {}
        waiting = self.waiting()
        for key in waiting:
            unknown += self.outlook.seconds(key) is None
            seconds[key] = self.outlook.least(key)
        workers = max(self.workers, len(self.jobs))
        return Remaining(wall_left(known, waiting, seconds, workers, self.outlook.makers), unknown)
