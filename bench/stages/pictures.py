"""Pictures of a finished cell: APRF plot, training curve, overlays. Made from stored stages, beside the record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.images import write_png
from bench.pictures.curves import aprf_plot, training_plot, write_figure
from bench.pictures.overlay import overlay
from bench.pictures.sheet import Panel, contact_sheet, panel
from bench.record import Convergence, Record
from bench.score.evidence import Evidence
from bench.score.evidence_file import read_evidence
from bench.score.thresholds import curves
from bench.stages.cell_run import CellRun
from bench.stages.shown import SHOWN, picks, positive, read_shown
from bench.train.history import read_history

APRF, TRAINING, OVERLAYS = "aprf.png", "training.png", "overlays.png"


def draw_pictures(run: CellRun, record: Record, folder: Path) -> list[str]:
    """Draw what a cell has into ``folder`` and return the file names; a baseline has no training curve."""
    badges = "".join(f" [{badge}]" for badge in record.badges)
    title = _title(record) + badges
    test = read_evidence(run.folder("predict") / "test.npz")
    values = curves(test)
    figure = aprf_plot(values.pop("threshold"), values, record.of_split("validation")["threshold"], title=title)
    write_figure(figure, folder / APRF)
    drawn = [APRF]
    if history := _history(run, record):
        at = record.convergence or Convergence()
        figure = training_plot(history, convergence_epoch=at.epoch, best_epoch=at.best_epoch or 0, title=title)
        write_figure(figure, folder / TRAINING)
        drawn.append(TRAINING)
    if panels := _panels(run, test, record):
        write_png(folder / OVERLAYS, contact_sheet(panels, note=badges.strip()))
        drawn.append(OVERLAYS)
    return drawn


def _title(record: Record) -> str:
    labels = [record.axes.get(axis, "none") for axis in ("dataset", "pretrain", "preprocess", "crop", "model")]
    return " / ".join(label for label in labels if label != "none")


def _history(run: CellRun, record: Record) -> list[dict[str, Any]]:
    """Training epoch by epoch; without a defect pixel to be found, F1 on validation says nothing and is left out."""
    history = read_history(run.folder("train"))
    if not record.of_split("validation")["positive_share"]:
        for epoch in history:
            epoch.pop("validation_f1", None)
    return history


def _panels(run: CellRun, test: Evidence, record: Record) -> list[Panel]:
    """Overlays of the picked images on the image as it was read, before preprocessing."""
    name = f"{record.axes['crop']} / {record.axes['model']}"
    shown = read_shown(run.folder("predict") / SHOWN)
    panels = []
    for pick in picks(test, run.images("test").entries, record.of_split("validation")["threshold_index"]):
        sample = run.verified.load(pick.id)
        panels.append(panel(overlay(sample.image, sample.mask, positive(shown[pick.id])), name, pick))
    return panels
