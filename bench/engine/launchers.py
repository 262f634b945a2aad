"""The local launcher: warm spawned workers on their devices, each replaced after any failure."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from bench.engine.devices import CPU
from bench.engine.slots import Slots
from bench.record import State
from bench.stages.jobs import Ended, Job, Listener, Progress

LAST_WORDS = 4000
"""Characters of a dead worker's standard error kept for the record."""
COMPILED = "TORCHINDUCTOR_CACHE_DIR"
"""Where torch's compiler keeps what it compiled, and takes it from."""
STOP_S = 60.0
"""Seconds that a training has to finish its step and write where it is."""


@dataclass(slots=True)
class _Worker:
    """A spawned process, its error log, what it compiled, and the job it has in hand."""

    process: subprocess.Popen[bytes]
    errors: IO[bytes]
    compiled: tempfile.TemporaryDirectory[str]
    job: Job
    started: float
    pending: bytes = b""
    proven: bool = False


@dataclass(slots=True)
class LocalLauncher:
    """Runs jobs on this machine, ``len(environments)`` at a time.

    Each environment is added to ``os.environ`` of its worker: which device it sees, how many threads it has. What
    ran out of memory beside others on its device is tried again when no job waits, with the device for itself.
    """

    environments: Sequence[dict[str, str]]
    listener: Listener
    _slots: Slots = field(init=False)
    _queue: deque[Job] = field(default_factory=deque)
    _last: deque[Job] = field(default_factory=deque)
    _alone: set[int] = field(default_factory=set)
    _busy: dict[int, _Worker] = field(default_factory=dict)
    _idle: dict[int, _Worker] = field(default_factory=dict)
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
            for key, _ in self._selector.select(max(0.0, deadline - time.monotonic())):
                found += self._listen(key.data)
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
            worker.process.terminate()
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
        """The first waiting job that a slot may take; none while a job has the device for itself."""
        device = self._slots.devices[slot]
        if slot in self._busy or device in self._slots.closed or self._alone & set(self._slots.of(device)):
            return None
        job = next((job for job in self._queue if self._slots.may(job.key, slot)), None)
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
        """Give a job to a slot's warm worker, or to a new one when the job brings other local plugins."""
        worker = self._idle.pop(slot, None)
        if worker is not None and (worker.job.plugins != job.plugins or worker.process.poll() is not None):
            self._retire(worker)
            worker = None
        if worker is None:
            worker = self._spawn(slot, job)
        worker.job, worker.started = job, time.monotonic()
        self._busy[slot] = worker
        assert worker.process.stdin is not None
        try:
            worker.process.stdin.write(json.dumps(job.as_json()).encode() + b"\n")
            worker.process.stdin.flush()
        except BrokenPipeError:
            pass  # it died meanwhile: its closed output is read next and ends the job

    def _spawn(self, slot: int, job: Job) -> _Worker:
        errors = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the worker
        # what another processor compiled, or a killed process left half-written, would end a worker by a signal
        compiled = tempfile.TemporaryDirectory(prefix="bench-compiled-", ignore_cleanup_errors=True)
        alone = {"BENCH_CELLS_PER_DEVICE": "1"} if slot in self._alone else {}
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "bench.engine.worker"],  # -P: nothing is imported from the current folder
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, **self.environments[slot], **alone, COMPILED: compiled.name},
        )
        assert process.stdout is not None
        self._selector.register(process.stdout, selectors.EVENT_READ, slot)
        return _Worker(process, errors, compiled, job, time.monotonic())

    def _listen(self, slot: int) -> list[Ended]:
        """Read what a worker said; a closed pipe is a dead worker."""
        worker = self._busy.get(slot) or self._idle.get(slot)
        if worker is None:
            return []  # it was retired with its device, a moment after it spoke
        assert worker.process.stdout is not None
        chunk = os.read(worker.process.stdout.fileno(), 1 << 16)
        if not chunk:
            return self._died(slot)
        *lines, worker.pending = (worker.pending + chunk).split(b"\n")
        found = (self._heard(slot, message) for line in lines if (message := _message(line)) is not None)
        return [ended for ended in found if ended is not None]

    def _heard(self, slot: int, message: dict[str, Any]) -> Ended | None:
        event = message.pop("event")
        if event == "progress":
            self.listener(Progress(**message))
            return None
        if event == "proven":
            self._busy[slot].proven = True
            return None
        worker = self._busy.pop(slot)
        if event == "unfit":
            self._unfit(slot, worker, message["reason"])
            return None
        ended = Ended(**{**message, "state": State(message["state"])})
        if ended.state is State.OK and slot not in self._alone:
            self._idle[slot] = worker
        else:
            self._retire(worker)  # a failure may leave the process in a bad state
        return self._settled(slot, worker.job, ended)

    def _unfit(self, slot: int, worker: _Worker, why: str) -> None:
        """Close the device of a worker that could not prove it; its job goes elsewhere."""
        self._retire(worker)
        self._alone.discard(slot)
        self._queue.appendleft(worker.job)
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
        code = worker.process.wait()
        worker.errors.seek(0)
        words = worker.errors.read().decode(errors="replace")[-LAST_WORDS:]
        seconds = time.monotonic() - worker.started
        how = f"killed by signal {-code}" if code < 0 else f"ended with code {code}"
        if worker.job.stages and not worker.proven and self._slots.devices[slot] != CPU:
            self._unfit(slot, worker, f"the worker process was {how} while it proved the device")
            return []
        self._retire(worker)
        hint = " (out of memory?)" if code == -9 else ""
        ended = Ended(worker.job.key, State.KILLED, f"the worker process was {how}{hint}", words, seconds)
        settled = self._settled(slot, worker.job, ended)
        return [] if settled is None else [settled]

    def _retire(self, worker: _Worker) -> None:
        """End a worker for good; what it finished is on disk, so killing loses nothing."""
        assert worker.process.stdout is not None
        assert worker.process.stdin is not None
        self._selector.unregister(worker.process.stdout)
        worker.process.kill()
        worker.process.wait()
        with contextlib.suppress(BrokenPipeError):
            worker.process.stdin.close()
        worker.process.stdout.close()
        worker.errors.close()
        worker.compiled.cleanup()


def _message(line: bytes) -> dict[str, Any] | None:
    """One message of a worker; what something printed before the channel was private is none."""
    try:
        message = json.loads(line)
    except ValueError:
        return None
    return message if isinstance(message, dict) and "event" in message else None
