"""What is known of a run while it goes on: cells that ended and how, jobs at work, time left, memory, what is next."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from bench.cli.clock import AtWork, Clock, Left
from bench.cli.costs import cost_lines, foreseen, workers_at_once
from bench.cli.memory import held_by_workers
from bench.cli.planning import opening_remarks, workers_line
from bench.engine.here import is_here
from bench.engine.outlook import Outlook
from bench.engine.plan import RUNNABLE, Plan, Planned
from bench.engine.rates import rates_of
from bench.jobs import ASIDE, Ended, Progress
from bench.machine import memory_bytes
from bench.record import State
from bench.store.home import Places
from bench.store.records import read_record
from bench.suite.joint import short_names
from bench.train.memory import DEVICE
from bench.words import duration, line, plural, size_text, visible

LOOK_S = 2.0
"""Seconds between two looks at memory."""
UNKNOWN = 0.5
"""Share of the cells to come that may be unknown where a least time is told."""
PRETRAINING = "pretraining"


@dataclass(slots=True, kw_only=True)
class Account:
    """The names of cells, and how far they are: what every display tells."""

    places: Places
    names: dict[str, str] = field(default_factory=dict)
    suite: str = ""
    total: int = 0
    done: int = 0
    failures: list[str] = field(default_factory=list)
    clock: Clock | None = None
    indexing: dict[str, Progress] = field(default_factory=dict)
    held: int | None = None
    highest: int = 0
    on_device: int = 0
    _crops: dict[str, int] = field(default_factory=dict)
    _looked: float = 0.0

    def opening(self, plan: Plan) -> Iterator[str]:
        """Begin, with the plan in a line and what to beware of in the data before anything is spent on them."""
        names = short_names([planned.cell.labels for planned in plan.cells])
        self.names = {planned.cell.id: line(name) for planned, name in zip(plan.cells, names, strict=True)}
        self._crops = {planned.cell.id: planned.cell.recipe.epoch_crops for planned in plan.cells}
        counts = plan.counts()
        self.suite = plan.suite.name
        self.total = sum(counts.get(state, 0) for state in RUNNABLE)
        cost = foreseen(plan, self.places)
        self.done, self.clock = 0, clock_of(plan, self.places)
        self.failures.clear()
        self.indexing.clear()
        words = ", ".join(f"{count} {state}" for state, count in counts.items())
        profile = f", profile {plan.suite.profile} ({plan.suite.profile_reason})" if plan.suite.profile else ""
        if not plan.cells:
            yield f"suite {plan.suite.name}{profile}: no cell is as --only or --shard asks, so nothing is done"
            return
        yield f"suite {plan.suite.name}{profile}: {plural(len(plan.cells), 'cell')} ({words})"
        yield workers_line(plan)
        yield from cost_lines(plan, cost)
        yield from opening_remarks(plan)

    def outcome(self, planned: Planned, ended: Ended) -> str:
        """Count a cell that ended, and say how."""
        self.done += 1
        well = ended.state is State.OK
        if well:
            self._look_at_device(planned.cell.id)
        if self.clock is not None:
            self.clock.ended(planned, ended.seconds, well=well)
        name, start = self.names[planned.cell.id], planned.cell.id[:8]
        text = f"{ended.state.word:8s} {name}  {duration(ended.seconds)}"
        if ended.reason is None:
            return text
        if not well:
            self.failures.append(f"{ended.state.word} {start} {name}: {line(ended.reason)}")
        more = f" ('bench show {start}' has the log)" if ended.log else ""
        return f"{text}  {line(ended.reason)}{more}"

    def aside(self, progress: Progress) -> str | None:
        """What a job has to say beside its work."""
        if progress.stage not in ASIDE:
            return None
        return f"remark: {self.names.get(progress.key, 'data set')}: {line(progress.note)}"

    def moved(self, progress: Progress) -> None:
        """A job is where it says."""
        if progress.stage in ASIDE:
            return
        if progress.stage == "index":
            self.indexing[progress.key] = progress
        elif self.clock is not None:
            self.clock.moved(progress)

    def look(self) -> None:
        """Look at the memory of the workers, now and then."""
        if time.monotonic() - self._looked < LOOK_S:
            return
        self._looked = time.monotonic()
        self.held = held_by_workers()
        self.highest = max(self.highest, self.held or 0)

    def _look_at_device(self, cell: str) -> None:
        """Take the highest memory of a GPU that the training of a finished cell had."""
        record = read_record(self.places.record(self.suite, cell))
        cost = record.cost if record is not None else None
        if cost is not None and cost.peak_memory_of == DEVICE:
            self.on_device = max(self.on_device, cost.peak_memory_bytes or 0)

    def name(self, key: str) -> str:
        """A job by the labels of its cell."""
        return self.names.get(key, PRETRAINING)

    def jobs(self) -> list[AtWork]:
        """Jobs at work, in the order they began."""
        return list(self.clock.jobs.values()) if self.clock else []

    def head(self) -> str:
        """``cropping: 5 of 15 cells, 1 failed, about 35 min left, until 17:42, 12 min gone``."""
        parts = [f"{self.done:,} of {plural(self.total, 'cell')}"]
        if self.failures:
            parts.append(f"{len(self.failures):,} failed")
        parts += [self.left()] if self.left() else []
        if self.clock is not None:
            parts.append(f"{duration(time.monotonic() - self.clock.started)} gone")
        return f"{self.suite}: {', '.join(parts)}"

    def left(self) -> str:
        """``about 35 min left, until 17:42``; ``at least`` where a few cells are like none that was measured.

        Nothing where that is most of them.
        """
        seconds = self.seconds_left()
        if self.clock is None or not seconds:
            return ""
        if self.clock.left().unknown:
            return f"at least {duration(seconds)} left"
        return f"about {duration(seconds)} left, until {_until(seconds)}"

    def seconds_left(self) -> float | None:
        """Seconds until the run ends, the least of them where a few cells are like none that was measured.

        None where that is most of them, or less than a second is left.
        """
        if self.clock is None or self.done >= self.total:
            return None
        left = self.clock.left()
        few = left.unknown <= UNKNOWN * (self.total - self.done)
        return left.seconds if few and left.seconds >= 1 else None

    def not_known(self) -> str:
        """How many cells no time left can be told of."""
        unknown = 0 if self.clock is None else self.clock.left().unknown
        if not unknown:
            return ""
        return f"not measured yet, so not in the time left: what {plural(unknown, 'cell')} will take"

    def share(self) -> float:
        """How much of the run is done, in cells."""
        begun = sum(_share(job.at) for job in self.jobs())
        return min(1.0, (self.done + begun) / self.total) if self.total else 0.0

    def figures(self, job: AtWork) -> str:
        """``train: epoch 37 of 120, 412 crops/s, about 8 min left; loss 0.123``."""
        parts = [_where(job.at)]
        rate = self.rate(job)
        parts += [rate] if rate else []
        left = self.clock.of(job) if self.clock else None
        parts += [_left_text(left)] if left else []
        told = [part for part in parts if part]
        note = line(job.at.note) if job.at.stage == "train" and job.at.total > 1 else ""
        text = f"{line(job.at.stage)}: {', '.join(told)}" if told else line(job.at.stage)
        return f"{text}; {note}" if note else text

    def brief(self, job: AtWork) -> str:
        """``train 37/120, 8 min left``."""
        at, left = job.at, self.clock.of(job) if self.clock else None
        done = f" {at.done}/{at.total}" if at.total > 1 else ""
        return f"{line(at.stage)}{done}" + (f", {duration(left.seconds)} left" if left and not left.of else "")

    def rate(self, job: AtWork) -> str:
        """Crops or images per second, of its own pace; nothing before there is one."""
        pace = job.pace
        if pace is None or job.at.total <= 1:
            return ""
        if job.at.stage != "train":
            return f"{_rounded(1 / pace)} images/s"
        crops = self._crops.get(job.key)
        return f"{_rounded(crops / pace)} crops/s" if crops else ""

    def memory(self) -> str:
        """``memory: 3.1 GB in workers, 3.9 GB at most, of 25.0 GB``, and of a GPU the highest of a training.

        Nothing where it is not known.
        """
        parts = []
        if self.held:
            whole = size_text(memory_bytes())
            parts.append(f"{size_text(self.held)} in workers, {size_text(self.highest)} at most so far, of {whole}")
        if self.on_device:
            parts.append(f"{size_text(self.on_device)} at most of a GPU for one training")
        return f"memory: {'; '.join(parts)}" if parts else ""

    def next(self) -> str:
        """What begins when a worker is free."""
        waiting = self.clock.waiting() if self.clock else []
        if not waiting:
            return ""
        more = f", and {len(waiting) - 1:,} more" if len(waiting) > 1 else ""
        return f"next: {self.name(waiting[0])}{more}"


def clock_of(plan: Plan, places: Places) -> Clock:
    """The clock of a run that begins now; what is done elsewhere is not foreseen by the rates of this machine."""
    local = is_here(plan.suite.runtime)
    workers = workers_at_once(plan) if local else 1
    rates = rates_of(places.home, plan.suite.runtime) if local else None
    return Clock(Outlook(plan, places, rates, workers), workers)


def _share(at: Progress) -> float:
    """The share of a cell that is done: its training is taken for nine tenths."""
    if at.stage == "train" and at.total > 1:
        return 0.9 * at.done / at.total
    return 0.9 if at.stage in ("predict", "score") else 0.0


def _where(at: Progress) -> str:
    """How far a stage is; nothing of one that is not counted."""
    if at.total <= 1:
        return ""
    if at.stage == "train":
        return f"epoch {at.done:,} of {at.total:,}"
    of = f" ({visible(at.note)})" if at.note else ""
    return f"{at.done:,} of {at.total:,}{of}"


def _left_text(left: Left) -> str:
    return f"about {duration(left.seconds)} {'of training ' if left.of else ''}left"


def _rounded(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}"


def _until(seconds: float) -> str:
    """The time of day, with the day where that is another."""
    at = time.localtime(time.time() + seconds)
    today = time.localtime().tm_yday == at.tm_yday
    return time.strftime("%H:%M" if today else "%a %H:%M", at)
