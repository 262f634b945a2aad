"""What the jobs of a plan take of a machine, for launchers that divide machines among them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from bench.engine.devices import CPU
from bench.engine.forecast import Chain, Foreseer, chains_of
from bench.engine.plan import Plan
from bench.engine.rates import rates_of
from bench.engine.workers import environments_of
from bench.jobs import Resources
from bench.store.finished import Finished
from bench.store.home import Places

ON_GPU = ("train", "predict")
"""Stages for which a GPU serves; all others are done on the processor."""


@dataclass(slots=True)
class Takes:
    """What jobs take; what cells have in common is worked out once."""

    plan: Plan
    places: Places
    _foreseer: Foreseer = field(init=False)
    _finished: Finished = field(init=False)

    def __post_init__(self) -> None:
        runtime = self.plan.suite.runtime
        rates = rates_of(self.places.home, runtime)
        self._foreseer = Foreseer(self.plan, self.places, rates, len(environments_of(self.plan.suite)))
        self._finished = Finished(self.places)

    def of(self, chain: Chain) -> Resources:
        """What the stages of a job take that are not in the store.

        Memory is known of a processor alone, where a worker has all that it needs in it.
        """
        processor = self.plan.suite.runtime.device == CPU
        memory = self._foreseer.memory(chain) if processor else None
        return Resources(chain.cell.recipe.threads, not processor and self._is_left(chain), memory)

    def all(self) -> Iterator[Resources]:
        """Those of every job that a run of the plan submits, in order: indices first."""
        for dataset in self.plan.datasets:
            if dataset.index is None and dataset.problem is None:
                yield Resources()
        for chain in chains_of(self.plan, self.places):
            yield self.of(chain)

    def _is_left(self, chain: Chain) -> bool:
        """Whether something is to be trained or predicted."""
        stages = [stage for kind, stage in chain.stages.items() if kind in ON_GPU]
        return any(self._finished.note(stage.kind, stage.key) is None for stage in stages)
