"""A plan: every cell with its state and stages, before anything runs. Imports no torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from bench.canonical import digest
from bench.catalog import Catalog
from bench.engine.disk import DiskNeeds, storage_of
from bench.engine.unmarked import nothing_to_learn, rule_text
from bench.errors import BenchError
from bench.record import Record, State, fell_back, record_of
from bench.stages.graph import Graph, IndexedData, Stage
from bench.stages.indexing import LocatedDataset, indexed, locate
from bench.store.home import Places
from bench.store.records import read_record
from bench.store.store import stage_note
from bench.suite.cells import Cell, source_of
from bench.suite.reading.load import Suite
from bench.types import JsonValue
from bench.words import plural

CellState = Literal["done", "diverged", "stale", "failed", "pending", "unindexed", "blocked", "skipped", "excluded"]
"""``done`` and ``diverged`` are final; ``stale``, ``failed`` and ``pending`` run; ``unindexed`` runs after its data
are indexed; ``blocked`` cannot run (its data are absent, or nothing can be learned from them); ``skipped`` and
``excluded`` never run, with a reason."""

STALE = "stale: scored with other data, code version or settings than now"
EARLIER = "old scores, of an earlier run; today this cell cannot be run: {}"
UNREAD = "old scores, of data that changed since or were never read here; run the suite to see whether they still hold"

CHANGED = "the code of {} changed after this score, its version did not"
DUPLICATES = "{} of this data set lie in more than one split"
SEEN_BEFORE = "the pretraining run was trained on {} of the {} split"

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
    """All cells of a suite in order, and the bytes of what is not on disk yet, by what needs them."""

    suite: Suite
    cells: tuple[Planned, ...]
    datasets: tuple[LocatedDataset, ...]
    disk: Mapping[str, int]
    catalog: Catalog

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


@dataclass(slots=True)
class Planner:
    """Looks every data set and every stage up once, whatever the number of cells."""

    suite: Suite
    catalog: Catalog
    places: Places
    made: frozenset[str] = frozenset()
    _datasets: dict[str, LocatedDataset] = field(default_factory=dict)
    _indexed: dict[tuple[str, str], IndexedData | str] = field(default_factory=dict)
    _drawn: dict[str, tuple[bool, bool]] = field(default_factory=dict)
    _disk: DiskNeeds = field(default_factory=DiskNeeds)

    def plan(self) -> Plan:
        """Give every cell its state."""
        graph = Graph(self.catalog)
        planned = tuple(self._planned(cell, graph) for cell in self.suite.cells)
        return Plan(self.suite, planned, tuple(self._datasets.values()), self._disk.by_what(), self.catalog)

    def _planned(self, cell: Cell, graph: Graph) -> Planned:
        if cell.excluded is not None:
            return Planned(cell, "excluded", cell.excluded)
        if cell.skipped is not None:
            return Planned(cell, "skipped", cell.skipped)
        record = read_record(self.places.record(self.suite.name, cell.id))
        source = source_of(cell)
        cells = [cell] if source is None else [cell, source]
        datasets = [self._located(run) for run in cells]
        planned = Planned(cell, "blocked", dataset=datasets[0], record=record)
        for run, dataset in zip(cells, datasets, strict=True):
            if dataset.problem is not None:
                return replace(planned, reason=_of_run(run, cell, dataset.problem), data_absent=dataset.absent)
        waits_for = tuple(dataset.locator for dataset in datasets if dataset.index is None)
        if waits_for:
            return replace(planned, state="unindexed", waits_for=waits_for)
        runs = []
        for run, dataset in zip(cells, datasets, strict=True):
            data = self._data(run, dataset)
            if isinstance(data, str):
                return replace(planned, reason=_of_run(run, cell, data))
            runs.append(_Run(run, dataset, data))
        planned = replace(planned, remarks=tuple(_remarks(runs)))
        try:
            return self._staged(planned, graph, *runs)
        except BenchError as error:
            return replace(planned, reason=str(error))

    def _staged(self, planned: Planned, graph: Graph, own: _Run, source: _Run | None = None) -> Planned:
        """The cell with its stages, or the reason why it cannot have any."""
        cell, data = own.cell, own.data
        refusal = graph.refusal(cell, data)
        if source is not None and refusal is None:
            refusal = graph.unlike(source.cell, source.data, cell, data)
        if refusal is not None:
            return replace(planned, state="skipped", reason=refusal)
        runs = [own] if source is None else [own, source]
        for run in runs:
            unmarked = nothing_to_learn(run.cell, run.data, self.catalog, self.places)
            if unmarked:
                return replace(planned, reason=_of_run(run.cell, cell, unmarked))
        pretraining = None
        if source is not None:
            pretraining = Pretraining(source.cell, source.dataset, graph.learning(source.cell, source.data))
        stages = graph.chain(cell, data, pretraining.stages[-1] if pretraining else None)
        planned = replace(planned, stages=stages, pretraining=pretraining)
        state = _state(planned.record, planned.keys)
        if state in RUNNABLE:
            self._count_disk(own, stages, graph)
            if source is not None and pretraining is not None:
                self._count_disk(source, pretraining.stages, graph)
        inert, all_fallback = self._chose_nothing(stages[1].key)
        return replace(planned, state=state, inert=inert, fell_back=all_fallback, badges=tuple(_badges(runs)))

    def _located(self, cell: Cell) -> LocatedDataset:
        identity = digest([cell.dataset.use, dict(cell.dataset.settings)])
        if identity not in self._datasets:
            self._datasets[identity] = locate(self.catalog, cell.dataset, self.places, self.made)
        return self._datasets[identity]

    def _data(self, cell: Cell, dataset: LocatedDataset) -> IndexedData | str:
        """The data of a cell once they are indexed, or why they cannot be read."""
        rule = cell.protocol.split
        identity = (dataset.locator, str(rule))
        if identity not in self._indexed:
            assert dataset.index is not None
            try:
                self._indexed[identity] = indexed(dataset.index, cell.dataset.settings, rule)
            except BenchError as error:
                self._indexed[identity] = str(error)
        return self._indexed[identity]

    def _count_disk(self, run: _Run, stages: tuple[Stage, ...], graph: Graph) -> None:
        """Count what the stages of a cell or of its pretraining run will leave and have not left yet."""
        delivery = self.suite.runtime.delivery
        format, guide = graph.formats(run.cell, run.data)
        for need in storage_of(run.cell, run.data, stages, delivery, (format, guide)):
            self._disk.add(need, self.places)

    def _chose_nothing(self, key: str) -> tuple[bool, bool]:
        """Whether a strategy excluded no position, and whether it admitted none; neither until its crops are drawn."""
        if key not in self._drawn:
            note = stage_note(self.places.stage("crops", key))
            self._drawn[key] = (bool(note["inert"]), fell_back(note["draw"])) if note else (False, False)
        return self._drawn[key]


@dataclass(frozen=True, slots=True)
class _Run:
    """A cell or its pretraining run, with its data."""

    cell: Cell
    dataset: LocatedDataset
    data: IndexedData


def _remarks(runs: Sequence[_Run]) -> Iterator[str]:
    """What to beware of in the data of a cell and of its pretraining run; on one split, with the rule that made it."""
    for run in runs:
        cell = run.cell
        name = cell.labels["dataset"] if run is runs[0] else f"{cell.dataset.use} (pretraining)"
        rule = "" if cell.protocol.split == "grouped" else f", {rule_text(cell.protocol.split)}"
        yield from (f"{name}: {remark}" for remark in run.data.remarks)
        yield from (f"{name}{rule}: {remark}" for remark in run.data.split_remarks)


def _of_run(run: Cell, cell: Cell, sentence: str) -> str:
    return sentence if run is cell else f"pretraining on {run.dataset.use}: {sentence}"


def _badges(runs: Sequence[_Run]) -> Iterator[str]:
    """What must be said of the data: copies across splits, and held-out groups that the pretraining run has seen."""
    for run in runs:
        if run.data.duplicates:
            yield DUPLICATES.format(plural(run.data.duplicates, "picture"))
    if len(runs) == 1:
        return
    own, source = runs
    same = _name(own) == _name(source)
    for split in ("validation", "test"):
        groups = _seen(source.data.groups, own.data.groups, split) if same else 0
        pictures = _seen(source.data.pictures, own.data.pictures, split)
        if groups:
            yield SEEN_BEFORE.format(plural(groups, "group"), split)
        elif pictures:
            yield SEEN_BEFORE.format(plural(pictures, "picture"), split)


def _name(run: _Run) -> str:
    """The data set without the plugin that offers it."""
    return run.cell.dataset.use.rpartition(":")[2]


def _seen(source: Mapping[str, frozenset[str]], own: Mapping[str, frozenset[str]], split: str) -> int:
    """How many names of a split the source was trained on."""
    return len(source.get("train", frozenset()) & own.get(split, frozenset()))


def _state(record: Record | None, keys: Mapping[str, str]) -> CellState:
    if record is None or record.state in (State.SKIPPED, State.EXCLUDED, State.BLOCKED):
        return "pending"
    if record.keys and record.keys != keys:
        return "stale"
    return record.state.word
