"""One job on a machine that sees no file of the one that asks: ``python -m bench.engine.elsewhere``.

The job and all that it needs come on standard input; what it makes goes to standard output as soon as it is there.
It works in the ``BENCH_HOME`` of its own machine, on the data that are there. SIGTERM lets a training write where it
is, which is sent too; then there is no answer, and whoever is asked next goes on.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.catalog import load_used
from bench.engine.carried import (
    ANSWER,
    UNFIT,
    Order,
    packed_results,
    read_order,
    same_data,
    settled_in,
    with_data,
)
from bench.engine.devices import settled
from bench.engine.failures import state_of
from bench.engine.launchers import LocalLauncher
from bench.engine.pieces import CHUNK, Unpacking
from bench.engine.returning import Results, Wire
from bench.engine.workers import worker_environments
from bench.errors import BenchError, StoreError, SuiteError
from bench.home import bench_home
from bench.jobs import Ended, Job
from bench.stages.indexing import LocatedDataset, locate
from bench.states import State
from bench.store.home import Places, check_writable, unwritable
from bench.store.running import at_work, running_in
from bench.suite.schema import Ref, Runtime
from bench.train.stop import Stop
from bench.version import __version__

CARRIED = "carried"
"""Folder of ``BENCH_HOME`` with one for each job that is at work."""
ROOM = 100 * 10**6
"""Bytes: a job that fails where less than this is free has failed for want of room."""
WAIT_S = 0.5
"""Seconds between two looks for what is new."""


class Unfit(Exception):
    """This machine cannot do the job, and another may; ``data`` says that it is for want of its data."""

    def __init__(self, reason: str, *, data: bool) -> None:
        super().__init__(reason)
        self.data = data


class Stopping(Exception):
    """The job was asked to stop, and where it is has been sent."""


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


if __name__ == "__main__":
    main()
