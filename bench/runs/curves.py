"""The curves of a finished cell, from the stages that it left in the store."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from bench.errors import BenchError
from bench.record import Record, number
from bench.score.evidence_file import read_evidence
from bench.score.thresholds import curves
from bench.store.home import Places
from bench.train.history import read_history

VALIDATION = "validation.npz"


@dataclass(frozen=True, slots=True)
class CellCurves:
    """F1 of the validation split: (epoch, F1) while it trained and (threshold, F1) of its predictions.

    Each with what was chosen by it. What is not in the store any more, or damaged, is empty.
    """

    epochs: tuple[tuple[float, float], ...] = ()
    best_epoch: float | None = None
    thresholds: tuple[tuple[float, float], ...] = ()
    threshold: float | None = None


def cell_curves(record: Record, places: Places) -> CellCurves:
    """Read the curves of a cell."""
    convergence = record.convergence
    return CellCurves(
        epochs=_epochs(record, places),
        best_epoch=convergence.best_epoch if convergence else None,
        thresholds=_thresholds(record, places),
        threshold=number(record.of_split("validation")["threshold"]) if record.scores else None,
    )


def _epochs(record: Record, places: Places) -> tuple[tuple[float, float], ...]:
    folder = _folder(record, "train", places)
    if folder is None or not record.of_split("validation")["positive_share"]:
        return ()  # without a defect to be found, F1 says nothing
    with suppress(BenchError):
        told = [event for event in read_history(folder) if event.get("validation_f1") is not None]
        return tuple((float(event["epoch"]), float(event["validation_f1"])) for event in told)
    return ()


def _thresholds(record: Record, places: Places) -> tuple[tuple[float, float], ...]:
    folder = _folder(record, "predict", places)
    if folder is None or not (folder / VALIDATION).is_file():
        return ()
    with suppress(BenchError):
        values = curves(read_evidence(folder / VALIDATION))
        points = zip(values["threshold"].tolist(), values["f1"].tolist(), strict=True)
        return tuple(point for point in points if isfinite(point[1]))
    return ()


def _folder(record: Record, kind: str, places: Places) -> Path | None:
    """The folder of a stage, where it is still there."""
    key = record.keys.get(kind)
    folder = None if key is None else places.stage(kind, key)
    return folder if folder is not None and folder.is_dir() else None
