"""The stages that need torch: training, and prediction with its evidence."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.engine.execute import BEST, HISTORY, LAST, Note, Workshop, threads
from bench.engine.pictures import SHOWN, picks
from bench.engine.stages import Stage
from bench.suite.schema import Recipe
from bench.types import Bool, Float32, Mask, Split

if TYPE_CHECKING:
    import torch

    from bench.score.evidence import Evidence


def device() -> torch.device:
    """The device of this worker, with torch set up for it: threads, determinism."""
    from bench.train.device import choose_device, settle

    settle(threads())
    return choose_device(os.environ.get("BENCH_DEVICE"))


def run_train(workshop: Workshop, stage: Stage, folder: Path) -> Note:
    """Fit the model; leaves best and last weights and the history."""
    from bench.train.loop import fit
    from bench.train.weights import Weights, save_weights

    facts = stage.facts
    model = build_model(workshop, facts["model"], facts["seed"])
    tiles = workshop.bank("tiles")
    assert tiles.mean is not None
    assert tiles.std is not None
    fitted = fit(
        model=model,
        bank=workshop.bank("crops"),
        tiles=tiles,
        recipe=Recipe.model_validate_json(json.dumps(facts["recipe"])),
        loss=workshop.built("loss", facts["loss"]),
        augment=[workshop.built("augment", used) for used in facts["augment"]],
        task=workshop.task,
        seed=facts["seed"],
        device=device(),
        progress=lambda at: workshop.report("train", at["epoch"], at["epochs"], _figures(at)),
    )
    for name, state in ((BEST, fitted.best_state), (LAST, fitted.last_state)):
        weights = Weights(state, tuple(tiles.mean), tuple(tiles.std), workshop.task, facts["model"])
        save_weights(folder / name, weights)
    (folder / HISTORY).write_text(json.dumps(fitted.history, allow_nan=False), encoding="utf-8")
    return {
        "parameters": sum(p.numel() for p in model.parameters() if p.requires_grad),
        "output_stride": int(getattr(model, "output_stride", 1)),
        "convergence_epoch": fitted.convergence_epoch,
        "best_epoch": fitted.best_epoch,
    }


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
    """Predict validation, choose the threshold there, then predict test with it; leaves evidence of both."""
    from bench.score.evidence import write_evidence
    from bench.score.thresholds import choose_threshold

    images = _Predictor(workshop, stage)
    validation = images.evidence("validation", BEST, None)
    threshold = choose_threshold(validation)
    test = images.evidence("test", BEST, threshold.index)
    write_evidence(folder / "validation.npz", validation)
    write_evidence(folder / "test.npz", test)
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

    def evidence(self, split: Split, weights: str, threshold: int | None) -> Evidence:
        """Predict every image of a split."""
        from bench.score.evidence import Collector

        self.load(weights)
        entries = self.workshop.images(split).entries
        collector = Collector(self.workshop.index.classes, tolerance=self.facts["tolerance"], threshold=threshold)
        for number, entry in enumerate(entries):
            self.workshop.report("predict", number, len(entries), split)
            collector.observe(entry.id, entry.group, *self.probabilities(entry.id))
        return collector.evidence()


def _last_step(images: _Predictor, best: Mapping[str, Evidence]) -> dict[str, Any]:
    """Pooled F1 of the last step's weights at their own validation threshold."""
    from bench.score.thresholds import choose_threshold, pooled_f1

    history = json.loads((images.workshop.folder("train") / HISTORY).read_text(encoding="utf-8"))
    note = images.workshop.note("train")
    last_is_best = not history or note["best_epoch"] == history[-1]["epoch"]
    validation = best["validation"] if last_is_best else images.evidence("validation", LAST, None)
    threshold = choose_threshold(validation)
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
