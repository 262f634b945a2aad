"""A few steps of a cell on a few images, in a worker: what each kind of work takes here, alone or beside others.

The stages are those of a run (:mod:`bench.stages`), with fewer epochs, crops and images, in a store that is thrown
away; large images are cut down around a defect.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from bench.catalog import Catalog
from bench.data.index import DatasetIndex, build_index
from bench.data.statistics import is_defective
from bench.engine.learned import beyond_file, predicting_seconds, trained_seconds, values_of
from bench.engine.work import megapixels_of, sides_of, tiles_of
from bench.files import files_below
from bench.stages.cell_run import CellRun, Note, Step, finish
from bench.stages.crops import run_crops
from bench.stages.environment import device, threads
from bench.stages.filing import filed
from bench.stages.graph import Stage
from bench.stages.images import run_images
from bench.stages.indexing import Report
from bench.stages.jobs import Job
from bench.stages.pictures import draw_pictures
from bench.stages.predict import run_predict
from bench.stages.tiles import run_tiles
from bench.stages.train import run_train
from bench.store.home import Places
from bench.store.store import SCHEMA, write_json
from bench.threads import ordered
from bench.train.memory import PeakMemory
from bench.types import SPLITS, Dataset, JsonValue, Record, Sample, Split

SIDE = 1024
"""Larger images are cut to this side, or to twice the crop, before they are trained and predicted on."""
DECODED_S, DECODED = 1.0, 4
"""Seconds after which no more images are decoded for their rate, and the fewest."""
STEPS_S, MOST_STEPS = 2.0, 40
"""Seconds that the measured steps between two validations should take, and the most of them."""
MOST_VALIDATED = 16
"""Most validation images, where each has few tiles."""
CROPS = (16, 256)
"""Crops of the two draws whose difference is the time of a crop."""


@dataclass(frozen=True)
class Few:
    """Some images of a data set, cut to at most ``side``; a data set itself."""

    whole: Dataset
    ids: Sequence[str]
    side: int

    @property
    def classes(self) -> Sequence[str]:
        """Those of the whole data set."""
        return self.whole.classes

    def records(self) -> Sequence[Record]:
        """The records of these images; they name no files, because what is loaded is not what is in them."""
        return [replace(record, files=()) for record in self.whole.records() if record.id in set(self.ids)]

    def load(self, id: str) -> Sample:
        """Image and mask, cut around the first defect pixel."""
        sample = self.whole.load(id)
        found = np.argwhere((sample.mask > 0) & (sample.mask < 255))
        centre = found[len(found) // 2] if len(found) else np.array(sample.mask.shape) // 2
        places = [_window(int(at), length, self.side) for at, length in zip(centre, sample.mask.shape, strict=True)]
        rows, columns = places
        return replace(sample, image=sample.image[rows, columns].copy(), mask=sample.mask[rows, columns].copy())


def _window(at: int, length: int, side: int) -> slice:
    start = max(0, min(at - side // 2, length - side))
    return slice(start, start + side)


@dataclass(frozen=True)
class PilotRun(CellRun):
    """A cell on few images with few steps, in a store of its own."""

    whole: CellRun = field(kw_only=True)
    home: Path = field(kw_only=True)
    few: Mapping[Split, tuple[str, ...]] = field(kw_only=True)
    changed: Mapping[str, Mapping[str, JsonValue]] = field(kw_only=True)

    @cached_property
    def places(self) -> Places:
        """The store that is thrown away."""
        return Places(self.home, self.home, {})

    @cached_property
    def stages(self) -> dict[str, Stage]:
        """The chain with some facts changed; nothing is read of a pretraining run."""
        chain = {}
        for kind, stage in self.whole.stages.items():
            needs = {name: key for name, key in stage.needs.items() if name != "pretrain"}
            chain[kind] = replace(stage, facts={**stage.facts, **self.changed.get(kind, {})}, needs=needs)
        return chain

    @cached_property
    def dataset(self) -> Dataset:
        """The few images."""
        ids = [id for split in SPLITS for id in self.few[split]]
        size = self.whole.stages["tiles"].facts["size"]
        assert isinstance(size, int)
        return Few(self.whole.dataset, ids, max(SIDE, 2 * size))

    @cached_property
    def index(self) -> DatasetIndex:
        """An index of the few images."""
        return build_index(self.whole.index.dataset, self.dataset, workers=1)

    @cached_property
    def splits(self) -> Mapping[str, Split]:
        """As in the whole data set."""
        return {id: split for split in SPLITS for id in self.few[split]}

    def check_data(self) -> None:
        """Nothing is kept of what is read."""


def run_pilot(job: Job, catalog: Catalog, report: Report) -> None:
    """Measure the kinds of work that ``job.pilot`` names and write their values to the file that it names."""
    waited = time.time() - job.pilot["submitted"]
    started = time.perf_counter()
    whole = CellRun(job, catalog, report)
    whole.images("train")
    whole.check_data()
    opened = time.perf_counter() - started
    parts = set(job.pilot["parts"])
    values: dict[str, dict[str, float]] = {}
    with TemporaryDirectory(prefix="bench-pilot-") as place:
        pilot = _Pilot(whole, Path(place))
        if parts & {"learn", "predict", "machine", "data"}:
            values = pilot.cell()
            values["data"]["decode_mp_s"] = decoding_rate(whole)
            values["machine"]["rest_s"] += opened
            values["machine"]["startup_s"] += waited
        if "crops" in parts:
            values["crops"] = pilot.crops()
    write_json(Path(job.pilot["to"]), {"schema": SCHEMA, "values": values})


def decoding_rate(whole: CellRun) -> float:
    """Seconds to decode and preprocess a megapixel of this data set, on the threads that this worker may use."""
    entries = whole.images("train").entries
    chosen = [entries[place] for place in np.linspace(0, len(entries) - 1, min(len(entries), 32)).astype(int)]
    whole.decoded.prepared(chosen[0].id)  # the first one loads what is needed
    started, seen = time.perf_counter(), 0.0
    at_once = max(DECODED, threads())
    for first in range(0, len(chosen), at_once):
        some = chosen[first : first + at_once]
        for _ in ordered(lambda entry: whole.decoded.prepared(entry.id).mask.shape, some, threads()):
            pass
        seen += sum(entry.height * entry.width for entry in some) / 1e6
        if time.perf_counter() - started > DECODED_S:
            break
    return (time.perf_counter() - started) / seen


@dataclass(frozen=True)
class _Pilot:
    """Makes small runs of a cell, each in a folder of its own."""

    whole: CellRun
    place: Path

    def cell(self) -> dict[str, dict[str, float]]:
        """A run of one step to warm up, which tells how many steps to take, and one that is measured."""
        warm = self._run("warm", epochs=1, steps=1, every=1)
        steps = max(1, min(MOST_STEPS, round(STEPS_S / max(warm.note("train").get("step_s") or 0.0, 1e-3))))
        made = self._run("measured", epochs=3, steps=steps, every=2)
        values = made.values()
        usual = made.seconds - (3 * steps - 1) * values["learn"].get("step_s", 0.0)
        values["machine"]["startup_s"] = max(0.0, warm.seconds - usual)
        values["machine"]["later_bytes"] = max(0, made.peak - warm.peak)
        return values

    def crops(self) -> dict[str, float]:
        """Seconds for a megapixel that the strategy looks at, and for a crop.

        Raises:
            BenchError: the strategy finds nothing to draw on so few images.
        """
        runs = [self._small(f"crops{number}", {"crops": {"crops": number}}) for number in (CROPS[0], *CROPS)]
        for run in runs:
            finish(run, "tiles", run_tiles)
            finish(run, "crops", run_crops)
        few, many = (beyond_file(run.note("crops")) for run in runs[1:])
        each = max(0.0, (many - few) / (CROPS[1] - CROPS[0]))
        return {
            "crops_mp_s": max(0.0, few - CROPS[0] * each)
            / megapixels_of(sides_of(runs[0].index, runs[0].splits)["train"]),
            "crop_s": each,
        }

    def _run(self, name: str, *, epochs: int, steps: int, every: int) -> _Small:
        """Every stage of a cell, one after the other."""
        recipe: dict[str, Any] = {**self.whole.stages["train"].facts["recipe"]}
        recipe |= {"epochs": epochs, "epoch_crops": steps * recipe["batch"], "validate_every": every, "budget": "fixed"}
        changed = {
            "crops": {"crops": 2 * recipe["batch"], "crop": {"use": "uniform", "settings": {}}},
            "train": {"recipe": recipe},
            "predict": {"threshold": "best-f1"},
        }
        run = self._small(name, changed)
        spent: dict[str, float] = {}
        peak = None
        base = PeakMemory(device(run.threads)).read().bytes
        for kind, step in STEPS.items():
            started = time.perf_counter()
            if kind == "predict":
                peak = PeakMemory(device(run.threads))
            finish(run, kind, step)
            spent[kind] = time.perf_counter() - started
        assert peak is not None
        highest = peak.read().bytes
        started = time.perf_counter()
        self._file(run)
        spent["rest"] = time.perf_counter() - started
        return _Small(run, spent, base, highest)

    def _file(self, run: PilotRun) -> None:
        """Record and pictures, as of any cell."""
        kinds = ("tiles", "crops", "train", "predict")
        path = run.home / "results" / "cells" / "cell.json"
        record = filed(run, {kind: run.note(kind) for kind in kinds}, path)
        draw_pictures(run, record, path.with_suffix(""))

    def _small(self, name: str, changed: Mapping[str, Mapping[str, Any]]) -> PilotRun:
        return few_run(self.whole, self.place / name, changed)


def few_run(whole: CellRun, home: Path, changed: Mapping[str, Mapping[str, Any]]) -> PilotRun:
    """A cell on few of its images in a store of its own; ``changed`` are facts of its stages, by kind."""
    return PilotRun(
        whole.job, whole.catalog, whole.report, whole=whole, home=home, few=few_images(whole), changed=changed
    )


STEPS: Mapping[str, Step] = {
    "images": run_images,
    "tiles": run_tiles,
    "crops": run_crops,
    "train": run_train,
    "predict": run_predict,
}
"""The stages of a pilot in their order."""


@dataclass(frozen=True)
class _Small:
    """A small run that is done: seconds by stage, use of memory before it and the highest while it predicted."""

    run: PilotRun
    spent: Mapping[str, float]
    base: int
    highest: int

    @property
    def peak(self) -> int:
        """The highest use of memory of its training and prediction, in bytes."""
        return max(int(self.note("train").get("peak_memory_bytes", 0)), self.highest)

    @property
    def batch(self) -> int:
        """Crops per step."""
        return int(self.run.stages["train"].facts["recipe"]["batch"])

    def note(self, kind: str) -> Note:
        """What a stage left."""
        return self.run.note(kind)

    @property
    def seconds(self) -> float:
        """Of everything."""
        return sum(self.spent.values())

    def values(self) -> dict[str, dict[str, float]]:
        """Seconds per unit of work, and bytes, by kind."""
        note = self.note("train")
        notes = {kind: self.note(kind) for kind in ("tiles", "predict")}
        notes["train"] = {**note, "size": self.run.stages["tiles"].facts["size"]}
        values = values_of(notes, sides_of(self.run.index, self.run.splits))
        trained = trained_seconds(note)
        if note["fitted"]:
            values["memory"] = {"bytes": self.peak, "base_bytes": self.base, "batch": self.batch}
            values["memory"]["weights_bytes"] = values["learn"]["weights_bytes"]
        values["learn"]["fit_s"] = max(0.0, self.spent["train"] - trained)
        values["predict"]["fixed_s"] = max(0.0, self.spent["predict"] - predicting_seconds(self.note("predict")))
        results = sum(path.stat().st_size for path in files_below(self.run.home / "results"))
        values["machine"] = {"rest_s": self.spent["rest"], "results_bytes": results}
        return values


def few_images(whole: CellRun) -> dict[Split, tuple[str, ...]]:
    """Two images for training and two for testing, and enough for a batch of validation tiles; with defects first."""
    size, batch = whole.stages["tiles"].facts["size"], whole.stages["train"].facts["recipe"]["batch"]
    chosen: dict[Split, tuple[str, ...]] = {}
    for split in SPLITS:
        entries = sorted(whole.images(split).entries, key=lambda entry: not is_defective(entry))
        wanted = 2
        if split == "validation":
            side = max(SIDE, 2 * size)
            tiles = tiles_of(Counter({(min(entries[0].height, side), min(entries[0].width, side)): 1}), size, 0.0)
            wanted = min(MOST_VALIDATED, max(2, -(-batch // tiles)))
        chosen[split] = tuple(entry.id for entry in entries[:wanted])
    return chosen
