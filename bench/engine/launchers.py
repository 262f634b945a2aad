"""The local launcher: one warm spawned worker per device, replaced after any failure."""

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

from bench.record import State
from bench.stages.jobs import Ended, Job, Listener, Progress

LAST_WORDS = 4000
"""Characters of a dead worker's standard error kept for the record."""


@dataclass(slots=True)
class _Worker:
    """A spawned process, its error log, and the job it has in hand."""

    process: subprocess.Popen[bytes]
    errors: IO[bytes]
    job: Job
    started: float
    pending: bytes = b""


@dataclass(slots=True)
class LocalLauncher:
    """Runs jobs on this machine, ``len(environments)`` at a time.

    Each environment is added to ``os.environ`` of its worker: which device it sees, how many threads it has.
    """

    environments: Sequence[dict[str, str]]
    listener: Listener
    _queue: deque[Job] = field(default_factory=deque)
    _busy: dict[int, _Worker] = field(default_factory=dict)
    _idle: dict[int, _Worker] = field(default_factory=dict)
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)

    def submit(self, jobs: Sequence[Job]) -> None:
        """Queue jobs and start as many as there are free workers."""
        self._queue.extend(jobs)
        self._start()

    def ended(self, timeout: float) -> Sequence[Ended]:
        """Wait for endings, passing progress to the listener meanwhile."""
        deadline = time.monotonic() + timeout
        found: list[Ended] = []
        while not found and self._busy and time.monotonic() < deadline:
            for key, _ in self._selector.select(max(0.0, deadline - time.monotonic())):
                found += self._listen(key.data)
        self._start()
        return found

    def cancel(self, keys: Collection[str]) -> None:
        """Drop waiting jobs; kill the workers of running ones."""
        self._queue = deque(job for job in self._queue if job.key not in keys)
        for slot in [slot for slot, worker in self._busy.items() if worker.job.key in keys]:
            self._retire(self._busy.pop(slot))

    def close(self) -> None:
        """Kill every worker."""
        self._queue.clear()
        for workers in (self._busy, self._idle):
            for slot in list(workers):
                self._retire(workers.pop(slot))

    def _start(self) -> None:
        for slot in range(len(self.environments)):
            if slot not in self._busy and self._queue:
                self._hand(slot, self._queue.popleft())

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
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "bench.engine.worker"],  # -P: nothing is imported from the current folder
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, **self.environments[slot]},
        )
        assert process.stdout is not None
        self._selector.register(process.stdout, selectors.EVENT_READ, slot)
        return _Worker(process, errors, job, time.monotonic())

    def _listen(self, slot: int) -> list[Ended]:
        """Read what a worker said; a closed pipe is a dead worker."""
        worker = self._busy.get(slot) or self._idle[slot]
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
        ended = Ended(**{**message, "state": State(message["state"])})
        worker = self._busy.pop(slot)
        if ended.state is State.OK:
            self._idle[slot] = worker
        else:
            self._retire(worker)  # a failure may leave the process in a bad state
        return ended

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
        self._retire(worker)
        how = f"killed by signal {-code}" if code < 0 else f"ended with code {code}"
        hint = " (out of memory?)" if code == -9 else ""
        return [Ended(worker.job.key, State.KILLED, f"the worker process was {how}{hint}", words, seconds)]

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


def _message(line: bytes) -> dict[str, Any] | None:
    """One message of a worker; what something printed before the channel was private is none."""
    try:
        message = json.loads(line)
    except ValueError:
        return None
    return message if isinstance(message, dict) and "event" in message else None
