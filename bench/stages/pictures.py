"""Pictures of a finished cell: APRF plot, training curve, overlays. Made from stored stages, beside the record."""

from __future__ import annotations

from pathlib import Path

from bench.images import write_png
from bench.pictures.curves import Aprf, Training, aprf_plot, training_plot
from bench.pictures.overlay import overlay
from bench.pictures.sheet import Panel, contact_sheet, panel
from bench.pictures.style import write_figure
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
    write_figure(aprf_plot(aprf_of(test, record, title)), folder / APRF)
    drawn = [APRF]
    if training := training_of(run.folder("train"), record, title):
        write_figure(training_plot(training), folder / TRAINING)
        drawn.append(TRAINING)
    if panels := _panels(run, test, record):
        write_png(folder / OVERLAYS, contact_sheet(panels, note=badges.strip()))
        drawn.append(OVERLAYS)
    return drawn


def _title(record: Record) -> str:
    labels = [record.axes.get(axis, "none") for axis in ("dataset", "pretrain", "preprocess", "crop", "model")]
    return " / ".join(label for label in labels if label != "none")


def aprf_of(test: Evidence, record: Record, name: str) -> Aprf:
    """Curves of the test split with the threshold of the record, which validation chose."""
    values = curves(test)
    return Aprf(values.pop("threshold"), values, record.of_split("validation")["threshold"], name)


def training_of(folder: Path, record: Record, name: str) -> Training | None:
    """What a training left in its folder, epoch by epoch; None where nothing was trained.

    Without a defect pixel to be found, F1 on validation says nothing and is left out.
    """
    history = read_history(folder)
    if not record.of_split("validation")["positive_share"]:
        for epoch in history:
            epoch.pop("validation_f1", None)
    at = record.convergence or Convergence()
    return Training(history, at.epoch, at.best_epoch or 0, name) if history else None


def _panels(run: CellRun, test: Evidence, record: Record) -> list[Panel]:
    """Overlays of the picked images on the image as it was read, before preprocessing."""
    name = f"{record.axes['crop']} / {record.axes['model']}"
    shown = read_shown(run.folder("predict") / SHOWN)
    panels = []
    for pick in picks(test, run.images("test").entries, record.of_split("validation")["threshold_index"]):
        sample = run.verified.load(pick.id)
        panels.append(panel(overlay(sample.image, sample.mask, positive(shown[pick.id])), name, pick))
    return panels
