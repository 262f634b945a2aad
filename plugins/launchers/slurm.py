"""Slurm, through submitit: an array for each class of jobs; who is preempted or out of time is queued again.

Submitit's own envelope is a pickle, which only the user can write: it lies in a folder of mode 700. Which jobs are
alive is asked of ``squeue``, for all at once, since ``sacct`` tells nothing where a cluster keeps no accounts.
"""

from __future__ import annotations

import getpass
import signal
import subprocess
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from bench_plugins.launchers._slurm_classes import Class, Gigabytes, Positive, Settings, WithoutGpu, warning
from pydantic import Field

from bench.api import About, Command, Component, PluginError, Queue, Resources, Site, hookimpl, plural

if TYPE_CHECKING:
    from submitit import SlurmExecutor
    from submitit.helpers import DelayedSubmission

ASK_S = 60
"""Seconds in which a command of Slurm must answer."""


@dataclass(slots=True)
class Slurm:
    """Commands as jobs of Slurm; ids are Slurm's own, as ``123_4``."""

    site: Site
    settings: Settings
    executors: dict[Class, SlurmExecutor] = field(default_factory=dict)

    def start(self, commands: Sequence[Command]) -> Sequence[str]:
        """Submit an array for each class, or a job where there is one command only."""
        ids: dict[int, str] = {}
        for asked, numbers in self.settings.arrays([command.takes for command in commands]):
            executor = self._executor(asked)
            with executor.batch():
                jobs = [executor.submit(Requeued(commands[n].words, commands[n].log)) for n in numbers]
            ids.update(zip(numbers, [str(job.job_id) for job in jobs], strict=True))
        return [ids[number] for number in range(len(commands))]

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

    def _executor(self, asked: Class) -> SlurmExecutor:
        """What submits jobs of a class."""
        if asked not in self.executors:
            from submitit import SlurmExecutor

            folder = self.site.folder / "slurm"
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            executor = SlurmExecutor(folder=folder, max_num_timeout=self.settings.requeues)
            executor.update_parameters(**asked.parameters(self.site.suite))
            self.executors[asked] = executor
        return self.executors[asked]


class Requeued:
    """A command that is queued again when it must leave its node; it goes on from what it has written."""

    def __init__(self, words: Sequence[str], log: Path) -> None:
        self.words = words
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None

    def __call__(self) -> int:
        """Run it to its end."""
        warned = signal.Signals[f"SIG{warning()}"]
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
    minutes: Positive = 24 * 60,
    gpus: Annotated[int, Field(ge=0)] | None = None,
    cpus: Positive = 4,
    memory_gb: Gigabytes = 16.0,
    at_once: Positive = 256,
    requeues: Annotated[int, Field(ge=0)] = 100,
    options: tuple[str, ...] = (),
    without_gpu: WithoutGpu | None = None,
) -> Queue:
    """Submit jobs of Slurm, each of one cell, in arrays of those that take the same.

    ``minutes`` of ``cpus`` cores, ``memory_gb`` and ``gpus`` (null: one) in ``partition`` (Slurm's own where it is
    empty), ``at_once`` at most of an array. Jobs that need no GPU get none: indices, crops of ``bench prepare``, cells
    that are only scored anew, all of a suite that asks for the processor; ``without_gpu`` sets the same otherwise for
    them. More cores are asked for where a recipe has more threads, and a quarter more than the measured memory where a
    cell runs on the processor and a pilot or a run here has measured it. A job whose time is over is queued again, up
    to ``requeues`` times. ``options`` are others of ``sbatch``, as ``account=lab``.
    """
    try:
        from submitit import SlurmExecutor
    except ImportError:
        raise PluginError("the launcher 'slurm' needs submitit: pip install \"defectbench[slurm]\"") from None
    if SlurmExecutor.affinity() <= 0:
        raise PluginError("the launcher 'slurm' finds no Slurm here: there is no srun") from None
    settings = Settings(partition, minutes, gpus, cpus, memory_gb, at_once, requeues, options, without_gpu)
    queue: Queue = Slurm(site, settings)
    return queue


def preview(takes: Sequence[Resources], site: Site, /, **settings: Any) -> Sequence[str]:
    """The arrays, and what ``sbatch`` is asked for; neither Slurm nor submitit need be here."""
    arrays = Counter((asked, len(numbers)) for asked, numbers in Settings(**settings).arrays(takes))
    lines = []
    for (asked, jobs), number in arrays.items():
        what = plural(number, "array") + f" of {jobs} jobs" if jobs > 1 else plural(number, "job")
        lines.append(f"{what}, {plural(asked.gpus, 'GPU')} each" if asked.gpus else f"{what} without a GPU")
        lines.append(f"  sbatch {asked.words(site.suite, jobs)}")
    return lines


def _scancel(*words: str) -> None:
    """Cancel or signal jobs; that some have ended is none of our business."""
    subprocess.run(["scancel", "--quiet", *words], capture_output=True, timeout=ASK_S, check=False)


@hookimpl
def bench_launchers() -> Iterable[Component[Queue]]:
    """Offer it."""
    about = About("jobs of Slurm, one cell each; needs the extra 'slurm'")
    yield Component("slurm", build, about=about, preview=preview)
