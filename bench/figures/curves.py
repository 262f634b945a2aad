"""APRF plots (supplement, figures 5-8) and training curves of chosen cells, from what the store has of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.figures.choice import Choice, Panel, of_choices
from bench.figures.drawing import Drawing, Sketch
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


def aprf(source: Source, choices: Sequence[Choice], width: float) -> Iterator[Sketch]:
    """A figure for each data set, a panel for each cell."""
    return of_choices("aprf", choices, lambda choice: _aprf(source, choice, width))


def _aprf(source: Source, choice: Choice, width: float) -> Drawing:
    """Draw it.

    Raises:
        StoreError: the evidence of a cell is gone.
        DataError: more panels than fit a page.
    """
    cells = []
    for panel in choice.panels:
        test = read_evidence(source.stage(panel.record, "predict") / "test.npz")
        cells.append(aprf_of(test, panel.record, panel.name))
    return Drawing(aprf_panels(cells, width), [APRF.format(on=choice.on), *choice.told, source.told])


def training(source: Source, choices: Sequence[Choice], width: float) -> Iterator[Sketch]:
    """A figure for each data set, a panel for each cell that was trained."""
    return of_choices("training", choices, lambda choice: _training(source, choice, width))


def _training(source: Source, choice: Choice, width: float) -> Drawing:
    """Draw it.

    Raises:
        StoreError: what a training left is gone.
        NothingToDraw: none of the cells was trained.
        DataError: more panels than fit a page.
    """
    panels, cells = _trained(source, choice)
    if not cells:
        raise NothingToDraw(f"nothing was trained on {choice.on}")
    trained = Choice(choice.on, tuple(panels), choice.how)
    return Drawing(training_panels(cells, width), [TRAINING.format(on=choice.on), *trained.told, source.told])


def _trained(source: Source, choice: Choice) -> tuple[list[Panel], list[Training]]:
    panels, cells = [], []
    for panel in choice.panels:
        found = training_of(source.stage(panel.record, "train"), panel.record, panel.name)
        if found is not None:
            panels.append(panel)
            cells.append(found)
    return panels, cells
