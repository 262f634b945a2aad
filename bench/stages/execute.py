"""What a worker does for a cell: finish each stage of its chain, then file the record.

Every function takes a stage, the workshop, and an empty folder, fills the folder, and returns the stage's note.
Torch is imported by the stages that need it, so a worker that only indexes stays light.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.catalog import Catalog
from bench.component import build
from bench.crops.bank import Bank, build_bank, build_tiles, open_bank
from bench.crops.prepare import Source
from bench.data.index import DatasetIndex
from bench.data.index_file import is_current, read_index
from bench.data.splits import assign, restricted, split_digest
from bench.errors import StoreError
from bench.stages.graph import Stage, from_json
from bench.stages.indexing import listed, open_dataset, split_rule
from bench.stages.jobs import Job
from bench.stages.kinds import kind_of
from bench.stages.provenance import provenance, threads
from bench.store.home import Places
from bench.store.records import write_record
from bench.store.store import finish_stage, stage_note
from bench.types import Dataset, JsonValue, Split, Task

Report = Callable[[str, int, int, str], None]
Note = Mapping[str, JsonValue]

TILES, CROPS = "tiles.h5", "crops.h5"
BEST, LAST, HISTORY = "best.safetensors", "last.safetensors", "history.json"


@dataclass(frozen=True)
class Workshop:
    """Everything the stages of one job share: components, the data set, its splits, finished stages."""

    job: Job
    catalog: Catalog
    report: Report

    @cached_property
    def stages(self) -> dict[str, Stage]:
        """The job's chain by kind."""
        return {stage.kind: stage for stage in from_json(self.job.stages)}

    @cached_property
    def places(self) -> Places:
        """Folders of the store."""
        return Places(Path(self.job.home), Path(self.job.record).parent, {})

    @cached_property
    def dataset(self) -> Dataset:
        """The data set, opened."""
        return open_dataset(self.catalog, self.job.data)

    @cached_property
    def index(self) -> DatasetIndex:
        """The index that the keys were made from.

        Raises:
            StoreError: it changed since the plan was made.
        """
        index = read_index(Path(self.job.data.index))
        if index.fingerprint != self.stages["tiles"].facts["data"]:
            raise StoreError(f"data set {index.dataset!r} changed while the suite ran; run the suite again")
        return index

    def check_data(self) -> None:
        """Refuse to file what was read from files that are no longer those of the index.

        Raises:
            StoreError: a file of the data set changed while a stage was at work.
        """
        records = listed(self.dataset, self.job.data.use)
        if all(record.files for record in records) and not is_current(Path(self.job.data.index), records):
            raise StoreError(f"data set {self.index.dataset!r} changed while the suite ran; run the suite again")

    @cached_property
    def splits(self) -> Mapping[str, Split]:
        """Image id to split, as the keys were made from."""
        made = assign(self.index, split_rule(self.job.data.split))
        if split_digest(made) != self.stages["tiles"].facts["split"]:
            raise StoreError(f"the split of {self.index.dataset!r} changed while the suite ran; run the suite again")
        return made

    def images(self, split: Split) -> DatasetIndex:
        """The index of one split."""
        return restricted(self.index, self.splits, split)

    @cached_property
    def source(self) -> Source:
        """Decoded and preprocessed images."""
        chain = [self.built("preprocess", ref) for ref in self.stages["tiles"].facts["preprocess"]]
        return Source(self.dataset, chain)

    def built(self, kind: str, used: Mapping[str, Any], *context: Any) -> Any:
        """Build a component from the facts of a key."""
        component = self.catalog.find(kind, used["use"]).component
        return build(component, *context, settings=used["settings"])

    def folder(self, kind: str) -> Path:
        """Folder of a stage of this chain."""
        return self.places.stage(kind, self.stages[kind].key)

    def note(self, kind: str) -> Note:
        """What a finished stage of this chain left behind."""
        note = stage_note(self.folder(kind))
        assert note is not None, f"{kind} runs before the stages that read it"
        return note

    def counted(self, kind: str) -> Callable[[int, int], None]:
        """Progress of one stage as a plain callback."""
        return lambda done, total: self.report(kind, done, total, "")

    @cached_property
    def task(self) -> Task:
        """Channels in, classes out."""
        return Task(*self.stages["train"].facts["task"])

    def bank(self, kind: str) -> Bank:
        """The open bank of ``tiles`` or ``crops``."""
        return open_bank(self.folder(kind) / (TILES if kind == "tiles" else CROPS))


def run_cell(job: Job, catalog: Catalog, report: Report) -> None:
    """Finish every stage of a cell and file its record; a job without a record ends with the weights."""
    workshop = Workshop(job, catalog, report)
    notes = learn(workshop)
    if not job.record:
        return
    from bench.stages.learning import run_predict

    notes["predict"] = _finished(workshop, workshop.stages["predict"], run_predict)
    from bench.stages.filing import cell_record
    from bench.stages.pictures import draw_pictures

    record = cell_record(workshop, notes)
    path = Path(job.record)
    write_record(path, record)
    pictures = path.with_suffix("")
    try:
        drawn = draw_pictures(workshop, record, pictures)
    except Exception as error:  # a score is never lost to its picture
        write_record(path, record.changed(pictures_missing=f"{type(error).__name__}: {error}"))
    else:
        write_record(path, record.changed(pictures=[f"{pictures.name}/{name}" for name in drawn]))


def learn(workshop: Workshop) -> dict[str, Note]:
    """Finish the stages that give a cell's weights; crops are drawn only where something is trained on them."""
    from bench.stages.learning import run_train

    notes = {"tiles": _finished(workshop, workshop.stages["tiles"], run_tiles)}
    notes["train"] = _finished(workshop, workshop.stages["train"], run_train)
    if notes["train"]["fitted"]:
        notes["crops"] = workshop.note("crops")
    return notes


def drawn(workshop: Workshop) -> Bank:
    """The bank of training crops, drawn first where it is not on disk."""
    _finished(workshop, workshop.stages["crops"], run_crops)
    return workshop.bank("crops")


def _finished(workshop: Workshop, stage: Stage, step: Callable[[Workshop, Stage, Path], Note]) -> Note:
    """The note of a stage, doing it first if it is not on disk."""

    def write(folder: Path) -> Note:
        workshop.report(stage.kind, 0, 1, "")
        started = time.perf_counter()
        note = step(workshop, stage, folder)
        seconds = time.perf_counter() - started
        workshop.check_data()
        return {
            "kind": stage.kind,
            "key": stage.key,
            "facts": stage.facts,
            "needs": stage.needs,
            "seconds": seconds,
            "provenance": provenance(),
            **note,
        }

    return finish_stage(workshop.places.stage(stage.kind, stage.key), write)


def run_tiles(workshop: Workshop, stage: Stage, folder: Path) -> Note:
    """Store the fixed validation tiles, mean and deviation of the training images, and the kind of those as read."""
    build_tiles(
        folder / TILES,
        key=stage.key,
        training=workshop.images("train"),
        validation=workshop.images("validation"),
        source=workshop.source,
        size=stage.facts["size"],
        provenance=provenance(),
        workers=threads(),
        progress=workshop.counted("tiles"),
    )
    return {"images": asdict(kind_of(workshop.index))}


def run_crops(workshop: Workshop, stage: Stage, folder: Path) -> Note:
    """Draw and store the training crops."""
    facts = stage.facts
    strategy = workshop.built("crop", facts["crop"], facts["size"])
    elsewhere = {e.group for split in ("validation", "test") for e in workshop.images(split).entries}
    build_bank(
        folder / CROPS,
        key=stage.key,
        index=workshop.images("train"),
        source=workshop.source,
        strategy=strategy,
        size=facts["size"],
        crops=facts["crops"],
        seed=facts["seed"],
        provenance=provenance(),
        workers=threads(),
        progress=workshop.counted("crops"),
        other_groups=elsewhere,
    )
    drawn = open_bank(folder / CROPS).provenance["draw"]
    return {"draw": drawn, "inert": drawn["inert"]}
