"""A cell's record: the small JSON file that the board is made from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.component import build, guarded
from bench.errors import PluginError
from bench.score.evidence import Evidence, read_evidence
from bench.score.summary import summarise
from bench.score.thresholds import choose_threshold, pooled
from bench.types import Float64

if TYPE_CHECKING:
    from bench.catalog import Catalog
    from bench.engine.execute import Note, Workshop


def cell_record(workshop: Workshop, notes: Mapping[str, Note]) -> dict[str, Any]:
    """Score a cell from its stored evidence and gather what a reader of the board may ask for.

    The interval's generator is seeded by the predict key, so that the same evidence gives the same interval.
    """
    folder = workshop.folder("predict")
    validation, test = read_evidence(folder / "validation.npz"), read_evidence(folder / "test.npz")
    threshold = choose_threshold(validation)
    found = workshop.stages["score"].facts["found"]
    train, predict = notes["train"], notes["predict"]

    def scores(split: str, evidence: Evidence) -> dict[str, Any]:
        rng = _generator(workshop.stages["predict"].key, split)
        own = summarise(evidence, threshold, found=found, rng=rng)
        return {**plugin_metrics(workshop.catalog, pooled(evidence)[threshold.index]), **own}

    return {
        **workshop.job.filing,
        "state": "done",
        "reason": None,
        "scores": {"validation": scores("validation", validation), "test": scores("test", test)},
        "last_step": predict["last_step"],
        "ceiling": predict["ceiling"],
        "convergence": {
            "epoch": train["convergence_epoch"],
            "best_epoch": train["best_epoch"],
            "budget": workshop.job.filing["budget_epochs"],
        },
        "parameters": train["parameters"],
        "output_stride": train["output_stride"],
        "inert": notes["crops"]["inert"],
        "draw": notes["crops"]["draw"],
        "cost": {
            "tiles_s": notes["tiles"]["seconds"],
            "crops_s": notes["crops"]["seconds"],
            "train_s": train["seconds"],
            "predict_s": predict["predict_s"],
            "image_latency_s": predict["predict_s"] / max(1, predict["images"]),
        },
        "provenance": train["provenance"],
    }


def plugin_metrics(catalog: Catalog, counts: Float64) -> dict[str, float]:
    """Pixel metrics of all plugins from pooled counts ``float64[4]``; our own are in the summary already.

    Raises:
        PluginError: a metric fails, or gives a value outside its stated range.
    """
    found = {}
    for offer in catalog.offers("metric"):
        name = offer.component.name
        metric = build(offer.component, settings={})
        if not hasattr(metric, "observe"):  # an ImageMetric needs whole images, which evidence does not keep
            value = float(guarded(f"metric {name!r}", metric.value, counts))
            low, high = metric.range
            if not low <= value <= high:
                raise PluginError(f"metric {name!r} gave {value}, outside its range {low} to {high}")
            found[name] = value
    return found


def _generator(key: str, split: str) -> np.random.Generator:
    seed = hashlib.blake2b(f"{key} {split}".encode(), digest_size=8).digest()
    return np.random.default_rng(int.from_bytes(seed, "big"))
