"""What one command brings along, whom it tells how it goes, and its plans."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Protocol

from bench.catalog import Catalog
from bench.engine.plan import Plan, Planned
from bench.engine.planner import Planner
from bench.jobs import Ended, Progress
from bench.store.home import Places
from bench.store.records import Records
from bench.suite.reading.load import Suite


class Watcher(Protocol):
    """Who is told how a run goes: told, never asked."""

    def planned(self, plan: Plan) -> None:
        """The plan with all data indexed, before the first cell starts."""
        ...

    def progress(self, progress: Progress) -> None:
        """A running job moved on."""
        ...

    def ended(self, planned: Planned, ended: Ended) -> None:
        """A cell ended."""
        ...

    def remark(self, text: str) -> None:
        """Something to beware of, in a sentence."""
        ...

    def tick(self) -> None:
        """Some time has passed."""
        ...


@dataclass(frozen=True, slots=True)
class Invocation:
    """What one command brings along: components and folders, and the records that it has read."""

    catalog: Catalog
    places: Places
    records: Records = field(default_factory=Records, compare=False)


def make_plan(suite: Suite, invocation: Invocation, made: Collection[str] = ()) -> Plan:
    """Plan a suite as the store is now; ``made`` names indices made by this run, which are true without a look."""
    return Planner(suite, invocation.catalog, invocation.places, frozenset(made), invocation.records).plan()
