"""One job on another machine: ``python -m bench.engine.remote ORDER``, with a file of :mod:`bench.engine.queued`.

It hires a worker as the launcher of one machine does, tells in a file where the job is, and writes an answer when it
has ended. SIGTERM lets a training write where it is; then there is no answer, and whoever is asked next goes on.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from bench.bounded import read_bounded
from bench.engine.devices import settled
from bench.engine.failures import state_of
from bench.engine.launchers import LocalLauncher
from bench.engine.queued import PROGRESS, answer, beside
from bench.engine.workers import worker_environments
from bench.errors import StoreError, SuiteError, named_line
from bench.jobs import Ended, Job, Progress
from bench.states import State
from bench.suite.schema import Runtime
from bench.train.stop import STOPPED

EVERY_S = 5.0
"""Seconds between two words on one stage."""
WAIT_S = 1.0


def main() -> None:
    """Do the job that a file orders."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    order = Path(sys.argv[1])
    try:
        asked = read_bounded(order)
    except FileNotFoundError:
        print(f"{order}: there is no such order any more: the command that gave it has ended", flush=True)  # noqa: T201
        return
    job = Job.from_json(asked["job"])
    os.environ["BENCH_HOME"] = job.home
    try:
        runtime = settled(Runtime(device=asked["device"], workers=1))
    except SuiteError as error:
        answer(order, Ended(job.key, State.DEVICE_ERROR, str(error)))
        return
    try:
        _do(job, order, runtime)
    except (OSError, StoreError) as error:
        print(named_line(error), flush=True)  # noqa: T201 - into the log of the job
        answer(order, Ended(job.key, state_of(error), f"{named_line(error)} (on {socket.gethostname()})"))


def _do(job: Job, order: Path, runtime: Runtime) -> None:
    """Have a worker do a job, and write the answer."""
    launcher = LocalLauncher(worker_environments(runtime, 1), _teller(beside(order, PROGRESS)))
    try:
        launcher.submit([job])
        while not (found := launcher.ended(WAIT_S)):
            _print_remarks(launcher)
        answer(order, found[0])
    except KeyboardInterrupt:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)  # once is enough, and a cluster sends it again and again
        launcher.stop()
        sys.exit(STOPPED)
    finally:
        launcher.close()
        _print_remarks(launcher)


def _print_remarks(launcher: LocalLauncher) -> None:
    for text in launcher.remarks():
        print(text, flush=True)  # noqa: T201 - into the log of the job


def _teller(path: Path) -> Callable[[Progress], None]:
    """What writes where a job is: at both ends of each stage, and every few seconds."""
    last: tuple[str, float] = ("", 0.0)

    def tell(progress: Progress) -> None:
        nonlocal last
        now = time.monotonic()
        if progress.stage == last[0] and progress.done < progress.total and now - last[1] < EVERY_S:
            return
        last = (progress.stage, now)
        with suppress(OSError):
            aside = path.with_suffix(".new")
            aside.write_text(json.dumps(asdict(progress)))
            aside.replace(path)

    return tell


if __name__ == "__main__":
    main()
