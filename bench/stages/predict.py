"""The stage ``predict``: both splits predicted with a threshold chosen on validation, and the evidence of both."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.errors import StoreError
from bench.score.ceiling import ceiling
from bench.score.evidence import Collector, Evidence, write_evidence
from bench.score.thresholds import Threshold, choose_threshold, pooled_f1, threshold_at
from bench.stages.cell_run import BEST, HISTORY, LAST, CellRun, Note, last_is_best
from bench.stages.environment import device
from bench.stages.forms import image_source
from bench.stages.graph import Stage
from bench.stages.image_metrics import IMAGE_METRICS, ImageRows
from bench.stages.shown import SHOWN, picks, write_shown
from bench.stages.train import build_model
from bench.store.store import stage_note
from bench.train.forward import place
from bench.train.predict import predict_image
from bench.train.weights import load_weights
from bench.types import Bool, Float32, Mask, Split


def run_predict(run: CellRun, stage: Stage, folder: Path) -> Note:
    """Predict validation, choose the threshold, then predict test with it; leaves evidence of both."""
    images = _Predictor(run, stage)
    validation = images.evidence("validation", BEST, None)
    threshold = threshold_of(run, stage, validation)
    rows = ImageRows(run.catalog, run.index.classes)
    test = images.evidence("test", BEST, threshold.index, rows)
    images.show("validation", threshold.index, rows)
    write_evidence(folder / "validation.npz", validation)
    write_evidence(folder / "test.npz", test)
    rows.write(folder / IMAGE_METRICS, threshold.index)
    _keep_shown(folder / SHOWN, images, test, threshold.index)
    last_step = _last_step(images, {"validation": validation, "test": test})
    started = time.perf_counter()
    reached = _ceiling(images)
    return {
        "threshold": threshold.index,
        "images": images.predicted,
        "scored": images.scored,
        "predict_s": images.seconds,
        "evidence_s": images.evidence_seconds,
        "last_step": last_step,
        "ceiling": reached,
        "ceiling_s": time.perf_counter() - started,
    }


class _Predictor:
    """Predicts images of a data set with stored weights, and keeps count of images and seconds."""

    def __init__(self, run: CellRun, stage: Stage) -> None:

        self.run = run
        self.facts = stage.facts
        self.images = image_source(run)
        self.device = device(run.threads)
        used = run.stages["train"].facts
        self.model = place(build_model(run, used["model"], used["seed"]), self.device).eval()
        self.batch = max(1, used["recipe"]["batch"])
        self.stride = int(getattr(self.model, "output_stride", 1))
        self.predicted = 0
        self.seconds = 0.0
        self.scored = 0
        self.evidence_seconds = 0.0
        self.mean: Sequence[float] = ()
        self.std: Sequence[float] = ()

    def load(self, weights: str) -> None:
        """Load one of the two stored states."""

        stored = load_weights(self.run.folder("train") / weights)
        self.model.load_state_dict(stored.state)
        self.mean, self.std = stored.mean, stored.std

    def probabilities(self, id: str) -> tuple[Float32, Mask]:
        """Predict one image: ``float32[1 + K, H, W]`` and its true mask."""

        prepared = self.images.prepared(id)
        started = time.perf_counter()
        found = predict_image(
            self.model,
            prepared.image,
            mean=self.mean,
            std=self.std,
            size=self.facts["tiles"]["size"],
            overlap=self.facts["tiles"]["overlap"],
            batch=self.batch,
            precision=self.facts["precision"],
            device=self.device,
        )
        self.seconds += time.perf_counter() - started
        self.predicted += 1
        return found, prepared.mask

    def evidence(self, split: Split, weights: str, threshold: int | None, rows: ImageRows | None = None) -> Evidence:
        """Predict every image of a split; ``rows`` sees each at the threshold, which is then known."""

        self.load(weights)
        entries = self.run.images(split).entries
        collector = Collector(self.run.index.classes, tolerance=self.facts["tolerance"], threshold=threshold)
        for number, entry in enumerate(entries):
            self.run.report("predict", number, len(entries), split)
            found, mask = self.probabilities(entry.id)
            started = time.perf_counter()
            collector.observe(entry.id, entry.group, found, mask)
            self.evidence_seconds += time.perf_counter() - started
            self.scored += 1
            if rows is not None and threshold is not None:
                rows.observe(split, entry.id, found, mask, threshold)
        return collector.evidence()

    def masks(self, split: Split) -> Iterator[Mask]:
        """The true masks of a split, one after the other."""
        for entry in self.run.images(split).entries:
            yield self.images.prepared(entry.id).mask

    def show(self, split: Split, threshold: int, rows: ImageRows) -> None:
        """Predict a split once more for metrics that must see it at a threshold chosen on it; in no cost."""
        if not rows:
            return
        counted = self.predicted, self.seconds
        for entry in self.run.images(split).entries:
            rows.observe(split, entry.id, *self.probabilities(entry.id), threshold)
        self.predicted, self.seconds = counted


def source_threshold(run: CellRun) -> int:
    """Grid index of the threshold that was best on the validation split of the pretraining run, at its best epoch.

    Raises:
        StoreError: that run has no validation: its model has nothing to fit.
    """
    folder = run.places.stage("train", run.stages["train"].needs["pretrain"])
    note = stage_note(folder)
    history = json.loads((folder / HISTORY).read_text(encoding="utf-8"))
    best = [event for event in history if note is not None and event["epoch"] == note["best_epoch"]]
    if not best:
        raise StoreError(f"{folder}: the pretraining run chose no threshold; use 'protocol: {{threshold: best-f1}}'")
    index: int = round(1000 * best[0]["threshold"])
    return index


def threshold_of(run: CellRun, stage: Stage, validation: Evidence) -> Threshold:
    """The threshold by the protocol's rule: best on this validation split, or taken from the pretraining run."""
    if stage.facts["threshold"] == "source":
        return threshold_at(source_threshold(run), validation)
    return choose_threshold(validation)


def _last_step(images: _Predictor, best: Mapping[str, Evidence]) -> dict[str, Any]:
    """Pooled F1 of the last step's weights at a threshold chosen as that of the best ones."""
    history = json.loads((images.run.folder("train") / HISTORY).read_text(encoding="utf-8"))
    same = last_is_best(history, images.run.note("train")["best_epoch"])
    validation = best["validation"] if same else images.evidence("validation", LAST, None)
    threshold = threshold_of(images.run, images.run.stages["predict"], validation)
    test = best["test"] if same else images.evidence("test", LAST, threshold.index)
    return {"validation": {"f1": threshold.f1}, "test": {"f1": pooled_f1(test, threshold.index)}}


def _ceiling(images: _Predictor) -> dict[str, float]:
    """F1 that the true masks themselves reach through the same tiles and output stride."""
    tiles, validation, test = images.facts["tiles"], images.masks("validation"), images.masks("test")
    return {"test": ceiling(validation, test, tiles["size"], tiles["overlap"], images.stride)}


def _keep_shown(path: Path, images: _Predictor, test: Evidence, threshold: int) -> None:
    """Keep binary predictions of the images that the overlays show."""
    images.load(BEST)
    level = np.float32(threshold / 1000)
    predicted: dict[str, Bool] = {}
    for pick in picks(test, threshold):
        found, _ = images.probabilities(pick.id)
        predicted[pick.id] = 1 - found[0] >= level
    write_shown(path, predicted)
