"""The data of a run: plans are made when their indices are, and say why not where one cannot be made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bench.engine.invocation import Invocation, Watcher, make_plan
from bench.engine.orders import index_job
from bench.engine.plan import Plan, Planned
from bench.jobs import Ended
from bench.launcher import Launcher
from bench.record import State
from bench.suite.reading.load import Suite

POLL_S = 0.5
"""Seconds between looks at the launcher, so that a clock on the screen can move."""


def endings(launcher: Launcher, watcher: Watcher) -> Sequence[Ended]:
    """Jobs that ended within a moment; the watcher is told of the time and of what the launcher remarks."""
    found = launcher.ended(POLL_S)
    for text in launcher.remarks():
        watcher.remark(text)
    watcher.tick()
    return found


@dataclass(slots=True)
class Indices:
    """The indices that a run makes: ``made`` are their locators, ``problems`` say why others could not be made."""

    invocation: Invocation
    launcher: Launcher
    watcher: Watcher
    made: set[str] = field(default_factory=set)
    problems: dict[str, str] = field(default_factory=dict)

    def plan(self, suite: Suite) -> Plan:
        """Plan a suite as the store is now; cells whose data could not be indexed carry the reason."""
        plan = make_plan(suite, self.invocation, self.made)
        return replace(plan, cells=tuple(map(self._told, plan.cells)))

    def completed(self, suite: Suite) -> Plan:
        """Plan a suite once every data set is indexed that needs it."""
        plan = self.plan(suite)
        self._make(plan)
        return self.plan(suite) if any(planned.state == "unindexed" for planned in plan.cells) else plan

    def _make(self, plan: Plan) -> None:
        wanted = [dataset for dataset in plan.datasets if dataset.index is None and dataset.problem is None]
        catalog, places = self.invocation.catalog, self.invocation.places
        jobs = [index_job(dataset, catalog, places, plan.suite.runtime) for dataset in wanted]
        self.launcher.submit(jobs)
        waiting = {job.key for job in jobs}
        while waiting:
            for ended in endings(self.launcher, self.watcher):
                waiting.discard(ended.key)
                if ended.state is State.OK:
                    self.made.add(ended.key)
                else:
                    self.problems[ended.key] = ended.reason or "its index could not be made"

    def _told(self, planned: Planned) -> Planned:
        reason = next((self.problems[name] for name in planned.waits_for if name in self.problems), None)
        return planned if reason is None else replace(planned, state="blocked", reason=reason)
