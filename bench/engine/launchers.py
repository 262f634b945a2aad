"""The local launcher: warm spawned workers on their devices, each replaced after any failure."""

from __future__ import annotations

import os
import selectors
import signal
import time
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from bench.contain.channel import Garbled
from bench.engine.devices import CPU
from bench.engine.hired import Hired
from bench.engine.messages import Said, Unfit
from bench.engine.slots import Slots
from bench.jobs import Ended, Job, Listener, Progress
from bench.record import State
from bench.suite.duration import duration_text

STOP_S = 60.0
"""Seconds that a training has to finish its step and write where it is."""
LOOK_S = 1.0
"""Seconds between two looks for workers that show no life."""


@dataclass(slots=True)
class LocalLauncher:
    """Runs jobs on this machine, ``len(environments)`` at a time.

    Each environment is added to ``os.environ`` of its worker: which device it sees, how many threads it has. What
    ran out of memory beside others on its device is tried again when no job waits, with the device for itself.
    A worker that has run plugins takes no job that does not use them.
    """

    environments: Sequence[dict[str, str]]
    listener: Listener
    _slots: Slots = field(init=False)
    _queue: deque[Job] = field(default_factory=deque)
    _last: deque[Job] = field(default_factory=deque)
    _alone: set[int] = field(default_factory=set)
    _busy: dict[int, Hired] = field(default_factory=dict)
    _idle: dict[int, Hired] = field(default_factory=dict)
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)

    def __post_init__(self) -> None:
        self._slots = Slots([environment.get("BENCH_DEVICE_NAME", CPU) for environment in self.environments])

    def submit(self, jobs: Sequence[Job]) -> None:
        """Queue jobs and start as many as there are free workers."""
        self._queue.extend(jobs)
        self._start()

    def ended(self, timeout: float) -> Sequence[Ended]:
        """Wait for endings, passing progress to the listener meanwhile."""
        deadline = time.monotonic() + timeout
        found = self._hopeless()
        while not found and self._busy and time.monotonic() < deadline:
            for key, _ in self._selector.select(max(0.0, min(LOOK_S, deadline - time.monotonic()))):
                found += self._listen(key.data)
            found += self._silent()
            for worker in self._busy.values():
                worker.process.trim()
            self._start()
            found += self._hopeless()
        return found

    def remarks(self) -> Sequence[str]:
        """What there is to tell of devices and of second tries."""
        return self._slots.remarks()

    def cancel(self, keys: Collection[str]) -> None:
        """Drop waiting jobs; kill the workers of running ones, whose slots take the next."""
        self._queue = deque(job for job in self._queue if job.key not in keys)
        self._last = deque(job for job in self._last if job.key not in keys)
        for slot in [slot for slot, worker in self._busy.items() if worker.job.key in keys]:
            self._retire(self._busy.pop(slot))
            self._alone.discard(slot)
        self._start()

    def stop(self) -> None:
        """Drop what waits and ask what runs to stop where it can go on, for at most :data:`STOP_S` seconds."""
        self._queue.clear()
        self._last.clear()
        for worker in self._busy.values():
            worker.process.ask_to_stop()
        deadline = time.monotonic() + STOP_S
        while self._busy and time.monotonic() < deadline:
            for key, _ in self._selector.select(max(0.0, deadline - time.monotonic())):
                self._listen(key.data)

    def close(self) -> None:
        """Kill every worker."""
        self._queue.clear()
        self._last.clear()
        for workers in (self._busy, self._idle):
            for slot in list(workers):
                self._retire(workers.pop(slot))

    def _start(self) -> None:
        for slot in range(len(self.environments)):
            job = self._next(slot)
            if job is not None:
                self._hand(slot, job)
        for device in self._slots.open if self._last and not self._queue else ():
            slots = self._slots.of(device)
            if self._last and not self._busy.keys() & set(slots):
                self._give_alone(slots, self._last.popleft())

    def _next(self, slot: int) -> Job | None:
        """The first waiting job that a slot may take; none while a job has the device for itself.

        One for which its warm worker serves goes first.
        """
        device = self._slots.devices[slot]
        if slot in self._busy or device in self._slots.closed or self._alone & set(self._slots.of(device)):
            return None
        able = [job for job in self._queue if self._slots.may(job.key, slot)]
        warm = self._idle.get(slot)
        job = next((job for job in able if warm is not None and warm.may_take(job)), able[0] if able else None)
        if job is not None:
            self._queue.remove(job)
        return job

    def _give_alone(self, slots: Sequence[int], job: Job) -> None:
        """Give a job all memory of a device: warm workers would hold some."""
        for slot in slots:
            if slot in self._idle:
                self._retire(self._idle.pop(slot))
        self._alone.add(slots[0])
        self._hand(slots[0], job)

    def _hopeless(self) -> list[Ended]:
        """Endings of all that waits, where every device is closed."""
        if self._slots.open:
            return []
        left = [*self._queue, *self._last]
        self._queue.clear()
        self._last.clear()
        return [self._slots.hopeless(job.key) for job in left]

    def _hand(self, slot: int, job: Job) -> None:
        """Give a job to a slot's warm worker, or to a new one where that has run plugins which the job does not use."""
        worker = self._idle.pop(slot, None)
        if worker is not None and not worker.may_take(job):
            self._retire(worker)
            worker = None
        if worker is None:
            worker = self._hire(slot, job)
        self._busy[slot] = worker
        worker.hand(job)

    def _hire(self, slot: int, job: Job) -> Hired:
        alone = {"BENCH_CELLS_PER_DEVICE": "1"} if slot in self._alone else {}
        worker = Hired.hire({**os.environ, **self.environments[slot], **alone}, job)
        self._selector.register(worker.process.channel, selectors.EVENT_READ, slot)
        return worker

    def _listen(self, slot: int) -> list[Ended]:
        """Read what a worker said; a closed channel is a dead worker."""
        worker = self._busy.get(slot) or self._idle.get(slot)
        if worker is None:
            return []  # it was retired with its device, a moment after it spoke
        try:
            messages = worker.listen()
        except Garbled:
            return self._garbled(slot)
        if messages is None:
            return self._died(slot)
        found = [self._heard(slot, said) for said in messages if slot in self._busy]
        return [ended for ended in found if ended is not None]

    def _heard(self, slot: int, said: Said) -> Ended | None:
        match said:
            case Progress():
                self.listener(said)
            case "proven":
                self._busy[slot].proven = True
            case Unfit(reason):
                worker = self._busy.pop(slot)
                self._retire(worker)
                self._unfit(slot, worker.job, reason)
            case Ended():
                return self._answered(slot, said)
        return None

    def _answered(self, slot: int, ended: Ended) -> Ended | None:
        worker = self._busy.pop(slot)
        if ended.state is State.OK and slot not in self._alone:
            self._idle[slot] = worker
        else:
            self._retire(worker)  # a failure may leave the process in a bad state
        return self._settled(slot, worker.job, ended)

    def _unfit(self, slot: int, job: Job, why: str) -> None:
        """Close the device of a worker that could not prove it; its job goes elsewhere."""
        self._alone.discard(slot)
        self._queue.appendleft(job)
        device = self._slots.devices[slot]
        self._slots.close(device, why)
        for other in self._slots.of(device):
            if other in self._idle:
                self._retire(self._idle.pop(other))

    def _settled(self, slot: int, job: Job, ended: Ended) -> Ended | None:
        """How a job ended; None where it is tried once more."""
        self._alone.discard(slot)
        if not self._slots.again(job.key, slot, ended):
            return self._slots.told(ended)
        if ended.state is State.OOM:
            self._last.append(job)
        else:
            self._queue.appendleft(job)
        return None

    def _died(self, slot: int) -> list[Ended]:
        """A worker ended without an answer: say how, with its last words."""
        if slot in self._idle:
            self._retire(self._idle.pop(slot))
            return []
        worker = self._busy.pop(slot)
        code = self._retire(worker)
        how = f"killed by signal {-code}" if code < 0 else f"ended with code {code}"
        if worker.job.stages and not worker.proven and self._slots.devices[slot] != CPU:
            self._unfit(slot, worker.job, f"the worker process was {how} while it proved the device")
            return []
        hint = " (out of memory?)" if code == -signal.SIGKILL else ""
        return self._given_up(slot, worker, State.KILLED, f"the worker process was {how}{hint}")

    def _garbled(self, slot: int) -> list[Ended]:
        """A worker is not trusted any more once something else than itself has written to its channel."""
        if slot in self._idle:
            self._retire(self._idle.pop(slot))
            return []
        worker = self._busy.pop(slot)
        self._retire(worker)
        foreign = " and ".join(name for name, _ in worker.job.plugins) or "none of others (please report it)"
        reason = f"something other than bench wrote to the channel of the worker; plugins in it: {foreign}"
        return self._given_up(slot, worker, State.PLUGIN_ERROR, reason)

    def _silent(self) -> list[Ended]:
        """End the workers that have shown no life for longer than their jobs allow."""
        found: list[Ended] = []
        for slot, worker in list(self._busy.items()):
            limit = worker.job.timeout_s
            if limit is None or worker.silence() <= limit:
                continue
            self._retire(self._busy.pop(slot))
            at = f"in stage {worker.at.stage} ({worker.at.done}/{worker.at.total})" if worker.at else "at its beginning"
            reason = f"no sign of life for {duration_text(limit)} {at}; runtime.timeout sets how long that may be"
            found += self._given_up(slot, worker, State.TIMEOUT, reason)
        return found

    def _given_up(self, slot: int, worker: Hired, state: State, reason: str) -> list[Ended]:
        """The ending of a job whose worker has ended without saying it."""
        ended = Ended(worker.job.key, state, reason, worker.process.words, worker.seconds())
        settled = self._settled(slot, worker.job, ended)
        return [] if settled is None else [settled]

    def _retire(self, worker: Hired) -> int:
        """End a worker for good; what it finished is on disk, so killing loses nothing."""
        self._selector.unregister(worker.process.channel)
        return worker.process.end()
