"""A plan: every cell with its state and stages, before anything runs. Imports no torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bench.catalog import Catalog
from bench.record import Record, record_of
from bench.stages.graph import Stage
from bench.stages.indexing import LocatedDataset
from bench.suite.cells import Cell
from bench.suite.reading.load import Suite
from bench.types import JsonValue

CellState = Literal["done", "diverged", "stale", "failed", "pending", "unindexed", "blocked", "skipped", "excluded"]
"""``done`` and ``diverged`` are final; ``stale``, ``failed`` and ``pending`` run; ``unindexed`` runs after its data
are indexed; ``blocked`` cannot run (its data are absent, or nothing can be learned from them); ``skipped`` and
``excluded`` never run, with a reason."""

STALE = "stale: scored with other data, code version or settings than now"
EARLIER = "old scores, of an earlier run; today this cell cannot be run: {}"
UNREAD = "old scores, of data that changed since or were never read here; run the suite to see whether they still hold"

CHANGED = "the code of {} changed after this score, its version did not"

RUNNABLE = ("pending", "stale", "failed")


@dataclass(frozen=True, slots=True)
class Pretraining:
    """The pretraining run of a cell: its stages are tiles, crops and train."""

    cell: Cell
    dataset: LocatedDataset
    stages: tuple[Stage, ...]

    @property
    def train(self) -> str:
        """Key of its train stage."""
        return self.stages[-1].key


@dataclass(frozen=True, slots=True)
class Planned:
    """One cell as the plan sees it; ``waits_for`` are the data sets that must be indexed before more is known.

    ``remarks`` are what to beware of in its data, each with the name of the data set. ``data_absent``: it is blocked
    because a data set is simply not here: no folder was given for it, none is in its place.
    """

    cell: Cell
    state: CellState
    reason: str | None = None
    stages: tuple[Stage, ...] = ()
    dataset: LocatedDataset | None = None
    pretraining: Pretraining | None = None
    waits_for: tuple[str, ...] = ()
    record: Record | None = None
    inert: bool = False
    fell_back: bool = False
    badges: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    data_absent: bool = False

    @property
    def scored(self) -> bool:
        """Whether it has a result, of today or from before."""
        return self.record is not None and self.record.state.is_final

    @property
    def cannot_run(self) -> bool:
        """Blocked or skipped, and without a score from before."""
        return self.state in ("blocked", "skipped") and not self.scored

    @property
    def why_outdated(self) -> str | None:
        """Why the scores that this cell may have are not those of today's data; None where they are."""
        if self.state in ("blocked", "skipped"):
            return EARLIER.format(self.reason)
        return {"stale": STALE, "unindexed": UNREAD}.get(self.state)

    @property
    def settled(self) -> Record:
        """The record of a cell that cannot run: its state and why."""
        absent: dict[str, JsonValue] = {"data_absent": True} if self.data_absent else {}
        axes = dict(self.cell.labels)
        return record_of(id=self.cell.id, axes=axes, state=self.state, reason=self.reason, **absent)

    @property
    def keys(self) -> dict[str, str]:
        """Stage kind to key."""
        return {stage.kind: stage.key for stage in self.stages}


@dataclass(frozen=True, slots=True)
class Plan:
    """All cells of a suite in order, and the bytes of what is not on disk yet, by what needs them.

    ``asked`` are the ids of the cells that a run was to do, None where it was to do all.
    """

    suite: Suite
    cells: tuple[Planned, ...]
    datasets: tuple[LocatedDataset, ...]
    disk: Mapping[str, int]
    catalog: Catalog
    asked: frozenset[str] | None = None

    @property
    def disk_bytes(self) -> int:
        """Bytes that are not on disk yet."""
        return sum(self.disk.values())

    def counts(self) -> dict[str, int]:
        """Cells by state."""
        return dict(Counter(planned.state for planned in self.cells))

    def remarks(self) -> tuple[str, ...]:
        """What to beware of in the data of the cells, each remark once."""
        remarks: dict[str, None] = {}
        for planned in self.cells:
            remarks |= dict.fromkeys(planned.remarks)
        return tuple(remarks)

    def outdated(self) -> dict[str, list[str]]:
        """Cell id to why its scores are not those of today's data, for cells that have scores."""
        outdated = {}
        for planned in self.cells:
            why = planned.why_outdated
            if planned.scored and why:
                outdated[planned.cell.id] = [why]
        return outdated

    def records(self) -> dict[str, Record]:
        """Records of all cells that have one, by cell id, with what must be said of them today.

        Where the data can be seen, the remarks on them are those of today.
        """
        sources = {f"{o.kind} {o.component.name}": o.provider.source_hash for o in self.catalog.all}
        outdated = self.outdated()
        records = {}
        for planned in self.cells:
            id = planned.cell.id
            if planned.cannot_run:
                record = planned.settled
            elif planned.record is not None:
                record = _badged(planned.record, planned.state, sources)
            else:
                continue
            if id in outdated:
                record = record.changed(outdated=outdated[id])
            if planned.remarks:
                record = record.changed(remarks=list(planned.remarks))
            records[id] = record
        return records


def _badged(record: Record, state: CellState, sources: Mapping[str, str]) -> Record:
    """The record with a badge where it was scored by code that has changed since."""
    if state == "stale":
        return record
    badges = list(record.badges)
    for name, provider in record.providers.items():
        if sources.get(name, provider.source) != provider.source:
            badges.append(CHANGED.format(name))
    return record if len(badges) == len(record.badges) else record.changed(badges=badges)
