"""A plan: every cell with its state and stages, before anything runs. Imports no torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bench.canonical import digest
from bench.catalog import Catalog
from bench.engine.home import Places
from bench.engine.indexing import Shelf, indexed, shelf
from bench.engine.stages import Graph, IndexedData, Stage, bank_crops
from bench.engine.store import read_record, stage_note
from bench.errors import BenchError
from bench.suite.cells import Cell
from bench.suite.suite import Suite

CellState = Literal["done", "diverged", "stale", "failed", "pending", "unindexed", "blocked", "skipped", "excluded"]
"""``done`` and ``diverged`` are final; ``stale``, ``failed`` and ``pending`` run; ``unindexed`` runs after its data
are indexed; ``blocked`` cannot run (its data are absent); ``skipped`` and ``excluded`` never run, with a reason."""

STALE = "stale: scored with other data, code version or settings than now"

CHANGED = "the code of {} changed after this score, its version did not"
DUPLICATES = "{} picture(s) of this data set lie in more than one split"

RUNNABLE = ("pending", "stale", "failed")


@dataclass(frozen=True, slots=True)
class Planned:
    """One cell as the plan sees it."""

    cell: Cell
    state: CellState
    reason: str | None = None
    stages: tuple[Stage, ...] = ()
    shelf: Shelf | None = None
    record: Mapping[str, Any] | None = None
    inert: bool | None = None
    badges: tuple[str, ...] = ()

    @property
    def keys(self) -> dict[str, str]:
        """Stage kind to key."""
        return {stage.kind: stage.key for stage in self.stages}


@dataclass(frozen=True, slots=True)
class Plan:
    """All cells of a suite in order, and the bytes that banks not yet built will take."""

    suite: Suite
    cells: tuple[Planned, ...]
    shelves: tuple[Shelf, ...]
    disk_bytes: int
    catalog: Catalog

    def counts(self) -> dict[str, int]:
        """Cells by state."""
        return dict(Counter(planned.state for planned in self.cells))

    def records(self) -> dict[str, Mapping[str, Any]]:
        """Records of all cells that have one, by cell id; those of stale cells carry a badge."""
        sources = {f"{o.kind} {o.component.name}": o.provider.source_hash for o in self.catalog.all}
        return {p.cell.id: _badged(p.record, p.state, sources) for p in self.cells if p.record is not None}


def _badged(record: Mapping[str, Any], state: CellState, sources: Mapping[str, str]) -> Mapping[str, Any]:
    """The record with what must be said of it today: stale, or scored by code that has changed since."""
    used = record.get("providers", {}).items()
    changed = [name for name, provider in used if name in sources and sources[name] != provider["source"]]
    said = [STALE] if state == "stale" else [CHANGED.format(name) for name in changed]
    return {**record, "badges": [*record.get("badges", ()), *said]} if said else record


@dataclass(slots=True)
class Planner:
    """Looks every data set and every stage up once, whatever the number of cells."""

    suite: Suite
    catalog: Catalog
    places: Places
    made: frozenset[str] = frozenset()
    _shelves: dict[str, Shelf] = field(default_factory=dict)
    _indexed: dict[tuple[str, str], IndexedData | str] = field(default_factory=dict)
    _inert: dict[str, bool | None] = field(default_factory=dict)
    _disk: dict[str, int] = field(default_factory=dict)

    def plan(self) -> Plan:
        """Give every cell its state."""
        graph = Graph(self.catalog)
        planned = tuple(self._planned(cell, graph) for cell in self.suite.cells)
        return Plan(self.suite, planned, tuple(self._shelves.values()), sum(self._disk.values()), self.catalog)

    def _planned(self, cell: Cell, graph: Graph) -> Planned:
        if cell.excluded is not None:
            return Planned(cell, "excluded", cell.excluded)
        if cell.skipped is not None:
            return Planned(cell, "skipped", cell.skipped)
        record = read_record(self.places.record(self.suite.name, cell.id))
        found = self._shelf(cell)
        if found.problem is not None:
            return Planned(cell, "blocked", found.problem, shelf=found, record=record)
        if found.index is None:
            return Planned(cell, "unindexed", shelf=found, record=record)
        data = self._data(cell, found)
        if isinstance(data, str):
            return Planned(cell, "blocked", data, shelf=found, record=record)
        try:
            refusal = graph.refusal(cell, data)
            if refusal is not None:
                return Planned(cell, "skipped", refusal, shelf=found, record=record)
            stages = graph.chain(cell, data)
            shape = graph.prepared(cell, data)
        except BenchError as error:
            return Planned(cell, "blocked", str(error), shelf=found, record=record)
        keys = {stage.kind: stage.key for stage in stages}
        state = _state(record, keys)
        if state in RUNNABLE:
            self._count_disk(cell, stages, *shape)
        badges = (DUPLICATES.format(data.duplicates),) if data.duplicates else ()
        return Planned(cell, state, None, stages, found, record, self._is_inert(keys["crops"]), badges)

    def _shelf(self, cell: Cell) -> Shelf:
        identity = digest([cell.dataset.use, dict(cell.dataset.settings)])
        if identity not in self._shelves:
            self._shelves[identity] = shelf(self.catalog, cell.dataset, self.places, self.made)
        return self._shelves[identity]

    def _data(self, cell: Cell, found: Shelf) -> IndexedData | str:
        rule = cell.protocol.split
        identity = (found.locator, str(rule))
        if identity not in self._indexed:
            assert found.index is not None
            try:
                self._indexed[identity] = indexed(found.index, rule)
            except BenchError as error:
                self._indexed[identity] = str(error)
        return self._indexed[identity]

    def _count_disk(self, cell: Cell, stages: tuple[Stage, ...], channels: int, dtype: str) -> None:
        """Bytes of a crop bank that does not exist yet; one more byte a pixel for the mask."""
        crops = next(stage for stage in stages if stage.kind == "crops")
        if crops.key not in self._disk:
            exists = stage_note(self.places.stage("crops", crops.key)) is not None
            bytes_per_pixel = channels * (2 if dtype == "uint16" else 1) + 1
            self._disk[crops.key] = 0 if exists else bank_crops(cell) * cell.crop_size**2 * bytes_per_pixel

    def _is_inert(self, key: str) -> bool | None:
        """Whether a strategy excluded no position; None until its bank has been drawn."""
        if key not in self._inert:
            note = stage_note(self.places.stage("crops", key))
            self._inert[key] = None if note is None else bool(note["inert"])
        return self._inert[key]


def _state(record: Mapping[str, Any] | None, keys: Mapping[str, str]) -> CellState:
    if record is None or record["state"] in ("skipped", "excluded", "blocked"):
        return "pending"
    if record["keys"] and record["keys"] != keys:
        return "stale"
    if record["state"] == "done":
        return "done"
    return "diverged" if record["state"] == "diverged" else "failed"
