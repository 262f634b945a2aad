"""A carrier as a launcher: jobs and what they need go there as bytes, and what they made is filed here as it comes."""

from __future__ import annotations

import shutil
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.bounded import read_bounded
from bench.canonical import digest
from bench.component import guarded
from bench.contain.channel import Garbled
from bench.engine.carried import (
    ANSWER,
    CHECKPOINT,
    PROGRESS,
    STAGES,
    UNFIT,
    expected,
    home_of,
    packed_job,
    stages_of,
    take_results,
)
from bench.engine.failures import state_of
from bench.engine.launchers import LocalLauncher
from bench.engine.messages import said_in
from bench.engine.pieces import Unpacking
from bench.engine.queued import QueueLauncher
from bench.errors import BenchError, Damaged, named_line
from bench.jobs import Ended, Job, Progress
from bench.launcher import Arrived, Carrier, Launcher, Parcel, Queue, Site
from bench.states import State
from bench.store.store import NOTE, stage_note
from bench.store.taken import take_checkpoint, take_stage
from bench.words import plural

WORDS = ("-P", "-m", "bench.engine.elsewhere")
"""What follows the name of Python on a node."""
LOOK_S = 0.2
"""Seconds between two looks at what has come."""
ASK_S = 2.0
"""Seconds between two questions which commands are alive."""
STOP_S = 120.0
"""Seconds that trainings have to finish their step and send where they are."""
LAST_WORDS = 4000
"""Characters of what a job printed that are kept."""
ANY_DATA = ""
"""Stands for whatever data: a node that is left out for all jobs."""


def launcher_from(built: Launcher | Queue | Carrier, site: Site, told: Sequence[str] = ()) -> Launcher:
    """What a component built, as a launcher; ``told`` is what there is to remark already."""
    if isinstance(built, Carrier):
        here = LocalLauncher([dict(environment) for environment in site.environments], site.listener)
        return CarrierLauncher(built, site, here, list(told))
    return QueueLauncher(built, site, list(told)) if isinstance(built, Queue) else built


@dataclass(slots=True)
class Sent:
    """A job that was sent, what has come of it, and how often it was begun again; ``node`` is where it runs."""

    job: Job
    folder: Path
    unpacking: Unpacking
    tries: int = 0
    node: str = ""


@dataclass(slots=True)
class CarrierLauncher:
    """Runs jobs on machines that see none of our files; those that make an index of our data stay ``here``.

    Jobs with a training in common go one after the other, so that none is done twice.
    """

    carrier: Carrier
    site: Site
    here: LocalLauncher
    told: list[str] = field(default_factory=list)
    _waiting: list[tuple[Job, int]] = field(default_factory=list)
    _sent: dict[str, Sent] = field(default_factory=dict)
    _training: set[str] = field(default_factory=set)
    _left_out: dict[str, dict[str, str]] = field(default_factory=dict)
    _at_home: set[str] = field(default_factory=set)
    _count: int = 0
    _asked: float = 0.0

    def submit(self, jobs: Sequence[Job]) -> None:
        """Send the jobs of cells, and give others to this machine, whose data they read."""
        staying = [job for job in jobs if not job.stages or job.until]
        self._at_home |= {job.key for job in staying}
        self.here.submit(staying)
        self._waiting += [(job, 0) for job in jobs if job.stages and not job.until]

    def ended(self, timeout: float) -> Sequence[Ended]:
        """File what has come until a job has ended."""
        deadline = time.monotonic() + timeout
        while True:
            found = [*self._start(), *self._ended_here(), *self._ended_there()]
            left = deadline - time.monotonic()
            if found or not (self._sent or self._waiting or self._at_home) or left <= 0:
                return found
            time.sleep(min(LOOK_S, left))

    def remarks(self) -> Sequence[str]:
        """Which nodes were lost or left out, and why."""
        told = [*self.told, *self.here.remarks()]
        self.told.clear()
        return told

    def cancel(self, keys: Collection[str]) -> None:
        """Take jobs back, running or not."""
        self.here.cancel(keys)
        self._at_home -= set(keys)
        self._waiting = [(job, tries) for job, tries in self._waiting if job.key not in keys]
        self._kill([id for id, sent in self._sent.items() if sent.job.key in keys])

    def stop(self) -> None:
        """Forget what waits, ask what runs to send where it is, and keep that."""
        self._waiting.clear()
        self.here.stop()
        guarded("stop() of the launcher", self.carrier.stop, list(self._sent))
        deadline = time.monotonic() + STOP_S
        while self._sent and time.monotonic() < deadline:
            alive = self._alive()
            for _ in self._arrived():
                pass  # it has ended, and nobody asks any more
            for id in self._sent.keys() - alive:
                self._forget(id)
            time.sleep(LOOK_S)

    def close(self) -> None:
        """End all that is left of this launcher's jobs."""
        self.here.close()
        self._kill(list(self._sent))
        shutil.rmtree(self.site.folder, ignore_errors=True)
        with suppress(OSError):
            self.site.folder.parent.rmdir()  # of other commands at work there may be more in it

    def _start(self) -> Iterator[Ended]:
        """Send the jobs whose training is not another's just now, and end those that no node can do."""
        waiting, self._waiting = self._waiting, []
        for job, tries in waiting:
            if stages_of(job)["train"] in self._training:
                self._waiting.append((job, tries))
                continue
            ended = self._hopeless(job) or self._send(job, tries)
            if ended is not None:
                yield ended

    def _send(self, job: Job, tries: int) -> Ended | None:
        """Send a job; how it ended where that cannot be."""
        self._count += 1
        name = f"{self._count:05d}-{job.key[:8]}"
        folder = self.site.folder / name
        parcel = Parcel(WORDS, f"{self.site.suite}-{name}", packed_job(job, self.site.device), self._avoided(job))
        try:
            folder.mkdir(parents=True)
            (id,) = guarded("start() of the launcher", self.carrier.start, [parcel])
        except (BenchError, OSError) as error:
            return Ended(job.key, _state(error), named_line(error))
        self._sent[id] = Sent(job, folder, Unpacking(folder, lambda name: expected(job, name)), tries)
        train = stages_of(job)["train"]
        if stage_note(home_of(job).stage("train", train)) is None:
            self._training.add(train)
        return None

    def _ended_here(self) -> list[Ended]:
        found = list(self.here.ended(LOOK_S)) if self._at_home else []
        self._at_home -= {ended.key for ended in found}
        return found

    def _ended_there(self) -> Iterator[Ended]:
        """Take what has come, and look now and then for what ended without an answer."""
        now = time.monotonic()
        ask = now - self._asked >= ASK_S
        alive = self._alive() if ask else set(self._sent)
        yield from self._arrived()
        if ask:
            self._asked = now
            for id in self._sent.keys() - alive:
                yield from self._gone(id)

    def _arrived(self) -> Iterator[Ended]:
        """File what has come; jobs that ended with it."""
        for arrived in guarded("arrived() of the launcher", self.carrier.arrived):
            sent = self._sent.get(arrived.id)
            if sent is None:
                continue  # it was cancelled
            sent.node = arrived.node
            try:
                ended = self._filed(arrived, sent)
            except (BenchError, OSError) as error:
                ended = Ended(sent.job.key, _state(error), f"{named_line(error)} (from node {sent.node})")
                self._kill([arrived.id])
            if ended is not None:
                self._forget(arrived.id)
                yield ended

    def _filed(self, arrived: Arrived, sent: Sent) -> Ended | None:
        """File the files that are whole with some bytes; how the job ended, if that is among them.

        Raises:
            Damaged: they are not what was sent.
            StoreError: the disk is full or the store cannot be written.
        """
        places = home_of(sent.job)
        for name in sent.unpacking.feed(arrived.content):
            path = sent.folder / name
            if name == PROGRESS:
                self._tell(sent, path)
            elif name == CHECKPOINT:
                take_checkpoint(places, stages_of(sent.job)["train"], path)
            elif name == UNFIT:
                self._leave_out(arrived.id, sent, path)
            elif name == ANSWER:
                return self._answer(sent, path)
            elif name.startswith(f"{STAGES}/") and name.endswith(f"/{NOTE}"):
                _, kind, key, _ = name.split("/")
                take_stage(places, kind, key, path.parent)
                shutil.rmtree(path.parent)
                self._training.discard(key)
        return None

    def _tell(self, sent: Sent, path: Path) -> None:
        with suppress(OSError, ValueError, TypeError, Garbled):  # nothing depends on it
            told = said_in(["progress", {**read_bounded(path), "key": sent.job.key}])
            if isinstance(told, Progress):
                self.site.listener(told)

    def _answer(self, sent: Sent, path: Path) -> Ended:
        try:
            said = read_bounded(path)
            ended = Ended(**{**said, "key": sent.job.key, "state": State(said["state"])})
        except (OSError, ValueError, TypeError, LookupError) as error:
            raise Damaged(f"the answer of its job cannot be read: {error}") from None
        if ended.state is State.OK:
            take_results(sent.job, sent.folder)
            return ended
        return replace(ended, reason=f"{ended.reason} (on node {sent.node})")

    def _leave_out(self, id: str, sent: Sent, path: Path) -> None:
        """Give a job to another node than the one that cannot do it, and say so once."""
        try:
            said = read_bounded(path)
            reason, data = str(said["reason"]), said["data"] is True
        except (OSError, ValueError, TypeError, LookupError) as error:
            raise Damaged(f"the answer of a node cannot be read: {error}") from None
        nodes = self._left_out.setdefault(_data_of(sent.job) if data else ANY_DATA, {})
        if sent.node not in nodes:
            what = f"data set {sent.job.data.use!r}" if data else "this run"
            self.told.append(f"node {sent.node} is left out for {what}: {reason}")
        nodes[sent.node] = reason
        self._forget(id)
        self._waiting.append((sent.job, sent.tries))

    def _avoided(self, job: Job) -> frozenset[str]:
        """Nodes that cannot do a job."""
        return frozenset(self._left_out.get(ANY_DATA, {})) | frozenset(self._left_out.get(_data_of(job), {}))

    def _hopeless(self, job: Job) -> Ended | None:
        """How a job ends that no node can do."""
        avoided = self._avoided(job)
        nodes = set(guarded("nodes() of the launcher", self.carrier.nodes)) if avoided else set()
        if not nodes or nodes - avoided:
            return None  # where there is no node, one is still to come
        lacking = self._left_out.get(_data_of(job), {})
        node, reason = next(iter({**self._left_out.get(ANY_DATA, {}), **lacking}.items()))
        more = f" (and {plural(len(avoided) - 1, 'other')} likewise)" if len(avoided) > 1 else ""
        text = f"no node can do it; {node}{more}: {reason}"
        return Ended(job.key, State.BLOCKED if lacking else State.FAILED, text)

    def _gone(self, id: str) -> Iterator[Ended]:
        """A job whose command ended without an answer: begun again where its node was lost."""
        sent = self._sent[id]
        words = guarded("last_words() of the launcher", self.carrier.last_words, id)
        self._forget(id)
        if words is None and sent.tries < self.carrier.retries:
            where = f"node {sent.node}" if sent.node else "a node"
            self.told.append(f"{where} was lost; its job is begun again from its last checkpoint")
            self._waiting.append((sent.job, sent.tries + 1))
        elif words is None:
            reason = f"its node was lost, {plural(sent.tries + 1, 'time')}; the launcher's 'retries' says how often"
            yield Ended(sent.job.key, State.KILLED, reason)
        else:
            reason = f"job {id} ended without an answer" + (f" on node {sent.node}" if sent.node else "")
            yield Ended(sent.job.key, State.KILLED, reason, words[-LAST_WORDS:])

    def _alive(self) -> set[str]:
        return set(guarded("alive() of the launcher", self.carrier.alive, list(self._sent)))

    def _kill(self, ids: Sequence[str]) -> None:
        if ids:
            guarded("kill() of the launcher", self.carrier.kill, ids)
        for id in ids:
            self._forget(id)

    def _forget(self, id: str) -> None:
        sent = self._sent.pop(id, None)
        if sent is not None:
            self._training.discard(stages_of(sent.job)["train"])
            sent.unpacking.close()
            shutil.rmtree(sent.folder, ignore_errors=True)


def _data_of(job: Job) -> str:
    """What stands for a data set with its settings."""
    return digest([job.data.use, dict(job.data.settings)])


def _state(error: Exception) -> State:
    return state_of(error) if isinstance(error, BenchError) else State.FAILED
