"""The worker process: reads one job a line, does it, answers with one line a progress or ending.

Started as ``python -m bench.engine.worker``; it stays warm between jobs because importing torch costs seconds.
Standard output is the channel, so whatever a plugin prints goes to standard error instead.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TextIO, TypeAlias

from bench.catalog import Catalog, load_catalog
from bench.errors import BenchError, DataError, Diverged, LossNotFinite, PluginError, Stopped, named_line
from bench.record import State
from bench.stages.environment import why_no_proof
from bench.stages.jobs import Ended, Job
from bench.train.stop import Stop

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Serve jobs from standard input until it closes."""
    channel = _private_stdout()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the scheduler's to answer
    stop = Stop()
    signal.signal(signal.SIGTERM, stop.ask)
    _die_with_parent()
    say = _speaker(channel)
    catalogs: dict[Which, Catalog] = {}
    proven = False
    for line in sys.stdin:
        job = Job.from_json(json.loads(line))
        if job.stages and not proven:
            why = why_no_proof()
            if why is not None:
                say({"event": "unfit", "reason": why})
                return
            say({"event": "proven"})
            proven = True
        ended = perform(job, catalogs, say, stop)
        say({"event": "ended", "key": ended.key, "state": ended.state, "reason": ended.reason,
             "log": ended.log, "seconds": ended.seconds})  # fmt: skip


Which: TypeAlias = tuple[tuple[tuple[str, str], ...], bool]
"""What a catalog was loaded from: local plugins, and whether installed ones count."""


def perform(job: Job, catalogs: dict[Which, Catalog], say: Callable[[Any], None], stop: Stop) -> Ended:
    """Do one job; every error becomes an ending."""
    started = time.perf_counter()

    def report(stage: str, done: int, total: int, note: str = "") -> None:
        say({"event": "progress", "key": job.key, "stage": stage, "done": done, "total": total, "note": note})

    try:
        which = (job.plugins, job.third_party)
        if which not in catalogs:
            catalogs[which] = _catalog(job)
        if job.pilot:
            from bench.engine.pilot import run_pilot

            run_pilot(job, catalogs[which], report)
        elif job.stages:
            from bench.stages.execute import run_cell

            run_cell(job, catalogs[which], report, stop)
        else:
            from bench.stages.indexing import make_index

            make_index(job, catalogs[which], report)
    except BenchError as error:
        log = traceback.format_exc() if error.__cause__ else None  # a plugin's own error stands behind it
        return Ended(job.key, state_of(error), str(error), log, time.perf_counter() - started)
    except (Exception, SystemExit) as error:
        return Ended(job.key, state_of(error), named_line(error), traceback.format_exc(), time.perf_counter() - started)
    return Ended(job.key, State.OK, seconds=time.perf_counter() - started)


def state_of(error: BaseException) -> State:
    """How a job ended that an error ended; memory and devices that fail within a plugin's code are no fault of it."""
    behind: BaseException | None = error
    while behind is not None:
        if is_out_of_memory(behind):
            return State.OOM
        if is_of_device(behind):
            return State.DEVICE_ERROR
        behind = behind.__cause__
    return next((state for kind, state in STATES if isinstance(error, kind)), State.FAILED)


STATES: Sequence[tuple[type[BenchError], State]] = (
    (LossNotFinite, State.NAN),
    (Diverged, State.DIVERGED),
    (PluginError, State.PLUGIN_ERROR),
    (DataError, State.DATA_ERROR),
    (Stopped, State.KILLED),
)
"""Errors to how a job ended, the narrower before the wider."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether torch, NumPy or Python could not get memory; torch says so on a processor with a RuntimeError."""
    named = type(error).__name__ == "OutOfMemoryError"
    return named or isinstance(error, MemoryError) or any(words in str(error) for words in OUT_OF_MEMORY)


OUT_OF_MEMORY = ("DefaultCPUAllocator: can't allocate memory", "CUDA error: out of memory")
OF_DEVICE = ("CUDA error: ", "CUDNN_STATUS_EXECUTION_FAILED", "CUDNN_STATUS_INTERNAL_ERROR")


def is_of_device(error: BaseException) -> bool:
    """Whether CUDA failed; an assertion that failed on the device is a fault of the code that runs there."""
    text = str(error)
    return any(words in text for words in OF_DEVICE) and "device-side assert" not in text


def _catalog(job: Job) -> Catalog:
    """The components a job was planned with.

    Raises:
        PluginError: a local plugin file is not what it was when the suite was planned.
    """
    catalog = load_catalog([Path(path) for path, _ in job.plugins], plugins=job.third_party)
    found = {str(offer.provider.local): offer.provider.source_hash for offer in catalog.all}
    for path, source in job.plugins:
        if found.get(path) != source:
            raise PluginError(f"{path}: the plugin file changed while the suite ran; run the suite again")
    return catalog


def _private_stdout() -> TextIO:
    """Keep the pipe to ourselves and let everybody else's standard output be standard error."""
    private = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(private, "w", encoding="utf-8", buffering=1)


def _speaker(channel: TextIO) -> Callable[[Any], None]:
    def say(message: Any) -> None:
        try:
            channel.write(json.dumps(message) + "\n")
            channel.flush()
        except BrokenPipeError:
            os._exit(1)  # nobody listens any more; a stage in progress is lost, finished ones are on disk

    return say


def _die_with_parent() -> None:
    """Ask Linux to kill this process when the scheduler is killed; elsewhere the broken pipe does it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main()
