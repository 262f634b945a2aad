"""Slurm, through submitit: an array for all that is submitted at once; who is preempted or out of time is queued again.

Submitit's own envelope is a pickle, which only the user can write: it lies in a folder of mode 700. Which jobs are
alive is asked of ``squeue``, for all at once, since ``sacct`` tells nothing where a cluster keeps no accounts.
"""

from __future__ import annotations

import getpass
import signal
import subprocess
from collections.abc import Collection, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from bench.api import About, Command, Component, PluginError, Queue, Site, hookimpl

if TYPE_CHECKING:
    from submitit import SlurmExecutor
    from submitit.helpers import DelayedSubmission

ASK_S = 60
"""Seconds in which a command of Slurm must answer."""
WARNING_S = 120
"""Seconds between the warning that the time is over and the end."""


class Slurm:
    """Commands as jobs of Slurm; ids are Slurm's own, as ``123_4``."""

    def __init__(self, executor: SlurmExecutor) -> None:
        self.executor = executor

    def start(self, commands: Sequence[Command]) -> Sequence[str]:
        """Submit an array, or a job where there is one command only."""
        with self.executor.batch():
            jobs = [self.executor.submit(Requeued(command.words, command.log)) for command in commands]
        return [str(job.job_id) for job in jobs]

    def alive(self, ids: Collection[str]) -> Collection[str]:
        """Those that wait or run; all of them while Slurm does not answer."""
        words = ["squeue", "--noheader", "--array", "--format=%i", f"--user={getpass.getuser()}"]
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=ASK_S, check=True)
        except (OSError, subprocess.SubprocessError):
            return ids
        return set(ids) & set(done.stdout.split())

    def stop(self, ids: Collection[str]) -> None:
        """Cancel those that wait; all processes of the others get SIGTERM."""
        _scancel("--state=PENDING", *ids)
        _scancel("--signal=TERM", *ids)

    def kill(self, ids: Collection[str]) -> None:
        """Cancel them."""
        _scancel(*ids)


class Requeued:
    """A command that is queued again when it must leave its node; it goes on from what it has written."""

    def __init__(self, words: Sequence[str], log: Path) -> None:
        self.words = words
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None

    def __call__(self) -> int:
        """Run it to its end."""
        warned = signal.Signals[f"SIG{_warning()}"]
        with self.log.open("ab") as log:
            # Slurm warns every process of a job, which would end those that know nothing of it
            self.process = subprocess.Popen(
                self.words, stdout=log, stderr=log, preexec_fn=partial(signal.signal, warned, signal.SIG_IGN)
            )
        return self.process.wait()

    def checkpoint(self) -> DelayedSubmission:
        """Let it write where it is; what submitit is to queue again."""
        from submitit.helpers import DelayedSubmission

        if self.process is not None:
            self.process.terminate()
            self.process.wait()
        return DelayedSubmission(Requeued(self.words, self.log))


def build(
    site: Site,
    /,
    *,
    partition: str = "",
    minutes: Annotated[int, Field(gt=0)] = 24 * 60,
    gpus: Annotated[int, Field(ge=0)] | None = None,
    cpus: Annotated[int, Field(gt=0)] = 4,
    memory_gb: Annotated[float, Field(gt=0)] = 16.0,
    at_once: Annotated[int, Field(gt=0)] = 256,
    requeues: Annotated[int, Field(ge=0)] = 100,
    options: tuple[str, ...] = (),
) -> Queue:
    """Submit jobs of Slurm, each of one cell.

    ``minutes`` of ``cpus`` cores, ``memory_gb`` and ``gpus`` (null: one, none where the suite asks for the processor)
    in ``partition`` (Slurm's own where it is empty), ``at_once`` at most. A job whose time is over is queued again, up
    to ``requeues`` times. ``options`` are others of ``sbatch``, as ``account=lab``.
    """
    try:
        from submitit import SlurmExecutor
    except ImportError:
        raise PluginError("the launcher 'slurm' needs submitit: pip install \"defectbench[slurm]\"") from None
    folder = site.folder / "slurm"
    folder.mkdir(mode=0o700, parents=True)
    try:
        executor = SlurmExecutor(folder=folder, max_num_timeout=requeues)
    except RuntimeError as error:
        raise PluginError(f"the launcher 'slurm' finds no Slurm here: {error}") from None
    asked: dict[str, Any] = {
        "job_name": site.suite,
        "time": minutes,
        "cpus_per_task": cpus,
        "mem": f"{round(1024 * memory_gb)}M",
        "array_parallelism": at_once,
        "signal_delay_s": WARNING_S,
        "stderr_to_stdout": True,
        "additional_parameters": {"requeue": True, **dict(map(_option, options))},
    }
    number = gpus if gpus is not None else int(site.device != "cpu")
    if partition:
        asked["partition"] = partition
    if number:
        asked["gpus_per_node"] = number
    executor.update_parameters(**asked)
    queue: Queue = Slurm(executor)
    return queue


def _option(text: str) -> tuple[str, str | bool]:
    """Name and value of an option of ``sbatch``; one without a value is set."""
    name, equals, value = text.removeprefix("--").partition("=")
    return name, value if equals else True


def _warning() -> str:
    """The signal that submitit has Slurm send before the time is over, without ``SIG``."""
    from submitit.slurm.slurm import SlurmJobEnvironment

    return str(SlurmJobEnvironment.USR_SIG)


def _scancel(*words: str) -> None:
    """Cancel or signal jobs; that some have ended is none of our business."""
    subprocess.run(["scancel", "--quiet", *words], capture_output=True, timeout=ASK_S, check=False)


@hookimpl
def bench_launchers() -> Iterable[Component[Queue]]:
    """Offer it."""
    yield Component("slurm", build, about=About("jobs of Slurm, one cell each; needs the extra 'slurm'"))
