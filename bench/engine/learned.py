"""Rates from the notes of finished stages: seconds and bytes, divided by the work that was done."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from statistics import fmean
from typing import Any

from bench.engine.forecast import Foreseer, chain_of, chains_of
from bench.engine.plan import Plan, Planned
from bench.engine.rates import MACHINE, Rates, key_of
from bench.engine.work import Sides, megapixels_of, tiles_of
from bench.errors import StoreError
from bench.stages.graph import Stage
from bench.stages.shown import MOST, SHOWN
from bench.store.finished import Finished
from bench.store.home import Places
from bench.store.store import stage_note
from bench.train.memory import DEVICE
from bench.types import Split


class Learner:
    """Takes rates from the stages that a run makes, so that the next plan knows them without a pilot."""

    def __init__(self, plan: Plan, places: Places, rates: Rates, workers: int) -> None:
        self._foreseer = Foreseer(plan, places, rates, workers)
        self._rates = rates
        self._workers = workers
        self._new: set[str] = set()
        self._rest: list[float] = []
        finished = Finished(places)
        stages: dict[str, Stage] = {}
        for chain in chains_of(plan, places):
            stages |= {stage.key: stage for stage in self._foreseer.with_images(chain).values()}
        for key, stage in stages.items():
            if finished.note(stage.kind, key) is None:
                self._new.add(key)

    def ended(self, planned: Planned, seconds: float) -> None:
        """Look at what a finished cell left, which took ``seconds`` in all; a stage teaches once."""
        chain = chain_of(planned)
        notes: dict[str, Mapping[str, Any]] = {}
        for kind, stage in self._foreseer.with_images(chain).items():
            note = stage_note(self._foreseer.places.stage(kind, stage.key)) if stage.key in self._new else None
            if note is not None:
                self._new.remove(stage.key)
                if kind in ("tiles", "crops") and self._foreseer.delivery == "crops":
                    continue  # decoding is among their seconds
                notes[kind] = {**note, "size": chain.cell.crop_size}
        self._learn_rest(max(0.0, seconds - sum(note["seconds"] for note in notes.values())))
        keys = self._foreseer.keys(chain)
        values = values_of(notes, self._foreseer.sides(chain))
        if "train" in notes and notes["train"]["fitted"]:
            values["memory"] = _used(notes["train"], self._foreseer.mapped(chain))
        for kind, found in values.items():
            if found:
                self._rates.learn(kind, keys[kind], self._workers, found)

    def close(self) -> None:
        """Keep what was learned; a run that ended badly is none for it."""
        if self._rest:
            with suppress(StoreError):
                self._rates.write()

    def _learn_rest(self, rest: float) -> None:
        """What a cell takes beside its stages; the first cell of a worker imports what the others find there."""
        self._rest.append(rest)
        first, later = self._rest[: self._workers], self._rest[self._workers :]
        if later:
            usual = fmean(later)
            values = {"rest_s": usual, "startup_s": max(0.0, fmean(first) - usual)}
            self._rates.learn("machine", key_of(MACHINE), self._workers, values)


FILE_S = 0.03
"""Seconds that a stage takes for its file alone, however little is in it; no share of images or crops."""

Notes = Mapping[str, Mapping[str, Any]]
"""Kind of stage to its note."""


def values_of(notes: Notes, sides: Mapping[Split, Sides]) -> dict[str, dict[str, float]]:
    """Values by kind of work, for the stages that have a note; ``sides`` are those of the images they worked on."""
    values: dict[str, dict[str, float]] = {}
    megapixels = {split: megapixels_of(found) for split, found in sides.items()}
    if "images" in notes:
        values["data"] = {"decode_mp_s": beyond_file(notes["images"]) / sum(megapixels.values())}
    if "tiles" in notes:
        shown = megapixels["train"] + megapixels["validation"]
        values.setdefault("data", {})["tiles_mp_s"] = beyond_file(notes["tiles"]) / shown
    if "crops" in notes:
        values["crops"] = {"crops_mp_s": 0.0, "crop_s": beyond_file(notes["crops"]) / notes["crops"]["facts"]["crops"]}
    if "train" in notes:
        values["learn"] = _learned(notes["train"], sides)
    if "predict" in notes:
        values["predict"] = _predicted(notes["predict"], sides)
    return values


def beyond_file(note: Mapping[str, Any]) -> float:
    """Seconds of a stage that grow with what is in its file."""
    return max(0.0, float(note["seconds"]) - FILE_S)


def _learned(note: Mapping[str, Any], sides: Mapping[Split, Sides]) -> dict[str, float]:
    weights = note["files"]["best.safetensors"]
    if not note["fitted"]:
        choosing = trained_seconds(note)
        tile_s = choosing / tiles_of(sides["validation"], note["size"], 0.0)
        return {"step_s": 0.0, "tile_s": tile_s, "fit_s": note["seconds"] - choosing, "weights_bytes": weights}
    if note.get("step_s") is None or note.get("validation_s") is None:
        return {}
    return {
        "step_s": note["step_s"],
        "tile_s": note["validation_s"] / tiles_of(sides["validation"], note["size"], 0.0),
        "fit_s": max(0.0, note["seconds"] - trained_seconds(note)),
        "weights_bytes": weights,
    }


def _used(note: Mapping[str, Any], mapped: int) -> dict[str, float]:
    """Memory of a training; on a processor without the mapped files that were counted with it."""
    highest = note["peak_memory_bytes"]
    if note["peak_memory_of"] != DEVICE:
        if mapped > highest / 2:
            return {}  # how much of them was resident is not known
        highest -= mapped
    batch, weights = note["facts"]["recipe"]["batch"], note["files"]["best.safetensors"]
    return {"bytes": highest, "batch": batch, "weights_bytes": weights}


def trained_seconds(note: Mapping[str, Any]) -> float:
    """Seconds of the steps and validations of a training, or of what chooses a setting where nothing is fitted."""
    if not note["fitted"]:
        return beyond_file(note) if note.get("choice") else 0.0
    recipe, epochs = note["facts"]["recipe"], note["epochs"]
    steps = epochs * -(-recipe["epoch_crops"] // recipe["batch"])
    told = "validations" in note  # not by stages made before a recipe could leave the interval open
    validations = note["validations"] if told else -(-epochs // recipe["validate_every"])
    return float(steps * note["step_s"] + validations * note["validation_s"])


def predicting_seconds(note: Mapping[str, Any]) -> float:
    """Seconds of predicting, counting and the truth at the stride, of which nothing is counted twice."""
    return float(note["predict_s"] + counting_seconds(note) + note["ceiling_s"])


def counting_seconds(note: Mapping[str, Any]) -> float:
    """Seconds that counting took beside predicting; stages made before the two overlapped tell no waiting."""
    return float(note.get("waited_s", note["evidence_s"]))


def _predicted(note: Mapping[str, Any], sides: Mapping[Split, Sides]) -> dict[str, float]:
    if "scored" not in note:
        return {}
    tiles = note["facts"]["tiles"]
    judged = sides["validation"] + sides["test"]
    images = judged.total()
    each = tiles_of(judged, tiles["size"], tiles["overlap"]) / images
    megapixels = megapixels_of(judged)
    kept = note["files"]["validation.npz"] + note["files"]["test.npz"]
    return {
        "tile_s": note["predict_s"] / (note["images"] * each),
        "evidence_mp_s": counting_seconds(note) / (note["scored"] * megapixels / images),
        "ceiling_mp_s": note["ceiling_s"] / megapixels,
        "evidence_bytes": kept / images,
        "map_bytes": note["files"].get(SHOWN, 0) / min(MOST, sides["test"].total()),
        "fixed_s": max(0.0, note["seconds"] - predicting_seconds(note)),
    }
