"""The worker process: takes one job after the other from its channel, does it, and says how it ended.

Started as ``python -m bench.engine.worker DESCRIPTOR`` and kept (:mod:`bench.contain`); it stays warm between jobs
because importing torch costs seconds. It loads the third-party plugins that its job uses and no others.
"""

from __future__ import annotations

import signal
import sys
import time
import traceback
from collections.abc import Callable
from os import _exit
from time import monotonic
from typing import TypeAlias

from bench.catalog import Catalog, load_used
from bench.contain.channel import Channel, joined
from bench.engine.failures import state_of
from bench.engine.messages import Said, Unfit, message_of
from bench.errors import BenchError, named_line
from bench.jobs import Ended, Epoch, Job, Plugins, Progress, Report
from bench.life import heard_by
from bench.record import State
from bench.stages.environment import why_no_proof
from bench.train.stop import Stop

ALIVE_S = 1.0
"""Seconds between two signs of life that are passed on."""
LONGEST_LOG = 100_000
"""Characters of a traceback at most; what a plugin says in an error may be of any length."""

Say: TypeAlias = Callable[[Said], None]


def main() -> None:
    """Serve jobs from the channel until it closes."""
    channel = joined(int(sys.argv.pop()))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the scheduler's to answer
    stop = Stop()
    signal.signal(signal.SIGTERM, stop.ask)
    say = _speaker(channel)
    catalogs: dict[Plugins, Catalog] = {}
    proven = False
    with heard_by(_pulse(channel, say)):
        while (message := channel.next()) is not None:
            job = Job.from_json(message)
            if job.stages and not proven:
                why = why_no_proof()
                if why is not None:
                    say(Unfit(why))
                    return
                say("proven")
                proven = True
            say(perform(job, catalogs, say, stop))


def perform(job: Job, catalogs: dict[Plugins, Catalog], say: Say, stop: Stop) -> Ended:
    """Do one job; every error becomes an ending."""
    started = time.perf_counter()
    at = ""
    state = State.OK
    reason: str | None = None
    log: str | None = None

    def report(stage: str, done: int, total: int, note: str = "", epoch: Epoch | None = None) -> None:
        nonlocal at
        at = stage
        say(Progress(job.key, stage, done, total, note, epoch))

    try:
        _do(job, _catalog(job, catalogs), report, stop)
    except BenchError as error:
        log = traceback.format_exc() if error.__cause__ else None  # a plugin's own error stands behind it
        state, reason = state_of(error), str(error)
    except BaseException as error:  # a plugin may raise anything
        state, reason, log = state_of(error), named_line(error), traceback.format_exc()
    if state is State.OOM and at == "train":
        reason = _with_advice(reason, job, catalogs, report)
    return Ended(job.key, state, reason, log and log[-LONGEST_LOG:], time.perf_counter() - started)


def _catalog(job: Job, catalogs: dict[Plugins, Catalog]) -> Catalog:
    if job.plugins not in catalogs:
        catalogs[job.plugins] = load_used(job.plugins)
    return catalogs[job.plugins]


def _do(job: Job, catalog: Catalog, report: Report, stop: Stop) -> None:
    if job.pilot:
        from bench.engine.pilot import run_pilot

        run_pilot(job, catalog, report)
    elif job.stages:
        from bench.stages.execute import run_cell

        run_cell(job, catalog, report, stop)
    else:
        from bench.stages.indexing import make_index

        make_index(job, catalog, report)


def _with_advice(reason: str | None, job: Job, catalogs: dict[Plugins, Catalog], report: Report) -> str | None:
    """The reason, with what to do about memory where that can be found out."""
    from bench.engine.halves import halved

    try:
        advice = halved(job, _catalog(job, catalogs), report)
    except Exception:  # an advice that cannot be given changes no ending
        return reason
    return f"{reason}; {advice}" if advice else reason


def _speaker(channel: Channel) -> Say:
    def say(said: Said) -> None:
        try:
            channel.send(message_of(said))
        except OSError:
            _exit(1)  # nobody listens any more; a stage in progress is lost, finished ones are on disk

    return say


def _pulse(channel: Channel, say: Say) -> Callable[[], None]:
    """What passes signs of life on, at most one in :data:`ALIVE_S`; the copy that a fork made ends at its first."""
    last = monotonic()

    def pulse() -> None:
        nonlocal last
        channel.check_owner()
        now = monotonic()
        if now - last >= ALIVE_S:
            last = now
            say("alive")

    return pulse


if __name__ == "__main__":
    main()
