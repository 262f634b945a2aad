"""The replicates of a cell's test scores, made from what its predict stage left."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench.component import build, guarded
from bench.errors import BenchError
from bench.replicates import CellReplicates
from bench.score.evidence import Evidence
from bench.score.evidence_file import read_evidence
from bench.score.replicates import cell_replicates
from bench.score.rules import Rule, best_metrics
from bench.score.summary import choices_of, scores_at
from bench.score.thresholds import pooled
from bench.stages.image_metrics import kept_rows, offered_metrics, rows_of, sees_images
from bench.stages.scoring import Scoring, threshold_by
from bench.types import Float64, ImageMetric, PixelMetric

PROTOCOL = Rule("best")
"""What a protocol's ``best-f1`` is."""


def replicated(
    folder: Path, note: Mapping[str, Any], how: Scoring, rule: Rule | None, predict: str
) -> CellReplicates | None:
    """The replicates of all test scores under ``rule``; None of a single test group.

    ``folder`` is that of the predict stage, ``note`` what the stage left, ``predict`` its key. Metrics of plugins that
    see images have rows at the threshold alone, so that their threshold is not chosen anew.

    Raises:
        DataError: no threshold keeps the rule's bound, or a split has no valid pixel.
        StoreError: the evidence is missing or damaged.
    """
    validation, test = read_evidence(folder / "validation.npz"), read_evidence(folder / "test.npz")
    also = choices_of(validation, each=how.each)
    threshold = threshold_by(rule, note, validation)
    plugins = _of_plugins(how, kept_rows(folder, threshold.index), test, threshold.index)

    def scorer(evidence: Evidence, k: int) -> dict[str, Any]:
        scores: dict[str, Any] = {}
        for name, metric in plugins.items():
            with suppress(BenchError):  # scoring tells of it
                scores[name] = guarded(f"metric {name!r}", metric, evidence, k)
        return {**scores, **scores_at(evidence, k, how.found, also)}

    asked = rule or (PROTOCOL if note["facts"]["threshold"] == "best-f1" else None)
    best = best_metrics()[asked.score] if asked and asked.kind == "best" else None
    return cell_replicates(validation, test, threshold.index, scorer, best, predict)


def _of_plugins(
    how: Scoring, kept: Sequence[Mapping[str, Any]], test: Evidence, threshold: int
) -> dict[str, Callable[[Evidence, int], float | None]]:
    """Metrics of plugins by name, each as a function of evidence of the test split and a threshold."""
    found: dict[str, Callable[[Evidence, int], float | None]] = {}
    for offer in offered_metrics(how.catalog):
        with suppress(BenchError):  # scoring tells of it
            metric = build(offer.component, settings={})
            if sees_images(metric):
                rows = dict(zip(test.ids, rows_of(offer, kept, "test", test), strict=True))
                found[offer.component.name] = partial(_of_images, metric, rows, threshold)
            else:
                found[offer.component.name] = partial(_of_pixels, metric)
    return found


def _of_pixels(metric: PixelMetric, evidence: Evidence, k: int) -> float:
    return float(metric.value(pooled(evidence)[k]))


def _of_images(
    metric: ImageMetric, rows: Mapping[str, Float64], threshold: int, evidence: Evidence, k: int
) -> float | None:
    """The metric of the images of some evidence; None at any threshold but that which its rows are at."""
    if k != threshold:
        return None
    return float(metric.value(np.sum([rows[id] for id in evidence.ids], axis=0)))
