"""The stage ``predict``: both splits predicted with a threshold chosen on validation, and the evidence of both."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.data.index import IndexedImage
from bench.errors import StoreError
from bench.score.ceiling import ceiling
from bench.score.evidence import Collector, Evidence, Measured, true_and_false
from bench.score.evidence_file import write_evidence
from bench.score.metrics import swept
from bench.score.objects import Int64
from bench.score.thresholds import STEPS, Threshold, best_index, choose_threshold, pooled, threshold_at
from bench.scores import F1
from bench.stages.cell_run import BEST, LAST, CellRun, Note, last_is_best
from bench.stages.environment import device, spare_threads
from bench.stages.forms import image_source
from bench.stages.graph import Stage
from bench.stages.image_metrics import IMAGE_METRICS, ImageRows
from bench.stages.shown import SHOWN, Map, PackedMap, Shown, write_shown
from bench.stages.train import build_model
from bench.store.store import stage_note
from bench.threads import beside
from bench.train.forward import place
from bench.train.history import read_history
from bench.train.predict import predict_image
from bench.train.weights import load_weights
from bench.types import Float32, Float64, Mask, Split

READERS = 2
"""Threads that read images ahead: decoding is slower than a fast device, and few images must wait in memory."""


def run_predict(run: CellRun, stage: Stage, folder: Path) -> Note:
    """Predict validation, choose the threshold, then predict test with it; leaves evidence of both."""
    images = _Predictor(run, stage)
    validation = images.evidence("validation", None)
    threshold = threshold_of(run, stage, validation)
    rows = ImageRows(run.catalog, run.index.classes)
    test = images.evidence("test", threshold.index, rows)
    images.show("validation", threshold.index, rows)
    write_evidence(folder / "validation.npz", validation)
    write_evidence(folder / "test.npz", test)
    rows.write(folder / IMAGE_METRICS, threshold.index)
    write_shown(folder / SHOWN, images.maps)
    last_step = _last_step(images, {"validation": validation, "test": test})
    started = time.perf_counter()
    reached = _ceiling(images)
    return {
        "threshold": threshold.index,
        "images": images.predicted,
        "scored": images.scored,
        "predict_s": images.seconds,
        "evidence_s": images.evidence_seconds,
        "waited_s": images.waited_seconds,
        "last_step": last_step,
        "ceiling": reached,
        "ceiling_s": time.perf_counter() - started,
    }


@dataclass(frozen=True, slots=True)
class _Predicted:
    """One image with its probabilities ``float32[1 + K, H, W]``."""

    entry: IndexedImage
    probabilities: Float32
    mask: Mask


class _Predictor:
    """Predicts images of a data set with stored weights, and keeps count of images and seconds.

    Images are read and scored on threads while the model is at work, in order and a few at a time.
    """

    def __init__(self, run: CellRun, stage: Stage) -> None:
        self.run = run
        self.facts = stage.facts
        self.images = image_source(run)
        self.device = device(run.threads)
        self.threads = spare_threads(self.device, run.threads)
        used = run.stages["train"].facts
        self.model = place(build_model(run, used["model"], used["seed"]), self.device).eval()
        self.batch = max(1, used["recipe"]["batch"])
        self.stride = int(getattr(self.model, "output_stride", 1))
        self.predicted = 0
        self.seconds = 0.0
        self.scored = 0
        self.evidence_seconds = 0.0
        self.waited_seconds = 0.0
        self.maps: dict[str, Map] = {}

    def predictions(self, split: Split, weights: str) -> Iterator[_Predicted]:
        """Predict every image of a split with one of the two stored states."""
        stored = load_weights(self.run.folder("train") / weights)
        self.model.load_state_dict(stored.state)
        entries = self.run.images(split).entries
        read = beside(lambda entry: self.images.prepared(entry.id), entries, min(self.threads, READERS))
        for number, (entry, prepared) in enumerate(zip(entries, read, strict=True)):
            self.run.report("predict", number, len(entries), split)
            started = time.perf_counter()
            found = predict_image(
                self.model,
                prepared.image,
                mean=stored.mean,
                std=stored.std,
                size=self.facts["tiles"]["size"],
                overlap=self.facts["tiles"]["overlap"],
                batch=self.batch,
                precision=self.facts["precision"],
                device=self.device,
            )
            self.seconds += time.perf_counter() - started
            self.predicted += 1
            yield _Predicted(entry, found, prepared.mask)

    def evidence(self, split: Split, threshold: int | None, rows: ImageRows | None = None) -> Evidence:
        """Evidence of a split under the best weights; where the threshold is known, ``rows`` sees every image at it."""
        collector = Collector(self.run.index.classes, tolerance=self.facts["tolerance"], threshold=threshold)
        shown = None if threshold is None else Shown(self.run.images(split).entries, threshold)

        def seen() -> Iterator[_Predicted]:
            for image in self.predictions(split, BEST):
                if rows is not None and threshold is not None:
                    rows.observe(split, image.entry.id, image.probabilities, image.mask, threshold)
                yield image

        def scored(image: _Predicted) -> tuple[Measured, PackedMap | None, float]:
            started = time.perf_counter()
            entry, found = image.entry, image.probabilities
            measured = collector.measured(entry.id, entry.group, found, image.mask)
            seconds = time.perf_counter() - started
            return measured, None if shown is None else shown.packed(1 - found[0], image.mask), seconds

        started, predicting = time.perf_counter(), self.seconds
        for measured, packed, seconds in beside(scored, seen(), self.threads):
            collector.add(measured)
            if shown is not None and packed is not None:
                shown.add(measured.id, packed)
            self.evidence_seconds += seconds
            self.scored += 1
        self.waited_seconds += time.perf_counter() - started - (self.seconds - predicting)
        if shown is not None:
            self.maps = shown.maps()
        return collector.evidence()

    def pooled(self, split: Split, weights: str) -> Float64:
        """TP, FP, FN, TN of a split at every threshold, ``float64[1001, 4]``, and nothing else that evidence keeps."""
        classes = len(self.run.index.classes)

        def counted(image: _Predicted) -> Int64:
            return true_and_false(image.entry.id, image.probabilities, image.mask, classes)

        counts = np.zeros((2, STEPS + 1), np.int64)
        for image in beside(counted, self.predictions(split, weights), self.threads):
            counts += image
        return swept(*counts)

    def masks(self, split: Split) -> Iterator[Mask]:
        """The true masks of a split, one after the other."""
        for entry in self.run.images(split).entries:
            yield self.images.prepared(entry.id).mask

    def show(self, split: Split, threshold: int, rows: ImageRows) -> None:
        """Predict a split once more for metrics that must see it at a threshold chosen on it; in no cost."""
        if not rows:
            return
        counted = self.predicted, self.seconds
        for image in self.predictions(split, BEST):
            rows.observe(split, image.entry.id, image.probabilities, image.mask, threshold)
        self.predicted, self.seconds = counted


def source_threshold(run: CellRun) -> int:
    """Grid index of the threshold that was best on the validation split of the pretraining run, at its best epoch.

    Raises:
        StoreError: that run has no validation: its model has nothing to fit.
    """
    folder = run.places.stage("train", run.stages["train"].needs["pretrain"])
    note = stage_note(folder)
    best = [event for event in read_history(folder) if note is not None and event["epoch"] == note["best_epoch"]]
    if not best:
        raise StoreError(f"{folder}: the pretraining run chose no threshold; use 'protocol: {{threshold: best-f1}}'")
    index: int = round(1000 * best[0]["threshold"])
    return index


def threshold_of(run: CellRun, stage: Stage, validation: Evidence) -> Threshold:
    """The threshold by the protocol's rule: best on this validation split, or taken from the pretraining run."""
    if stage.facts["threshold"] == "source":
        return threshold_at(source_threshold(run), validation)
    return choose_threshold(validation)


def _last_step(images: _Predictor, best: Mapping[Split, Evidence]) -> dict[str, Any]:
    """Pooled F1 of the last step's weights at a threshold chosen as that of the best ones."""
    run = images.run
    same = last_is_best(read_history(run.folder("train")), run.note("train")["best_epoch"])
    counts = {split: pooled(found) if same else images.pooled(split, LAST) for split, found in best.items()}
    rule = run.stages["predict"].facts["threshold"]
    index = source_threshold(run) if rule == "source" else best_index(counts["validation"])[0]
    return {split: {"f1": float(F1.value(found[index]))} for split, found in counts.items()}


def _ceiling(images: _Predictor) -> dict[str, float]:
    """F1 of the true masks averaged over the model's output stride, tile by tile."""
    tiles, validation, test = images.facts["tiles"], images.masks("validation"), images.masks("test")
    size, overlap = tiles["size"], tiles["overlap"]
    return {"test": ceiling(validation, test, size, overlap, images.stride, threads=images.threads)}
