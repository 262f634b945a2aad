"""One job on a machine that sees no file of the one that asks: ``python -m bench.engine.elsewhere``.

The job and all that it needs come on standard input; what it makes goes to standard output as soon as it is there.
It works in the ``BENCH_HOME`` of its own machine, on the data that are there. SIGTERM lets a training write where it
is, which is sent too; then there is no answer, and whoever is asked next goes on.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from bench.catalog import load_used
from bench.engine.carried import (
    ANSWER,
    CHECKPOINT,
    PROGRESS,
    TRAVELLING,
    UNFIT,
    Order,
    packed_results,
    packed_stage,
    read_order,
    same_data,
    settled_in,
    stages_of,
    with_data,
)
from bench.engine.devices import settled
from bench.engine.failures import state_of
from bench.engine.launchers import LocalLauncher
from bench.engine.pieces import CHUNK, Unpacking, packed_bytes, packed_file
from bench.engine.workers import worker_environments
from bench.errors import BenchError, StoreError, SuiteError
from bench.home import bench_home
from bench.jobs import Ended, Job, Progress
from bench.stages.indexing import LocatedDataset, locate
from bench.states import State
from bench.store.home import Places, check_writable, unwritable
from bench.store.running import at_work, running_in
from bench.store.store import checkpoint_path
from bench.suite.schema import Ref, Runtime
from bench.train.stop import Stop
from bench.version import __version__

CARRIED = "carried"
"""Folder of ``BENCH_HOME`` with one for each job that is at work."""
ROOM = 100 * 10**6
"""Bytes: a job that fails where less than this is free has failed for want of room."""
EVERY_S = 5.0
"""Seconds between two words on one stage."""
WAIT_S = 0.5
"""Seconds between two looks for what is new."""


class Unfit(Exception):
    """This machine cannot do the job, and another may; ``data`` says that it is for want of its data."""

    def __init__(self, reason: str, *, data: bool) -> None:
        super().__init__(reason)
        self.data = data


class Stopping(Exception):
    """The job was asked to stop, and where it is has been sent."""


@dataclass(slots=True)
class Wire:
    """The way back: standard output as it was before anything else could print to it."""

    descriptor: int

    @staticmethod
    def taken() -> Wire:
        """Standard output; what is printed from here on goes to standard error."""
        wire = Wire(os.dup(1))
        os.dup2(2, 1)
        return wire

    def send(self, chunks: Iterable[bytes]) -> None:
        """Send pieces, waiting until they are taken."""
        for chunk in chunks:
            left = memoryview(chunk)
            while left:
                left = left[os.write(self.descriptor, left) :]

    def tell(self, name: str, value: object) -> None:
        """Send a word as JSON."""
        self.send([packed_bytes(name, json.dumps(value).encode())])


def main() -> None:
    """Do the job that comes on standard input."""
    wire = Wire.taken()
    stop = Stop()
    with stop.heeded():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop.ask)
        with suppress(Stopping):
            try:
                wire.tell(ANSWER, asdict(_answered(wire, stop)))
            except Unfit as why:
                wire.tell(UNFIT, {"reason": str(why), "data": why.data})


def _answered(wire: Wire, stop: Stop) -> Ended:
    """How the job ended.

    Raises:
        Unfit: this machine cannot do it.
        Stopping: it was asked to stop.
    """
    home = bench_home()
    try:
        with at_work(home, "a job of another machine"), _folder(home) as folder:
            order = _received(folder)
            return _done(order, folder, Places(home, folder, {}), wire, stop)
    except StoreError as error:
        raise Unfit(str(error), data=False) from None
    except OSError as error:
        raise Unfit(str(unwritable(home, error)), data=False) from None


@contextmanager
def _folder(home: Path) -> Iterator[Path]:
    """A folder that only this user can look into; those of processes that were killed are removed."""
    inside = home / CARRIED
    inside.mkdir(exist_ok=True)
    living = {str(running.owner.pid) for running in running_in(home) if not running.owner.is_dead}
    for left in inside.iterdir():
        if left.name.partition("-")[0] not in living:
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=inside))
    try:
        yield folder.resolve()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _received(folder: Path) -> Order:
    """The order on standard input, unpacked.

    Raises:
        Damaged: it is not what was sent.
        Unfit: another version of bench sent it.
    """
    unpacking = Unpacking(folder, lambda _name: True)
    try:
        while content := os.read(0, CHUNK):
            unpacking.feed(content)
        unpacking.finish()
    finally:
        unpacking.close()
    order = read_order(folder)
    if order.version != __version__:
        raise Unfit(f"bench {__version__} is here, {order.version} asks; install the same", data=False)
    return order


def _done(order: Order, folder: Path, places: Places, wire: Wire, stop: Stop) -> Ended:
    key = order.job.key
    try:
        runtime = settled(Runtime(device=order.device, workers=1))
    except SuiteError as error:
        return Ended(key, State.DEVICE_ERROR, str(error))
    results = Results(order.job, places, wire)
    launcher = LocalLauncher(worker_environments(runtime, 1), results.heard)
    turn = Turn(launcher, stop, results.new)
    try:
        job = settled_in(order, folder, places)
        results.known(folder)
        located = _located(job, places, turn)
        ended = turn.ended(with_data(job, located.data))
    except (StoreError, Unfit, Stopping):
        raise
    except BenchError as error:
        return Ended(key, state_of(error), str(error))
    finally:
        launcher.close()
    if ended.state is State.OK:
        results.all()
        wire.send(packed_results(job))
    elif _is_full(places.home):
        raise Unfit(str(ended.reason), data=False)
    return ended


def _is_full(home: Path) -> bool:
    try:
        check_writable(home)
    except StoreError:
        return True
    return shutil.disk_usage(home).free < ROOM


def _located(job: Job, places: Places, turn: Turn) -> LocatedDataset:
    """The data of this machine, indexed now where they are not.

    Raises:
        Unfit: they are absent, unreadable, or not those that the job was planned with.
    """
    catalog = load_used(job.plugins)
    ref = Ref(use=job.data.use, settings=dict(job.data.settings))
    located = locate(catalog, ref, places)
    if located.index is None and located.problem is None:
        index = Job(located.locator, located.data, job.home, job.plugins, timeout_s=job.timeout_s)
        ended = turn.ended(index)
        if ended.state is not State.OK:
            raise Unfit(ended.reason or "its index could not be made", data=not _is_full(places.home))
        located = locate(catalog, ref, places, {located.locator})
    why = same_data(job, located)
    if why is not None:
        raise Unfit(why, data=True)
    return located


@dataclass(frozen=True, slots=True)
class Turn:
    """Jobs one after the other on this machine, until somebody asks for a stop; ``look`` is called now and then."""

    launcher: LocalLauncher
    stop: Stop
    look: Callable[[], None]

    def ended(self, job: Job) -> Ended:
        """How a job ended.

        Raises:
            Stopping: it did not, since a stop was asked for.
        """
        self.launcher.submit([job])
        while not (found := self.launcher.ended(WAIT_S)):
            self.look()
            for text in self.launcher.remarks():
                print(text, flush=True)  # noqa: T201 - standard error by now, into the log of the job
            if self.stop.asked:
                self.launcher.stop()
                self.look()
                raise Stopping
        return found[0]


@dataclass(slots=True)
class Results:
    """What a job leaves, sent as soon as it is there: its stages when they are filed, checkpoints, where it is."""

    job: Job
    places: Places
    wire: Wire
    _sent: set[str] = field(default_factory=set)
    _written: int = 0
    _told: tuple[str, float] = ("", 0.0)

    def known(self, folder: Path) -> None:
        """Leave out what came along: the stages and the checkpoint in the folder of the job."""
        for kind, key in stages_of(self.job).items():
            if (folder / "stages" / kind / key).is_dir():
                self._sent.add(kind)
        self._written = self._checkpoint_written()

    def heard(self, progress: Progress) -> None:
        """Pass on where the job is, and a stage that it has filed."""
        if progress.key != self.job.key:
            progress = replace(progress, key=self.job.key)  # its index
        if progress.stage in TRAVELLING and progress.note == "filed":
            self._send(progress.stage)
        now = time.monotonic()
        if progress.stage == self._told[0] and progress.done < progress.total and now - self._told[1] < EVERY_S:
            return
        self._told = (progress.stage, now)
        self.wire.tell(PROGRESS, asdict(progress))

    def new(self) -> None:
        """Send a checkpoint that was written since the last one."""
        written = self._checkpoint_written()
        if written not in (0, self._written):
            self._written = written
            with suppress(FileNotFoundError):  # the training has ended meanwhile
                self.wire.send(packed_file(CHECKPOINT, self._checkpoint()))

    def all(self) -> None:
        """Send the stages that the job has found finished here."""
        for kind in stages_of(self.job):
            self._send(kind)

    def _send(self, kind: str) -> None:
        if kind not in self._sent:
            self.wire.send(packed_stage(self.places, kind, stages_of(self.job)[kind]))
            self._sent.add(kind)

    def _checkpoint(self) -> Path:
        return checkpoint_path(self.places.stage("train", stages_of(self.job)["train"]))

    def _checkpoint_written(self) -> int:
        try:
            return self._checkpoint().stat().st_mtime_ns
        except OSError:
            return 0


if __name__ == "__main__":
    main()
