"""Loads in many short rounds, each run between two of the reference load, and what else went on meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Protocol

from bench.perf.clocks import Use, read_clocks, use_between
from bench.perf.reference import Reference

if TYPE_CHECKING:
    import torch

LONGEST_S = 1.0
"""So long a run of the reference is long enough beside any load."""


@dataclass(frozen=True, slots=True)
class Load:
    """Work to be timed, and on how many threads an operation of it runs."""

    name: str
    threads: int
    run: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Sample:
    """Seconds of a load, and of one run of the reference just before and after it."""

    seconds: float
    reference: float

    @property
    def ratio(self) -> float:
        """Runs of the reference that take as long."""
        return self.seconds / self.reference


@dataclass(frozen=True, slots=True)
class Spell:
    """Some rounds: samples of each load, seconds of the reference by threads, and what else went on."""

    samples: Mapping[str, Sequence[Sample]]
    reference: Mapping[int, float]
    use: Use


class Process(Protocol):
    """Makes spells of the same loads, in a process of its own."""

    def warm(self, until: float) -> bool:
        """Wait until it can begin, or until that time of the monotonic clock; whether it can."""

    def spell(self, least_s: float) -> Spell:
        """Rounds for so many seconds, or one round where that takes longer."""

    def close(self) -> None:
        """End it."""


@dataclass(slots=True)
class Rounds:
    """Makes spells of rounds, over and over, each beginning with another load."""

    loads: Sequence[Load]
    device: torch.device
    reference: Reference
    times: Mapping[str, int] = field(default_factory=dict)
    _made: int = 0

    def warm(self, until: float) -> bool:  # noqa: ARG002 - what runs here cannot be late
        """Run every load twice, and choose how often the reference runs before and after each."""
        times = {}
        for load in self.loads:
            self._set(load)
            load.run()
            self.reference.seconds(3)
            each = self.reference.seconds(3)
            times[load.name] = max(1, round(min(_seconds(load), LONGEST_S) / each / 2))
        self.times = times
        return True

    def spell(self, least_s: float) -> Spell:
        """Rounds for so many seconds, or one round where that takes longer."""
        samples: dict[str, list[Sample]] = {load.name: [] for load in self.loads}
        first = last = read_clocks()
        while first is last or last.wall - first.wall < least_s:
            begin = self._made % len(self.loads)
            self._made += 1
            for load in (*self.loads[begin:], *self.loads[:begin]):
                samples[load.name].append(self._sample(load))
            last = read_clocks()
        reference: dict[int, float] = {}
        for load in self.loads:
            paces = [sample.reference for sample in samples[load.name]]
            reference[load.threads] = min(median(paces), reference.get(load.threads, float("inf")))
        return Spell(samples, reference, use_between(first, last))

    def close(self) -> None:
        """Nothing is held."""

    def _sample(self, load: Load) -> Sample:
        self._set(load)
        times = self.times[load.name]
        before = self.reference.seconds(times)
        seconds = _seconds(load)
        after = self.reference.seconds(times)
        return Sample(seconds, (before + after) / 2)

    def _set(self, load: Load) -> None:
        import torch

        if torch.get_num_threads() != load.threads:
            torch.set_num_threads(load.threads)


def _seconds(load: Load) -> float:
    started = time.perf_counter()
    load.run()
    return time.perf_counter() - started
