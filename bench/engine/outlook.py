"""What the jobs of a run still take, by rates that are learned while it runs."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from bench.engine.forecast import START_UP, CellCost, Chain, Foreseer, chains_of
from bench.engine.learned import Learner
from bench.engine.plan import RUNNABLE, Plan, Planned
from bench.engine.rates import MACHINE, Rates, key_of
from bench.store.home import Places
from bench.suite.cells import combination_of

PAUSE = 50.0
"""How many times as long as a forecast took passes before the next."""


@dataclass(slots=True)
class Outlook:
    """Costs of the jobs that have not ended, foreseen anew when cells have ended.

    A job that no rate tells of costs what finished cells of its kind took in this run: those that differ in their seed
    alone. ``sources`` are the jobs that are no cells: pretraining runs. ``rates`` of None are those of another machine
    than the work is done on, and are not asked.
    """

    plan: Plan
    places: Places
    rates: Rates | None
    workers: int
    costs: dict[str, CellCost] = field(default_factory=dict)
    makers: dict[str, str] = field(default_factory=dict)
    sources: frozenset[str] = frozenset()
    _chains: dict[str, Chain] = field(default_factory=dict)
    _learner: Learner | None = None
    _took: dict[tuple[int, ...], list[float]] = field(default_factory=lambda: defaultdict(list))
    _due: float = 0.0
    _is_old: bool = False

    def __post_init__(self) -> None:
        self._chains = {chain.key: chain for chain in chains_of(self.plan, self.places)}
        self.sources = frozenset(self._chains) - {planned.cell.id for planned in self.plan.cells}
        self.makers = _makers(self.plan, self._chains)
        if self.rates is not None:
            self._learner = Learner(self.plan, self.places, self.rates, self.workers)
        self._foresee()

    @property
    def start_up(self) -> float:
        """Seconds that the first job of a worker takes more than later ones."""
        if self.rates is None:
            return 0.0
        machine = self.rates.of("machine", key_of(MACHINE), self.workers) or {}
        return sum(machine.get(name, 0.0) for name in START_UP)

    def ended(self, planned: Planned, seconds: float, *, well: bool) -> None:
        """Learn from a cell that ended."""
        chain = self._chains.pop(planned.cell.id, None)
        self.costs.pop(planned.cell.id, None)
        if chain is None:
            return
        self._took[combination_of(planned.cell)].append(seconds)  # one that failed too: so will those that are like it
        if well and self._learner is not None:
            self._learner.ended(planned, seconds)
            self._is_old = True

    def forget(self, key: str) -> None:
        """A job that is no cell has ended."""
        self._chains.pop(key, None)
        self.costs.pop(key, None)

    def seconds(self, key: str) -> float | None:
        """Seconds of a whole job; None where nothing tells."""
        cost = self.costs.get(key)
        if cost is not None and cost.seconds is not None:
            return cost.seconds
        chain = self._chains.get(key)
        took = self._took.get(combination_of(chain.cell), []) if chain is not None else []
        return fmean(took) if took else None

    def least(self, key: str) -> float:
        """Seconds of what is known of a job."""
        seconds = self.seconds(key)
        known = [each for each in self.stages(key).values() if each is not None]
        return sum(known) if seconds is None else seconds

    def stages(self, key: str) -> Mapping[str, float | None]:
        """Seconds of each stage that is left of a job."""
        cost = self.costs.get(key)
        return cost.stages if cost is not None else {}

    @property
    def waiting(self) -> list[str]:
        """All jobs that have not ended, in the order they start."""
        return list(self._chains)

    def refresh(self) -> None:
        """Foresee anew where something was learned, and not so often that it would cost the run anything."""
        if self._is_old and time.monotonic() >= self._due:
            self._foresee()

    def _foresee(self) -> None:
        started = time.monotonic()
        self._is_old = False
        if self.rates is not None:
            foreseer = Foreseer(self.plan, self.places, self.rates, self.workers)
            self.costs = {key: foreseer.cost(chain) for key, chain in self._chains.items()}
        self._due = time.monotonic() + PAUSE * (time.monotonic() - started)


def _makers(plan: Plan, chains: Mapping[str, Any]) -> dict[str, str]:
    """Cell to the job that makes the weights it goes on from, where that is a job of this run."""
    by_train: dict[str, str] = {}
    for key, chain in chains.items():
        by_train.setdefault(chain.stages["train"].key, key)
    makers = {}
    for planned in plan.cells:
        if planned.state in RUNNABLE and planned.pretraining and planned.pretraining.train in by_train:
            makers[planned.cell.id] = by_train[planned.pretraining.train]
    return makers
