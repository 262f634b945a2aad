"""What the store still has of a finished cell: scores over the threshold, and its training epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bench.errors import BenchError
from bench.record import Record
from bench.score.evidence import Evidence
from bench.score.evidence_file import read_evidence
from bench.score.thresholds import curves
from bench.store.home import Places
from bench.train.history import read_history
from bench.types import Float64, JsonValue

EVERY = 10
"""A curve has every tenth of the 1,001 thresholds."""
TOLD = ("epoch", "train_loss", "validation_loss", "validation_f1")


def evidence_of(record: Record, places: Places) -> Evidence | None:
    """The evidence of the test split of a finished cell; None where the store no longer has it whole."""
    try:
        return read_evidence(places.stage("predict", record.keys["predict"]) / "test.npz")
    except BenchError:
        return None


def curve_row(evidence: Evidence) -> dict[str, JsonValue]:
    """Every curve at thresholds 0.00, 0.01, ..., 1.00, rounded to four digits; null where it has no value."""
    found = curves(evidence)
    found.pop("threshold")
    return {name: _rounded(values[::EVERY]) for name, values in found.items()}


def training_rows(record: Record, places: Places) -> list[dict[str, JsonValue]]:
    """Losses and validation F1 of every epoch; nothing for a model with nothing to fit, or where they are gone."""
    if not record.parameters:
        return []
    try:
        history = read_history(places.stage("train", record.keys["train"]))
    except BenchError:
        return []
    return [_told(epoch) for epoch in history]


def _told(epoch: Mapping[str, Any]) -> dict[str, JsonValue]:
    return {name: epoch[name] for name in TOLD if epoch.get(name) is not None}


def _rounded(values: Float64) -> list[float | None]:
    return [None if np.isnan(value) else round(float(value), 4) for value in values]
