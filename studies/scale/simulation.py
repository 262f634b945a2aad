"""A launcher that does nothing but leave what its jobs would have left, on workers and by a clock that are simulated.

Everything else is what every run is made of: the plan, the scheduler, the store, records, the board. What these take of
a processor passes on the simulated clock too, so that a slow scheduler leaves simulated workers idle.
"""

from __future__ import annotations

import heapq
import json
import random
import time
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.engine.worker import perform
from bench.jobs import Ended, Job
from bench.record import record_of
from bench.replicates import CellReplicates
from bench.states import State
from bench.store.home import Places
from bench.store.records import write_record
from bench.store.replicates import replicates_file, write_replicates
from bench.store.store import NOTE
from bench.train.stop import Stop

HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Template:
    """What one real cell has left: its record, the notes of its stages by kind, its replicates, and its seconds."""

    record: Mapping[str, Any]
    notes: Mapping[str, Mapping[str, Any]]
    replicates: CellReplicates
    seconds: float


@dataclass(frozen=True, slots=True)
class Fleet:
    """Workers, and what goes wrong with them.

    A cell takes ``slower`` times the measured seconds, more or less (log-normal, ``spread``). A worker is lost once in
    ``hours_to_loss`` of its work: its job begins again from its last checkpoint. Of all jobs the share ``failing`` end
    as failed, which the repeated command does again.
    """

    workers: int
    slower: float = 1.0
    spread: float = 0.3
    hours_to_loss: float = 1000.0
    failing: float = 0.01
    checkpoint_s: float = 300.0


@dataclass(slots=True)
class Simulated:
    """A launcher of a fleet; ``now`` is its clock in seconds, ``own_s`` seconds of a processor that it took itself."""

    fleet: Fleet
    places: Places
    templates: Sequence[Template]
    random: random.Random
    now: float = 0.0
    busy_s: float = 0.0
    lost_s: float = 0.0
    losses: int = 0
    own_s: float = 0.0
    _left: float = field(default_factory=time.process_time)
    _queue: deque[Job] = field(default_factory=deque)
    _free: int = field(init=False)
    _running: list[tuple[float, int, Job]] = field(default_factory=list)
    _count: int = 0

    def __post_init__(self) -> None:
        self._free = self.fleet.workers

    def submit(self, jobs: Sequence[Job]) -> None:
        """Start what there is room for."""
        self._enter()
        self._queue.extend(jobs)
        self._start()
        self._leave()

    def ended(self, timeout: float) -> Sequence[Ended]:
        """Go on to the next ending, or by ``timeout``, and leave what the jobs would have left."""
        self._enter()
        if self._running and self._running[0][0] > self.now:
            self.now = min(self._running[0][0], self.now + timeout)
        found = []
        while self._running and self._running[0][0] <= self.now:
            at, _, job = heapq.heappop(self._running)
            self._free += 1
            self._start(at)
            found.append(self._end(job))
        self._leave()
        return found

    def remarks(self) -> Sequence[str]:
        """There are none."""
        return ()

    def cancel(self, keys: Collection[str]) -> None:
        """Nothing is cancelled."""

    def stop(self) -> None:
        """Nothing is stopped."""

    def close(self) -> None:
        """Nothing is left to end."""

    def _enter(self) -> None:
        """What the caller took since it was here last has passed on the clock too."""
        started = time.process_time()
        self.now += started - self._left
        self._left = started

    def _leave(self) -> None:
        ended = time.process_time()
        self.own_s += ended - self._left
        self._left = ended

    def _start(self, at: float | None = None) -> None:
        while self._free and self._queue:
            job = self._queue.popleft()
            took = self._seconds(job)
            self._free -= 1
            self._count += 1
            heapq.heappush(self._running, ((self.now if at is None else at) + took, self._count, job))

    def _seconds(self, job: Job) -> float:
        """How long a job occupies its worker, with what is done twice where workers are lost."""
        if not job.stages:
            return 1.0
        measured = self._template(job).seconds * self.fleet.slower
        work = measured * self.random.lognormvariate(0.0, self.fleet.spread)
        again, left = 0.0, work
        while (until := self.random.expovariate(1 / (self.fleet.hours_to_loss * HOUR))) < left:
            twice = min(until, self.random.uniform(0.0, self.fleet.checkpoint_s))
            left += twice - until
            again += twice
            self.losses += 1
        self.busy_s += work
        self.lost_s += again
        return work + again

    def _template(self, job: Job) -> Template:
        return self.templates[hash(job.key) % len(self.templates)]

    def _end(self, job: Job) -> Ended:
        if not job.stages:
            return perform(job, {}, lambda _said: None, Stop())
        if self.random.random() < self.fleet.failing:
            return Ended(job.key, State.KILLED, "simulated: the job ended without an answer")
        template = self._template(job)
        for stage in (stage for stage in job.stages if stage["kind"] in template.notes):
            folder = self.places.stage(stage["kind"], stage["key"])
            folder.mkdir(parents=True, exist_ok=True)
            (folder / NOTE).write_text(json.dumps({**template.notes[stage["kind"]], "files": {}, "digests": {}}))
        if job.record:
            path = Path(job.record)
            own = {name: job.filing[name] for name in ("id", "axes", "tuned", "cell", "keys")}
            replicates = replace(template.replicates, predict=own["keys"]["predict"])
            write_replicates(replicates_file(path.parent.parent, path.stem), replicates)
            write_record(path, record_of(**{**template.record, **own}))
        return Ended(job.key, State.OK, seconds=template.seconds)
