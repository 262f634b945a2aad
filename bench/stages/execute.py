"""What a worker does for a cell: finish each stage of its chain, then file the record.

Every stage has a file of its own, with one function that takes the cell's run, the stage and an empty folder, fills
the folder and returns the stage's note. Torch is imported where it is used, so that importing this is light.
"""

from __future__ import annotations

from pathlib import Path

from bench.catalog import Catalog
from bench.errors import Damaged
from bench.jobs import Job, Report
from bench.stages.cell_run import CellRun, Note, finish
from bench.stages.crops import noted_crops
from bench.stages.filing import filed
from bench.stages.healing import forgot_damage
from bench.stages.predict import run_predict
from bench.stages.tiles import tiled
from bench.stages.train import trained
from bench.train.stop import Stop


def run_cell(job: Job, catalog: Catalog, report: Report, stop: Stop) -> None:
    """Finish every stage of a cell and file its record; a job without a record ends with the weights, or before.

    What turns out to be damaged on the way is done again, once.

    Raises:
        Stopped: its training was asked to stop.
    """
    run = CellRun(job, catalog, report, stop)
    try:
        _run(run)
    except Damaged:
        if not forgot_damage(run):
            raise
        _run(CellRun(job, catalog, report, stop))


def _run(run: CellRun) -> None:
    if run.job.until:
        tiled(run)
        if run.job.until == "crops":
            noted_crops(run)
        return
    notes = _learn(run)
    if not run.job.record:
        return
    notes["predict"] = finish(run, "predict", run_predict)
    filed(run, notes, Path(run.job.record))


def _learn(run: CellRun) -> dict[str, Note]:
    """Finish the stages that give a cell's weights; training has crops drawn where something is trained on them."""
    notes = {"tiles": tiled(run), "train": trained(run)}
    if notes["train"]["fitted"]:
        notes["crops"] = noted_crops(run)
    return notes
