"""One cell at work: what its stages share, and how each is finished once."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.catalog import Catalog
from bench.component import build
from bench.crops.prepare import Source
from bench.data.index import DatasetIndex
from bench.data.index_file import is_current, read_index
from bench.data.splits import assign, restricted, split_digest
from bench.data.verified import Verified
from bench.errors import StoreError
from bench.jobs import Job, Report
from bench.stages.graph import Stage, from_json, images_stage
from bench.stages.indexing import listed, open_dataset, split_rule
from bench.stages.provenance import provenance
from bench.store.home import Places
from bench.store.store import Event, always, finish_stage, stage_note
from bench.threads import Progress
from bench.train.stop import Stop
from bench.types import Dataset, JsonValue, Split, Task

Note = Mapping[str, JsonValue]

TILES, CROPS = "tiles.h5", "crops.h5"
BEST, LAST = "best.safetensors", "last.safetensors"


@dataclass(frozen=True)
class CellRun:
    """Everything the stages of one cell share: components, the data set, its splits, finished stages."""

    job: Job
    catalog: Catalog
    report: Report
    stop: Stop = field(default_factory=Stop)

    @cached_property
    def stages(self) -> dict[str, Stage]:
        """The job's chain by kind, with the image store that it reads."""
        chain = {stage.kind: stage for stage in from_json(self.job.stages)}
        return {"images": images_stage(chain["tiles"]), **chain}

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
        path = Path(self.job.data.index)
        index = read_index(path) if path.is_file() else None
        if index is None or index.fingerprint != self.stages["tiles"].facts["data"]:
            raise StoreError(f"data set {self.job.data.use!r} changed while the suite ran; run the suite again")
        return index

    @cached_property
    def verified(self) -> Verified:
        """The data set, of which only what is in the index is read."""
        return Verified(self.dataset, self.index, Path(self.job.data.index))

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
    def decoded(self) -> Source:
        """Images decoded and preprocessed on the way; all stages but ``images`` read them from the store."""
        chain = [self.built("preprocess", ref) for ref in self.stages["tiles"].facts["preprocess"]]
        return Source(self.verified, chain)

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

    def counted(self, kind: str) -> Progress:
        """Progress of one stage as a plain callback."""
        return lambda done, total: self.report(kind, done, total, "")

    @property
    def threads(self) -> int:
        """Threads of an operation that the recipe asks for."""
        return threads_of(self.stages["train"].facts)

    @cached_property
    def task(self) -> Task:
        """Channels in, classes out."""
        return Task(*self.stages["train"].facts["task"])


def threads_of(train: Mapping[str, Any]) -> int:
    """Threads of an operation that the recipe asks for, by the facts of its train stage."""
    asked: int = train["recipe"].get("threads", 1)
    return asked


def last_is_best(history: Sequence[Mapping[str, Any]], best_epoch: int) -> bool:
    """Whether the weights of the last step are the best ones, and so not stored beside them."""
    return not history or best_epoch == history[-1]["epoch"]


Step = Callable[[CellRun, Stage, Path], Note]
"""Does one stage: fills an empty folder and returns the stage's note."""


def finish(run: CellRun, kind: str, step: Step, serves: Callable[[Path], bool] = always) -> Note:
    """The note of a stage, doing it first if it is not on disk, or what is there in its folder does not serve."""
    stage = run.stages[kind]

    def write(folder: Path) -> Note:
        run.report(kind, 0, 1, "")
        started = time.perf_counter()
        note = step(run, stage, folder)
        seconds = time.perf_counter() - started
        run.check_data()
        return {
            "kind": kind,
            "key": stage.key,
            "facts": stage.facts,
            "needs": stage.needs,
            "reads": _reads(run, kind),
            "seconds": seconds,
            "provenance": provenance(run.threads),
            **note,
        }

    def tell(event: Event, text: str) -> None:
        if event == "filed":
            run.report(kind, 1, 1, event)
        else:
            run.report(event, 0, 1, f"{kind}: {text}")

    return finish_stage(run.folder(kind), write, serves, tell)


def _reads(run: CellRun, kind: str) -> dict[str, str]:
    """What a stage has read that no key knows of: the image store, where there is one."""
    stored = kind != "images" and stage_note(run.folder("images")) is not None
    return {"images": run.stages["images"].key} if stored else {}
