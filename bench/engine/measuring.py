"""Pilots: every distinct shape of work of a suite measured once, by as many workers at once as the run will have."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

from bench.engine.forecast import START_UP, Chain, Foreseer, chains_of
from bench.engine.indices import POLL_S
from bench.engine.invocation import Invocation
from bench.engine.launchers import LocalLauncher
from bench.engine.orders import loaded_for
from bench.engine.plan import Plan
from bench.engine.rates import MACHINE, Rates, key_of
from bench.engine.sharing import to_measure
from bench.engine.workers import worker_environments
from bench.errors import StoreError
from bench.jobs import Job, Progress
from bench.record import State
from bench.stages.graph import Graph, as_json
from bench.stages.indexing import indexed, plain_rule
from bench.store.store import read_json

FULL = ("data", "learn", "predict", "memory")
"""Kinds that one small run of a cell measures together."""
OF_A_NEW_WORKER = (*START_UP, "later_bytes")
"""Values that only workers tell that have just started."""


@dataclass(frozen=True, slots=True)
class Pilot:
    """A job to be measured: a chain, its keys by kind, and the kinds that no pilot before it measures."""

    chain: Chain
    keys: Mapping[str, str]
    parts: tuple[str, ...]

    @property
    def name(self) -> str:
        """Model and crop strategy of its cell."""
        return f"{self.chain.cell.labels['model']} / {self.chain.cell.labels['crop']}"


def pilots_of(chains: Sequence[Chain], foreseer: Foreseer) -> list[Pilot]:
    """The fewest chains, taken in order, that have every shape of work among them."""
    met: set[tuple[str, str]] = set()
    pilots = []
    for chain in chains:
        keys = foreseer.keys(chain)
        new = {kind for kind, key in keys.items() if (kind, key) not in met}
        if new:
            parts = [*FULL] if new & {*FULL} else []
            parts += ["crops"] if "crops" in new else []
            pilots.append(Pilot(chain, keys, tuple(parts)))
            met |= set(keys.items())
    return pilots


def measure(plan: Plan, invocation: Invocation, rates: Rates, told: Callable[[int, int, str], None]) -> list[str]:
    """Run the pilots of a plan, with more and more cells on each GPU where that is open, and write what they measured.

    Return why some of it is not known.

    ``told`` hears how many pilots are done, of how many, and the name of the next.
    """
    problems: dict[str, None] = {}
    for tried in to_measure(plan, invocation.places, rates):
        problems |= dict.fromkeys(_measure(tried, invocation, rates, told))
    rates.write()
    return list(problems)


def _measure(plan: Plan, invocation: Invocation, rates: Rates, told: Callable[[int, int, str], None]) -> Iterator[str]:
    """Run the pilots with the workers that a run of this plan has; yield why some of it is not known."""
    chains = chains_of(plan, invocation.places)
    environments = worker_environments(plan.suite.runtime, len(chains))
    workers = len(environments)
    pilots = pilots_of(chains, Foreseer(plan, invocation.places, rates, workers))
    launcher = LocalLauncher(environments, _deaf)
    try:
        with TemporaryDirectory(prefix="bench-pilots-") as place:
            for number, pilot in enumerate(pilots):
                told(number, len(pilots), pilot.name)
                answers = [Path(place) / f"{number}-{worker}.json" for worker in range(workers)]
                reasons = _run(launcher, [job_of(pilot, answer, plan, invocation) for answer in answers])
                yield from (f"{pilot.name}: {reason}" for reason in reasons)
                _learn(rates, pilot, _means(list(_read(answers))), workers, first=number == 0)
    finally:
        launcher.close()


def _learn(
    rates: Rates, pilot: Pilot, measured: Mapping[str, Mapping[str, float]], workers: int, *, first: bool
) -> None:
    """Remember what a pilot measured; only workers of the first one had to start."""
    for kind, values in measured.items():
        if kind in pilot.keys:
            rates.learn(kind, pilot.keys[kind], workers, values)
        elif kind == "machine":
            known = {name: value for name, value in values.items() if first or name not in OF_A_NEW_WORKER}
            rates.learn(kind, key_of(MACHINE), workers, known)


def _deaf(progress: Progress) -> None:
    """Progress of a pilot is told by nobody."""


def _run(launcher: LocalLauncher, jobs: Sequence[Job]) -> list[str]:
    """Run jobs at once and wait for all; return the reasons of those that failed."""
    launcher.submit(jobs)
    waiting = {job.key for job in jobs}
    reasons = []
    while waiting:
        for ended in launcher.ended(POLL_S):
            waiting.discard(ended.key)
            if ended.state is not State.OK:
                reasons.append(ended.reason or ended.state.word)
    return reasons


def job_of(pilot: Pilot, answer: Path, plan: Plan, invocation: Invocation) -> Job:
    """The job of a pilot, which writes what it measured to ``answer``.

    What this process has computed until now is what a run's does until its first job.
    """
    chain = pilot.chain
    cell, index = chain.cell, chain.dataset.index
    assert index is not None
    rule = cell.protocol.split
    stages = Graph(plan.catalog).chain(cell, indexed(index, cell.dataset.settings, rule))
    return Job(
        key=str(answer),
        data=replace(chain.dataset.data, split=plain_rule(rule)),
        home=str(invocation.places.home),
        plugins=loaded_for(cell, plan.catalog),
        timeout_s=plan.suite.runtime.timeout_s,
        stages=tuple(as_json(stages)),
        record=str(answer),
        delivery=plan.suite.runtime.delivery,
        filing={"id": cell.id, "axes": dict(cell.labels), "budget_epochs": cell.recipe.epochs},
        pilot={
            "parts": pilot.parts,
            "to": str(answer),
            "command_s": time.process_time(),
            "submitted": time.time(),
        },
    )


def _read(answers: Sequence[Path]) -> Iterator[Mapping[str, Mapping[str, float]]]:
    for answer in answers:
        try:
            yield read_json(answer)["values"]
        except StoreError:
            continue  # its worker has said why


def _means(found: Sequence[Mapping[str, Mapping[str, float]]]) -> dict[str, dict[str, float]]:
    """Mean seconds over the workers that measured at once; bytes are the most."""
    means: dict[str, dict[str, float]] = {}
    for kind in dict.fromkeys(kind for values in found for kind in values):
        sets = [values[kind] for values in found if kind in values]
        means[kind] = {}
        for name in sets[0]:
            numbers = [one[name] for one in sets if name in one]
            means[kind][name] = max(numbers) if name.endswith("bytes") else fmean(numbers)
    return means
