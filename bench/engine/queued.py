"""A queue as a launcher: every job is a command with a file that says what to do, and it answers in files beside it."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.bounded import read_bounded
from bench.component import guarded
from bench.contain.channel import Garbled
from bench.engine.abandoned import note_started, owned
from bench.engine.devices import CPU
from bench.engine.messages import said_in
from bench.errors import StoreError
from bench.files import whole_file
from bench.jobs import Ended, Job, Progress
from bench.launcher import Command, Queue, Site
from bench.states import State
from bench.store.home import writing

MODULE = "bench.engine.remote"
"""What runs a job on another machine, with the job's file as its argument."""
ORDER, ANSWER, PROGRESS, LOG = ".job.json", ".ended.json", ".progress.json", ".log"
"""What the names of the files of a job end with."""
LOOK_S = 0.5
"""Seconds between two looks into the folder."""
ASK_S = 5.0
"""Seconds between two questions to the queue."""
GRACE_S = 15.0
"""Seconds that the answer of a job may come later than its end; a shared file system shows it late."""
LEAVE_S = 10.0
"""Seconds in which the queue's own part of a job ends that has answered; it may write beside the answer until then."""
STOP_S = 120.0
"""Seconds that trainings have to finish their step and write where they are."""
LAST_WORDS = 4000
"""Characters of what a job printed that are kept."""


@dataclass(slots=True)
class Sent:
    """A job in the queue; ``missed`` is since when the queue knows nothing of it."""

    job: Job
    name: str
    shown: int = 0
    missed: float | None = None


@dataclass(slots=True)
class QueueLauncher:
    """Runs jobs as commands of a queue, whose ids are known to nobody else."""

    queue: Queue
    site: Site
    told: list[str] = field(default_factory=list)
    _owned: ExitStack = field(default_factory=ExitStack)
    _sent: dict[str, Sent] = field(default_factory=dict)
    _leaving: set[str] = field(default_factory=set)
    _count: int = 0
    _asked: float = 0.0

    def submit(self, jobs: Sequence[Job]) -> None:
        """Write an order for each job, and queue them all at once."""
        if not self._count and jobs:
            self._owned.enter_context(owned(self.site.folder))
        commands, sent = [], []
        for job in jobs:
            self._count += 1
            name = f"{self._count:05d}-{job.key[:8]}"
            order = self._path(name, ORDER)
            with writing(order), whole_file(order) as file:
                file.write(json.dumps({"job": job.as_json(), "device": self._device(job)}).encode())
            words = (sys.executable, "-P", "-m", MODULE, str(order))
            commands.append(Command(words, f"{self.site.suite}-{name}", self._path(name, LOG), job.takes))
            sent.append(Sent(job, name))
        if commands:
            ids = guarded("start() of the launcher", self.queue.start, commands)
            self._sent.update(zip(ids, sent, strict=True))
            note_started(self.site.folder, self.queue, ids)

    def ended(self, timeout: float) -> Sequence[Ended]:
        """Look at the answers until there is one, and ask the queue now and then for jobs that ended without."""
        deadline = time.monotonic() + timeout
        while True:
            found = [*self._answered(), *self._lost()]
            left = deadline - time.monotonic()
            if found or not self._sent or left <= 0:
                return found
            time.sleep(min(LOOK_S, left))

    def remarks(self) -> Sequence[str]:
        """What was left of commands that were killed; devices are those of other machines."""
        told, self.told = self.told, []
        return told

    def cancel(self, keys: Collection[str]) -> None:
        """Take jobs out of the queue, running or not."""
        ids = [id for id, sent in self._sent.items() if sent.job.key in keys]
        self._kill(ids)
        for id in ids:
            del self._sent[id]

    def stop(self) -> None:
        """Forget what waits, and ask what runs to write where it is."""
        guarded("stop() of the launcher", self.queue.stop, list(self._sent))
        deadline = time.monotonic() + STOP_S
        while self._alive() and time.monotonic() < deadline:
            time.sleep(LOOK_S)

    def close(self) -> None:
        """End all that is left of this launcher's jobs."""
        self._kill(list(self._sent))
        self._leaving |= self._sent.keys()
        self._sent.clear()
        self._wait_for_leaving()
        self._owned.close()
        shutil.rmtree(self.site.folder, ignore_errors=True)
        with suppress(OSError):
            self.site.folder.parent.rmdir()  # of other commands at work there may be more in it

    def _path(self, name: str, ending: str) -> Path:
        return self.site.folder / f"{name}{ending}"

    def _wait_for_leaving(self) -> None:
        """Wait for what has answered to be gone from the queue too."""
        deadline = time.monotonic() + LEAVE_S
        while self._leaving and time.monotonic() < deadline:
            self._leaving &= set(guarded("alive() of the launcher", self.queue.alive, list(self._leaving)))
            if self._leaving:
                time.sleep(LOOK_S)

    def _device(self, job: Job) -> str | None:
        """Where a job computes: it may share a node with GPUs that it did not ask for."""
        return self.site.device if job.takes.gpu else CPU

    def _kill(self, ids: Sequence[str]) -> None:
        if ids:
            guarded("kill() of the launcher", self.queue.kill, ids)

    def _alive(self) -> set[str]:
        return set(guarded("alive() of the launcher", self.queue.alive, list(self._sent)))

    def _answered(self) -> Iterator[Ended]:
        """Pass on what is new of progress, and take the answers that are there."""
        there = self._files() if self._sent else set()
        for id, sent in list(self._sent.items()):
            if f"{sent.name}{PROGRESS}" in there:
                self._tell(sent)
            if f"{sent.name}{ANSWER}" in there:
                del self._sent[id]
                self._leaving.add(id)
                yield self._answer(sent)
                self._forget(sent)

    def _files(self) -> set[str]:
        try:
            return {path.name for path in self.site.folder.iterdir()}
        except OSError as error:
            raise StoreError(f"{self.site.folder}: cannot be read ({error.strerror}); repeat the command") from None

    def _tell(self, sent: Sent) -> None:
        """Pass on where a job is, if that is another place than before."""
        path = self._path(sent.name, PROGRESS)
        try:
            written = path.stat().st_mtime_ns
            if written == sent.shown:
                return
            told = said_in(["progress", {**read_bounded(path), "key": sent.job.key}])
        except (OSError, ValueError, TypeError, Garbled):
            return  # it is shown the next time, or never: nothing depends on it
        sent.shown = written
        if isinstance(told, Progress):
            self.site.listener(told)

    def _answer(self, sent: Sent) -> Ended:
        path = self._path(sent.name, ANSWER)
        try:
            said: dict[str, Any] = read_bounded(path)
            return Ended(**{**said, "key": sent.job.key, "state": State(said["state"])})
        except (OSError, ValueError, TypeError, LookupError) as error:
            return Ended(sent.job.key, State.KILLED, f"the answer of its job cannot be read: {error}", self._log(sent))

    def _lost(self) -> Iterator[Ended]:
        """Jobs that the queue has ended, and which have not answered since."""
        now = time.monotonic()
        if not self._sent or now - self._asked < ASK_S:
            return
        self._asked = now
        alive = self._alive()
        for id, sent in list(self._sent.items()):
            if id in alive:
                sent.missed = None
            elif sent.missed is None:
                sent.missed = now
            elif now - sent.missed > GRACE_S:
                del self._sent[id]
                reason = f"job {id} of the queue ended without an answer"
                yield Ended(sent.job.key, State.KILLED, reason, self._log(sent))

    def _forget(self, sent: Sent) -> None:
        """Remove the files of a job: the folder is listed at every look, and most jobs of a large suite have ended."""
        for ending in (ORDER, ANSWER, PROGRESS, LOG):
            self._path(sent.name, ending).unlink(missing_ok=True)

    def _log(self, sent: Sent) -> str | None:
        try:
            return self._path(sent.name, LOG).read_text(errors="replace")[-LAST_WORDS:]
        except OSError:
            return None


def answer(order: Path, ended: Ended) -> None:
    """Write the answer of a job beside its order, if anybody waits for it.

    Raises:
        StoreError: the disk is full or the folder cannot be written.
    """
    if not order.parent.is_dir():
        return
    with writing(order), whole_file(beside(order, ANSWER)) as file:
        file.write(json.dumps(asdict(ended)).encode())


def beside(order: Path, ending: str) -> Path:
    """Another file of the job whose order this is."""
    return order.with_name(order.name.removesuffix(ORDER) + ending)
