"""Planning: what the data, the components and the store say of every cell, each asked once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bench.canonical import digest
from bench.catalog import Catalog
from bench.engine.disk import DiskNeeds, Need, storage_of
from bench.engine.plan import RUNNABLE, CellState, Plan, Planned, Pretraining
from bench.engine.unmarked import nothing_to_learn, rule_text
from bench.errors import BenchError
from bench.record import Record, State, fell_back
from bench.stages.graph import Graph, IndexedData, Unseeded
from bench.stages.indexing import LocatedDataset, indexed, locate
from bench.store.finished import Finished, names_in
from bench.store.home import Places
from bench.store.records import Records
from bench.suite.cells import Cell, combination_of, source_of
from bench.suite.reading.load import Suite
from bench.words import plural

DUPLICATES = "{} of this data set lie in more than one split"
SEEN_BEFORE = "the pretraining run was trained on {} of the {} split"


@dataclass(frozen=True, slots=True)
class Run:
    """A cell or its pretraining run, with its data."""

    cell: Cell
    dataset: LocatedDataset
    data: IndexedData


@dataclass(frozen=True, slots=True)
class Learnt:
    """What a run does but for its seed, and what that leaves on disk."""

    run: Run
    unseeded: Unseeded
    storage: tuple[Need, ...]


@dataclass(frozen=True, slots=True)
class Combination:
    """What holds of all cells that differ in their seed alone.

    ``planned`` is one of them without its record and stages. ``runs`` are what they and their pretraining runs do,
    nothing where they cannot be run.
    """

    planned: Planned
    runs: tuple[Learnt, ...] = ()


class Planner:
    """Looks every data set, every combination and every folder up once, whatever the number of cells."""

    def __init__(
        self,
        suite: Suite,
        catalog: Catalog,
        places: Places,
        made: frozenset[str] = frozenset(),
        records: Records | None = None,
    ) -> None:
        self._suite = suite
        self._catalog = catalog
        self._places = places
        self._made = made
        self._graph = Graph(catalog)
        self._finished = Finished(places)
        self._disk = DiskNeeds(self._finished)
        self._records = records or Records()
        self._recorded = names_in(places.records(suite.name))
        self._datasets: dict[str, LocatedDataset] = {}
        self._indexed: dict[tuple[str, str], IndexedData | str] = {}
        self._combinations: dict[tuple[int, ...], Combination] = {}
        self._drawn: dict[str, tuple[bool, bool]] = {}

    def plan(self) -> Plan:
        """Give every cell its state."""
        planned = tuple(self._planned(cell) for cell in self._suite.cells)
        return Plan(self._suite, planned, tuple(self._datasets.values()), self._disk.by_what(), self._catalog)

    def _planned(self, cell: Cell) -> Planned:
        if cell.excluded is not None:
            return Planned(cell, "excluded", cell.excluded)
        if cell.skipped is not None:
            return Planned(cell, "skipped", cell.skipped)
        record = None
        if f"{cell.id}.json" in self._recorded:
            record = self._records.read(self._places.record(self._suite.name, cell.id))
        key = combination_of(cell)
        if key not in self._combinations:
            self._combinations[key] = self._combination(cell)
        combination = self._combinations[key]
        if not combination.runs:
            return replace(combination.planned, cell=cell, record=record)
        return self._staged(cell, record, combination.planned, *combination.runs)

    def _staged(
        self, cell: Cell, record: Record | None, alike: Planned, own: Learnt, source: Learnt | None = None
    ) -> Planned:
        """A cell with its stages, from what holds of all that are like it."""
        pretraining = None
        if source is not None:
            stages = source.unseeded.learning(cell.seed)
            # its parts are those of the first such run, so that they are told to be the same
            run = replace(
                source.run.cell, id=f"{cell.id} pretrain", seed=cell.seed, labels=cell.labels, tuned=cell.tuned
            )
            pretraining = Pretraining(run, source.run.dataset, stages)
        chain = own.unseeded.chain(cell.seed, pretraining.stages[-1] if pretraining else None)
        crops = chain[1].key
        state = _state(record, {stage.kind: stage.key for stage in chain})
        if state in RUNNABLE:
            self._count_disk(own, crops)
            if source is not None and pretraining is not None:
                self._count_disk(source, pretraining.stages[1].key)
        inert, all_fallback = self._chose_nothing(crops)
        return replace(
            alike,
            cell=cell,
            record=record,
            state=state,
            stages=chain,
            pretraining=pretraining,
            inert=inert,
            fell_back=all_fallback,
        )

    def _combination(self, cell: Cell) -> Combination:
        """What holds of a cell whatever its seed."""
        source = source_of(cell)
        cells = [cell] if source is None else [cell, source]
        datasets = [self._located(run) for run in cells]
        planned = Planned(cell, "blocked", dataset=datasets[0])
        for run, dataset in zip(cells, datasets, strict=True):
            if dataset.problem is not None:
                reason = _of_run(run, cell, dataset.problem)
                return Combination(replace(planned, reason=reason, data_absent=dataset.absent))
        waits_for = tuple(dataset.locator for dataset in datasets if dataset.index is None)
        if waits_for:
            return Combination(replace(planned, state="unindexed", waits_for=waits_for))
        runs = []
        for run, dataset in zip(cells, datasets, strict=True):
            data = self._data(run, dataset)
            if isinstance(data, str):
                return Combination(replace(planned, reason=_of_run(run, cell, data)))
            runs.append(Run(run, dataset, data))
        planned = replace(planned, remarks=tuple(_remarks(runs)))
        try:
            return self._learnable(planned, *runs)
        except BenchError as error:
            return Combination(replace(planned, reason=str(error)))

    def _learnable(self, planned: Planned, own: Run, source: Run | None = None) -> Combination:
        """The combination with what its runs do, or the reason why they cannot do anything."""
        cell, data = own.cell, own.data
        refusal = self._graph.refusal(cell, data)
        if source is not None and refusal is None:
            refusal = self._graph.unlike(source.cell, source.data, cell, data)
        if refusal is not None:
            return Combination(replace(planned, state="skipped", reason=refusal))
        runs = [own] if source is None else [own, source]
        for run in runs:
            unmarked = nothing_to_learn(run.cell, run.data, self._catalog, self._places)
            if unmarked:
                return Combination(replace(planned, reason=_of_run(run.cell, cell, unmarked)))
        return Combination(replace(planned, badges=tuple(badges_of(runs))), tuple(map(self._learnt, runs)))

    def _learnt(self, run: Run) -> Learnt:
        cell, data = run.cell, run.data
        formats = self._graph.formats(cell, data)
        storage = tuple(storage_of(cell, data, self._suite.runtime.delivery, formats))
        return Learnt(run, self._graph.unseeded(cell, data), storage)

    def _located(self, cell: Cell) -> LocatedDataset:
        identity = digest([cell.dataset.use, dict(cell.dataset.settings)])
        if identity not in self._datasets:
            self._datasets[identity] = locate(self._catalog, cell.dataset, self._places, self._made)
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

    def _count_disk(self, learnt: Learnt, crops: str) -> None:
        """Count what the stages of a run will leave and have not left yet; ``crops`` is the key of that stage."""
        keys = {"images": learnt.unseeded.images.key, "tiles": learnt.unseeded.tiles.key, "crops": crops}
        for need in learnt.storage:
            self._disk.add(need, keys[need.kind])

    def _chose_nothing(self, key: str) -> tuple[bool, bool]:
        """Whether a strategy excluded no position, and whether it admitted none; neither until its crops are drawn."""
        if key not in self._drawn:
            note = self._finished.note("crops", key)
            self._drawn[key] = (bool(note["inert"]), fell_back(note["draw"])) if note else (False, False)
        return self._drawn[key]


def _remarks(runs: Sequence[Run]) -> Iterator[str]:
    """What to beware of in the data of a cell and of its pretraining run; on one split, with the rule that made it."""
    for run in runs:
        cell = run.cell
        name = cell.labels["dataset"] if run is runs[0] else f"{cell.dataset.use} (pretraining)"
        rule = "" if cell.protocol.split == "grouped" else f", {rule_text(cell.protocol.split)}"
        yield from (f"{name}: {remark}" for remark in run.data.remarks)
        yield from (f"{name}{rule}: {remark}" for remark in run.data.split_remarks)


def _of_run(run: Cell, cell: Cell, sentence: str) -> str:
    return sentence if run is cell else f"pretraining on {run.dataset.use}: {sentence}"


def badges_of(runs: Sequence[Run]) -> Iterator[str]:
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


def _name(run: Run) -> str:
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
