"""Loads timed in many short rounds, each between two runs of the reference load; spells that were not quiet are left.

A figure is the median of ratios to the reference, at the pace that the reference had over all quiet spells. So a
machine that is slower for a while changes no figure, and one that is shared gives none. Rounds go on until the figures
have settled, which the parts of the measurement tell by themselves.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import BenchError
from bench.perf.clocks import Use, read_clocks, use_between
from bench.perf.reference import Reference
from bench.threads import silent
from bench.words import plural

if TYPE_CHECKING:
    import torch

GROUPS = 5
"""Parts, one after the other, whose medians tell how far a figure moves by itself."""
LONGEST_S = 1.0
"""So long a run of the reference is long enough beside any load."""


class NotQuiet(BenchError):
    """The machine had other things to do, so nothing was measured."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a spell may have and still be quiet, and how many of them a measurement is made of.

    ``waited``: share of it that this process waits for a processor; ``others``: processors that others use; ``pace``:
    how much longer than at its fastest the reference takes, which changes no ratio before something that the system
    does not tell shares the core. A spell is rounds of ``seconds`` together; every load has as many ``samples`` in
    quiet ones, and more until its ``noise`` is no larger than this.
    """

    waited: float = 0.05
    others: float = 0.5
    pace: float = 1.5
    noise: float = 0.05
    spells: int = 10
    samples: int = 20
    seconds: float = 0.5


QUIET = Limits()
ADVICE = "repeat it when nothing else runs, or wait longer with --patience"


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


@dataclass(frozen=True, slots=True)
class Timed:
    """What a load takes, in seconds: the median and the 95th percentile; ``ratio``: the median in reference runs.

    ``noise``: the range of the medians of five parts of the measurement, as a share of the median.
    """

    p50_s: float
    p95_s: float
    ratio: float
    noise: float


@dataclass(frozen=True, slots=True)
class Measured:
    """What every load takes, by name; seconds of the reference by threads; spells that were quiet, and all."""

    loads: Mapping[str, Timed]
    reference: Mapping[int, float]
    quiet: int
    spells: int

    @property
    def restless(self) -> str:
        """The load that moved most."""
        return max(self.loads, key=lambda name: self.loads[name].noise)


@dataclass(slots=True)
class _Rounds:
    """Makes spells of rounds, over and over, each beginning with another load."""

    loads: Sequence[Load]
    device: torch.device
    reference: Reference
    times: Mapping[str, int] = field(default_factory=dict)
    _made: int = 0

    def warm(self) -> None:
        """Run every load twice, and choose how often the reference runs before and after each."""
        times = {}
        for load in self.loads:
            self._set(load)
            load.run()
            self.reference.seconds(3)
            each = self.reference.seconds(3)
            times[load.name] = max(1, round(min(_seconds(load), LONGEST_S) / each / 2))
        self.times = times

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


def measure(
    loads: Sequence[Load],
    device: torch.device,
    *,
    fastest: Mapping[int, float],
    patience_s: float,
    told: Callable[[int, int], None] = silent,
    limits: Limits = QUIET,
) -> Measured:
    """Time the loads until enough spells were quiet and all figures settled; ``told`` hears how many were, of how many.

    A load must wait for its device. ``fastest`` are seconds of the reference at the fastest ever seen here, by threads.

    Raises:
        NotQuiet: that was not so when ``patience_s`` was over; says what went on.
    """
    rounds = _Rounds(loads, device, Reference(device))
    rounds.warm()
    spells: list[Spell] = []
    until = time.monotonic() + patience_s
    while True:
        spells.append(rounds.spell(limits.seconds))
        best = _fastest(spells, fastest)
        quiet = [spell for spell in spells if is_quiet(spell, best, limits)]
        told(len(quiet), len(spells))
        needed = _needed(quiet, loads, limits)
        measured = _measured(loads, quiet, len(spells)) if len(quiet) >= needed else None
        if measured and measured.loads[measured.restless].noise <= limits.noise:
            return measured
        if time.monotonic() > until:
            why = why_restless(measured, limits) if measured else why_not_quiet(spells, quiet, needed, best, limits)
            raise NotQuiet(f"the machine is not quiet, nothing was measured: {why}; {ADVICE}")


def _fastest(spells: Sequence[Spell], before: Mapping[int, float]) -> dict[int, float]:
    """Seconds of the reference at its fastest, seen now or before, by threads."""
    found = dict(before)
    for spell in spells:
        for threads, seconds in spell.reference.items():
            found[threads] = min(seconds, found.get(threads, seconds))
    return found


def _needed(quiet: Sequence[Spell], loads: Sequence[Load], limits: Limits) -> int:
    """How many quiet spells a measurement takes: as many more as loads are too long for several samples in one."""
    found = _samples(quiet, loads)
    return max(limits.spells, -(-limits.samples * len(quiet) // found) if found else 0)


def _pace(spell: Spell, fastest: Mapping[int, float]) -> float:
    """How much longer than at its fastest the reference took."""
    return max(seconds / fastest[threads] for threads, seconds in spell.reference.items())


def is_quiet(spell: Spell, fastest: Mapping[int, float], limits: Limits) -> bool:
    """Whether nothing but the loads was at work, as far as the machine tells."""
    alone = spell.use.waited <= limits.waited and spell.use.others <= limits.others
    return alone and _pace(spell, fastest) <= limits.pace


def why_not_quiet(
    spells: Sequence[Spell], quiet: Sequence[Spell], needed: int, fastest: Mapping[int, float], limits: Limits
) -> str:
    """What went on in the middle one of the spells."""
    others = median(spell.use.others for spell in spells)
    waited = median(spell.use.waited for spell in spells)
    pace = median(_pace(spell, fastest) for spell in spells)
    return (
        f"{len(quiet)} of {plural(len(spells), 'spell')} of rounds were, {needed} are needed; other processes used "
        f"{others:.1f} processors (limit {limits.others}), this one waited {100 * waited:.0f} % of its time (limit "
        f"{100 * limits.waited:.0f} %), the reference load took {pace:.2f} times its fastest (limit {limits.pace})"
    )


def why_restless(measured: Measured, limits: Limits) -> str:
    """Which load did not settle."""
    name = measured.restless
    return (
        f"{measured.quiet} of {plural(measured.spells, 'spell')} of rounds were, but {name} still moved by "
        f"{100 * measured.loads[name].noise:.0f} % from part to part of them (limit {100 * limits.noise:.0f} %)"
    )


def _samples(spells: Sequence[Spell], loads: Sequence[Load]) -> int:
    """The fewest samples that a load has."""
    return min(sum(len(spell.samples[load.name]) for spell in spells) for load in loads)


def _measured(loads: Sequence[Load], quiet: Sequence[Spell], spells: int) -> Measured:
    reference = {}
    for threads in quiet[0].reference:
        reference[threads] = median(spell.reference[threads] for spell in quiet)
    timed = {load.name: _timed(quiet, load, reference[load.threads]) for load in loads}
    return Measured(timed, reference, len(quiet), spells)


def _timed(quiet: Sequence[Spell], load: Load, reference: float) -> Timed:
    ratios: list[float] = []
    medians = []
    for spell in quiet:
        found = [sample.ratio for sample in spell.samples[load.name]]
        ratios += found
        medians.append(median(found))
    p50, p95 = np.quantile(ratios, (0.5, 0.95)).tolist()
    parts = [float(np.median(part)) for part in np.array_split(medians, GROUPS)]
    return Timed(p50 * reference, p95 * reference, p50, (max(parts) - min(parts)) / p50)
