"""The stages that need torch: training, and prediction with its evidence."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.errors import StoreError
from bench.stages.execute import BEST, HISTORY, LAST, Note, Workshop, drawn
from bench.stages.graph import Stage
from bench.stages.image_metrics import IMAGE_METRICS, ImageRows
from bench.stages.pictures import SHOWN, picks
from bench.stages.provenance import threads
from bench.store.store import stage_note
from bench.suite.schema import Recipe
from bench.types import Bool, Float32, Mask, Split

if TYPE_CHECKING:
    import torch

    from bench.score.evidence import Evidence
    from bench.score.thresholds import Threshold
    from bench.train.loop import Fitted
    from bench.train.memory import PeakMemory

Constants = tuple[tuple[float, ...], tuple[float, ...]]
"""Mean and deviation per channel, on the scale of the stored dtype."""


def device() -> torch.device:
    """The device of this worker, with torch set up for it: threads, determinism."""
    from bench.train.device import choose_device, settle

    settle(threads())
    return choose_device(os.environ.get("BENCH_DEVICE"))


def run_train(workshop: Workshop, stage: Stage, folder: Path) -> Note:
    """Fit the model, on from the weights of a pretraining run where there is one; leaves best and last weights.

    Those weights bring their normalisation. Nothing is drawn for a model that has nothing to fit.
    """
    from bench.train.loop import fit
    from bench.train.memory import PeakMemory
    from bench.train.weights import Weights, save_weights

    facts = stage.facts
    model, constants = starting_point(workshop, stage)
    recipe = Recipe.model_validate_json(json.dumps(facts["recipe"]))
    fitting = recipe.epochs > 0 and any(p.requires_grad for p in model.parameters())
    tiles = workshop.bank("tiles")
    bank = drawn(workshop) if fitting else tiles
    peak = PeakMemory(device())
    started = time.perf_counter()
    fitted = fit(
        model=model,
        bank=bank,
        tiles=tiles,
        constants=constants,
        recipe=recipe,
        loss=workshop.built("loss", facts["loss"]),
        augment=[workshop.built("augment", used) for used in facts["augment"]],
        task=workshop.task,
        seed=facts["seed"],
        device=device(),
        progress=lambda at: workshop.report("train", at["epoch"], at["epochs"], _figures(at)),
    )
    for name, state in ((BEST, fitted.best_state), (LAST, fitted.last_state)):
        weights = Weights(state, *constants, workshop.task, facts["model"])
        save_weights(folder / name, weights)
    (folder / HISTORY).write_text(json.dumps(fitted.history, allow_nan=False), encoding="utf-8")
    return {
        "seconds": time.perf_counter() - started,
        "fitted": fitting,
        "parameters": sum(p.numel() for p in model.parameters() if p.requires_grad),
        "output_stride": int(getattr(model, "output_stride", 1)),
        "convergence_epoch": fitted.convergence_epoch,
        "best_epoch": fitted.best_epoch,
        **(_cost(fitted, recipe, peak) if fitting else {}),
    }


def _cost(fitted: Fitted, recipe: Recipe, peak: PeakMemory) -> dict[str, Any]:
    """Crops seen per second of the loop, validations included, and the peak of memory."""
    crops = recipe.epoch_crops * (fitted.history[-1]["epoch"] if fitted.history else 0)
    highest = peak.read()
    return {
        "crops_per_s": crops / fitted.seconds if fitted.seconds > 0 else None,
        "peak_memory_bytes": highest.bytes,
        "peak_memory_of": highest.of,
    }


def starting_point(workshop: Workshop, stage: Stage) -> tuple[torch.nn.Module, Constants]:
    """The model before its first step, and the mean and deviation per channel that its images are normalised with.

    Raises:
        StoreError: the weights of the pretraining run are gone, or do not fit the model.
    """
    from bench.train.weights import load_weights

    model = build_model(workshop, stage.facts["model"], stage.facts["seed"])
    if "pretrain" not in stage.needs:
        tiles = workshop.bank("tiles")
        assert tiles.mean is not None
        assert tiles.std is not None
        return model, (tuple(tiles.mean), tuple(tiles.std))
    path = workshop.places.stage("train", stage.needs["pretrain"]) / BEST
    stored = load_weights(path)
    try:
        model.load_state_dict(stored.state)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise StoreError(
            f"{path}: these weights do not fit the model ({reason}); delete {path.parent}, then run the suite again"
        ) from None
    return model, (stored.mean, stored.std)


def source_threshold(workshop: Workshop) -> int:
    """Grid index of the threshold that was best on the validation split of the pretraining run, at its best epoch.

    Raises:
        StoreError: that run has no validation: its model has nothing to fit.
    """
    folder = workshop.places.stage("train", workshop.stages["train"].needs["pretrain"])
    note = stage_note(folder)
    history = json.loads((folder / HISTORY).read_text(encoding="utf-8"))
    best = [event for event in history if note is not None and event["epoch"] == note["best_epoch"]]
    if not best:
        raise StoreError(f"{folder}: the pretraining run chose no threshold; use 'protocol: {{threshold: best-f1}}'")
    index: int = round(1000 * best[0]["threshold"])
    return index


def threshold_of(workshop: Workshop, stage: Stage, validation: Evidence) -> Threshold:
    """The threshold by the protocol's rule: best on this validation split, or taken from the pretraining run."""
    from bench.score.thresholds import choose_threshold, threshold_at

    if stage.facts["threshold"] == "source":
        return threshold_at(source_threshold(workshop), validation)
    return choose_threshold(validation)


def _figures(at: Mapping[str, Any]) -> str:
    """What the progress display shows of an epoch."""
    text = f"loss {at['train_loss']:.3f}"
    return f"{text}, validation F1 {at['validation_f1']:.3f}" if "validation_f1" in at else text


def build_model(workshop: Workshop, used: Mapping[str, Any], seed: int) -> torch.nn.Module:
    """Build a model with weights drawn from ``seed``, leaving torch's global generator as it was."""
    from bench.train.randomness import initialised

    model: torch.nn.Module = initialised(lambda: workshop.built("model", used, workshop.task), seed)
    return model


def run_predict(workshop: Workshop, stage: Stage, folder: Path) -> Note:
    """Predict validation, choose the threshold, then predict test with it; leaves evidence of both."""
    from bench.score.evidence import write_evidence

    images = _Predictor(workshop, stage)
    validation = images.evidence("validation", BEST, None)
    threshold = threshold_of(workshop, stage, validation)
    rows = ImageRows(workshop.catalog, workshop.index.classes)
    test = images.evidence("test", BEST, threshold.index, rows)
    images.show("validation", threshold.index, rows)
    write_evidence(folder / "validation.npz", validation)
    write_evidence(folder / "test.npz", test)
    rows.write(folder / IMAGE_METRICS, threshold.index)
    _keep_shown(folder / SHOWN, images, test, threshold.index)
    return {
        "threshold": threshold.index,
        "images": images.predicted,
        "predict_s": images.seconds,
        "last_step": _last_step(images, {"validation": validation, "test": test}),
        "ceiling": _ceiling(workshop, stage, images.stride),
    }


class _Predictor:
    """Predicts images of a data set with stored weights, and keeps count of images and seconds."""

    def __init__(self, workshop: Workshop, stage: Stage) -> None:
        from bench.train.forward import place

        self.workshop = workshop
        self.facts = stage.facts
        self.device = device()
        used = workshop.stages["train"].facts
        self.model = place(build_model(workshop, used["model"], used["seed"]), self.device).eval()
        self.batch = max(1, used["recipe"]["batch"])
        self.stride = int(getattr(self.model, "output_stride", 1))
        self.predicted = 0
        self.seconds = 0.0
        self.mean: Sequence[float] = ()
        self.std: Sequence[float] = ()

    def load(self, weights: str) -> None:
        """Load one of the two stored states."""
        from bench.train.weights import load_weights

        stored = load_weights(self.workshop.folder("train") / weights)
        self.model.load_state_dict(stored.state)
        self.mean, self.std = stored.mean, stored.std

    def probabilities(self, id: str) -> tuple[Float32, Mask]:
        """Predict one image: ``float32[1 + K, H, W]`` and its true mask."""
        from bench.train.predict import predict_image

        prepared = self.workshop.source.prepared(id)
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
        from bench.score.evidence import Collector

        self.load(weights)
        entries = self.workshop.images(split).entries
        collector = Collector(self.workshop.index.classes, tolerance=self.facts["tolerance"], threshold=threshold)
        for number, entry in enumerate(entries):
            self.workshop.report("predict", number, len(entries), split)
            found, mask = self.probabilities(entry.id)
            collector.observe(entry.id, entry.group, found, mask)
            if rows is not None and threshold is not None:
                rows.observe(split, entry.id, found, mask, threshold)
        return collector.evidence()

    def show(self, split: Split, threshold: int, rows: ImageRows) -> None:
        """Predict a split once more for metrics that must see it at a threshold chosen on it; in no cost."""
        counted = self.predicted, self.seconds
        for entry in self.workshop.images(split).entries if rows else ():
            rows.observe(split, entry.id, *self.probabilities(entry.id), threshold)
        self.predicted, self.seconds = counted


def _last_step(images: _Predictor, best: Mapping[str, Evidence]) -> dict[str, Any]:
    """Pooled F1 of the last step's weights at a threshold chosen as that of the best ones."""
    from bench.score.thresholds import pooled_f1

    history = json.loads((images.workshop.folder("train") / HISTORY).read_text(encoding="utf-8"))
    note = images.workshop.note("train")
    last_is_best = not history or note["best_epoch"] == history[-1]["epoch"]
    validation = best["validation"] if last_is_best else images.evidence("validation", LAST, None)
    threshold = threshold_of(images.workshop, images.workshop.stages["predict"], validation)
    test = best["test"] if last_is_best else images.evidence("test", LAST, threshold.index)
    return {"validation": {"f1": threshold.f1}, "test": {"f1": pooled_f1(test, threshold.index)}}


def _ceiling(workshop: Workshop, stage: Stage, stride: int) -> dict[str, float]:
    """F1 that the true masks themselves reach through the same tiles and output stride."""
    from bench.score.ceiling import ceiling

    tiles = stage.facts["tiles"]
    value = ceiling(
        _masks(workshop, "validation"),
        _masks(workshop, "test"),
        tiles["size"],
        tiles["overlap"],
        stride,
    )
    return {"test": value}


def _masks(workshop: Workshop, split: Split) -> Iterator[Mask]:
    return (workshop.dataset.load(entry.id).mask for entry in workshop.images(split).entries)


def _keep_shown(path: Path, images: _Predictor, test: Evidence, threshold: int) -> None:
    """Keep binary predictions of the images that the overlays show."""
    images.load(BEST)
    level = np.float32(threshold / 1000)
    predicted: dict[str, Bool] = {}
    for pick in picks(test, threshold):
        found, _ = images.probabilities(pick.id)
        predicted[pick.id] = 1 - found[0] >= level
    arrays: dict[str, Any] = {f"mask_{number}": mask for number, mask in enumerate(predicted.values())}
    np.savez_compressed(path, allow_pickle=False, ids=np.array(list(predicted), np.str_), **arrays)
