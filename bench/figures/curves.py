"""APRF plots (supplement, figures 5-8) and training curves of chosen cells, from what the store has of them."""

from __future__ import annotations

from collections.abc import Iterator

from bench.figures.choice import Choice, Panel
from bench.figures.drawing import Drawing, stem
from bench.figures.source import NothingToDraw, Source
from bench.pictures.curves import Training, aprf_panels, training_panels
from bench.score.evidence_file import read_evidence
from bench.stages.pictures import aprf_of, training_of

APRF = (
    "Accuracy (A), precision (P), recall (R), F1 and F2 of all pixels of the test split of {on} over the threshold at "
    "which a probability is called a defect. The dotted line (TH) is the threshold at which scores are reported."
)
TRAINING = (
    "Losses on training crops and validation tiles (above) and F1 on the validation split (below) of {on} over the "
    "epochs. E: convergence of the validation loss; the weights of best validation F1 are kept."
)


def aprf(source: Source, choices: list[Choice], width: float) -> Iterator[Drawing]:
    """A figure for each data set, a panel for each cell.

    Raises:
        StoreError: the evidence of a cell is gone.
        DataError: more panels than fit a page.
    """
    for choice in choices:
        cells = []
        for panel in choice.panels:
            test = read_evidence(source.stage(panel.record, "predict") / "test.npz")
            cells.append(aprf_of(test, panel.record, panel.name))
        caption = [APRF.format(on=choice.on), *choice.told, source.told]
        yield Drawing(stem("aprf", choice.on, [one.on for one in choices]), aprf_panels(cells, width), caption)


def training(source: Source, choices: list[Choice], width: float) -> Iterator[Drawing]:
    """A figure for each data set, a panel for each cell that was trained.

    Raises:
        StoreError: what a training left is gone.
        NothingToDraw: none of the cells was trained.
        DataError: more panels than fit a page.
    """
    for choice in choices:
        panels, cells = _trained(source, choice)
        if not cells:
            raise NothingToDraw(f"nothing was trained on {choice.on}")
        trained = Choice(choice.on, tuple(panels), choice.how)
        caption = [TRAINING.format(on=choice.on), *trained.told, source.told]
        name = stem("training", choice.on, [one.on for one in choices])
        yield Drawing(name, training_panels(cells, width), caption)


def _trained(source: Source, choice: Choice) -> tuple[list[Panel], list[Training]]:
    panels, cells = [], []
    for panel in choice.panels:
        found = training_of(source.stage(panel.record, "train"), panel.record, panel.name)
        if found is not None:
            panels.append(panel)
            cells.append(found)
    return panels, cells
