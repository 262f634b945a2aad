"""Latency: what it takes to predict one image, by a trained cell of a run or by a model as it is built."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from bench.canonical import digest
from bench.catalog import Catalog
from bench.component import build
from bench.data.index import IndexedImage, loaded
from bench.data.splits import assign, restricted
from bench.engine.rates import Rates, key_of, rates_of
from bench.perf.measure import QUIET, Limits, Measured, Timed, measure
from bench.perf.reference import Reference
from bench.perf.rounds import Load, Process, Rounds
from bench.record import Latency, Record
from bench.runs.predict import Trained, load_trained
from bench.stages.environment import operation_threads
from bench.stages.opening import Opened, open_indexed
from bench.stages.provenance import device_name
from bench.store.home import Places
from bench.suite.cells import Cell
from bench.suite.schema import Ref, Runtime
from bench.threads import Progress, silent
from bench.train.device import choose_device, settle
from bench.train.forward import place
from bench.train.randomness import initialised
from bench.types import Image, Task

if TYPE_CHECKING:
    import torch

REFERENCE = "reference"
"""The kind of rate under which the fastest reference load is kept."""
OF_RECIPE, OF_PROTOCOL = ("batch", "precision", "threads"), ("split", "tiles")
OF_AXES = ("dataset", "preprocess", "crop_size", "model")
"""What of a cell's settings decides how long its prediction takes; all else is in its weights."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What predicts an image, and the cells whose latency that is: they differ in their weights alone."""

    name: str
    trained: Trained
    threads: int
    image: Image
    cells: tuple[Record, ...] = ()

    @property
    def megapixels(self) -> float:
        """Of the image."""
        height, width = self.image.shape[:2]
        return float(height * width / 1e6)

    def on(self, device: torch.device) -> Subject:
        """The subject on a device."""
        return replace(self, trained=replace(self.trained, model=place(self.trained.model, device), device=device))

    def batched(self, batch: int) -> Subject:
        """The subject with so many tiles at once."""
        return replace(self, trained=replace(self.trained, batch=batch))

    def load(self) -> Load:
        """Predicting the image; the probabilities come back to the host, so it waits for the device."""
        return Load(self.name, self.threads, lambda: self.trained.probabilities(self.image, self.name))


@dataclass(frozen=True, slots=True)
class ModelImage:
    """The image and the tiles that a model without a cell is timed with."""

    height: int
    width: int
    channels: int
    tile: int
    overlap: float
    batch: int
    precision: Literal["float32", "bf16"]
    threads: int


def subject_of_model(name: str, ref: Ref, catalog: Catalog, image: ModelImage) -> Subject:
    """A model as it is built, with one class, on an image of noise."""
    settings = dict(ref.settings)
    if "pretrained" in settings:
        settings["pretrained"] = False  # weights decide no time; nothing is fetched
    task = Task(image.channels, 1)
    component = catalog.find("model", ref.use).component
    model: torch.nn.Module = initialised(lambda: build(component, task, settings=settings), 0)
    shape = image.height, image.width, image.channels
    trained = Trained(
        model=model.eval(),
        kinds=(),
        chain=(),
        mean=[127.5] * image.channels,
        std=[73.6] * image.channels,  # of uniform noise
        task=task,
        tiles={"size": image.tile, "overlap": image.overlap},
        precision=image.precision,
        batch=image.batch,
        threshold=500,
        device=choose_device("cpu"),
    )
    noise = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    return Subject(name, trained, operation_threads(image.threads), noise)


@dataclass(slots=True)
class Subjects:
    """Makes subjects of cells: one of all cells that differ in nothing that decides how long they take."""

    catalog: Catalog
    places: Places
    progress: Progress = silent
    _opened: dict[str, Opened] = field(default_factory=dict)

    def of(self, cells: Iterable[tuple[Cell, Record]]) -> list[Subject]:
        """Subjects of finished cells with their records.

        Raises:
            StoreError: a stage of one of them is not in the store.
            DataError: its data set is not here.
        """
        alike: dict[str, list[tuple[Cell, Record]]] = {}
        for cell, record in cells:
            alike.setdefault(shape_of(record), []).append((cell, record))
        return [self._subject(members) for members in alike.values()]

    def _subject(self, members: Sequence[tuple[Cell, Record]]) -> Subject:
        cell, record = members[0]
        trained = load_trained(record, self.catalog, self.places)
        name = f"{cell.labels['model']} {cell.id[:8]}"
        threads = operation_threads(cell.recipe.threads)
        return Subject(name, trained, threads, self._image(cell), tuple(record for _, record in members))

    def _image(self, cell: Cell) -> Image:
        """The test image of middle size, as it is decoded."""
        named = digest(cell.dataset.model_dump(mode="json"))
        if named not in self._opened:
            self._opened[named] = open_indexed(self.catalog, cell.dataset, self.places, self.progress)
        opened = self._opened[named]
        test = restricted(opened.index, assign(opened.index, cell.protocol.split), "test")
        by_size = sorted(test.entries, key=_pixels)
        return loaded(opened.index.dataset, opened.dataset, by_size[len(by_size) // 2].id).image


def _pixels(entry: IndexedImage) -> int:
    return entry.height * entry.width


def shape_of(record: Record) -> str:
    """A digest of all that decides how long a cell's prediction takes, apart from the machine."""
    axes = record.cell.axes if record.cell else {}
    parts = ((axes, OF_AXES), (record.recipe, OF_RECIPE), (record.protocol, OF_PROTOCOL))
    return digest([{name: tree.get(name) for name in names} for tree, names in parts])


@dataclass(frozen=True, slots=True)
class Infer:
    """How subjects were timed: each with what it takes, on which device, beside which pace of the reference."""

    subjects: Sequence[Subject]
    measured: Measured
    device: str
    machine: str

    def timed(self, subject: Subject) -> Timed:
        """What a subject takes."""
        return self.measured.loads[subject.name]

    def latency(self, subject: Subject, record: Record) -> Latency:
        """The latency of one of its cells, as it is kept."""
        timed = self.timed(subject)
        return Latency(
            predict=str(record.keys["predict"]),
            date=time.strftime("%Y-%m-%d"),
            machine=self.machine,
            device=self.device,
            threads=subject.threads,
            batch=subject.trained.batch,
            megapixels=subject.megapixels,
            p50_s=timed.p50_s,
            p95_s=timed.p95_s,
            ratio=timed.ratio,
            noise=timed.noise,
            processes=self.measured.processes,
        )

    def latencies(self) -> dict[str, list[Latency]]:
        """Those of all cells, by id."""
        return {record.id: [self.latency(each, record)] for each in self.subjects for record in each.cells}


def rounds_of(subjects: Sequence[Subject], device: str | None) -> Rounds:
    """Rounds of the subjects on a device, in this process.

    Raises:
        TrainingError: there is no such device.
    """
    where = choose_device(device)
    settle()
    return Rounds([subject.on(where).load() for subject in subjects], where, Reference(where))


def infer(
    subjects: Sequence[Subject],
    home: Path,
    *,
    start: Callable[[], Process],
    device: str | None,
    patience_s: float,
    told: Callable[[int, int], None] = silent,
    limits: Limits = QUIET,
) -> Infer:
    """Time all subjects in turns; ``told`` hears how many spells were quiet, of how many.

    ``start`` starts a process with ``rounds_of`` these subjects on this device; here they are placed on none. The
    fastest pace of the reference is remembered for this machine and device.

    Raises:
        NotQuiet: other things ran, or processes differed by more than a figure may.
        TrainingError: there is no such device.
    """
    where = str(choose_device(device))
    rates = rates_of(home, Runtime(device=where))
    measured = measure(
        start,
        [subject.load() for subject in subjects],
        fastest=_fastest(rates, subjects),
        patience_s=patience_s,
        told=told,
        limits=limits,
    )
    _remember(rates, measured.reference)
    return Infer(subjects, measured, device_name(where), digest(dict(rates.machine)))


def _fastest(rates: Rates, subjects: Iterable[Subject]) -> Mapping[int, float]:
    """Seconds of the reference in the quickest measurement made here, by threads."""
    known = {}
    for threads in {subject.threads for subject in subjects}:
        values = rates.of(REFERENCE, key_of({"threads": threads}), 1)
        if values is not None:
            known[threads] = values["fastest_s"]
    return known


def _remember(rates: Rates, reference: Mapping[int, float]) -> None:
    for threads, seconds in reference.items():
        key = key_of({"threads": threads})
        before = rates.of(REFERENCE, key, 1) or {"fastest_s": seconds}
        rates.learn(REFERENCE, key, 1, {"fastest_s": min(seconds, before["fastest_s"])})
    rates.write()
