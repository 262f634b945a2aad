"""A few steps of a cell on a few images, in a worker: what each kind of work takes here, alone or beside others.

The stages are those of a run (:mod:`bench.stages`), with fewer epochs, crops and images (:mod:`bench.engine.few`).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from bench.catalog import Catalog
from bench.crops.images import IMAGES, build_images
from bench.engine.few import FewRun, few_run
from bench.engine.learned import FILE_S, beyond_file, predicting_seconds, trained_seconds, values_of
from bench.engine.work import megapixels_of, sides_of
from bench.files import files_below
from bench.jobs import Job, Report
from bench.stages.cell_run import CellRun, Note, Step, finish
from bench.stages.crops import run_crops
from bench.stages.environment import device, threads
from bench.stages.filing import filed
from bench.stages.images import run_images
from bench.stages.predict import run_predict
from bench.stages.tiles import run_tiles
from bench.stages.train import run_train
from bench.store.store import SCHEMA, write_json
from bench.train.memory import PeakMemory

STORED_S, STORED = 1.0, (4, 32)
"""Seconds that storing images for their rate should take, and the fewest and the most of them."""
STEPS_S, MOST_STEPS = 2.0, 40
"""Seconds that the measured steps between two validations should take, and the most of them."""
CROPS = (16, 256)
"""Crops of the two draws whose difference is the time of a crop."""


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
            values["data"]["decode_mp_s"] = storing_rate(whole, Path(place))
            values["machine"]["rest_s"] += opened
            values["machine"]["command_s"] = job.pilot["command_s"] + waited
        if "crops" in parts:
            values["crops"] = pilot.crops()
    write_json(Path(job.pilot["to"]), {"schema": SCHEMA, "values": values})


def storing_rate(whole: CellRun, place: Path) -> float:
    """Seconds to decode, preprocess and store a megapixel of this data set, on the threads that this worker may use."""
    index = whole.images("train")
    fewest, most = STORED
    images = len(index.entries)
    chosen = [index.entries[at] for at in np.linspace(0, images - 1, min(images, most)).astype(int)]
    whole.decoded.prepared(chosen[0].id)  # the first one loads what is needed
    started = time.perf_counter()
    whole.decoded.prepared(chosen[-1].id)
    number = round(STORED_S / (time.perf_counter() - started))
    some = replace(index, entries=tuple(chosen[: max(fewest, number)]))
    started = time.perf_counter()
    build_images(place / IMAGES, key="", index=some, source=whole.decoded, provenance={}, workers=threads())
    seconds = time.perf_counter() - started
    return max(0.0, seconds - FILE_S) / (sum(entry.height * entry.width for entry in some.entries) / 1e6)


@dataclass(frozen=True)
class _Pilot:
    """Makes small runs of a cell, each in a folder of its own."""

    whole: CellRun
    place: Path

    def cell(self) -> dict[str, dict[str, float]]:
        """A run of two steps to warm up, which tells how many steps to take, and one that is measured."""
        warm = self._run("warm", epochs=2, steps=1, every=2)
        steps = max(1, min(MOST_STEPS, round(STEPS_S / max(warm.note("train").get("step_s") or 0.0, 1e-3))))
        made = self._run("measured", epochs=3, steps=steps, every=2)
        values = made.values()
        values["machine"]["startup_s"] = max(0.0, warm.seconds - made.seconds_of(warm))
        begun = made.base - warm.trained  # what its worker holds more than one in its first training
        values["machine"]["later_bytes"] = max(0, made.peak - max(warm.peak, made.train_peak - begun))
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
        on = device(run.threads)
        base = PeakMemory(on).read().bytes
        for kind, step in STEPS.items():
            started = time.perf_counter()
            finish(run, kind, step)
            spent[kind] = time.perf_counter() - started
            if kind == "train":
                judging = PeakMemory(on)
                trained = judging.read().bytes
        started = time.perf_counter()
        self._file(run)
        spent["rest"] = time.perf_counter() - started
        return _Small(run, spent, base, trained, judging.read().bytes)

    def _file(self, run: FewRun) -> None:
        """Record and pictures, as of any cell."""
        kinds = ("tiles", "crops", "train", "predict")
        path = run.home / "results" / "cells" / "cell.json"
        filed(run, {kind: run.note(kind) for kind in kinds}, path)

    def _small(self, name: str, changed: Mapping[str, Mapping[str, Any]]) -> FewRun:
        return few_run(self.whole, self.place / name, changed)


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
    """A small run that is done: seconds by stage; bytes in use before it, after training and at the highest since."""

    run: FewRun
    spent: Mapping[str, float]
    base: int
    trained: int
    judge_peak: int

    @property
    def train_peak(self) -> int:
        """The highest use of memory of its training, in bytes."""
        return int(self.note("train").get("peak_memory_bytes", 0))

    @property
    def peak(self) -> int:
        """The highest use of memory from its training on, in bytes."""
        return max(self.train_peak, self.judge_peak)

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

    def seconds_of(self, other: _Small) -> float:
        """Seconds that another run on the same images takes at the pace of this one."""
        mine, theirs = self.note("train"), other.note("train")
        again = 0.0
        if mine["fitted"]:
            pace = {name: mine[name] for name in ("step_s", "validation_s")}
            again = trained_seconds({**theirs, **pace}) - trained_seconds(mine)
        mine, theirs = self.note("predict"), other.note("predict")
        predicted = theirs["images"] / mine["images"]
        return float(self.seconds + again + (predicted - 1) * mine["predict_s"])

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
