"""Pictures of a finished cell: APRF plot, training curve, overlays. Made from stored stages, beside the record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.pictures.sheet import Panel, Pick, contact_sheet, named, panel, worst
from bench.record import Convergence, Record
from bench.score.evidence import Evidence, read_evidence
from bench.types import Bool

if TYPE_CHECKING:
    from bench.stages.execute import Workshop

APRF, TRAINING, OVERLAYS = "aprf.png", "training.png", "overlays.png"

SHOWN = "shown.npz"
"""File of the predict stage with binary predictions of the images that the overlays show."""

CHOSEN, WORST, LOUDEST = 4, 2, 2
"""Images on a sheet: spread over the defective ones, of lowest F1, of most false positives."""


def picks(test: Evidence, threshold: int) -> list[Pick]:
    """The images of a sheet, each once; the chosen ones are the same for every cell of a data set."""
    from bench.score.metrics import image_counts

    counted = {"ids": test.ids, "counts": image_counts(test, threshold).tolist()}
    defective = [test.ids[number] for number in np.unique(test.defects.image)]
    places = np.linspace(0, len(defective) - 1, min(CHOSEN, len(defective))).round().astype(int)
    found = [
        *named(counted, [defective[place] for place in places]),
        *worst(counted, "f1", WORST),
        *worst(counted, "false positives", LOUDEST),
    ]
    return list({pick.id: pick for pick in reversed(found)}.values())[::-1]


def draw_pictures(workshop: Workshop, record: Record, folder: Path) -> list[str]:
    """Draw what a cell has into ``folder`` and return the file names; a baseline has no training curve."""
    from bench.pictures.curves import aprf_plot, training_plot, write_figure
    from bench.score.thresholds import curves

    test = read_evidence(workshop.folder("predict") / "test.npz")
    named = (record.axes.get(axis, "none") for axis in ("dataset", "pretrain", "preprocess", "crop", "model"))
    badges = "".join(f" [{badge}]" for badge in record.badges)
    title = " / ".join(label for label in named if label != "none") + badges
    values = curves(test)
    validation = record.of_split("validation")
    figure = aprf_plot(values.pop("threshold"), values, validation["threshold"], title=title)
    write_figure(figure, folder / APRF)
    drawn = [APRF]
    history = json.loads((workshop.folder("train") / "history.json").read_text(encoding="utf-8"))
    if history:
        if not validation["positive_share"]:
            history = [{name: value for name, value in row.items() if name != "validation_f1"} for row in history]
        at = record.convergence or Convergence()
        figure = training_plot(history, convergence_epoch=at.epoch, best_epoch=at.best_epoch or 0, title=title)
        write_figure(figure, folder / TRAINING)
        drawn.append(TRAINING)
    if panels := _panels(workshop, test, record):
        from bench.images import write_png

        write_png(folder / OVERLAYS, contact_sheet(panels, note=badges.strip()))
        drawn.append(OVERLAYS)
    return drawn


def _panels(workshop: Workshop, test: Evidence, record: Record) -> list[Panel]:
    """Overlays of the picked images on the image as it was read, before preprocessing."""
    from bench.pictures.overlay import overlay

    name = f"{record.axes['crop']} / {record.axes['model']}"
    shown = read_shown(workshop.folder("predict") / SHOWN)
    panels = []
    for pick in picks(test, record.of_split("validation")["threshold_index"]):
        sample = workshop.dataset.load(pick.id)
        panels.append(panel(overlay(sample.image, sample.mask, shown[pick.id]), name, pick))
    return panels


def read_shown(path: Path) -> dict[str, Bool]:
    """Image id to binary prediction, as the predict stage kept them."""
    with np.load(path, allow_pickle=False) as stored:
        return {str(id): stored[f"mask_{number}"].astype(bool) for number, id in enumerate(stored["ids"])}
