"""A plan: every cell with its state and stages, before anything runs. Imports no torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from bench.canonical import digest
from bench.catalog import Catalog
from bench.engine.unmarked import nothing_to_learn, rule_text
from bench.errors import BenchError
from bench.record import Record, State, record_of
from bench.stages.graph import Graph, IndexedData, Stage, bank_crops
from bench.stages.indexing import LocatedDataset, indexed, locate
from bench.store.home import Places
from bench.store.records import read_record
from bench.store.store import stage_note
from bench.suite.cells import Cell, source_of
from bench.suite.reading.load import Suite
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
    inert: bool | None = None
    badges: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    data_absent: bool = False

    @property
    def cannot_run(self) -> bool:
        """Blocked or skipped, and without a score from before."""
        scored = self.record is not None and self.record.state.is_final
        return self.state in ("blocked", "skipped") and not scored

    @property
    def why_outdated(self) -> str | None:
        """Why the scores that this cell may have are not those of today's data; None where they are."""
        if self.state in ("blocked", "skipped"):
            return EARLIER.format(self.reason)
        return {"stale": STALE, "unindexed": UNREAD}.get(self.state)

    @property
    def settled(self) -> Record:
        """The record of a cell that cannot run: its state and why."""
        return record_of(
            id=self.cell.id,
            axes=dict(self.cell.labels),
            state=self.state,
            reason=self.reason,
            **({"data_absent": True} if self.data_absent else {}),
        )

    @property
    def keys(self) -> dict[str, str]:
        """Stage kind to key."""
        return {stage.kind: stage.key for stage in self.stages}


@dataclass(frozen=True, slots=True)
class Plan:
    """All cells of a suite in order, and the bytes that banks not yet built will take."""

    suite: Suite
    cells: tuple[Planned, ...]
    datasets: tuple[LocatedDataset, ...]
    disk_bytes: int
    catalog: Catalog

    def counts(self) -> dict[str, int]:
        """Cells by state."""
        return dict(Counter(planned.state for planned in self.cells))

    def remarks(self) -> tuple[str, ...]:
        """What to beware of in the data of the cells, each remark once."""
        return tuple(dict.fromkeys(remark for planned in self.cells for remark in planned.remarks))

    def outdated(self) -> dict[str, list[str]]:
        """Cell id to why its scores are not those of today's data, for cells that have scores."""
        scored = [p for p in self.cells if p.record is not None and p.record.state.is_final]
        return {p.cell.id: [why] for p in scored if (why := p.why_outdated)}

    def records(self) -> dict[str, Record]:
        """Records of all cells that have one, by cell id, with what must be said of them today.

        Where the data can be seen, the remarks on them are those of today.
        """
        sources = {f"{o.kind} {o.component.name}": o.provider.source_hash for o in self.catalog.all}
        outdated = self.outdated()
        records = {}
        for planned in self.cells:
            id = planned.cell.id
            record = planned.settled if planned.cannot_run else planned.record
            if record is None:
                continue
            if not planned.cannot_run:
                record = _badged(record, planned.state, sources)
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
    _inert: dict[str, bool | None] = field(default_factory=dict)
    _disk: dict[str, int] = field(default_factory=dict)

    def plan(self) -> Plan:
        """Give every cell its state."""
        graph = Graph(self.catalog)
        planned = tuple(self._planned(cell, graph) for cell in self.suite.cells)
        return Plan(self.suite, planned, tuple(self._datasets.values()), sum(self._disk.values()), self.catalog)

    def _planned(self, cell: Cell, graph: Graph) -> Planned:
        if cell.excluded is not None:
            return Planned(cell, "excluded", cell.excluded)
        if cell.skipped is not None:
            return Planned(cell, "skipped", cell.skipped)
        record = read_record(self.places.record(self.suite.name, cell.id))
        runs = [cell, *([source] if (source := source_of(cell)) else [])]
        datasets = [self._located(run) for run in runs]
        planned = Planned(cell, "blocked", dataset=datasets[0], record=record)
        for run, found in zip(runs, datasets, strict=True):
            if found.problem is not None:
                return replace(planned, reason=_of_run(run, cell, found.problem), data_absent=found.absent)
        waits_for = tuple(found.locator for found in datasets if found.index is None)
        if waits_for:
            return replace(planned, state="unindexed", waits_for=waits_for)
        known = [self._data(run, found) for run, found in zip(runs, datasets, strict=True)]
        for run, data in zip(runs, known, strict=True):
            if isinstance(data, str):
                return replace(planned, reason=_of_run(run, cell, data))
        return self._keyed(
            planned, graph, _Known(runs, datasets, [data for data in known if not isinstance(data, str)])
        )

    def _keyed(self, planned: Planned, graph: Graph, known: _Known) -> Planned:
        """The cell with its stages, or the reason why it cannot have any."""
        cell, data = planned.cell, known.data[0]
        planned = replace(planned, remarks=tuple(_remarks(known)))
        try:
            refusal = graph.refusal(cell, data)
            pretraining = None
            if len(known.runs) > 1 and refusal is None:
                source, its_data = known.runs[1], known.data[1]
                refusal = graph.unlike(source, its_data, cell, data)
                pretraining = Pretraining(source, known.datasets[1], graph.learning(source, its_data))
            if refusal is not None:
                return replace(planned, state="skipped", reason=refusal)
            for run, its_data in zip(known.runs, known.data, strict=True):
                if unmarked := nothing_to_learn(run, its_data, self.catalog, self.places):
                    return replace(planned, reason=_of_run(run, cell, unmarked))
            stages = graph.chain(cell, data, pretraining.stages[-1] if pretraining else None)
            state = _state(planned.record, {stage.kind: stage.key for stage in stages})
            if state in RUNNABLE:
                for run, its_data, chain in zip(
                    known.runs, known.data, (stages, pretraining.stages if pretraining else ()), strict=False
                ):
                    self._count_disk(run, chain, *graph.prepared(run, its_data))
        except BenchError as error:
            return replace(planned, reason=str(error))
        inert = self._is_inert(stages[1].key)
        return replace(
            planned, state=state, stages=stages, pretraining=pretraining, inert=inert, badges=tuple(_badges(known))
        )

    def _located(self, cell: Cell) -> LocatedDataset:
        identity = digest([cell.dataset.use, dict(cell.dataset.settings)])
        if identity not in self._datasets:
            self._datasets[identity] = locate(self.catalog, cell.dataset, self.places, self.made)
        return self._datasets[identity]

    def _data(self, cell: Cell, found: LocatedDataset) -> IndexedData | str:
        rule = cell.protocol.split
        identity = (found.locator, str(rule))
        if identity not in self._indexed:
            assert found.index is not None
            try:
                self._indexed[identity] = indexed(found.index, cell.dataset.settings, rule)
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


@dataclass(frozen=True, slots=True)
class _Known:
    """A cell and its pretraining run, if any, each with its data set."""

    runs: Sequence[Cell]
    datasets: Sequence[LocatedDataset]
    data: Sequence[IndexedData]


def _remarks(known: _Known) -> Iterator[str]:
    """What to beware of in the data of a cell and of its pretraining run; on one split, with the rule that made it."""
    cell = known.runs[0]
    for run, data in zip(known.runs, known.data, strict=True):
        name = run.labels["dataset"] if run is cell else f"{run.dataset.use} (pretraining)"
        rule = "" if run.protocol.split == "grouped" else f", {rule_text(run.protocol.split)}"
        yield from (f"{name}: {remark}" for remark in data.remarks)
        yield from (f"{name}{rule}: {remark}" for remark in data.split_remarks)


def _of_run(run: Cell, cell: Cell, sentence: str) -> str:
    return sentence if run is cell else f"pretraining on {run.dataset.use}: {sentence}"


def _badges(known: _Known) -> Iterator[str]:
    """What must be said of the data: copies across splits, and held-out groups that the pretraining run has seen."""
    for data in known.data:
        if data.duplicates:
            yield DUPLICATES.format(plural(data.duplicates, "picture"))
    if len(known.runs) == 1:
        return
    target, source = known.data
    same = len({run.dataset.use.rpartition(":")[2] for run in known.runs}) == 1
    for split in ("validation", "test"):
        if same and (groups := source.groups.get("train", _NONE) & target.groups.get(split, _NONE)):
            yield SEEN_BEFORE.format(plural(len(groups), "group"), split)
        elif pictures := source.pictures.get("train", _NONE) & target.pictures.get(split, _NONE):
            yield SEEN_BEFORE.format(plural(len(pictures), "picture"), split)


_NONE: frozenset[str] = frozenset()


def _state(record: Record | None, keys: Mapping[str, str]) -> CellState:
    if record is None or record.state in (State.SKIPPED, State.EXCLUDED, State.BLOCKED):
        return "pending"
    if record.keys and record.keys != keys:
        return "stale"
    return record.state.word
