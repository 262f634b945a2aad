"""Classes of what jobs of Slurm take: an array can hold only jobs that ask for the same."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from math import ceil
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field

from bench.api import Resources

WARNING_S = 120
"""Seconds between the warning that the time is over and the end."""
LARGEST = 1000
"""Jobs in an array: Slurm refuses more than its ``MaxArraySize``, which is 1001 where nobody has set it."""
SPARE = 1.25
"""Times the memory that was measured is asked for: machines differ, and the command itself needs some."""

Positive = Annotated[int, Field(gt=0)]
Gigabytes = Annotated[float, Field(gt=0)]
SUBMITIT_NAMES = {"job-name": "job_name", "cpus-per-task": "cpus_per_task", "gpus-per-node": "gpus_per_node"}


@dataclass(frozen=True, slots=True)
class WithoutGpu:
    """Settings of jobs that need no GPU; what is null is as for the others."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    partition: str | None = None
    minutes: Positive | None = None
    cpus: Positive | None = None
    memory_gb: Gigabytes | None = None
    at_once: Positive | None = None
    options: tuple[str, ...] | None = None

    def set(self) -> Mapping[str, Any]:
        """Those that are set."""
        return {name: value for name, value in asdict(self).items() if value is not None}


NAMES = tuple(field.name for field in fields(WithoutGpu))


@dataclass(frozen=True, slots=True)
class Class:
    """What each job of an array asks for; ``at_once`` of the array run at the same time."""

    partition: str
    minutes: int
    cpus: int
    gpus: int
    memory_gb: float
    at_once: int
    options: tuple[str, ...]

    def sbatch(self, name: str) -> dict[str, str | int | bool]:
        """Options of ``sbatch`` by their names there, but for the array's."""
        asked: dict[str, str | int | bool] = {"job-name": name}
        if self.partition:
            asked["partition"] = self.partition
        asked |= {"time": self.minutes, "cpus-per-task": self.cpus, "mem": f"{round(1024 * self.memory_gb)}M"}
        if self.gpus:
            asked["gpus-per-node"] = self.gpus
        return {**asked, "signal": f"{warning()}@{WARNING_S}", "requeue": True, **dict(map(_option, self.options))}

    def parameters(self, name: str) -> dict[str, Any]:
        """The same as submitit takes them: those that it knows by names of its own, all others as they are."""
        asked = self.sbatch(name)
        known = {ours: asked.pop(theirs) for theirs, ours in SUBMITIT_NAMES.items() if theirs in asked}
        return {
            **known,
            "array_parallelism": self.at_once,
            "signal_delay_s": WARNING_S,
            "stderr_to_stdout": True,
            "additional_parameters": asked,
        }

    def words(self, name: str, jobs: int) -> str:
        """The command that submits so many."""
        asked = self.sbatch(name)
        if jobs > 1:
            asked["array"] = f"0-{jobs - 1}%{min(jobs, self.at_once)}"
        return " ".join(f"--{option}" if value is True else f"--{option}={value}" for option, value in asked.items())


@dataclass(frozen=True, slots=True)
class Settings:
    """What a suite sets of the launcher."""

    partition: str
    minutes: int
    gpus: int | None
    cpus: int
    memory_gb: float
    at_once: int
    requeues: int
    options: tuple[str, ...]
    without_gpu: WithoutGpu | None

    def of(self, takes: Resources) -> Class:
        """The class of a job; what is measured of its memory goes before what is set."""
        own = {} if takes.gpu or self.without_gpu is None else self.without_gpu.set()
        asked = {name: own.get(name, getattr(self, name)) for name in NAMES}
        asked["cpus"] = max(asked["cpus"], takes.processors)
        if takes.memory is not None:
            asked["memory_gb"] = ceil(SPARE * takes.memory / 10**9)  # whole ones, for few classes
        gpus = int(takes.gpu) * (1 if self.gpus is None else self.gpus)
        return Class(**asked, gpus=gpus)

    def arrays(self, takes: Sequence[Resources]) -> Iterator[tuple[Class, Sequence[int]]]:
        """Which of the jobs go into which array, by number."""
        classes: dict[Class, list[int]] = {}
        for number, one in enumerate(takes):
            classes.setdefault(self.of(one), []).append(number)
        for asked, numbers in classes.items():
            for first in range(0, len(numbers), LARGEST):
                yield asked, numbers[first : first + LARGEST]


def warning() -> str:
    """The signal before the time is over, which submitit chooses in this way."""
    return os.environ.get("SUBMITIT_PREEMPT_SIGNAL", "USR2")


def _option(text: str) -> tuple[str, str | bool]:
    """Name and value of an option of ``sbatch``; one without a value is set."""
    name, equals, value = text.removeprefix("--").partition("=")
    return name, value if equals else True
