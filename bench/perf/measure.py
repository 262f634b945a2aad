"""What loads take: spells of rounds in several processes, of which those that were not quiet are left.

Within a process a figure is the median of ratios to the reference, so a machine that is slower for a while changes
none, and one that is shared gives none. Processes differ by more than their rounds tell, as their memory lies
elsewhere: a figure is the mean over several, and more are started until its interval is narrow enough.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from itertools import chain
from math import inf, sqrt
from statistics import fmean, median, stdev

import numpy as np

from bench.errors import BenchError
from bench.machine import processors
from bench.perf.rounds import Load, Process, Spell
from bench.statistics.estimates import Estimate
from bench.threads import silent
from bench.words import plural


class NotQuiet(BenchError):
    """The machine had other things to do, so nothing was measured."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a spell may have and still be quiet, and how much of it a measurement is made of.

    ``waited``: share of it that this process waits for a processor; ``others``: processors that others use; ``pace``:
    how much longer than at its fastest the reference takes, which changes no ratio before something that the system
    does not tell shares the core. A spell is rounds of ``seconds`` together. There are so many ``processes``, each with
    so many quiet ``spells`` and in them ``samples`` of every load, and more until no ``noise`` is larger than this.
    """

    waited: float = 0.05
    others: float = 0.5
    pace: float = 1.5
    noise: float = 0.05
    processes: int = 5
    spells: int = 2
    samples: int = 3
    seconds: float = 0.5


QUIET = Limits()
ADVICE = "repeat it when nothing else runs, or wait longer with --patience"


@dataclass(frozen=True, slots=True)
class Timed:
    """What a load takes, in seconds: the median, as the mean over processes, and the 95th percentile of all samples.

    ``ratio``: the first in reference runs; ``noise``: the width of its 95 % interval over processes (Student's t), as
    a share of it.
    """

    p50_s: float
    p95_s: float
    ratio: float
    noise: float


@dataclass(frozen=True, slots=True)
class Measured:
    """What every load takes, by name; seconds of the reference by threads; how many processes, quiet spells and all."""

    loads: Mapping[str, Timed]
    reference: Mapping[int, float]
    processes: int
    quiet: int
    spells: int

    @property
    def restless(self) -> str:
        """The load that moved most."""
        return max(self.loads, key=lambda name: self.loads[name].noise)

    @property
    def noise(self) -> float:
        """Of that one."""
        return self.loads[self.restless].noise


@dataclass(slots=True)
class _Made:
    """The spells of every process so far."""

    loads: Sequence[Load]
    fastest: Mapping[int, float]
    limits: Limits
    processes: list[list[Spell]] = field(default_factory=list)

    @property
    def spells(self) -> list[Spell]:
        """All of them."""
        return list(chain.from_iterable(self.processes))

    def quiet(self, spells: Sequence[Spell]) -> list[Spell]:
        """Those that were quiet, beside the fastest reference seen now or before."""
        best = _fastest(self.spells, self.fastest)
        return [spell for spell in spells if is_quiet(spell, best, self.limits)]

    def lacks(self, spells: Sequence[Spell]) -> bool:
        """Whether a process has too few quiet spells or samples."""
        quiet = self.quiet(spells)
        return len(quiet) < self.limits.spells or _samples(quiet, self.loads) < self.limits.samples

    def measured(self) -> Measured | None:
        """What the loads take, by processes that lack nothing; None where these are too few."""
        whole = [self.quiet(spells) for spells in self.processes if not self.lacks(spells)]
        if len(whole) < self.limits.processes:
            return None
        return _measured(self.loads, whole, len(self.spells))


def measure(
    start: Callable[[], Process],
    loads: Sequence[Load],
    *,
    fastest: Mapping[int, float],
    patience_s: float,
    told: Callable[[int, int], None] = silent,
    limits: Limits = QUIET,
) -> Measured:
    """Time the loads in one process after the other until all figures settled.

    ``start`` starts a process that can time the loads: as many at once as there are processors, as most of what it
    takes is imports; their spells are made in turns. ``told`` hears how many spells were quiet, of how many.
    ``fastest`` are seconds of the reference at the fastest ever seen here, by threads.

    Raises:
        NotQuiet: that was not so when ``patience_s`` was over; says what went on.
    """
    made = _Made(loads, fastest, limits)
    until = time.monotonic() + patience_s
    while True:
        with ExitStack() as running:
            at_once = min(limits.processes, processors())
            together = [running.enter_context(closing(start())) for _ in range(at_once)]
            if not all(process.warm(until) for process in together):
                raise _refusal(f"{plural(at_once, 'process', 'processes')} had not started in time")
            fresh: list[list[Spell]] = [[] for _ in together]
            made.processes += fresh
            while any(made.lacks(spells) for spells in fresh):
                for process, spells in zip(together, fresh, strict=True):
                    spells.append(process.spell(limits.seconds))
                told(len(made.quiet(made.spells)), len(made.spells))
                if time.monotonic() > until:
                    break
        measured = made.measured()
        if measured and measured.noise <= limits.noise:
            return measured
        if time.monotonic() > until:
            why = why_restless(measured, limits) if measured else why_not_quiet(made)
            raise _refusal(why)


def _refusal(why: str) -> NotQuiet:
    return NotQuiet(f"the machine is not quiet, nothing was measured: {why}; {ADVICE}")


def _fastest(spells: Sequence[Spell], before: Mapping[int, float]) -> dict[int, float]:
    """Seconds of the reference at its fastest, seen now or before, by threads."""
    found = dict(before)
    for spell in spells:
        for threads, seconds in spell.reference.items():
            found[threads] = min(seconds, found.get(threads, seconds))
    return found


def _pace(spell: Spell, fastest: Mapping[int, float]) -> float:
    """How much longer than at its fastest the reference took."""
    return max(seconds / fastest[threads] for threads, seconds in spell.reference.items())


def is_quiet(spell: Spell, fastest: Mapping[int, float], limits: Limits) -> bool:
    """Whether nothing but the loads was at work, as far as the machine tells."""
    alone = spell.use.waited <= limits.waited and spell.use.others <= limits.others
    return alone and _pace(spell, fastest) <= limits.pace


def why_not_quiet(made: _Made) -> str:
    """What went on in the middle one of the spells."""
    spells, limits = made.spells, made.limits
    best = _fastest(spells, made.fastest)
    others = median(spell.use.others for spell in spells)
    waited = median(spell.use.waited for spell in spells)
    pace = median(_pace(spell, best) for spell in spells)
    return (
        f"{len(made.quiet(spells))} of {plural(len(spells), 'spell')} of rounds were, in "
        f"{plural(len(made.processes), 'process', 'processes')} of {limits.processes} or more; other processes used "
        f"{others:.1f} processors (limit {limits.others}), these waited {100 * waited:.0f} % of their time (limit "
        f"{100 * limits.waited:.0f} %), the reference load took {pace:.2f} times its fastest (limit {limits.pace})"
    )


def why_restless(measured: Measured, limits: Limits) -> str:
    """Which load did not settle."""
    name = measured.restless
    return (
        f"{measured.quiet} of {plural(measured.spells, 'spell')} of rounds were, but the interval of {name} over "
        f"{measured.processes} processes is still {100 * measured.noise:.0f} % wide (limit "
        f"{100 * limits.noise:.0f} %, {limits.processes} processes at least)"
    )


def _samples(spells: Sequence[Spell], loads: Sequence[Load]) -> int:
    """The fewest samples that a load has."""
    return min(sum(len(spell.samples[load.name]) for spell in spells) for load in loads)


def _measured(loads: Sequence[Load], processes: Sequence[Sequence[Spell]], spells: int) -> Measured:
    quiet = list(chain.from_iterable(processes))
    reference = {}
    for threads in quiet[0].reference:
        reference[threads] = median(spell.reference[threads] for spell in quiet)
    timed = {load.name: _timed(processes, load, reference[load.threads]) for load in loads}
    return Measured(timed, reference, len(processes), len(quiet), spells)


def _timed(processes: Sequence[Sequence[Spell]], load: Load, reference: float) -> Timed:
    ratios: list[float] = []
    medians = []
    for spells in processes:
        found = [sample.ratio for spell in spells for sample in spell.samples[load.name]]
        ratios += found
        medians.append(median(found))
    p50, p95 = fmean(medians), float(np.quantile(ratios, 0.95))
    return Timed(p50 * reference, p95 * reference, p50, _width(medians) / p50)


def _width(values: Sequence[float]) -> float:
    """The width of the 95 % interval of a mean; without end for a single one."""
    if len(values) < 2:
        return inf
    error = stdev(values) / sqrt(len(values))
    low, high = Estimate(np.array(0.0), np.array(error), np.array(len(values) - 1)).interval()
    return float(high - low)
