"""A cell's record: the small JSON file that the board is made from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.score.evidence import read_evidence
from bench.score.summary import summarise
from bench.score.thresholds import choose_threshold

if TYPE_CHECKING:
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

    def scores(split: str, evidence: Any) -> dict[str, Any]:
        return summarise(evidence, threshold, found=found, rng=_generator(workshop.stages["predict"].key, split))

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


def _generator(key: str, split: str) -> np.random.Generator:
    seed = hashlib.blake2b(f"{key} {split}".encode(), digest_size=8).digest()
    return np.random.default_rng(int.from_bytes(seed, "big"))
