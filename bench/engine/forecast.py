"""What a run will cost here: hours, memory and disk, from the work that is left and the rates of this machine."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bench.component import Component
from bench.data.splits import assign
from bench.engine.disk import storage_of
from bench.engine.needs import Needs
from bench.engine.plan import RUNNABLE, Plan, Planned, Pretraining
from bench.engine.rates import MACHINE, Rates, Values, key_of
from bench.engine.work import Shape, Sides, Work, shapes_of, sides_of, work_of
from bench.stages.graph import Graph, IndexedData, Stage, images_stage, spent
from bench.stages.indexing import LocatedDataset
from bench.stages.shown import MOST
from bench.store.finished import Finished
from bench.store.home import Places
from bench.suite.cells import Cell, combination_of
from bench.types import Split

START_UP = ("command_s", "startup_s")
"""Seconds from the command to the first job of a worker, and those that this job takes more than later ones."""

WEIGHTS_HELD = 5
"""Weights, gradients, two moments of the optimiser, and a copy of the best ones."""


@dataclass(frozen=True, slots=True)
class Chain:
    """The stages of one job that are to be made: those of a cell, or of a pretraining run."""

    key: str
    cell: Cell
    dataset: LocatedDataset
    stages: Mapping[str, Stage]


@dataclass(frozen=True, slots=True)
class CellCost:
    """What one job costs; None is what was never measured.

    ``seconds`` are those of stages that no earlier job of the run makes, ``stages`` has those of each. ``memory`` is
    the highest use of a GPU, or of the worker's own memory on a processor; ``mapped`` are bytes of files that the
    latter shows beside it, which the system takes back when it needs them. ``weights``, ``evidence`` and ``results``
    are bytes on disk.
    """

    seconds: float | None
    memory: int | None
    mapped: int
    weights: int | None
    evidence: int | None
    results: int | None
    stages: Mapping[str, float | None] = field(default_factory=dict)


COPIES = 6
"""What the checkpoints of a worker take at most while one replaces another, in sizes of what a cell keeps of weights:
two files with weights and two moments, and where a cell keeps two weights, the best ones."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is left of a run: cost by job in the order they start, and the time on the wall.

    ``seconds`` is None where some job was never measured; ``unmeasured`` are these jobs.
    """

    workers: int
    jobs: Mapping[str, CellCost]
    seconds: float | None
    unmeasured: tuple[str, ...]

    @property
    def memory(self) -> int | None:
        """The highest use of one worker, of all that is measured."""
        return max((cost.memory for cost in self.jobs.values() if cost.memory is not None), default=None)

    def disk(self, what: str) -> int | None:
        """Bytes of ``weights``, ``evidence`` or ``results``, of all that is measured; None where nothing is."""
        sizes = [getattr(cost, what) for cost in self.jobs.values()]
        known = [size for size in sizes if size is not None]
        return sum(known) if known or not sizes else None

    @property
    def checkpoints(self) -> int:
        """Bytes of checkpoints at once, at most: weights and best weights, two moments, and the file before it."""
        largest = max((cost.weights or 0 for cost in self.jobs.values()), default=0)
        return COPIES * largest * min(self.workers, len(self.jobs))


def forecast(plan: Plan, places: Places, rates: Rates, workers: int) -> Forecast:
    """Foresee the cells that can be run; those that are not indexed yet are not among them."""
    runnable = [planned for planned in plan.cells if planned.state in RUNNABLE]
    needs = Needs.of(runnable, places)
    foreseer = Foreseer(plan, places, rates, workers)
    jobs = {chain.key: foreseer.cost(chain) for chain in _chains(needs)}
    unmeasured = tuple(key for key, cost in jobs.items() if cost.seconds is None)
    machine = rates.of("machine", key_of(MACHINE), workers) or {}
    if len(jobs) <= workers:  # none begins with what an earlier one has left and imported
        later = round(machine.get("later_bytes", 0))
        jobs = {key: replace(cost, memory=cost.memory and cost.memory - later) for key, cost in jobs.items()}
    start_up = sum(machine.get(name, 0.0) for name in START_UP)
    seconds = None if unmeasured else wall_seconds(jobs, needs, workers, start_up)
    return Forecast(workers, jobs, seconds, unmeasured)


def chains_of(plan: Plan, places: Places) -> list[Chain]:
    """The jobs of a plan in the order they start."""
    return _chains(Needs.of([planned for planned in plan.cells if planned.state in RUNNABLE], places))


def _chains(needs: Needs) -> list[Chain]:
    chains = [chain_of_source(run) for run in needs.missing.values()]
    chains += [chain_of(planned) for planned in needs.ready]
    for waiting in needs.held.values():
        chains += [chain_of(planned) for planned in waiting]
    return chains


def chain_of_source(pretraining: Pretraining) -> Chain:
    """The job of a pretraining run."""
    stages = {stage.kind: stage for stage in pretraining.stages}
    return Chain(pretraining.train, pretraining.cell, pretraining.dataset, stages)


def chain_of(planned: Planned) -> Chain:
    """The job of a cell."""
    assert planned.dataset is not None
    return Chain(planned.cell.id, planned.cell, planned.dataset, {stage.kind: stage for stage in planned.stages})


def wall_seconds(jobs: Mapping[str, CellCost], needs: Needs, workers: int, start_up: float) -> float:
    """Seconds until the last job ends: each goes, in order, to the worker that is free first."""
    if not jobs:
        return 0.0
    free = [start_up] * min(workers, len(jobs))
    heapq.heapify(free)
    ends: dict[str, float] = {}

    def place(key: str, not_before: float) -> None:
        start = max(heapq.heappop(free), not_before)
        ends[key] = start + (jobs[key].seconds or 0.0)
        heapq.heappush(free, ends[key])

    for key in [*needs.missing, *(planned.cell.id for planned in needs.ready)]:
        place(key, 0.0)
    makers = {stage: job for job, stage in needs.makers.items()}
    for stage in sorted(needs.held, key=lambda stage: ends[makers[stage]]):
        for planned in needs.held[stage]:
            place(planned.cell.id, ends[makers[stage]])
    return max(ends.values())


@dataclass(slots=True)
class Foreseer:
    """Foresees jobs; what they share is worked out once, and a stage that two jobs need is paid by the first."""

    plan: Plan
    places: Places
    rates: Rates
    workers: int
    graph: Graph = field(init=False)
    finished: Finished = field(init=False)
    _sides: dict[tuple[str, str], dict[Split, Sides]] = field(default_factory=dict)
    _keys: dict[tuple[Any, ...], Mapping[str, str]] = field(default_factory=dict)
    _costs: dict[tuple[Any, ...], CellCost] = field(default_factory=dict)
    _images: dict[str, Stage] = field(default_factory=dict)
    _made: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.graph = Graph(self.plan.catalog)
        self.finished = Finished(self.places)

    def cost(self, chain: Chain) -> CellCost:
        """What a job costs beside those that were asked for before it."""
        left = [kind for kind, stage in self.with_images(chain).items() if self._is_left(stage)]
        met = (*_alike(chain), *left)
        if met not in self._costs:
            self._costs[met] = self._cost(chain, left)
        return self._costs[met]

    def with_images(self, chain: Chain) -> dict[str, Stage]:
        """The stages of a job with the image store that they read."""
        tiles = chain.stages["tiles"]
        if tiles.key not in self._images:
            self._images[tiles.key] = images_stage(tiles)
        return {"images": self._images[tiles.key], **chain.stages}

    def _cost(self, chain: Chain, left: Sequence[str]) -> CellCost:
        work, values = self._work(chain), self._values(chain)
        stages = self._seconds(left, work, values)
        known = [seconds for seconds in stages.values() if seconds is not None]
        learn, predict = values.get("learn"), values.get("predict")
        weights = 0 if "train" not in left else _times(learn, "weights_bytes", 2 if work.validations > 1 else 1)
        images = work.images["validation"] + work.images["test"]
        evidence = 0 if "predict" not in left else _times(predict, "evidence_bytes", images)
        if evidence is not None and "predict" in left:
            evidence += _times(predict, "map_bytes", min(MOST, work.images["test"])) or 0
        results = _times(values.get("machine"), "results_bytes", 1) if "predict" in chain.stages else 0
        return CellCost(
            seconds=sum(known) if len(known) == len(stages) else None,
            memory=memory_of(values.get("memory"), spent(chain.cell).batch),
            mapped=self.mapped(chain),
            weights=weights,
            evidence=evidence,
            results=results,
            stages=stages,
        )

    def _is_left(self, stage: Stage) -> bool:
        """Whether a stage is neither in the store nor made by an earlier job of this run."""
        if stage.key in self._made:
            return False
        self._made.add(stage.key)
        return stage.kind == "score" or self.finished.note(stage.kind, stage.key) is None

    def _seconds(self, left: Sequence[str], work: Work, values: Mapping[str, Values | None]) -> dict[str, float | None]:
        """Seconds of every stage that is left, in the units that each was measured in."""
        data, crops = values["data"], values["crops"]
        learn, predict, machine = values["learn"], values.get("predict"), values["machine"]
        again = 1.0 if self.delivery == "crops" else 0.0  # images are decoded wherever they are needed
        stages: dict[str, float | None] = {}
        if "images" in left and not again:
            stages["images"] = _sum(data, decode_mp_s=work.all_megapixels)
        if "tiles" in left:
            shown = work.megapixels["train"] + work.megapixels["validation"]
            stages["tiles"] = _sum(data, tiles_mp_s=shown, decode_mp_s=again * shown)
        if "crops" in left and work.crops:
            drawn = _sum(crops, crops_mp_s=work.megapixels["train"], crop_s=work.crops)
            decoded = _sum(data, decode_mp_s=again * work.megapixels["train"])
            stages["crops"] = None if drawn is None or decoded is None else drawn + decoded
        if "train" in left:
            seen = work.validations * work.validation_tiles
            stages["train"] = _sum(learn, step_s=work.steps, tile_s=seen, fit_s=1)
        if "predict" in left:
            scored = work.megapixels["validation"] + work.megapixels["test"]
            tiles = work.predicted_tiles
            stages["predict"] = _sum(predict, tile_s=tiles, evidence_mp_s=work.scored, ceiling_mp_s=scored, fixed_s=1)
        if "score" in left:
            stages["score"] = (machine or {}).get("rest_s", 0.0)
        return stages

    def _values(self, chain: Chain) -> dict[str, Values | None]:
        keys = self.keys(chain)
        values = {kind: self.rates.of(kind, key, self.workers) for kind, key in keys.items()}
        return {**values, "machine": self.rates.of("machine", key_of(MACHINE), self.workers)}

    def keys(self, chain: Chain) -> Mapping[str, str]:
        """Digests of the shapes of a chain."""
        met = _alike(chain)
        if met not in self._keys:
            self._keys[met] = {kind: key_of(shape) for kind, shape in self.shapes(chain).items()}
        return self._keys[met]

    def shapes(self, chain: Chain) -> dict[str, Shape]:
        """Kind of work to what its rate depends on."""
        data = self._data(chain)
        format, _ = self.graph.formats(chain.cell, data)
        return shapes_of(chain.cell, chain.stages, format.dtype, data.classes)

    @property
    def delivery(self) -> str:
        """How the run keeps its crops."""
        return self.plan.suite.runtime.delivery

    def _data(self, chain: Chain) -> IndexedData:
        """As much of the index as tells what images are like after preprocessing, and how large."""
        index = chain.dataset.index
        assert index is not None, "only what is indexed has stages"
        first = index.entries[0]
        sizes: dict[str, Mapping[tuple[int, int], int]] = dict(self.sides(chain).items())
        return IndexedData(index.fingerprint, "", first.channels, first.dtype, len(index.classes), sizes=sizes)

    def _work(self, chain: Chain) -> Work:
        cell = chain.cell
        component: Component[Any] = self.plan.catalog.find("model", cell.model.use).component
        return work_of(cell, self.sides(chain), learns=component.learns)

    def sides(self, chain: Chain) -> Mapping[Split, Sides]:
        """Heights and widths of the images of each split."""
        index, rule = chain.dataset.index, chain.cell.protocol.split
        assert index is not None
        where = (chain.dataset.locator, str(rule))
        if where not in self._sides:
            self._sides[where] = sides_of(index, assign(index, rule))
        return self._sides[where]

    def memory(self, chain: Chain) -> int | None:
        """The highest use of memory of a job; None where it was never measured."""
        values = self.rates.of("memory", self.keys(chain)["memory"], self.workers)
        return memory_of(values, spent(chain.cell).batch)

    def mapped(self, chain: Chain) -> int:
        """Bytes of files that training maps: the image store, or banks of crops and validation tiles."""
        data = self._data(chain)
        formats = self.graph.formats(chain.cell, data)
        return sum(need.bytes for need in storage_of(chain.cell, data, self.delivery, formats))


def _alike(chain: Chain) -> tuple[Any, ...]:
    """Equal for jobs of one plan that differ in their seed alone; a pretraining run is a job of fewer stages."""
    return (*combination_of(chain.cell), *chain.stages)


def memory_of(values: Values | None, batch: int) -> int | None:
    """The highest use of memory with crops of this batch: what the worker and the model take, and a share per crop."""
    if values is None or (batch != values["batch"] and "base_bytes" not in values):
        return None
    if batch == values["batch"]:
        return round(values["bytes"])
    fixed = min(values["bytes"], values["base_bytes"] + WEIGHTS_HELD * values["weights_bytes"])
    return round(fixed + (values["bytes"] - fixed) * batch / values["batch"])


def _sum(values: Values | None, **units: float) -> float | None:
    """Seconds of so many units of each name; None where one of them was never measured."""
    total = 0.0
    for name, amount in units.items():
        if values is None or name not in values:
            return None
        total += amount * values[name]
    return total


def _times(values: Values | None, name: str, number: int) -> int | None:
    return None if values is None or name not in values else round(number * values[name])
